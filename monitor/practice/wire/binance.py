"""Binance's replies from the engine: positions, account, brackets and margin changes of USD-M and COIN-M.

Shapes: fapi v3 and v2 positionRisk, dapi v1, account and bracket pages and recorded replies, read 2026-11-22. USD-M v2 and
COIN-M list every contract, v3 only those with a position.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from monitor.practice.call import number, text
from monitor.practice.engine.accounts import Mode, Slot
from monitor.practice.engine.contracts import Contract
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.wire.binance_history import HISTORY
from monitor.practice.wire.binance_rows import account_position_row, position_row
from monitor.practice.wire.route import Request, Route, Routes
from monitor.practice.wire.rows_binance import KEY_RIGHTS, RATE_LIMITS, asset_row, balance_row, bracket_row, symbol_row
from monitor.practice.wire.view import held, views

ZERO = Decimal(0)
_SIDES = {Slot.NET: "BOTH", Slot.LONG: "LONG", Slot.SHORT: "SHORT"}


def listed(request: Request, *, coin: bool) -> list[Contract]:
    """The contracts of one of the two sites, narrowed to ``symbol`` or ``pair`` where asked."""
    symbol, pair = request.get("symbol"), request.get("pair")
    contracts = request.exchange.contracts.values()
    mine = [contract for contract in contracts if contract.exchange == "binance" and contract.inverse is coin]
    return [c for c in mine if (not symbol or c.id == symbol) and (not pair or c.id.partition("_")[0] == pair)]


def positions(request: Request, *, coin: bool, empty: bool) -> list[dict[str, Any]]:
    """positionRisk; ``empty``: contracts without a position are listed too."""
    account, rows = request.account, []
    mine = views(request.exchange, account)
    for contract in listed(request, coin=coin):
        slots = (Slot.NET, Slot.LONG, Slot.SHORT) if account.hedge else (Slot.NET,)
        for slot in slots:
            view = next((v for v in mine if v.position.contract.id == contract.id and v.position.slot is slot), None)
            if view is not None or empty:
                mark = request.exchange.mark(contract)
                rows.append(position_row(contract, _SIDES[slot], mark, view, older=empty))
    return rows


def exchange_info(request: Request, *, coin: bool) -> dict[str, Any]:
    """ExchangeInfo."""
    rows = [symbol_row(c.id, contract_size=c.size, tick=c.tick, step=c.lot) for c in listed(request, coin=coin)]
    assets = sorted({row["marginAsset"] for row in rows})
    return {
        "timezone": "UTC",
        "serverTime": request.at,
        "rateLimits": RATE_LIMITS,
        "exchangeFilters": [],
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets],
        "symbols": rows,
    }


def symbol_config(request: Request) -> list[dict[str, Any]]:
    """symbolConfig: margin mode and leverage of every contract."""
    positions_now = request.account.positions.values()
    cross = {position.contract.id for position in positions_now if position.mode is Mode.CROSS}
    adding = {position.contract.id for position in positions_now if position.auto_add}
    return [
        {
            "symbol": contract.id,
            "marginType": "CROSSED" if contract.id in cross else "ISOLATED",
            "isAutoAddMargin": contract.id in adding,
            "leverage": int(request.account.leverage.get(contract.id, Decimal(20))),
            "maxNotionalValue": text(contract.tiers[-1].cap),
        }
        for contract in listed(request, coin=False)
    ]


def account_config(request: Request) -> dict[str, Any]:
    """accountConfig: hedge and multi-assets mode."""
    account = request.account
    return {
        "feeTier": 0,
        "canTrade": account.may_trade,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def assets_of(request: Request, *, coin: bool) -> list[str]:
    """Margin assets of one site, those that the account holds."""
    site = {contract.settle for contract in listed(request, coin=coin)}
    return [asset for asset in request.exchange.currencies(request.account) if asset in site]


def account(request: Request, *, coin: bool) -> dict[str, Any]:
    """fapi/v3/account and dapi/v1/account."""
    exchange, mine = request.exchange, request.account
    assets = []
    for asset in assets_of(request, coin=coin):
        margin, profit = held(exchange, mine, asset)
        wallet, free = exchange.wallet(mine, asset), exchange.free(mine, asset)
        assets.append(asset_row(asset, wallet=wallet, margin=margin, profit=profit, free=free, at=request.at))
    rows = [account_position_row(view) for view in views(exchange, mine) if view.stake.contract.inverse is coin]
    if coin:
        return {"feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "assets": assets, "positions": rows}
    wallet, free = exchange.wallet(mine, "USDT"), exchange.free(mine, "USDT")
    totals = {"totalWalletBalance": text(wallet, 8), "availableBalance": text(free, 8), "maxWithdrawAmount": text(free, 8)}
    return totals | {"assets": assets, "positions": rows}


def balance(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    """fapi/v3/balance and dapi/v1/balance."""
    exchange, mine = request.exchange, request.account
    return [
        balance_row(asset, wallet=exchange.wallet(mine, asset), free=exchange.free(mine, asset), at=request.at, coin=coin)
        for asset in assets_of(request, coin=coin)
    ]


def premium_index(request: Request, *, coin: bool) -> Any:
    """premiumIndex: one object for one USD-M symbol, else a list."""
    rows = [
        {
            "symbol": contract.id,
            "pair": contract.id.partition("_")[0],
            "markPrice": text(request.exchange.mark(contract), 8),
            "indexPrice": text(request.exchange.index(contract), 8),
            "estimatedSettlePrice": text(request.exchange.mark(contract), 8),
            "lastFundingRate": "0.00010000",
            "interestRate": "0.00010000",
            "nextFundingTime": (request.at // 28_800_000 + 1) * 28_800_000,
            "time": request.at,
        }
        for contract in listed(request, coin=coin)
    ]
    return rows[0] if rows and request.get("symbol") and not coin else rows


def change_margin(request: Request, *, coin: bool) -> dict[str, Any]:
    """POST positionMargin: type 1 adds, 2 takes out; no id and no balance in the answer."""
    mine = request.account
    if not listed(request, coin=coin) or not request.get("symbol"):
        raise Refused(Reason.NO_CONTRACT)
    slot = next((slot for slot, side in _SIDES.items() if side == request.get("positionSide", "BOTH")), None)
    if slot is None or (slot is not Slot.NET) is not mine.hedge:
        raise Refused(Reason.WRONG_SIDE)
    try:
        amount = Decimal(request.get("amount"))
    except InvalidOperation:
        raise Refused(Reason.NOT_POSITIVE) from None
    if not amount.is_finite() or amount <= 0:
        raise Refused(Reason.NOT_POSITIVE)
    kind = request.get("type", "1")
    request.exchange.change_margin(mine.name, request.get("symbol"), slot, amount if kind == "1" else -amount)
    return {"amount": number(amount), "code": 200, "msg": "Successfully modify position margin.", "type": int(kind)}


def rights(request: Request) -> dict[str, Any]:
    """sapi/v1/account/apiRestrictions."""
    mine = request.account
    return KEY_RIGHTS | {
        "ipRestrict": mine.ip_bound,
        "enableFutures": mine.may_trade,
        "enableWithdrawals": mine.may_withdraw,
        "permitsUniversalTransfer": mine.may_transfer,
    }


def no_orders(_: Request) -> list[Any]:
    """Open orders, conditional ones too: nobody trades here, so none rests."""
    return []


def _site(coin: bool) -> Routes:  # noqa: FBT001 - USD-M or COIN-M, one table for both
    """The routes of one of the two sites, with the weights of its own pages."""
    base = "/dapi/v1" if coin else "/fapi/v1"

    def public(handler: Callable[[Request], Any], cost: int) -> Route:
        return Route(handler=handler, cost=cost, signed=False)

    routes: Routes = {
        ("GET", f"{base}/ping"): public(lambda _: {}, 1),
        ("GET", f"{base}/time"): public(lambda request: {"serverTime": request.at}, 1),
        ("GET", f"{base}/exchangeInfo"): public(partial(exchange_info, coin=coin), 1),
        ("GET", f"{base}/premiumIndex"): public(partial(premium_index, coin=coin), 10),
        ("GET", f"{base}/openOrders"): Route(handler=no_orders, cost=1),
        ("GET", f"{base}/positionSide/dual"): Route(handler=lambda r: {"dualSidePosition": r.account.hedge}, cost=30),
        ("POST", f"{base}/positionMargin"): Route(handler=partial(change_margin, coin=coin), cost=1, writes=True),
    }
    for name, (handler, cost) in HISTORY.items():
        routes["GET", f"{base}/{name}"] = Route(handler=partial(handler, coin=coin), cost=cost)
    return routes


def _brackets(request: Request, *, coin: bool) -> list[dict[str, Any]]:
    return [bracket_row(contract.id, contract.tiers) for contract in listed(request, coin=coin)]


ROUTES: Routes = (
    _site(coin=False)
    | _site(coin=True)
    | {
        ("GET", "/sapi/v1/account/apiRestrictions"): Route(handler=rights, cost=1),
        ("GET", "/fapi/v1/openAlgoOrders"): Route(handler=no_orders, cost=1),
        ("GET", "/fapi/v3/positionRisk"): Route(handler=partial(positions, coin=False, empty=False), cost=5),
        ("GET", "/fapi/v2/positionRisk"): Route(handler=partial(positions, coin=False, empty=True), cost=5),
        ("GET", "/dapi/v1/positionRisk"): Route(handler=partial(positions, coin=True, empty=True), cost=1),
        ("GET", "/fapi/v1/symbolConfig"): Route(handler=symbol_config, cost=5),
        ("GET", "/fapi/v1/accountConfig"): Route(handler=account_config, cost=5),
        ("GET", "/fapi/v1/leverageBracket"): Route(handler=partial(_brackets, coin=False), cost=1),
        ("GET", "/dapi/v2/leverageBracket"): Route(handler=partial(_brackets, coin=True), cost=1),
        ("GET", "/fapi/v3/account"): Route(handler=partial(account, coin=False), cost=5),
        ("GET", "/fapi/v2/account"): Route(handler=partial(account, coin=False), cost=5),
        ("GET", "/dapi/v1/account"): Route(handler=partial(account, coin=True), cost=5),
        ("GET", "/fapi/v3/balance"): Route(handler=partial(balance, coin=False), cost=5),
        ("GET", "/fapi/v2/balance"): Route(handler=partial(balance, coin=False), cost=5),
        ("GET", "/dapi/v1/balance"): Route(handler=partial(balance, coin=True), cost=1),
    }
)
"""Every Binance call that a guard makes."""
