"""Binance's records of an account: margin changes, forced orders, income and trades.

A liquidation leaves an order with a client id of ``autoclose-`` (forceOrders), its trade, and in the income the realised loss and
INSURANCE_CLEAR: what the insurance fund took, or gave. Account and trade pages, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.practice.call import Reply, text
from monitor.practice.engine.accounts import Kind, Record
from monitor.practice.wire.route import Denied, Request, between

_SIDES = {"net": "BOTH", "long": "LONG", "short": "SHORT"}


def _records(request: Request, *, coin: bool, kinds: set[Kind]) -> list[Record]:
    """Records of one site in the asked window, oldest first."""
    symbol = request.get("symbol")
    return [
        record
        for record in request.account.records
        if record.kind in kinds
        and (record.contract is None or record.contract.inverse is coin)
        and (not symbol or (record.contract is not None and record.contract.id == symbol))
        and between(request, record.at)
    ]


def _last(request: Request, rows: list[dict[str, Any]], default: int) -> list[dict[str, Any]]:
    """The newest rows that fit the limit."""
    return rows[-int(request.get("limit", str(default))) :]


def _symbol_needed(request: Request) -> None:
    if not request.get("symbol"):
        message = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
        raise Denied(Reply(body={"code": -1102, "msg": message}, status=400))


def margin_changes(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """positionMargin/history: what the owner moved."""
    _symbol_needed(request)
    rows = [
        {
            "symbol": record.contract.id if record.contract else "",
            "type": 1 if record.kind is Kind.ADD else 2,
            "deltaType": "USER_ADJUST",
            "amount": text(abs(record.into_margin)),
            "asset": record.currency,
            "time": record.at,
            "positionSide": _SIDES[record.slot],
            "clientTranId": "",
        }
        for record in _records(request, coin=coin, kinds={Kind.ADD, Kind.REDUCE})
    ]
    wanted = request.get("type")
    return _last(request, [row for row in rows if wanted in {"", str(row["type"])}], 50 if coin else 500)


def forced_orders(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """forceOrders: liquidation orders; there is no automatic deleveraging here."""
    if request.get("autoCloseType", "LIQUIDATION") != "LIQUIDATION":
        return []
    rows = []
    for record in _records(request, coin=coin, kinds={Kind.CUT, Kind.TAKEOVER}):
        contract = record.contract
        if contract is None:
            continue
        traded = text(contract.value(record.quantity, record.price), 8)
        rows.append(
            {
                "orderId": record.id,
                "symbol": contract.id,
                "pair": contract.id.partition("_")[0],
                "status": "FILLED",
                "clientOrderId": f"autoclose-{record.id}",
                "price": text(record.price, 8),
                "avgPrice": text(record.price, 8),
                "origQty": text(record.quantity),
                "executedQty": text(record.quantity),
                "cumBase" if coin else "cumQuote": traded,
                "timeInForce": "IOC",
                "type": "LIMIT",
                "reduceOnly": False,
                "closePosition": False,
                "side": "BUY" if record.buys else "SELL",
                "positionSide": _SIDES[record.slot],
                "stopPrice": "0",
                "workingType": "CONTRACT_PRICE",
                "origType": "LIMIT",
                "time": record.at,
                "updateTime": record.at,
            }
        )
    return _last(request, rows, 50)


def income(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """income: every change of what the account owns, one row each."""
    rows: list[dict[str, Any]] = []
    site = {c.settle for c in request.exchange.contracts.values() if c.exchange == "binance" and c.inverse is coin}
    for record in _records(request, coin=coin, kinds=set(Kind)):
        if record.currency not in site:
            continue
        moved: list[tuple[str, Decimal]] = [
            ("REALIZED_PNL", record.profit),
            ("COMMISSION", record.fee),
            ("INSURANCE_CLEAR", record.penalty),
            ("FUNDING_FEE" if record.kind is Kind.FUNDING else "TRANSFER", record.amount),
        ]
        rows += [
            {
                "symbol": record.contract.id if record.contract else "",
                "incomeType": kind,
                "income": text(amount, 8),
                "asset": record.currency,
                "info": kind,
                "time": record.at,
                "tranId": record.id * 10 + index,
                "tradeId": str(record.id) if record.quantity else "",
            }
            for index, (kind, amount) in enumerate(moved)
            if amount
        ]
    wanted = request.get("incomeType")
    return [row for row in rows if wanted in {"", row["incomeType"]}][: int(request.get("limit", "100"))]


def trades(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """UserTrades."""
    if not coin:
        _symbol_needed(request)
    rows = []
    for record in _records(request, coin=coin, kinds={Kind.OPEN, Kind.CLOSE, Kind.CUT, Kind.TAKEOVER}):
        if record.contract is None:
            continue
        rows.append(
            {
                "symbol": record.contract.id,
                "id": record.id,
                "orderId": record.id,
                "side": "BUY" if record.buys else "SELL",
                "price": text(record.price, 8),
                "qty": text(record.quantity),
                "realizedPnl": text(record.profit, 8),
                "marginAsset": record.currency,
                "baseQty" if coin else "quoteQty": text(record.contract.value(record.quantity, record.price), 8),
                "commission": text(-record.fee, 8),
                "commissionAsset": record.currency,
                "time": record.at,
                "positionSide": _SIDES[record.slot],
                "buyer": record.buys,
                "maker": False,
            }
        )
    return _last(request, rows, 500 if not coin else 50)


HISTORY: dict[str, tuple[Callable[..., list[dict[str, Any]]], int]] = {
    "positionMargin/history": (margin_changes, 1),
    "forceOrders": (forced_orders, 20),
    "income": (income, 30),
    "userTrades": (trades, 5),
}
"""Path below fapi/v1 and dapi/v1, and its weight."""
