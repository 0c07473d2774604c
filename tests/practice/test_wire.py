"""The three protocols, read by the real ccxt clients."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ccxt.async_support as ccxt
import pytest

from monitor.practice import EngineSource, PracticeExchange, PracticeServer
from monitor.practice.engine.accounts import Slot
from tests.practice.clients import client

CONTRACTS = {
    "binance": ("BTCUSDT", "BTCUSD_PERP"),
    "bybit": ("BTCUSDT", "BTCUSD"),
    "okx": ("BTC-USDT-SWAP", "BTC-USD-SWAP"),
}


@dataclass
class Scene:
    engine: PracticeExchange
    server: PracticeServer
    ccxt: Any
    name: str


@asynccontextmanager
async def scene(name: str, *, hedge: bool = False, **settings: Any) -> AsyncIterator[Scene]:
    """One account with a linear long and an inverse short, and a client that holds its key."""
    engine = PracticeExchange()
    account = engine.add_account("main", name, balances={"USDT": "5000", "BTC": "1"}, hedge=hedge)
    linear, inverse = CONTRACTS[name]
    quantity = Decimal(5) if name == "okx" else Decimal("0.05")
    engine.open("main", linear, long=True, quantity=quantity, leverage=Decimal(10))
    engine.open("main", inverse, long=False, quantity=Decimal(20) if name != "bybit" else Decimal(2000), leverage=Decimal(2))
    keys = {"apiKey": account.api_key, "secret": account.secret, "password": account.passphrase}
    async with PracticeServer(EngineSource(engine)) as server, client(name, server.url, **{**keys, **settings}) as made:
        yield Scene(engine, server, made, name)


async def unified(exchange: Any, name: str) -> list[dict[str, Any]]:
    if name == "okx":
        return list(await exchange.fetch_positions())
    return [*await exchange.fetch_positions(), *await exchange.fetch_positions(None, {"subType": "inverse"})]


@pytest.mark.parametrize("name", CONTRACTS)
async def test_ccxt_reads_positions_as_on_the_real_exchange(name: str) -> None:
    async with scene(name) as at:
        positions = await unified(at.ccxt, name)
        held = {p.contract.id: at.engine.liquidation_price(p) for p in at.engine.account("main").positions.values()}
    linear, inverse = CONTRACTS[name]
    seen = {p["info"].get("symbol") or p["info"]["instId"]: p for p in positions}
    assert (seen[linear]["symbol"], seen[linear]["side"]) == ("BTC/USDT:USDT", "long")
    assert (seen[inverse]["symbol"], seen[inverse]["side"]) == ("BTC/USD:BTC", "short")
    for contract_id, price in held.items():
        assert price is not None
        assert seen[contract_id]["liquidationPrice"] == pytest.approx(float(price), rel=1e-9)
        assert seen[contract_id]["contracts"] * seen[contract_id]["contractSize"] > 0


@pytest.mark.parametrize("name", CONTRACTS)
async def test_ccxt_reads_balance_and_tiers(name: str) -> None:
    async with scene(name) as at:
        balance = await at.ccxt.fetch_balance({"type": "swap"})
        free = at.engine.free(at.engine.account("main"), "USDT")
        tiers = await at.ccxt.fetch_market_leverage_tiers("BTC/USDT:USDT", {"marginMode": "isolated"})
    assert balance["USDT"]["free"] == pytest.approx(float(free), abs=1e-6)
    assert tiers[0]["maintenanceMarginRate"] == {"binance": 0.004, "bybit": 0.005, "okx": 0.004}[name]


async def add(at: Scene, contract_id: str, amount: str, side: str = "") -> Any:
    """Add margin by the raw call of the exchange."""
    if at.name == "binance":
        call = at.ccxt.fapiprivate_post_positionmargin if "_" not in contract_id else at.ccxt.dapiprivate_post_positionmargin
        kind = "2" if amount.startswith("-") else "1"
        extra = {"positionSide": side.upper()} if side else {}
        return await call({"symbol": contract_id, "amount": amount.lstrip("-"), "type": kind} | extra)
    if at.name == "bybit":
        category = "linear" if contract_id.endswith("T") else "inverse"
        index = {"": 0, "long": 1, "short": 2}[side]
        return await at.ccxt.private_post_v5_position_add_margin(
            {"category": category, "symbol": contract_id, "margin": amount, "positionIdx": index}
        )
    kind = "reduce" if amount.startswith("-") else "add"
    return await at.ccxt.private_post_account_position_margin_balance(
        {"instId": contract_id, "posSide": side or "net", "type": kind, "amt": amount.lstrip("-")}
    )


@pytest.mark.parametrize("name", CONTRACTS)
async def test_added_margin_moves_from_the_free_balance_to_the_position(name: str) -> None:
    linear, _ = CONTRACTS[name]
    async with scene(name) as at:
        account = at.engine.account("main")
        position = account.positions[linear, Slot.NET]
        margin, free = at.engine.margin(position), at.engine.free(account, "USDT")
        reply = await add(at, linear, "12.3456")
        assert at.engine.margin(position) - margin == Decimal("12.3456")
        assert free - at.engine.free(account, "USDT") == Decimal("12.3456")
        if name == "binance":
            rows = await at.ccxt.fapiprivate_get_positionmargin_history({"symbol": linear})
            # opened with 0.05 x 117,060 / 10 = 585.3 less a fee of 0.05 %: 2.9265
            marks = [(row["type"], row["deltaType"], row["amount"]) for row in rows]
            assert marks == [(1, "TRADE", "582.3735"), (1, "USER_ADJUST", "12.3456")]
            assert (reply["code"], reply["amount"]) == (200, 12.3456)
        elif name == "bybit":
            assert Decimal(reply["result"]["positionIM"]) == margin + Decimal("12.3456")
        else:
            bills = (await at.ccxt.private_get_account_bills({"type": "6"}))["data"]
            assert [(row["subType"], row["balChg"], row["posBalChg"]) for row in bills] == [("160", "-12.3456", "12.3456")]


REFUSALS = {
    "binance": {
        ("BTCUSDT", "99999"): "-4050",
        ("BTCUSDT", "-400"): "-4051",
        ("BTCUSDT", "0"): "-4055",
        ("BTCUSDT", "1.123456789"): "-1111",
        ("ETHUSDT", "1"): "-4054",
    },
    "bybit": {
        ("BTCUSDT", "99999"): "110014",
        ("BTCUSDT", "-400"): "110078",
        ("BTCUSDT", "0"): "110027",
        ("BTCUSDT", "1.12345"): "10001",
        ("ETHUSDT", "1"): "110033",
    },
    "okx": {
        ("BTC-USDT-SWAP", "99999"): "59303",
        ("BTC-USDT-SWAP", "-400"): "59301",
        ("BTC-USDT-SWAP", "0"): "51000",
        ("ETH-USDT-SWAP", "1"): "59300",
    },
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_refused_margin_change_has_the_exchange_code_and_changes_nothing(name: str) -> None:
    async with scene(name) as at:
        before = at.engine.ledger.places()
        for (contract_id, amount), code in REFUSALS[name].items():
            with pytest.raises(ccxt.BaseError, match=code):
                await add(at, contract_id, amount)
        assert at.engine.ledger.places() == before


@pytest.mark.parametrize(("name", "code"), [("binance", "-4061"), ("bybit", "110033"), ("okx", "51000")])
async def test_margin_change_without_a_side_is_refused_in_hedge_mode(name: str, code: str) -> None:
    linear, _ = CONTRACTS[name]
    async with scene(name, hedge=True) as at:
        with pytest.raises(ccxt.BaseError, match=code):
            await add(at, linear, "1")
        await add(at, linear, "1", side="long")


async def test_liquidation_leaves_its_records_on_binance() -> None:
    async with scene("binance") as at:
        account = at.engine.account("main")
        margin = at.engine.margin(account.positions["BTCUSDT", Slot.NET])
        at.engine.set_marks({("binance", "BTCUSDT"): Decimal(100000)})
        orders = await at.ccxt.fapiprivate_get_forceorders({"symbol": "BTCUSDT"})
        income = await at.ccxt.fapiprivate_get_income()
        wallet = at.engine.wallet(account, "USDT")
        assert await at.ccxt.fapiprivatev3_get_positionrisk() == []
    assert [(row["clientOrderId"][:10], row["side"], row["type"]) for row in orders] == [("autoclose-", "SELL", "LIMIT")]
    told = {row["incomeType"]: Decimal(row["income"]) for row in income if row["symbol"] == "BTCUSDT"}
    assert told["REALIZED_PNL"] + told["INSURANCE_CLEAR"] == -margin
    assert sum((Decimal(row["income"]) for row in income), Decimal(0)) == wallet


async def test_liquidation_leaves_its_records_on_bybit() -> None:
    async with scene("bybit") as at:
        account = at.engine.account("main")
        margin = at.engine.margin(account.positions["BTCUSDT", Slot.NET])
        at.engine.set_marks({("bybit", "BTCUSDT"): Decimal(100000)})
        executions = (await at.ccxt.private_get_v5_execution_list({"category": "linear"}))["result"]["list"]
        closed = (await at.ccxt.private_get_v5_position_closed_pnl({"category": "linear"}))["result"]["list"]
        log = (await at.ccxt.private_get_v5_account_transaction_log({"currency": "USDT"}))["result"]["list"]
        wallet = at.engine.wallet(account, "USDT")
    assert (executions[0]["execType"], executions[0]["createType"]) == ("BustTrade", "CreateByTakeOver_PassThrough")
    assert Decimal(closed[0]["closedPnl"]) == -margin
    assert log[0]["type"] == "LIQUIDATION"
    assert sum((Decimal(row["change"]) for row in log), Decimal(0)) == wallet == Decimal(log[0]["cashBalance"])


async def test_liquidation_leaves_its_records_on_okx() -> None:
    async with scene("okx") as at:
        account = at.engine.account("main")
        margin = at.engine.margin(account.positions["BTC-USDT-SWAP", Slot.NET])
        at.engine.set_marks({("okx", "BTC-USDT-SWAP"): Decimal(105800)})
        bills = (await at.ccxt.private_get_account_bills())["data"]
        history = (await at.ccxt.private_get_account_positions_history({"instType": "SWAP"}))["data"]
        free = at.engine.free(account, "USDT")
    assert [(row["type"], row["triggerPx"]) for row in history] == [("3", "105800")]
    assert (bills[0]["type"], bills[0]["subType"]) == ("5", "107")  # net mode, sold
    assert Decimal(bills[0]["posBalChg"]) == -margin
    assert Decimal(history[0]["liqPenalty"]) < 0
    assert sum((Decimal(row["balChg"]) for row in bills if row["ccy"] == "USDT"), Decimal(0)) == free
