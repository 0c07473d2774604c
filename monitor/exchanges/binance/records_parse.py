"""Binance's records into our words: trades, forced orders, income, margin changes. Pure.

Sources (developers.binance.com, derivatives, USDS-M and COIN-M: Account Trade List, User's Force Orders, Get Income History, Get
Position Margin Change History, Event: Order Update; read 2026-11-23). A trade does not say who ordered it: the forced orders do,
by their id. ``realizedPnl`` is without the fee; ``commission`` above 0 is paid, and may be in another asset than the margin's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from monitor.exchanges import figures
from monitor.exchanges.legs import on_side
from monitor.exchanges.records import Asked, Gathered, Row
from monitor.lives.records import Fill, FillCause, Flow, FlowKind
from monitor.margin.position import Position, Side
from monitor.margin.quantities import ZERO, dec

_BY_HAND = "USER_ADJUST"
_BY_FILLS = "TRADE"


def is_closing(row: Row, position: Position) -> bool:
    """Whether a trade goes against the position's side."""
    return (row["side"] == "SELL") is (position.key.side is Side.LONG)


def parse_fills(rows: Iterable[Row], asked: Asked, marks: Mapping[str, FillCause], found: Gathered) -> list[Fill]:
    """The fills of the position among a symbol's trades, oldest first; ``marks``: why Binance placed an order, by its id."""
    position = asked.position
    ordered = sorted({int(row["id"]): row for row in rows}.values(), key=lambda row: (int(row["time"]), int(row["id"])))
    if position.hedged:
        side = position.key.side.value.upper()
        return [_fill(row, asked, marks, found) for row in ordered if row["positionSide"] == side]
    return on_side([_fill(row, asked, marks, found) for row in ordered], position, asked.inquiry.since)


def _fill(row: Row, asked: Asked, marks: Mapping[str, FillCause], found: Gathered) -> Fill:
    order = str(row["orderId"])
    return Fill(
        at=asked.ours(row["time"]),
        cause=marks.get(order, FillCause.TRADE),
        contracts=abs(figures.amount(row["qty"])),
        closes=is_closing(row, asked.position),
        price=figures.price(row["price"]),
        profit=figures.amount(row["realizedPnl"]),
        fee=_fee(row, asked.position, found),
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


def parse_margin(rows: Iterable[Row], asked: Asked, found: Gathered) -> list[Flow]:
    """Margin put in or taken out; what fills moved is no change of its own."""
    flows = []
    wanted = asked.position.key.side.value.upper() if asked.position.hedged else "BOTH"
    for row in rows:
        mark = str(row.get("deltaType") or _BY_HAND)
        if row["positionSide"] != wanted or mark == _BY_FILLS:
            continue
        amount, adds = abs(dec(row["amount"])), str(row["type"]) == "1"
        if mark == _BY_HAND:
            kind = FlowKind.MARGIN_ADDED if adds else FlowKind.MARGIN_TAKEN
        elif adds:
            kind = FlowKind.AUTO_ADDED
        else:
            found.lack(f"margin changes: one of {asked.ours(row['time']):%H:%M:%S} UTC is marked {mark[:30]}")
            kind = FlowKind.MARGIN_TAKEN
        flows.append(Flow(at=asked.ours(row["time"]), kind=kind, amount=amount if adds else -amount))
    return flows


def parse_flow(row: Row, asked: Asked, kind: FlowKind) -> Flow:
    """One row of income."""
    return Flow(at=asked.ours(row["time"]), kind=kind, amount=figures.amount(row["income"]), id=str(row.get("tranId") or ""))


def attach_insurance(
    fills: Sequence[Fill], trades: Iterable[Row], rows: Iterable[Row], asked: Asked, found: Gathered
) -> tuple[list[Fill], list[Flow]]:
    """The fills with what their income row says of the insurance fund; rows that name no trade become flows of their own."""
    mine, all_trades = {fill.id for fill in fills}, {str(row["id"]) for row in trades}
    amounts: dict[str, Decimal] = {}
    flows: list[Flow] = []
    for row in rows:
        trade = str(row.get("tradeId") or "")
        if trade in mine:
            amounts[trade] = amounts.get(trade, ZERO) + figures.amount(row["income"])
        elif trade in all_trades:
            continue
        elif asked.position.hedged:
            found.lack("insurance: in hedge mode a row without a trade does not say which side it is of")
        else:
            flows.append(parse_flow(row, asked, FlowKind.INSURANCE))
    return [replace(fill, insurance=amounts[fill.id]) if fill.id in amounts else fill for fill in fills], flows
