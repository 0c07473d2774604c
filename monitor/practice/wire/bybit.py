"""Bybit's replies from the engine: position list, account, wallet, tiers and margin changes.

Shapes: V5 position, account and market pages (bybit-exchange/docs) and recorded replies, read 2026-11-22.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.practice.call import Reply, text
from monitor.practice.engine.accounts import Slot
from monitor.practice.engine.contracts import Contract
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.wire.bybit_history import HISTORY
from monitor.practice.wire.route import Denied, Request, Route, Routes
from monitor.practice.wire.rows_bybit import (
    KEY_RIGHTS,
    coin_row,
    envelope,
    instrument_row,
    page,
    risk_rows,
    wallet_result,
)
from monitor.practice.wire.view import View, held, views

INDEX = {Slot.NET: 0, Slot.LONG: 1, Slot.SHORT: 2}
FIRST_RISK_ID = 1


def listed(request: Request) -> list[Contract]:
    """The contracts of the category, narrowed to ``symbol`` where asked; retCode 10001 for another category."""
    category, symbol = request.get("category"), request.get("symbol")
    if category not in {"linear", "inverse"}:
        raise Denied(Reply(body=envelope({}, request.at, code=10001, message="params error: category invalid")))
    contracts = [c for c in request.exchange.contracts.values() if c.exchange == "bybit" and c.inverse is (category == "inverse")]
    return [contract for contract in contracts if not symbol or contract.id == symbol]


def position_list(request: Request) -> Any:
    """position/list: open positions of a settle coin; by symbol flat slots too."""
    contracts = {contract.id: contract for contract in listed(request)}
    symbol, settle = request.get("symbol"), request.get("settleCoin")
    if request.get("category") == "linear" and not symbol and not settle:
        message = "params error: symbol or settleCoin is required"
        raise Denied(Reply(body=envelope({}, request.at, code=10001, message=message)))
    mine = [view for view in views(request.exchange, request.account) if view.position.contract.id in contracts]
    rows = [_row(view) for view in mine if symbol or settle in {"", view.stake.contract.settle}]
    if symbol and symbol in contracts:
        taken = {view.position.slot for view in mine}
        two_sided = request.account.hedge and not contracts[symbol].inverse
        slots = (Slot.LONG, Slot.SHORT) if two_sided else (Slot.NET,)
        rows += [_flat_row(request, contracts[symbol], slot) for slot in slots if slot not in taken]
    return envelope({"category": request.get("category")} | page(rows, dict(request.params)), request.at)


def _row(view: View) -> dict[str, Any]:
    """One open position: positionIM with reserved fee and margin changes, positionMM the requirement at the mark."""
    contract, position = view.stake.contract, view.position
    price = view.liquidation
    in_range = price is not None and contract.tick < price < Decimal("1999999.8")
    margin = text(view.stake.margin if view.isolated else view.value / position.leverage, 8)
    tier = contract.tiers[view.tier]
    return {
        "positionIdx": INDEX[position.slot],
        "riskId": FIRST_RISK_ID + view.tier,
        "riskLimitValue": text(tier.cap),
        "symbol": contract.id,
        "side": "Buy" if position.long else "Sell",
        "size": text(position.quantity),
        "avgPrice": text(position.entry),
        "positionValue": text(view.stake.value(position.entry), 8),
        "tradeMode": 0,
        "autoAddMargin": int(position.auto_add),
        "positionStatus": "Normal" if position.liquidating_since is None else "Liq",
        "leverage": text(position.leverage),
        "markPrice": text(view.mark),
        "liqPrice": text(price, 8) if price is not None and in_range else "",
        "bustPrice": "",
        "positionIM": margin,
        "positionIMByMp": margin,
        "positionMM": text(view.requirement, 8),
        "positionMMByMp": text(view.requirement, 8),
        "positionBalance": "0",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "tpslMode": "Full",
        "sessionAvgPrice": text(position.entry) if contract.settle == "USDC" else "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
        "unrealisedPnl": text(view.profit, 8),
        "curRealisedPnl": text(position.realised + position.fees + position.funding, 8),
        "cumRealisedPnl": text(position.realised + position.fees + position.funding, 8),
        "adlRankIndicator": 2,
        "createdTime": str(position.opened),
        "updatedTime": str(position.changed),
        "openTime": position.opened,
        "seq": position.sequence,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "breakEvenPrice": text(position.entry),
    }


def _flat_row(request: Request, contract: Contract, slot: Slot) -> dict[str, Any]:
    """A slot without a position, as a query by symbol shows it."""
    zeros = ("size", "avgPrice", "positionValue", "positionIM", "positionMM", "positionIMByMp", "positionMMByMp", "unrealisedPnl")
    return dict.fromkeys(zeros, "0") | {
        "positionIdx": INDEX[slot],
        "riskId": FIRST_RISK_ID,
        "riskLimitValue": text(contract.tiers[0].cap),
        "symbol": contract.id,
        "side": "",
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": text(request.account.leverage.get(contract.id, Decimal(10))),
        "markPrice": text(request.exchange.mark(contract)),
        "liqPrice": "",
        "bustPrice": "",
        "positionBalance": "0",
        "cumRealisedPnl": "0",
        "curRealisedPnl": "0",
        "adlRankIndicator": 0,
        "createdTime": "0",
        "updatedTime": "0",
        "seq": -1,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
    }


def add_margin(request: Request) -> Any:
    """POST position/add-margin: a positive margin adds, a negative one takes out; at most four decimals; answers the position."""
    contracts = listed(request)
    if not contracts or not request.get("symbol"):
        raise Refused(Reason.NO_CONTRACT)
    try:
        amount = Decimal(request.get("margin"))
        slot = next(slot for slot, index in INDEX.items() if str(index) == request.get("positionIdx", "0"))
    except (InvalidOperation, StopIteration):
        raise Denied(Reply(body=envelope({}, request.at, code=10001, message="params error"))) from None
    if not amount.is_finite() or amount != amount.quantize(Decimal("0.0001")):
        raise Refused(Reason.TOO_PRECISE)
    if request.account.margin_mode != "ISOLATED_MARGIN":
        raise Refused(Reason.NOT_ISOLATED)
    position = request.exchange.change_margin(request.account.name, contracts[0].id, slot, amount)
    view = next(view for view in views(request.exchange, request.account) if view.position is position)
    return envelope({"category": request.get("category")} | _row(view), request.at)


def instruments(request: Request) -> Any:
    """market/instruments-info."""
    rows = [instrument_row(c.id, tick=c.tick, step=c.lot, max_leverage=c.tiers[0].max_leverage) for c in listed(request)]
    return envelope({"category": request.get("category")} | page(rows, dict(request.params), limit=500, most=1000), request.at)


def risk_limits(request: Request) -> Any:
    """market/risk-limit: without a symbol the tables of 15 symbols a page."""
    contracts, start = listed(request), int(request.get("cursor", "0"))
    rows = [row for c in contracts[start : start + 15] for row in risk_rows(c.id, c.tiers, first_id=FIRST_RISK_ID)]
    cursor = str(start + 15) if start + 15 < len(contracts) else ""
    return envelope({"category": request.get("category"), "list": rows, "nextPageCursor": cursor}, request.at)


def tickers(request: Request) -> Any:
    """market/tickers."""
    rows = []
    for contract in listed(request):
        mark = text(request.exchange.mark(contract))
        rows.append(
            {
                "symbol": contract.id,
                "lastPrice": mark,
                "indexPrice": text(request.exchange.index(contract)),
                "markPrice": mark,
                "fundingRate": "0.0001",
                "nextFundingTime": str((request.at // 28_800_000 + 1) * 28_800_000),
            }
        )
    return envelope({"category": request.get("category"), "list": rows}, request.at)


def wallet(request: Request) -> Any:
    """account/wallet-balance of the unified account."""
    wanted = [coin for coin in request.get("coin").split(",") if coin]
    exchange, mine, rows = request.exchange, request.account, []
    for coin in exchange.currencies(mine):
        if not wanted or coin in wanted:
            margin, profit = held(exchange, mine, coin)
            rows.append(coin_row(coin, wallet=exchange.wallet(mine, coin), position_margin=margin, profit=profit))
    return envelope(wallet_result(rows), request.at)


def account_info(request: Request) -> Any:
    """account/info: the margin mode of the whole account."""
    result = {
        "marginMode": request.account.margin_mode,
        "updatedTime": "1697078946000",
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }
    return envelope(result, request.at)


def fee_rates(request: Request) -> Any:
    """account/fee-rate."""
    fee = text(request.account.fee_rate)
    rows = [{"symbol": c.id, "baseCoin": "", "takerFeeRate": fee, "makerFeeRate": "0.0002"} for c in listed(request)]
    return envelope({"list": rows}, request.at)


def rights(request: Request) -> Any:
    """user/query-api."""
    mine = request.account
    wallet = [right for right, given in (("AccountTransfer", mine.may_transfer), ("Withdraw", mine.may_withdraw)) if given]
    permissions = KEY_RIGHTS["permissions"] | ({} if mine.may_trade else {"ContractTrade": ["Order"]}) | {"Wallet": wallet}
    told = {"readOnly": int(not mine.may_trade), "permissions": permissions, "ips": ["127.0.0.1"] if mine.ip_bound else ["*"]}
    return envelope(KEY_RIGHTS | told, request.at)


def no_orders(request: Request) -> Any:
    """order/realtime: nobody trades here, so none rests."""
    return envelope({"category": request.get("category"), "list": [], "nextPageCursor": ""}, request.at)


def market_time(request: Request) -> Any:
    """market/time."""
    return envelope({"timeSecond": str(request.at // 1000), "timeNano": f"{request.at}000000"}, request.at)


ROUTES: Routes = {
    ("GET", "/v5/market/time"): Route(handler=market_time, cost=120, signed=False),
    ("GET", "/v5/market/instruments-info"): Route(handler=instruments, cost=120, signed=False),
    ("GET", "/v5/market/risk-limit"): Route(handler=risk_limits, cost=120, signed=False),
    ("GET", "/v5/market/tickers"): Route(handler=tickers, cost=120, signed=False),
    ("GET", "/v5/position/list"): Route(handler=position_list, cost=50),
    ("GET", "/v5/account/info"): Route(handler=account_info, cost=50),
    ("GET", "/v5/account/wallet-balance"): Route(handler=wallet, cost=50),
    ("GET", "/v5/account/fee-rate"): Route(handler=fee_rates, cost=5),
    ("GET", "/v5/order/realtime"): Route(handler=no_orders, cost=50),
    ("GET", "/v5/user/query-api"): Route(handler=rights, cost=10),
    ("POST", "/v5/position/add-margin"): Route(handler=add_margin, cost=10, writes=True),
    ("GET", "/v5/asset/coin/query-info"): Route(handler=lambda request: envelope({"rows": []}, request.at), cost=2),
} | {("GET", f"/v5/{name}"): Route(handler=handler, cost=cost) for name, (handler, cost) in HISTORY.items()}
"""Every Bybit call that a guard makes; the cost of a route is how often a key may call it in a second."""
