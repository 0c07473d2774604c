"""Recorded replies over the wire: what a client asks for is what was described."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp

from monitor.practice import PracticeServer, Replay, describe_recorded
from tests.practice.clients import client
from tests.shared import shared_json

ADA = {
    "symbol": "ADAUSDT",
    "positionAmt": "-100",
    "entryPrice": "0.41",
    "markPrice": "0.40",
    "unRealizedProfit": "1.00000000",
    "isolatedMargin": "5.10000000",
    "liquidationPrice": "0.4487",
    "leverage": "10",
    "marginType": "isolated",
    "positionSide": "SHORT",
}
BYBIT = {"side": "Buy", "size": "1", "avgPrice": "100", "markPrice": "99", "positionIM": "10", "leverage": "10", "liqPrice": "90"}


async def test_binance_row_of_an_older_form_gets_the_fields_it_lacks() -> None:
    async with PracticeServer(Replay({"binance": {"positions": [ADA]}})) as server, client("binance", server.url) as binance:
        row = (await binance.fapiprivatev3_get_positionrisk())[0]
    assert row["isolatedMargin"] == "5.10000000"
    assert row["isolatedWallet"] == "4.10000000"  # 5.1 - 1.0
    assert row["notional"] == "-40.00000000"  # -100 x 0.40


async def test_ccxt_unified_positions_read_every_exchange_when_only_positions_are_described() -> None:
    description = {
        "binance": {"positions": [ADA]},
        "bybit": {"positions": [{"symbol": "SOLUSDT"} | BYBIT]},
        "okx": {
            "positions": [
                {"instId": "BTC-USDT-SWAP", "pos": "2", "avgPx": "100", "markPx": "99", "mgnMode": "isolated", "margin": "1"}
                | {"lever": "10", "upl": "-0.02", "mmr": "0.01", "liqPx": "90", "cTime": "1", "uTime": "1", "mgnRatio": "9"}
            ]
        },
    }
    seen = {}
    async with PracticeServer(Replay(description)) as server:
        for name in description:
            async with client(name, server.url) as exchange:
                positions = await exchange.fetch_positions()
                seen[name] = [(p["symbol"], p["side"], p["contracts"]) for p in positions]
    assert seen == {
        "binance": [("ADA/USDT:USDT", "short", 100.0)],
        "bybit": [("SOL/USDT:USDT", "long", 1.0)],
        "okx": [("BTC/USDT:USDT", "long", 2.0)],
    }


async def test_bybit_pages_are_followed_by_their_cursor() -> None:
    rows = [{"symbol": f"C{n}USDT"} | BYBIT for n in range(45)]
    async with PracticeServer(Replay({"bybit": {"positions": rows}})) as server, client("bybit", server.url) as bybit:
        cursor, names = "", []
        while True:
            reply = await bybit.private_get_v5_position_list({"category": "linear", "settleCoin": "USDT", "cursor": cursor})
            names += [row["symbol"] for row in reply["result"]["list"]]
            cursor = reply["result"]["nextPageCursor"]
            if not cursor:
                break
    assert len(names) == len(set(names)) == 45
    assert server.log.counts["GET /v5/position/list"] == 3  # 20 + 20 + 5


async def test_replies_can_be_swapped_while_serving() -> None:
    replay = Replay({"binance": {"positions": [ADA]}})
    async with PracticeServer(replay) as server, client("binance", server.url) as binance:
        assert len(await binance.fapiprivatev3_get_positionrisk()) == 1
        replay.set("GET", "/fapi/v3/positionRisk", [])
        assert await binance.fapiprivatev3_get_positionrisk() == []
        replay.unset("GET", "/fapi/v3/positionRisk")
        assert len(await binance.fapiprivatev3_get_positionrisk()) == 1


async def test_recorded_positions_are_served_as_recorded() -> None:
    rows = [row for row in shared_json("payloads/positions.json") if row["id"] in {"bin-02", "okx-02", "okx-03"}]
    async with PracticeServer(Replay(describe_recorded(rows))) as server:
        async with client("binance", server.url) as binance:
            coin = (await binance.dapiprivate_get_positionrisk())[0]
            info = await binance.dapipublic_get_exchangeinfo()
        async with client("okx", server.url) as okx:
            swaps = (await okx.private_get_account_positions())["data"]
            tiers = (
                await okx.public_get_public_position_tiers(
                    {"instType": "SWAP", "tdMode": "isolated", "instFamily": "BIGTIME-USDT,ETH-USD"}
                )
            )["data"]
    assert {name: coin[name] for name in rows[0]["payload"]} == rows[0]["payload"]
    assert info["symbols"][0]["contractSize"] == 100
    assert [row["instId"] for row in swaps] == ["BIGTIME-USDT-SWAP", "ETH-USD-SWAP"]
    assert [(row["instFamily"], row["mmr"]) for row in tiers] == [("BIGTIME-USDT", "0.02"), ("ETH-USD", "0.005")]


async def test_process_serves_a_described_file_and_takes_a_new_one(tmp_path: Path) -> None:
    described, port_file = tmp_path / "replay.json", tmp_path / "port"
    described.write_text(json.dumps({"binance": {"positions": [ADA]}}))
    command = ["-m", "monitor.practice", "--replay", str(described), "--port-file", str(port_file)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        while not port_file.exists():
            assert process.returncode is None
            await asyncio.sleep(0.02)
        url = f"http://127.0.0.1:{port_file.read_text().strip()}"
        async with aiohttp.ClientSession() as session:
            assert len(await _json(session, "GET", f"{url}/fapi/v3/positionRisk")) == 1
            await _json(session, "POST", f"{url}/control/describe", {"binance": {}})
            assert await _json(session, "GET", f"{url}/fapi/v3/positionRisk") == []
            counted = await _json(session, "GET", f"{url}/control/requests")
            assert counted["counts"] == {"GET /fapi/v3/positionRisk": 2}
    finally:
        process.terminate()
        assert await process.wait() == 0


async def test_control_is_refused_without_its_token() -> None:
    async with PracticeServer(Replay()) as server, aiohttp.request("GET", f"{server.url}/control/requests") as reply:
        assert reply.status == 401


async def _json(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    async with session.request(method, url, json=body, headers={"X-Practice-Token": "practice"}) as reply:
        assert reply.status == 200
        return await reply.json()
