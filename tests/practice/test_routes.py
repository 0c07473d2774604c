"""Every call answers in its exchange's envelope, from the engine and from replay alike."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from monitor.practice import DEMO, EngineSource, Replay, build
from monitor.practice.call import Call
from monitor.practice.wire.route import Request, Wire

POSITION = {"positionAmt": "1", "entryPrice": "100", "markPrice": "101", "unRealizedProfit": "1", "isolatedMargin": "11"}
HELD = {"size": "1", "avgPrice": "100", "markPrice": "101", "side": "Buy", "positionIM": "10", "leverage": "10"}
DESCRIPTION: dict[str, dict[str, Any]] = {
    "binance": {
        "positions": [{"symbol": "BTCUSDT"} | POSITION, {"symbol": "BTCUSD_PERP"} | POSITION],
        "balances": {"USDT": "7", "BTC": "1"},
    },
    "bybit": {"positions": [{"symbol": "ETHUSDT"} | HELD, {"symbol": "BTCUSD"} | HELD], "balances": {"USDT": "7"}},
    "okx": {
        "positions": [{"instId": "BTC-USD-SWAP", "pos": "1", "markPx": "101", "notionalUsd": "100"}],
        "balances": {"USDT": "7"},
    },
}
PARAMS = {
    "binance": "symbol=BTCUSDT",
    "bybit": "category=linear&settleCoin=USDT",
    "okx": "instType=SWAP&instFamily=BTC-USD&tdMode=isolated&ordType=conditional",
}
EMPTY = (
    "allOrders",
    "openOrders",
    "openAlgoOrders",
    "order/realtime",
    "orders-algo-pending",
    "history",
    "forceOrders",
    "income",
    "userTrades",
    "execution",
    "closed-pnl",
    "transaction-log",
    "bills",
    "asset",
    "ping",
)


def rows(exchange: str, body: Any) -> Any:
    """What is inside the envelope; asserts that the envelope is right."""
    if exchange == "bybit":
        assert body["retCode"] == 0, body
        assert set(body) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
        return body["result"].get("list", body["result"])
    if exchange == "okx":
        assert body["code"] == "0", body
        assert set(body) == {"code", "data", "msg"}
        return body["data"]
    return body


def parameters(wire: Wire, path: str) -> str:
    if path.endswith("/index-tickers"):
        return "instId=BTC-USD"
    if wire.exchange == "binance":
        return "symbol=BTCUSD_PERP" if path.startswith("/dapi/") else PARAMS["binance"]
    return PARAMS[wire.exchange]


@pytest.mark.parametrize("exchange", DESCRIPTION)
def test_every_read_has_its_envelope_from_engine_and_replay(exchange: str) -> None:
    source, replay = EngineSource(build(copy.deepcopy(DEMO))), Replay(DESCRIPTION)
    owner = {"binance": "alpha", "bybit": "beta", "okx": "gamma"}[exchange]
    wire = source.wires[exchange]
    for (method, path), route in wire.routes.items():
        if method == "POST":
            continue
        query = parameters(wire, path)
        call = Call(method=method, path=path, raw_query=query, body="", headers={}, remote="", at=1_760_129_100_000)
        account = source.exchange.account(owner)
        made = rows(exchange, route.handler(Request(exchange=source.exchange, caller=account, params=call.params, at=call.at)))
        replayed = rows(exchange, replay.answer(call).body)
        assert type(made) is type(replayed), path
        if not any(word in path for word in EMPTY):
            assert made, path
            assert replayed, path
            first, second = (part[0] if isinstance(part, list) else part for part in (made, replayed))
            assert not set(second) - set(first) - {"category"} or not set(first) - set(second), path


def test_engine_and_replay_answer_the_same_calls() -> None:
    source, replay = EngineSource(build({})), Replay()
    routes = {place for wire in source.wires.values() for place in wire.routes}
    assert routes == set(replay._answers)


def test_replay_takes_whole_bodies_and_functions_of_the_query() -> None:
    replay = Replay({"okx": {"replies": {"GET /api/v5/account/balance": {"code": "50001"}}}})
    replay.set("GET", "/fapi/v1/time", lambda query: {"serverTime": int(query["at"])})
    asked = [("/api/v5/account/balance", ""), ("/fapi/v1/time", "at=5")]
    bodies = [
        replay.answer(Call(method="GET", path=path, raw_query=query, body="", headers={}, remote="", at=0)).body
        for path, query in asked
    ]
    assert bodies == [{"code": "50001"}, {"serverTime": 5}]
