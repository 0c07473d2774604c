"""Binance's records into our words: trades, forced orders, income, margin changes. Pure.

Sources (developers.binance.com, derivatives, USDS-M and COIN-M: Account Trade List, User's Force Orders, Get Income History, Get
Position Margin Change History, Event: Order Update; read 2026-11-23). A trade does not say who ordered it: its order does, by
its client id. ``realizedPnl`` is without the fee; ``commission`` above 0 is paid, and may be in another asset than the margin's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from monitor.exchanges import figures
from monitor.exchanges.legs import on_side
from monitor.exchanges.records import Asked, Gathered, Row, ended_by_exchange
from monitor.lives.records import Fill, FillCause, Flow, FlowKind
from monitor.margin.position import Position, Side
from monitor.margin.quantities import ZERO

_BY_CLIENT_ID = {"autoclose-": FillCause.LIQUIDATION, "adl_autoclose": FillCause.DELEVERAGED}
_BY_HAND = "USER_ADJUST"
_BY_FILLS = "TRADE"
_BY_BINANCE = "AUTO"
"""How marks of Binance's own automatic margin begin. UNVERIFIED: the page shows USER_ADJUST only."""


def is_closing(row: Row, position: Position) -> bool:
    """Whether a trade goes against the position's side."""
    return (row["side"] == "SELL") is (position.key.side is Side.LONG)


def is_of(row: Row, position: Position) -> bool:
    """Whether a row speaks of the position's side: in hedge mode both have their own, else neither is named."""
    return bool(row["positionSide"] == (position.key.side.value.upper() if position.hedged else "BOTH"))


def causes(orders: Iterable[Row], position: Position) -> dict[str, FillCause]:
    """Why each order was placed, by its id: the exchange's own have client ids of their own (Event: Order Update)."""
    ended = ended_by_exchange(position)
    begins = {**_BY_CLIENT_ID, "settlement_autoclose": ended, "delivery_autoclose": ended}
    found = {}
    for row in orders:
        client = str(row["clientOrderId"])
        found[str(row["orderId"])] = next((cause for mark, cause in begins.items() if client.startswith(mark)), FillCause.TRADE)
    return found


def parse_fills(rows: Iterable[Row], asked: Asked, marks: Mapping[str, FillCause], found: Gathered) -> list[Fill]:
    """The fills of the position among a symbol's trades, oldest first; ``marks``: why Binance placed an order, by its id."""
    position = asked.position
    mine = {int(row["id"]): row for row in rows if is_of(row, position)}
    ordered = sorted(mine.values(), key=lambda row: (int(row["time"]), int(row["id"])))
    fills = [_fill(row, asked, marks, found) for row in ordered]
    return fills if position.hedged else on_side(fills, position, asked.sized)


def _fill(row: Row, asked: Asked, marks: Mapping[str, FillCause], found: Gathered) -> Fill:
    order = str(row["orderId"])
    fee = _fee(row, asked.position, found)
    return Fill(
        at=asked.ours(row["time"]),
        cause=marks.get(order, FillCause.TRADE),
        contracts=abs(figures.amount(row["qty"])),
        closes=is_closing(row, asked.position),
        price=figures.price(row["price"]),
        profit=figures.amount(row["realizedPnl"]),
        fee=fee,
        fee_elsewhere=fee is None,
        id=str(row["id"]),
        order=order,
    )


def _fee(row: Row, position: Position, found: Gathered) -> Decimal | None:
    """The fee in the settle currency; None where it was paid in another asset (BNB)."""
    paid = figures.amount(row.get("commission") or 0)
    asset = str(row.get("commissionAsset") or row.get("marginAsset") or "")
    if paid and asset != str(row.get("marginAsset") or position.instrument.settle_currency):
        found.lack(f"fees: some were paid in {asset[:12]}")
        return None
    return ZERO - paid


def add_margin(rows: Iterable[Row], asked: Asked, found: Gathered) -> None:
    """Margin put in or taken out; what fills moved is no change of its own."""
    position = asked.position
    flows = []
    for row in rows:
        mark = str(row.get("deltaType") or "")
        if mark == _BY_FILLS or not is_of(row, position):
            continue
        amount, adds = abs(figures.amount(row["amount"])), str(row["type"]) == "1"
        kind = FlowKind.MARGIN_ADDED if adds else FlowKind.MARGIN_TAKEN
        if adds and mark.startswith(_BY_BINANCE):
            kind = FlowKind.AUTO_ADDED
        elif mark not in {"", _BY_HAND}:
            found.lack(f"who changed the margin: Binance marks it {mark[:30]}")
        elif not mark and position.exchange_adds_margin:
            found.lack("who changed the margin: COIN-M does not say, and Binance's own automatic margin is on")
        flows.append(Flow(at=asked.ours(row["time"]), kind=kind, amount=amount if adds else -amount))
    found.flows += flows
    found.kept |= {FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED}


def add_funding(rows: Iterable[Row], asked: Asked, found: Gathered, *, whole: bool) -> None:
    """Funding over the life of the position, where it can be told whose it is; ``whole``: its record goes back that far."""
    flows = [_flow(row, asked, FlowKind.FUNDING) for row in _once(rows)]
    if asked.position.hedged and flows:
        found.lack("funding: in hedge mode Binance's record does not say which side it is of")
        return
    found.flows += flows
    if whole:
        found.kept.add(FlowKind.FUNDING)
    else:
        found.lack("funding: Binance tells no more than the last three months of it")


def insured(
    fills: Sequence[Fill], rows: Iterable[Row], liquidated: Mapping[str, str], asked: Asked, found: Gathered
) -> list[Fill]:
    """The fills with what their income row says of the insurance fund; rows that name no trade become flows of their own.

    ``liquidated``: the side (positionSide) of each trade of a liquidation, by its id. In hedge mode a row without a trade is of
    the side that was liquidated, if only one was.
    """
    mine, sides = {fill.id for fill in fills}, set(liquidated.values())
    amounts: dict[str, Decimal] = {}
    told = False
    for row in _once(rows):
        trade = str(row.get("tradeId") or "")
        if trade in mine:
            amounts[trade] = amounts.get(trade, ZERO) + figures.amount(row["income"])
        elif trade not in liquidated and len(sides) > 1:
            found.lack("insurance: both sides were liquidated, and a row of it names no trade")
        elif trade not in liquidated:
            found.flows.append(_flow(row, asked, FlowKind.INSURANCE))
            told = True
    if amounts or told:
        found.kept.add(FlowKind.INSURANCE)
    else:
        found.lack("insurance: Binance has no row of it yet", again=True)
    return [replace(fill, insurance=amounts[fill.id]) if fill.id in amounts else fill for fill in fills]


def _flow(row: Row, asked: Asked, kind: FlowKind) -> Flow:
    """One row of income."""
    return Flow(at=asked.ours(row["time"]), kind=kind, amount=figures.amount(row["income"]), id=str(row.get("tranId") or ""))


def _once(rows: Iterable[Row]) -> list[Row]:
    """Each row of income once: a ``tranId`` is its own within one kind of income."""
    return list({(str(row["tranId"]), str(row["time"])): row for row in rows}.values())
