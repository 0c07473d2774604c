"""Bybit's records of an account: executions, closed profit and the transaction log.

A takeover is an execution of type BustTrade at the bankruptcy price, a step of the ladder before it a Trade with createType
CreateByLiq, an auto-deleveraging an AdlTrade. A linear contract ends with an execution of type Delivery, an inverse one with
Settle, both in the transaction log as DELIVERY (for the inverse one UNVERIFIED). Changes of margin, leverage and margin mode, the
exchange's own too, leave no record anywhere: only the position shows them. "Get Trade History", "Get Closed PnL", "Get
Transaction Log" and "Enums Definitions" (execType, createType, type), read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monitor.practice.call import text
from monitor.practice.engine.accounts import CLOSING, TRADES, Kind, Record
from monitor.practice.wire.route import Request, between
from monitor.practice.wire.rows_bybit import envelope, page
from monitor.practice.wire.view import fills

_CREATED_BY = {
    Kind.CUT: "CreateByLiq",
    Kind.TAKEOVER: "CreateByTakeOver_PassThrough",
    Kind.DELEVERAGE: "CreateByAdl_PassThrough",
    Kind.DELIVERY: "CreateBySettle",
}
_LOGGED = {
    Kind.DEPOSIT: "TRANSFER_IN",
    Kind.OPEN: "TRADE",
    Kind.CLOSE: "TRADE",
    Kind.FUNDING: "SETTLEMENT",
    Kind.CUT: "LIQUIDATION",
    Kind.TAKEOVER: "LIQUIDATION",
    Kind.DELEVERAGE: "ADL",
    Kind.DELIVERY: "DELIVERY",
}
_CLOSED_BY = {Kind.TAKEOVER: "BustTrade", Kind.DELIVERY: "Settle"}


def _records(request: Request, kinds: set[Kind]) -> list[Record]:
    """Records of the asked category, symbol and window, newest first."""
    category, symbol = request.get("category"), request.get("symbol")
    found = []
    for record in reversed(request.account.records):
        contract = record.contract
        here = contract is None or (category in {"", "inverse" if contract.inverse else "linear"} and symbol in {"", contract.id})
        if record.kind in kinds and here and between(request, record.at):
            found.append(record)
    return found


def _side(record: Record) -> str:
    return "Buy" if record.buys else "Sell"


def _held_side(record: Record) -> str:
    """The side of the position that a row without a trade is about."""
    if record.contract is None:
        return "None"
    return "Buy" if record.long else "Sell"


def _exec_type(record: Record) -> str:
    match record.kind:
        case Kind.TAKEOVER:
            return "BustTrade"
        case Kind.DELEVERAGE:
            return "AdlTrade"
        case Kind.DELIVERY:
            return "Settle" if record.contract is not None and record.contract.inverse else "Delivery"
        case _:
            return "Trade"


def _fee_rate(request: Request, record: Record) -> str:
    terms = request.exchange.terms["bybit"]
    special = {Kind.DELEVERAGE: terms.deleverage_fee, Kind.DELIVERY: terms.delivery_fee, Kind.FUNDING: record.rate}
    return text(special.get(record.kind, request.account.fee_rate))


def executions(request: Request) -> Any:
    """execution/list."""
    rows = []
    for fill in fills(_records(request, set(TRADES))):
        record = fill.record
        if record.contract is None:
            continue
        rows.append(
            {
                "symbol": record.contract.id,
                "orderType": "UNKNOWN" if record.kind is Kind.TAKEOVER else "Market",
                "underlyingPrice": "",
                "orderLinkId": "",
                "side": _side(record),
                "indexPrice": "",
                "orderId": f"order-{record.fill}",
                "stopOrderType": "UNKNOWN",
                "leavesQty": "0",
                "execTime": str(record.at),
                "feeCurrency": "",
                "isMaker": False,
                "execFee": text(-record.fee, 8),
                "feeRate": _fee_rate(request, record),
                "execId": f"exec-{record.fill}",
                "tradeIv": "",
                "blockTradeId": "",
                "markPrice": text(record.mark),
                "execPrice": text(record.price, 8),
                "markIv": "",
                "orderQty": text(record.quantity),
                "orderPrice": text(record.price, 8),
                "execValue": text(record.contract.value(record.quantity, record.price), 8),
                "execType": _exec_type(record),
                "execQty": text(record.quantity),
                "closedSize": text(fill.closed),
                "execPnl": text(record.profit, 8),
                "createType": _CREATED_BY.get(record.kind, "CreateByUser"),
                "extraFees": "",
                "seq": record.id,
            }
        )
    wanted = request.get("execType")
    rows = [row for row in rows if wanted in {"", row["execType"]}]
    return envelope({"category": request.get("category")} | page(rows, dict(request.params), limit=50, most=100), request.at)


def closed_profit(request: Request) -> Any:
    """position/closed-pnl: closing profit less the fee of closing."""
    rows = []
    for record in _records(request, set(CLOSING)):
        contract = record.contract
        if contract is None:
            continue
        rows.append(
            {
                "symbol": contract.id,
                "orderType": "Market",
                "leverage": text(record.leverage),
                "updatedTime": str(record.at),
                "createdTime": str(record.at),
                "side": _side(record),
                "orderId": f"order-{record.fill}",
                "closedPnl": text(record.profit + record.fee, 8),
                "openFee": "0",
                "closeFee": text(-record.fee, 8),
                "avgEntryPrice": text(record.entry, 8),
                "avgExitPrice": text(record.price, 8),
                "qty": text(record.quantity),
                "closedSize": text(record.quantity),
                "cumEntryValue": text(contract.value(record.quantity, record.entry), 8),
                "cumExitValue": text(contract.value(record.quantity, record.price), 8),
                "orderPrice": text(record.price, 8),
                "execType": _CLOSED_BY.get(record.kind, "Trade"),
                "fillCount": "1",
            }
        )
    return envelope({"category": request.get("category")} | page(rows, dict(request.params), limit=50, most=100), request.at)


def transaction_log(request: Request) -> Any:
    """account/transaction-log: every change of the wallet balance; margin changes are none."""
    rows = []
    for record in _records(request, set(_LOGGED)):
        contract = record.contract
        trade = bool(record.quantity)
        rows.append(
            {
                "id": f"log-{record.id}",
                "symbol": contract.id if contract else "",
                "category": ("inverse" if contract.inverse else "linear") if contract else "",
                "side": _side(record) if trade else _held_side(record),
                "transactionTime": str(record.at),
                "type": _LOGGED[record.kind],
                "transSubType": "",
                "qty": text(record.quantity or record.left),
                "size": text(record.left),
                "currency": record.currency,
                "tradePrice": text(record.price, 8),
                "funding": text(record.amount, 8) if record.kind is Kind.FUNDING else "",
                "fee": text(-record.fee, 8),
                "cashFlow": text(record.profit + record.penalty + (record.amount if record.kind is Kind.DEPOSIT else 0), 8),
                "change": text(record.own_change, 8),
                "cashBalance": text(record.wallet, 8),
                "feeRate": _fee_rate(request, record),
                "bonusChange": "",
                "tradeId": f"exec-{record.fill}" if trade else "",
                "orderId": f"order-{record.fill}" if trade else "",
                "orderLinkId": "",
                "extraFees": "",
            }
        )
    wanted, currency = request.get("type"), request.get("currency")
    rows = [row for row in rows if wanted in {"", row["type"]} and currency in {"", row["currency"]}]
    return envelope(page(rows, dict(request.params), limit=20, most=50), request.at)


HISTORY: dict[str, tuple[Callable[[Request], Any], int]] = {
    "execution/list": (executions, 50),
    "position/closed-pnl": (closed_profit, 50),
    "account/transaction-log": (transaction_log, 25),
}
"""Path below v5, and how often a key may call it in a second."""
