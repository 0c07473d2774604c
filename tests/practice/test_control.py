"""The control calls, over HTTP as tests in other processes use them."""

from __future__ import annotations

import asyncio
import copy
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from monitor.practice import DEMO, EngineSource, PracticeServer, Replay, build


class Remote:
    """Calls the control of one server; ``call`` gives status and body."""

    def __init__(self, server: PracticeServer, session: aiohttp.ClientSession) -> None:
        self.server, self.session = server, session

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"X-Practice-Token": "practice"}
        async with self.session.request(method, f"{self.server.url}/control/{path}", json=body, headers=headers) as reply:
            return reply.status, await reply.json()


async def test_engine_is_set_up_and_moved_over_http() -> None:
    source = EngineSource(build({}))
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        status, keys = await control.call("POST", "accounts", {"name": "main", "exchange": "bybit", "balances": {"USDT": "1000"}})
        assert status == 200
        assert keys["api_key"] == source.exchange.account("main").api_key
        position = {"account": "main", "contract": "BTCUSDT", "side": "long", "quantity": "0.01", "leverage": "20"}
        assert (await control.call("POST", "positions", position))[0] == 200
        state = (await control.call("GET", "state"))[1]
        shown = state["accounts"]["main"]["positions"][0]
        assert (shown["contract"], shown["side"], shown["quantity"], shown["tier"]) == ("BTCUSDT", "long", "0.01", 1)
        assert float(shown["liquidation_price"]) < float(shown["mark"])
        assert (await control.call("POST", "funding", {"exchange": "bybit", "contract": "BTCUSDT", "rate": "0.001"}))[0] == 200
        assert await control.call("POST", "marks", {"bybit BTCUSDT": "100000"}) == (200, {"liquidations": 1})
        state = (await control.call("GET", "state"))[1]
        events = state["accounts"]["main"]["events"]
        assert [event["kind"] for event in events] == ["deposit", "open", "funding", "takeover"]
        # All that ever went into the margin went out of it with the position.
        assert sum(Decimal(event["into_margin"]) for event in events) == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Practice-Token": "practice"}, 200),
        ({"X-Practice-Token": "practice", "Host": "localhost"}, 200),
        ({}, 401),
        ({"X-Practice-Token": "praktik\u00e9"}, 401),
        ({"X-Practice-Token": "practice", "Host": "evil.example"}, 403),
        ({"X-Practice-Token": "practice", "Host": "127.0.0.1.evil.example:80"}, 403),
        ({"X-Practice-Token": "practice", "Origin": "https://evil.example"}, 403),
    ],
)
async def test_control_is_refused_to_pages_and_to_whoever_has_no_token(headers: dict[str, str], status: int) -> None:
    async with (
        PracticeServer(EngineSource(build({}))) as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/control/state", headers=headers) as reply,
    ):
        assert reply.status == status


async def test_keys_and_indexes_can_be_set_over_http() -> None:
    description = {"accounts": {"main": {"exchange": "okx", "may_trade": False, "ip_bound": False, "keys": {"trade": {}}}}}
    source = EngineSource(build(description))
    account = source.exchange.account("main")
    assert (account.may_trade, account.ip_bound, account.keys["trade"].may_trade) == (False, False, True)
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        status, key = await control.call("POST", "keys", {"account": "main", "name": "trade", "may_withdraw": True})
        assert (status, key["may_withdraw"], key["api_key"]) == (200, True, account.keys["trade"].api_key)
        state = (await control.call("GET", "state"))[1]
        assert state["accounts"]["main"]["keys"]["trade"] == key
        assert (await control.call("POST", "keys", {"account": "main", "name": "trade", "may_fly": True}))[0] == 400
        swap = source.exchange.contract("okx", "BTC-USDT-SWAP")
        assert (await control.call("POST", "indexes", {"okx BTC-USDT-SWAP": "77"}))[0] == 200
        assert str(source.exchange.index(swap)) == "77"
        await control.call("POST", "indexes", {"okx BTC-USDT-SWAP": None})
        assert source.exchange.index(swap) == source.exchange.mark(swap)


async def test_account_can_be_changed_over_http() -> None:
    source = EngineSource(build(copy.deepcopy(DEMO)))
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        changes = {"margin_mode": "REGULAR_MARGIN", "may_trade": False, "key_expired": True, "fee_rate": "0.001"}
        assert (await control.call("PATCH", "accounts/beta", changes))[0] == 200
        account = source.exchange.account("beta")
        assert (account.margin_mode, account.may_trade, account.key_expired, str(account.fee_rate)) == (
            "REGULAR_MARGIN",
            False,
            True,
            "0.001",
        )
        assert (await control.call("POST", "close", {"account": "beta", "contract": "ETHUSDT", "slot": "short"}))[0] == 200
        assert len(account.positions) == 1
        before = source.exchange.contract("binance", "BTCUSDT").tiers[0].rate
        await control.call("POST", "tiers", {"exchange": "binance", "contract": "BTCUSDT", "factor": "2"})
        assert source.exchange.contract("binance", "BTCUSDT").tiers[0].rate == 2 * before


async def test_scenario_plays_and_stops_over_http() -> None:
    source = EngineSource(build({}))
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        assert (await control.call("POST", "play", {"scenario": "gap", "speed": "1000000"}))[0] == 200
        while (await control.call("GET", "state"))[1]["playing"]["second"] != "120":
            pass
        assert source.exchange.marks["binance", "BTCUSDT"] < 90_000
        assert (await control.call("POST", "stop"))[0] == 200


async def test_faults_go_in_and_out_over_http() -> None:
    async with PracticeServer(Replay()) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        _, added = await control.call(
            "POST", "faults", {"kind": "503", "exchange": "okx", "call": "*time", "lasts": "60", "times": 5}
        )
        async with session.get(server.url + "/api/v5/public/time") as reply:
            assert reply.status == 503
        _, placed = await control.call("GET", "faults")
        assert placed[str(added["number"])]["kind"] == "503"
        await control.call("DELETE", f"faults/{added['number']}")
        await control.call("POST", "faults", {"kind": "html"})
        await control.call("DELETE", "faults")
        async with session.get(server.url + "/api/v5/public/time") as reply:
            assert reply.status == 200
            assert (await reply.json())["code"] == "0"


async def test_process_serves_a_world_and_plays_it(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = ["-m", "monitor.practice", "--port-file", str(port_file), "--scenario", "gap", "--speed", "100000"]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        while not port_file.exists():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        while (await _mark(url)) > 100_000:  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.01)
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _mark(url: str) -> float:
    async with aiohttp.request("GET", f"{url}/fapi/v1/premiumIndex?symbol=BTCUSDT") as reply:
        return float((await reply.json())["markPrice"])


async def test_a_whole_life_is_played_over_http() -> None:
    description = {"accounts": {"main": {"exchange": "bybit", "balances": {"USDT": "10000"}}}}
    source = EngineSource(build(description))
    place = {"account": "main", "contract": "BTCUSDT-31DEC27"}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("positions", place | {"side": "long", "quantity": "0.1", "leverage": "10"}),
        ("grow", place | {"quantity": "0.1", "price": "118000"}),
        ("close", place | {"quantity": "0.05"}),
        ("margin", place | {"amount": "25"}),
        ("leverage", place | {"leverage": "8"}),
        ("auto-margin", place),
        ("auto-margin", place | {"on": False}),
        ("deleverage", place | {"quantity": "0.05", "price": "119000"}),
        ("flip", place | {"quantity": "0.02", "leverage": "5", "price": "118500"}),
        ("cross", place),
        ("deliver", {"exchange": "bybit", "contract": "BTCUSDT-31DEC27", "price": "118000"}),
    ]
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        for path, body in steps:
            assert (await control.call("POST", path, body))[0] == 200, path
        shown = (await control.call("GET", "state"))[1]["accounts"]["main"]
    kinds = "deposit open open close add leverage deleverage close open mode delivery"
    assert [event["kind"] for event in shown["events"]] == kinds.split()
    assert shown["positions"] == []
    assert [event["left"] for event in shown["events"]][2:4] == ["0.2", "0.15"]
    total = sum(Decimal(event["profit"]) + Decimal(event["fee"]) for event in shown["events"])
    assert Decimal(shown["free"]["USDT"]) == 10000 + total


async def test_who_falls_under_the_requirement_by_it_is_liquidated_at_once() -> None:
    source = EngineSource(build({"accounts": {"main": {"exchange": "okx", "balances": {"USDT": "10000"}}}}))
    place = {"account": "main", "contract": "ETH-USDT-SWAP"}
    async with PracticeServer(source) as server, aiohttp.ClientSession() as session:
        control = Remote(server, session)
        await control.call("POST", "positions", place | {"side": "long", "quantity": "10", "leverage": "20"})
        assert (await control.call("GET", "state"))[1]["accounts"]["main"]["positions"][0]["leverage"] == "20"
        # sold half at 10 % under the entry: 205 lost, which was the whole margin
        answer = await control.call("POST", "close", place | {"quantity": "5", "price": "3690"})
    assert answer == (200, {"liquidations": 1})


BAD = [
    ("POST", "flip", {"account": "alpha", "contract": "BTCUSDT", "quantity": "0"}, "more than 0"),
    ("POST", "leverage", {"account": "alpha", "contract": "BTCUSDT", "leverage": "2"}, "cannot go down"),
    ("POST", "cross", {"account": "alpha", "contract": "BTCUSDT"}, "while the position is open"),
    ("POST", "auto-margin", {"account": "gamma", "contract": "BTC-USD-SWAP"}, "adds no margin"),
    ("POST", "deliver", {"exchange": "okx", "contract": "NOTHING"}, "no such contract"),
    (
        "POST",
        "positions",
        {"account": "nobody", "contract": "BTCUSDT", "side": "long", "quantity": "1", "leverage": "1"},
        "no such account",
    ),
    ("POST", "positions", {"account": "alpha"}, "missing"),
    ("POST", "marks", {"binance NOTHING": "1"}, "no such contract"),
    ("POST", "play", {"scenario": "party"}, "scenarios"),
    ("POST", "faults", {"kind": "party"}, "party"),
    ("POST", "close", {"account": "alpha", "contract": "ETHUSDT"}, "no open position"),
]


@pytest.mark.parametrize(("method", "path", "body", "part"), BAD)
async def test_what_cannot_be_done_answers_400_with_the_reason(method: str, path: str, body: Any, part: str) -> None:
    async with PracticeServer(EngineSource(build(copy.deepcopy(DEMO)))) as server, aiohttp.ClientSession() as session:
        status, answer = await Remote(server, session).call(method, path, body)
    assert status == 400
    assert part in answer["error"]


async def test_engine_calls_answer_400_when_the_server_replays() -> None:
    async with PracticeServer(Replay()) as server, aiohttp.ClientSession() as session:
        assert (await Remote(server, session).call("GET", "state"))[0] == 400
