"""OKX's replies from the engine: positions, tiers, balance and margin changes.

Shapes: V5 trading account and public data sections and recorded replies, read 2026-11-22. ``mgnRatio`` is health: equity over
requirement, 1 is liquidation; ``mmr`` is an amount without the fee.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.practice.call import Reply, text
from monitor.practice.engine.accounts import Slot
from monitor.practice.engine.contracts import Contract
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.wire.okx_history import HISTORY
from monitor.practice.wire.route import Denied, Request, Route, Routes
from monitor.practice.wire.rows_okx import (
    balance_data,
    balance_detail,
    config_row,
    envelope,
    fee_row,
    instrument_row,
    split_instrument,
    tier_rows,
)
from monitor.practice.wire.view import View, held, views


def kind_of(contract: Contract) -> str:
    """SWAP or FUTURES."""
    return split_instrument(contract.id)[3]


def family_of(contract: Contract) -> str:
    """The instrument family, ``BTC-USDT``."""
    return f"{contract.base}-{contract.quote}"


def listed(request: Request) -> list[Contract]:
    """Contracts, narrowed to instType, instId and instFamily where asked."""
    names = [name for name in request.get("instId").split(",") if name]
    families = [name for name in request.get("instFamily", request.get("uly")).split(",") if name]
    kind = request.get("instType")
    return [
        contract
        for contract in request.exchange.contracts.values()
        if contract.exchange == "okx"
        and kind in {"", kind_of(contract)}
        and (not names or contract.id in names)
        and (not families or family_of(contract) in families)
    ]


def positions(request: Request) -> Any:
    """account/positions, newest first."""
    wanted = {contract.id for contract in listed(request)}
    mine = [view for view in views(request.exchange, request.account) if view.position.contract.id in wanted]
    return envelope([_row(view, request.exchange.index(view.position.contract)) for view in reversed(mine)])


def _row(view: View, index: Decimal) -> dict[str, Any]:
    """One open position; in net mode the sign of ``pos`` is the direction."""
    position, contract, stake = view.position, view.stake.contract, view.stake
    sign = -1 if position.slot is Slot.NET and not position.long else 1
    equity = stake.margin + view.profit
    usd = view.value * (view.mark if contract.inverse else 1)
    return {
        "adl": "1",
        "availPos": "",
        "avgPx": text(position.entry),
        "baseBal": "",
        "bePx": text(position.entry),
        "cTime": str(position.opened),
        "ccy": contract.settle,
        "closeOrderAlgo": [],
        "fee": text(position.fees),
        "fundingFee": text(position.funding),
        "idxPx": text(index),
        "imr": "" if view.isolated else text(view.value / position.leverage),
        "instId": contract.id,
        "instType": kind_of(contract),
        "interest": "",
        "last": text(view.mark),
        "lever": text(position.leverage),
        "liab": "",
        "liabCcy": "",
        "liqPenalty": text(position.penalty),
        "liqPx": text(view.liquidation) if view.liquidation is not None and view.liquidation > 0 else "",
        "margin": text(stake.margin) if view.isolated else "",
        "markPx": text(view.mark),
        "mgnMode": position.mode.value,
        "mgnRatio": text(equity / view.requirement) if view.requirement and view.isolated else "",
        "mmr": text(view.maintenance),
        "notionalUsd": text(usd),
        "pnl": text(position.realised),
        "pos": text(sign * position.quantity),
        "posCcy": "",
        "posId": str(position.id),
        "posSide": position.slot.value,
        "realizedPnl": text(position.realised + position.fees + position.funding + position.penalty),
        "settledPnl": "",
        "tradeId": str(position.id),
        "uTime": str(position.changed),
        "upl": text(view.profit),
        "uplLastPx": text(view.profit),
        "uplRatio": text(view.profit / stake.margin) if stake.margin else "",
        "usdPx": "1",
    }


def change_margin(request: Request) -> Any:
    """POST account/position/margin-balance: ``type`` add or reduce."""
    posted = {"net": Slot.NET, "long": Slot.LONG, "short": Slot.SHORT}
    slot = posted.get(request.get("posSide", "net"))
    mine = request.account
    if slot is None or (slot is not Slot.NET) is not mine.hedge:
        raise Refused(Reason.WRONG_SIDE)
    try:
        amount = Decimal(request.get("amt"))
    except InvalidOperation:
        raise Refused(Reason.NOT_POSITIVE) from None
    kind = request.get("type")
    if not amount.is_finite() or amount <= 0 or kind not in {"add", "reduce"}:
        raise Refused(Reason.NOT_POSITIVE)
    contract = request.exchange.contract("okx", request.get("instId"))
    position = request.exchange.change_margin(mine.name, contract.id, slot, amount if kind == "add" else -amount)
    stake, mark = request.exchange.stake(position), request.exchange.mark(contract)
    equity = stake.equity(mark)
    leverage = text(stake.value(mark) / equity, 8) if equity > 0 else ""
    row = {"instId": contract.id, "posSide": slot.value, "type": kind, "amt": request.get("amt"), "ccy": contract.settle}
    return envelope([row | {"leverage": leverage}])


def instruments(request: Request) -> Any:
    """public/instruments."""
    if not request.get("instType"):
        raise Denied(Reply(body=envelope([], code="50014", message="Parameter instType can not be empty.")))
    return envelope([instrument_row(c.id, contract_size=c.size, tick=c.tick, lot=c.lot) for c in listed(request)])


def tiers(request: Request) -> Any:
    """public/position-tiers: one table a family."""
    if request.get("tdMode") not in {"isolated", "cross"} or not request.get("instFamily", request.get("uly")):
        raise Denied(Reply(body=envelope([], code="51000", message="Parameter instFamily error")))
    tables = {family_of(contract): contract.tiers for contract in listed(request)}
    return envelope([row for family, table in tables.items() for row in tier_rows(family, table)])


def mark_prices(request: Request) -> Any:
    """public/mark-price."""
    return envelope(
        [
            {"instId": c.id, "instType": kind_of(c), "markPx": text(request.exchange.mark(c)), "ts": str(request.at)}
            for c in listed(request)
        ]
    )


def index_tickers(request: Request) -> Any:
    """market/index-tickers of one index: as set for any contract over it, else the mark of the first, which is the swap."""
    wanted, engine = request.get("instId"), request.exchange
    over_it = [c for c in engine.contracts.values() if c.exchange == "okx" and family_of(c) == wanted]
    if not over_it:
        raise Denied(Reply(body=envelope([], code="51001", message="Instrument ID does not exist.")))
    price = text(engine.index(next((c for c in over_it if (c.exchange, c.id) in engine.indexes), over_it[0])))
    day = dict.fromkeys(("open24h", "high24h", "low24h", "sodUtc0", "sodUtc8"), price)
    return envelope([{"instId": wanted, "idxPx": price, "ts": str(request.at)} | day])


def config(request: Request) -> Any:
    """account/config."""
    mine = request.account
    mode = "long_short_mode" if mine.hedge else "net_mode"
    rights = ",".join(
        right for right, given in (("read_only", True), ("trade", mine.may_trade), ("withdraw", mine.may_withdraw)) if given
    )
    return envelope([config_row(position_mode=mode, rights=rights) | ({} if mine.ip_bound else {"ip": ""})])


def balance(request: Request) -> Any:
    """account/balance of the trading account."""
    wanted = [ccy for ccy in request.get("ccy").split(",") if ccy]
    exchange, mine, details = request.exchange, request.account, []
    for ccy in exchange.currencies(mine):
        if not wanted or ccy in wanted:
            margin, profit = held(exchange, mine, ccy)
            details.append(balance_detail(ccy, free=exchange.free(mine, ccy), margin=margin, profit=profit, at=request.at))
    return envelope(balance_data(details, request.at))


def fees(request: Request) -> Any:
    """account/trade-fee."""
    return envelope([fee_row(request.get("instType", "SWAP"), text(request.account.fee_rate), request.at)])


def no_orders(request: Request) -> Any:
    """trade/orders-algo-pending of one kind: nobody trades here, so none rests."""
    if not request.get("ordType"):
        raise Denied(Reply(body=envelope([], code="50014", message="Parameter ordType can not be empty.")))
    return envelope([])


ROUTES: Routes = {
    ("GET", "/api/v5/public/time"): Route(handler=lambda r: envelope([{"ts": str(r.at)}]), cost=10, signed=False),
    ("GET", "/api/v5/public/instruments"): Route(handler=instruments, cost=20, signed=False),
    ("GET", "/api/v5/public/position-tiers"): Route(handler=tiers, cost=10, signed=False),
    ("GET", "/api/v5/public/mark-price"): Route(handler=mark_prices, cost=10, signed=False),
    ("GET", "/api/v5/market/index-tickers"): Route(handler=index_tickers, cost=20, signed=False),
    ("GET", "/api/v5/account/instruments"): Route(handler=instruments, cost=20),
    ("GET", "/api/v5/account/config"): Route(handler=config, cost=5),
    ("GET", "/api/v5/account/positions"): Route(handler=positions, cost=10),
    ("GET", "/api/v5/account/balance"): Route(handler=balance, cost=10),
    ("GET", "/api/v5/account/trade-fee"): Route(handler=fees, cost=5),
    ("GET", "/api/v5/trade/orders-algo-pending"): Route(handler=no_orders, cost=20),
    ("GET", "/api/v5/asset/currencies"): Route(handler=lambda _: envelope([]), cost=12),
    ("POST", "/api/v5/account/position/margin-balance"): Route(handler=change_margin, cost=20, writes=True),
} | {("GET", f"/api/v5/account/{name}"): Route(handler=handler, cost=cost) for name, (handler, cost) in HISTORY.items()}
"""Every OKX call that a guard makes; the cost of a route is how often it may be called in two seconds."""
