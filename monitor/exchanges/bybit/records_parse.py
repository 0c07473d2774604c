"""Bybit's executions and transaction log into our words. Pure.

Sources (bybit-exchange/docs v5/order/execution.mdx, v5/websocket/private/execution.mdx, v5/account/transaction-log.mdx,
v5/enum.mdx: createType, execType, type(uta-translog); read 2026-11-23). ``closedSize`` tells how much of an execution made a
position smaller: the rest opened one on the order's own side. ``execPnl`` is the log's ``cashFlow``: without the fee. ``execFee``
above 0 is paid. A step of the ladder is an ordinary Trade, made by CreateByLiq; ``BustTrade`` is the takeover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from monitor.exchanges import figures
from monitor.exchanges.legs import part
from monitor.exchanges.records import Asked, Gathered, Row, ended_by_exchange
from monitor.lives.records import Fill, FillCause, Flow, FlowKind
from monitor.margin.position import Side
from monitor.margin.quantities import ZERO, dec_or_none

_SIDES = {"Buy": Side.LONG, "Sell": Side.SHORT}
_FUNDING = "Funding"
_ENDS = {"Delivery", "Settle"}
_SESSION = "SessionSettlePnL"
_BY_TYPE = {"BustTrade": FillCause.LIQUIDATION, "AdlTrade": FillCause.DELEVERAGED}
_BY_MAKER = {
    "CreateByLiq": FillCause.REDUCTION,
    "CreateByTakeOver_PassThrough": FillCause.LIQUIDATION,
    "CreateByAdl_PassThrough": FillCause.DELEVERAGED,
}
_OF_OWNER = ("Trade", "BlockTrade", "MovePosition", "FutureSpread")
_NOT_OF_OWNER = {"CreateByAdminClosing", "CreateBySettle"}
_FORCED = {FillCause.REDUCTION, FillCause.LIQUIDATION, FillCause.DELEVERAGED}


def parse_fills(rows: Iterable[Row], asked: Asked, found: Gathered) -> list[Fill]:
    """The fills of the position among a symbol's executions, oldest first."""
    fills: list[Fill] = []
    symbol = asked.instrument_id
    by_id = {str(row["execId"]): row for row in rows if row["symbol"] == symbol and row["execType"] != _FUNDING}
    for row in sorted(by_id.values(), key=_order):
        quantity = abs(figures.amount(row["execQty"]))
        cause = _cause(row, asked, found)
        against = _SIDES[row["side"]] is not asked.position.key.side
        closed = min(quantity, _closed(row, quantity, cause, against=against))
        contracts = closed if against else quantity - closed
        if contracts:
            fills.append(part(_fill(row, asked, found, cause, quantity, closes=against), contracts))
    return fills


def _fill(row: Row, asked: Asked, found: Gathered, cause: FillCause, quantity: Decimal, *, closes: bool) -> Fill:
    mark = dec_or_none(row.get("markPrice")) or None
    fee, elsewhere = _fee(row, asked, found)
    return Fill(
        at=asked.ours(row["execTime"]),
        cause=cause,
        contracts=quantity,
        closes=closes,
        price=figures.price(row["execPrice"]),
        profit=dec_or_none(row.get("execPnl")) if closes else ZERO,
        fee=fee,
        fee_elsewhere=elsewhere,
        trigger_price=mark if cause in _FORCED else None,
        id=str(row["execId"]),
        order=str(row.get("orderId") or ""),
    )


def _closed(row: Row, quantity: Decimal, cause: FillCause, *, against: bool) -> Decimal:
    """The contracts of an execution that made a position smaller; what the exchange itself does always does so."""
    told = dec_or_none(row.get("closedSize"))
    if told:
        return told
    if cause is not FillCause.TRADE or ("closedSize" not in row and against):
        return quantity
    return ZERO


def _cause(row: Row, asked: Asked, found: Gathered) -> FillCause:
    """Who made an execution: by its type where that says it, else by who made its order."""
    kind, maker = str(row["execType"]), str(row.get("createType") or "")
    cause = _BY_TYPE.get(kind) or _BY_MAKER.get(maker)
    if cause is not None:
        return cause
    if kind in _ENDS or maker in _NOT_OF_OWNER:
        return ended_by_exchange(asked.position)
    if kind not in _OF_OWNER:
        found.lack(f"the cause of an execution of type {kind[:30]} is not known here")
        return FillCause.SETTLED
    if not maker:
        found.lack("Bybit does not say who made some of the orders: they count as the owner's")
    return FillCause.TRADE


def _fee(row: Row, asked: Asked, found: Gathered) -> tuple[Decimal | None, bool]:
    """The fee in the settle currency, with taxes; None where some was paid in another coin, and whether all of it was."""
    settle = asked.position.instrument.settle_currency
    paid = [(row.get("execFee") or 0, row.get("feeCurrency"))]
    extra = row.get("extraFees")
    if isinstance(extra, list):
        paid += [(one["fee"], one["feeCoin"]) for one in extra]
    total, others = ZERO, False
    for amount, coin in paid:
        fee = figures.amount(amount)
        if fee and coin not in {None, "", settle}:
            found.lack(f"fees: some were paid in {str(coin)[:12]}")
            others = True
        else:
            total -= fee
    return (None, not total) if others else (total, False)


def _order(row: Row) -> tuple[int, int, str]:
    return int(row["execTime"]), int(row.get("seq") or 0), str(row["execId"])


def check_closed(closed: Iterable[Row], rows: Iterable[Row], asked: Asked, found: Gathered) -> None:
    """Closed orders of which there is no execution: the executions are not all there yet."""
    executed = {str(row.get("orderId")) for row in rows}
    late = [
        row for row in closed if str(row["orderId"]) not in executed and asked.ours(row["updatedTime"]) >= asked.inquiry.since
    ]
    # Three times a day USDC contracts are settled in between: that closes nothing, and has no execution.
    if any(row["symbol"] == asked.instrument_id and row.get("execType") != _SESSION for row in late):
        found.lack("executions: closed-pnl knows of an order that they do not tell yet", again=True)


def with_money(fills: Sequence[Fill], rows: Iterable[Row]) -> list[Fill]:
    """The fills whose profit the executions left out, with that of the log."""
    flows = {str(row.get("tradeId") or ""): figures.amount(row["cashFlow"]) for row in rows if row.get("tradeId")}
    return [replace(fill, profit=flows.get(fill.id)) if fill.profit is None else fill for fill in fills]


def add_funding(rows: Iterable[Row], asked: Asked, found: Gathered) -> None:
    """The funding of the position among the settlements of its coin: all of it, or none where a row says not whose it is."""
    position = asked.position
    of_symbol = [row for row in rows if row["type"] == "SETTLEMENT" and row["symbol"] == asked.instrument_id]
    flows: list[Flow] = []
    for row in {(str(row["id"]), str(row["transactionTime"]), str(row.get("side"))): row for row in of_symbol}.values():
        side = _SIDES.get(str(row.get("side")))
        if int(row["transactionTime"]) < asked.born or side not in {None, position.key.side}:
            continue
        if position.hedged and side is None:
            found.lack("funding: in hedge mode some rows do not say which side they are of")
            return
        if figures.amount(row.get("cashFlow") or 0):
            found.lack("profit: some of it was settled before the position was closed (USDC session settlement)")
        amount = figures.amount(row.get("funding") or 0)
        at = asked.ours(row["transactionTime"])
        # The wallet pays it, and the margin only where the wallet is empty: then the difference shows that.
        flows.append(Flow(at=at, kind=FlowKind.FUNDING, amount=amount, in_margin=False, id=str(row["id"])))
    found.flows += flows
    found.kept.add(FlowKind.FUNDING)
