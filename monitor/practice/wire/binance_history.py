"""Binance's records of an account: margin changes, forced orders, income and trades.

A liquidation leaves an order with a client id of ``autoclose-`` (forceOrders), its trade, and in the income the realised loss and
INSURANCE_CLEAR: what the insurance fund took, or gave. An auto-deleveraging leaves an order ``adl_autoclose`` (forceOrders too),
a delivery or delisting one ``settlement_autoclose-`` (only in allOrders) and its profit as DELIVERED_SETTELMENT (sic; that this
stands in place of REALIZED_PNL is UNVERIFIED). USD-M and COIN-M "User's Force Orders", "All Orders", "Account Trade List", "Get
Income History", "Get Position Margin Change History", "Event: Order Update", read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.practice.call import Reply, text
from monitor.practice.engine.accounts import TRADES, Kind, Record
from monitor.practice.wire.route import Denied, Request, between
from monitor.practice.wire.view import fills

_SIDES = {"net": "BOTH", "long": "LONG", "short": "SHORT"}
_DELTAS = {Kind.ADD: "USER_ADJUST", Kind.REDUCE: "USER_ADJUST", Kind.AUTO_ADD: "AUTO_ADD_MARGIN"}
_DELTAS |= dict.fromkeys((Kind.OPEN, Kind.CLOSE, Kind.DELEVERAGE), "TRADE")
_FORCED = {"LIQUIDATION": {Kind.CUT, Kind.TAKEOVER}, "ADL": {Kind.DELEVERAGE}, "": {Kind.CUT, Kind.TAKEOVER, Kind.DELEVERAGE}}


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
    """positionMargin/history: what the owner moved (USER_ADJUST), what fills moved (TRADE), what Binance added by itself.

    The mark of the last, and that COIN-M marks its rows at all, are UNVERIFIED: the page shows USER_ADJUST only.
    """
    _symbol_needed(request)
    rows = [
        {
            "symbol": record.contract.id if record.contract else "",
            "type": 1 if record.into_margin > 0 else 2,
            "deltaType": _DELTAS[record.kind],
            "amount": text(abs(record.into_margin)),
            "asset": record.currency,
            "time": record.at,
            "positionSide": _SIDES[record.slot],
            "clientTranId": "",
        }
        for record in _records(request, coin=coin, kinds=set(_DELTAS))
        if record.into_margin
    ]
    wanted = request.get("type")
    return _last(request, [row for row in rows if wanted in {"", str(row["type"])}], 50 if coin else 500)


def forced_orders(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """forceOrders: liquidation orders and auto-deleveraging, both unless ``autoCloseType`` asks for one."""
    return _last(request, _orders(request, coin=coin, kinds=_FORCED.get(request.get("autoCloseType"), set())), 50)


def all_orders(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """allOrders: the owner's and the exchange's."""
    _symbol_needed(request)
    return _last(request, _orders(request, coin=coin, kinds=set(TRADES)), 50 if coin else 500)


def _client_id(record: Record) -> str:
    """Who placed the order, as its client id tells."""
    match record.kind:
        case Kind.CUT | Kind.TAKEOVER:
            return f"autoclose-{record.fill}"
        case Kind.DELEVERAGE:
            return "adl_autoclose"
        case Kind.DELIVERY:
            return f"settlement_autoclose-{record.fill}"
        case _:
            return f"web_{record.fill}"


def _orders(request: Request, *, coin: bool, kinds: set[Kind]) -> list[dict[str, Any]]:
    """One row an order; each here has one fill, with the same id."""
    rows = []
    for fill in fills(_records(request, coin=coin, kinds=kinds)):
        record, contract = fill.record, fill.record.contract
        if contract is None:
            continue
        own = record.kind in {Kind.OPEN, Kind.CLOSE}
        traded = text(contract.value(record.quantity, record.price), 8)
        rows.append(
            {
                "orderId": record.fill,
                "symbol": contract.id,
                "pair": contract.id.partition("_")[0],
                "status": "FILLED",
                "clientOrderId": _client_id(record),
                "price": "0" if own else text(record.price, 8),
                "avgPrice": text(record.price, 8),
                "origQty": text(record.quantity),
                "executedQty": text(record.quantity),
                "cumBase" if coin else "cumQuote": traded,
                "timeInForce": "GTC" if own else "IOC",
                "type": "MARKET" if own else "LIMIT",
                "reduceOnly": False,
                "closePosition": False,
                "side": "BUY" if record.buys else "SELL",
                "positionSide": _SIDES[record.slot],
                "stopPrice": "0",
                "workingType": "CONTRACT_PRICE",
                "origType": "MARKET" if own else "LIMIT",
                "time": record.at,
                "updateTime": record.at,
            }
        )
    return rows


def income(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """income: every change of what the account owns, one row each."""
    rows: list[dict[str, Any]] = []
    site = {c.settle for c in request.exchange.contracts.values() if c.exchange == "binance" and c.inverse is coin}
    for record in _records(request, coin=coin, kinds=set(Kind)):
        if record.currency not in site:
            continue
        moved: list[tuple[str, Decimal]] = [
            ("DELIVERED_SETTELMENT" if record.kind is Kind.DELIVERY else "REALIZED_PNL", record.profit),
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
                "tradeId": str(record.fill) if record.quantity else "",
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
    for fill in fills(_records(request, coin=coin, kinds=set(TRADES))):
        record = fill.record
        if record.contract is None:
            continue
        rows.append(
            {
                "symbol": record.contract.id,
                "id": record.fill,
                "orderId": record.fill,
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
    "allOrders": (all_orders, 5),
    "income": (income, 30),
    "userTrades": (trades, 5),
}
"""Path below fapi/v1 and dapi/v1, and its weight."""
