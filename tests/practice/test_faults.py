"""Each fault, as it looks on the wire to a plain client, and what it does to a write."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from monitor.practice import PracticeExchange, PracticeServer, Replay, ServerThread
from monitor.practice.call import Call, Reply
from monitor.practice.engine.accounts import Slot
from monitor.practice.faults import Fault, FaultKind, Faults
from monitor.practice.faults.bodies import changed
from monitor.practice.wire.route import Request
from monitor.practice.wire.source import EngineSource
from tests.practice.clients import client

ROW = {"positionAmt": "1", "entryPrice": "2", "markPrice": "2", "unRealizedProfit": "0", "isolatedMargin": "1", "updateTime": 7}
REPLAY: dict[str, dict[str, Any]] = {
    "binance": {"positions": [{"symbol": "ADAUSDT"} | ROW]},
    "bybit": {"positions": [{"symbol": "ADAUSDT", "size": "1", "markPrice": "2", "side": "Buy"}]},
    "okx": {"positions": [{"instId": "ADA-USDT-SWAP", "pos": "1", "markPx": "2"}]},
}
POSITIONS = {
    "binance": "/fapi/v3/positionRisk",
    "bybit": "/v5/position/list?category=linear&settleCoin=USDT",
    "okx": "/api/v5/account/positions",
}


async def ask(fault: Fault | None, exchange: str = "binance", *, patience: float = 5) -> tuple[int, bytes]:
    """Status and body of the positions call under ``fault``, read by a client that waits ``patience`` seconds."""
    async with (
        PracticeServer(Replay(REPLAY)) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(patience)) as session,
    ):
        if fault is not None:
            server.faults.add(fault)
        async with session.get(server.url + POSITIONS[exchange]) as reply:
            return reply.status, await reply.read()


def one(kind: str, **settings: Any) -> Fault:
    return Fault(kind=FaultKind(kind), **settings)


@pytest.mark.parametrize("kind", ["reset", "close"])
async def test_connection_ends_without_a_reply(kind: str) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(one(kind))


async def test_hang_never_answers() -> None:
    with pytest.raises(TimeoutError):
        await ask(one("hang"), patience=0.05)


async def test_hang_lets_go_when_it_is_lifted() -> None:
    now = [0.0]
    faults = Faults(lambda: now[0])
    number = faults.add(one("hang"))
    waiting = asyncio.create_task(faults.outlast(faults.matching(_call())[0], None))
    await asyncio.sleep(0)
    assert not waiting.done()
    faults.lift(number)
    await waiting


async def test_drip_is_slower_than_the_client_waits() -> None:
    with pytest.raises(TimeoutError):
        await ask(one("drip", amount=Decimal("0.02")), patience=0.1)


async def test_cut_body_promises_more_than_it_sends() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(one("cut_body"))


async def test_huge_body_is_valid_json_of_that_size() -> None:
    status, body = await ask(one("huge", amount=Decimal(3)))
    assert status == 200
    assert len(body) > 3 << 20
    assert len(json.loads(body)) == 1


@pytest.mark.parametrize(
    ("kind", "body"),
    [("empty", b""), ("empty_object", b"{}"), ("null", b"null"), ("html", b"<!DOCTYPE html>"), ("cut_json", b"[")],
)
async def test_body_without_sense_comes_with_status_200(kind: str, body: bytes) -> None:
    status, read = await ask(one(kind))
    assert status == 200
    assert read.startswith(body)
    if kind == "cut_json":
        with pytest.raises(json.JSONDecodeError):
            json.loads(read)


@pytest.mark.parametrize(
    ("exchange", "body"),
    [("binance", {"code": 200, "msg": "success"}), ("bybit", {"category": "linear", "nextPageCursor": ""}), ("okx", None)],
)
async def test_right_envelope_comes_without_its_list(exchange: str, body: Any) -> None:
    _, read = await ask(one("no_list"), exchange)
    parsed = json.loads(read)
    if exchange == "okx":
        assert parsed == {"code": "0", "msg": ""}
    else:
        assert parsed.get("result", parsed) == body


@pytest.mark.parametrize("exchange", POSITIONS)
async def test_positions_are_empty_in_the_right_envelope(exchange: str) -> None:
    _, read = await ask(one("empty_positions"), exchange)
    parsed = json.loads(read)
    rows = {"binance": lambda: parsed, "bybit": lambda: parsed["result"]["list"], "okx": lambda: parsed["data"]}[exchange]()
    assert rows == []


async def test_nan_stands_where_numbers_were() -> None:
    _, read = await ask(one("nan"))
    assert json.loads(read)[0]["markPrice"] == "NaN"


STATUSES = [
    ("429", "binance", 429, "-1003"),
    ("429", "bybit", 200, "10006"),
    ("429", "okx", 429, "50011"),
    ("418", "binance", 418, "banned until"),
    ("403", "binance", 403, "<html"),
    ("403", "bybit", 403, "access too frequent"),
    ("500", "okx", 500, "<html"),
    ("502", "bybit", 502, "<html"),
    ("503", "binance", 503, "Unknown error"),
    ("504", "okx", 504, "<html"),
    ("key_expired", "binance", 401, "-2015"),
    ("key_expired", "bybit", 200, "33004"),
    ("key_expired", "okx", 401, "50111"),
]


async def test_refusals_have_the_form_of_their_exchange() -> None:
    for kind, exchange, status, part in STATUSES:
        seen, body = await ask(one(kind), exchange)
        assert (seen, part in body.decode()) == (status, True), (kind, exchange, body[:80])


async def test_fault_concerns_only_its_exchange_call_and_number_of_times() -> None:
    async with PracticeServer(Replay(REPLAY)) as server, aiohttp.ClientSession() as session:
        server.faults.add(one("500", exchange="binance", call="*positionRisk", times=1))
        statuses = []
        for path in ("/fapi/v1/time", POSITIONS["okx"], POSITIONS["binance"], POSITIONS["binance"]):
            async with session.get(server.url + path) as reply:
                statuses.append(reply.status)
        assert statuses == [200, 200, 500, 200]
        assert server.faults.placed() == {}


def test_fault_begins_and_ends_in_its_time() -> None:
    now = [0.0]
    faults = Faults(lambda: now[0])
    faults.add(one("html", after=Decimal(10), lasts=Decimal(60)))
    standing = []
    for now[0] in (9.0, 10.0, 69.0, 70.0):
        standing.append(len(faults.matching(_call())))
    assert standing == [0, 1, 1, 0]


def _call() -> Any:
    from monitor.practice.call import Call

    return Call(method="GET", path="/fapi/v3/positionRisk", raw_query="", body="", headers={}, remote="", at=0)


def test_thread_takes_faults_from_outside() -> None:
    with ServerThread(Replay(REPLAY)) as thread:
        thread.call(lambda: thread.server.faults.add(one("500")))
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(thread.url + "/fapi/v1/time", timeout=5)
        thread.call(thread.server.faults.clear)
        with urllib.request.urlopen(thread.url + "/fapi/v1/time", timeout=5) as reply:
            assert reply.status == 200


async def test_server_refuses_and_accepts_again() -> None:
    async with PracticeServer(Replay(REPLAY)) as server:
        await server.refuse()
        with pytest.raises(aiohttp.ClientConnectorError):
            async with aiohttp.request("GET", server.url + "/fapi/v1/time"):
                pass
        await server.accept()
        async with aiohttp.request("GET", server.url + "/fapi/v1/time") as reply:
            assert reply.status == 200


async def test_tls_peer_is_not_trusted() -> None:
    async with PracticeServer(Replay(REPLAY), tls=True) as server:
        with pytest.raises(aiohttp.ClientConnectorCertificateError) as caught:
            async with aiohttp.request("GET", server.tls_url + "/fapi/v1/time"):
                pass
        assert isinstance(caught.value.certificate_error, ssl.SSLCertVerificationError)


async def test_clock_off_is_seen_in_the_time_and_in_the_window() -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", "binance", balances={"USDT": "10"})
    keys = {"apiKey": account.api_key, "secret": account.secret}
    async with PracticeServer(EngineSource(engine)) as server, client("binance", server.url, **keys) as binance:
        server.faults.add(one("clock_off", account="main", amount=Decimal(60_000)))
        with pytest.raises(Exception, match="-1021"):
            await binance.fapiprivatev3_get_positionrisk()
        server.faults.clear()
        assert await binance.fapiprivatev3_get_positionrisk() == []


async def test_frozen_mark_holds_still_while_the_exchange_goes_on() -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", "binance", balances={"USDT": "1000"})
    engine.open("main", "BTCUSDT", long=True, quantity=Decimal("0.01"), leverage=Decimal(10))
    keys = {"apiKey": account.api_key, "secret": account.secret}
    async with PracticeServer(EngineSource(engine)) as server, client("binance", server.url, **keys) as binance:
        server.faults.add(one("frozen_mark"))
        seen = []
        for mark in (117000, 116000):
            engine.set_marks({("binance", "BTCUSDT"): Decimal(mark)})
            seen.append((await binance.fapiprivatev3_get_positionrisk())[0]["markPrice"])
        server.faults.clear()
        seen.append((await binance.fapiprivatev3_get_positionrisk())[0]["markPrice"])
    assert seen == ["117000.00000000", "117000.00000000", "116000.00000000"]


async def test_tiers_change_once_for_a_contract_and_stay_changed() -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", "binance", balances={"USDT": "1000"})
    keys = {"apiKey": account.api_key, "secret": account.secret}
    before = {name: engine.contract("binance", name).tiers[0].rate for name in ("BTCUSDT", "ETHUSDT")}
    bybit = engine.contract("bybit", "BTCUSDT").tiers
    async with PracticeServer(EngineSource(engine)) as server, client("binance", server.url, **keys) as binance:
        server.faults.add(one("tiers", contract="BTCUSDT", amount=Decimal(3)))
        for _ in range(3):
            await binance.fapiprivatev3_get_positionrisk()
        server.faults.clear()
        brackets = await binance.fapiprivate_get_leveragebracket({"symbol": "BTCUSDT"})
    told = brackets[0] if isinstance(brackets, list) else brackets
    assert Decimal(str(told["brackets"][0]["maintMarginRatio"])) == before["BTCUSDT"] * 3
    assert engine.contract("binance", "ETHUSDT").tiers[0].rate == before["ETHUSDT"]
    assert engine.contract("bybit", "BTCUSDT").tiers == bybit


async def test_tiers_of_everything_double_unless_said_otherwise() -> None:
    engine = PracticeExchange()
    before = {key: contract.tiers[0].rate for key, contract in engine.contracts.items()}
    async with PracticeServer(EngineSource(engine)) as server, client("okx", server.url) as okx:
        server.faults.add(one("tiers"))
        await okx.public_get_public_time()
    for key, rate in before.items():
        assert engine.contracts[key].tiers[0].rate == (rate * 2 if key[0] == "okx" else rate)


WRITES = [
    ("reset", None, "1"),
    ("504", None, "1"),
    ("html", None, "1"),
    ("429", None, "0"),
    ("read_only", None, "0"),
    ("reset", "-1", "0"),
    ("429", "0", "1"),
]


async def test_write_takes_effect_or_not_apart_from_what_the_caller_sees() -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", "binance", balances={"USDT": "1000"})
    position = engine.open("main", "BTCUSDT", long=True, quantity=Decimal("0.01"), leverage=Decimal(10))
    keys = {"apiKey": account.api_key, "secret": account.secret}
    async with PracticeServer(EngineSource(engine)) as server, client("binance", server.url, **keys) as binance:
        for kind, executes, added in WRITES:
            before = engine.margin(position)
            effect = None if executes is None else Decimal(executes)
            server.faults.add(one(kind, method="POST", times=1, executes=effect))
            try:
                reply = await binance.fapiprivate_post_positionmargin({"symbol": "BTCUSDT", "amount": "1", "type": "1"})
            except Exception:  # noqa: BLE001 - whatever the client makes of it
                reply = None
            assert not isinstance(reply, dict), kind
            assert engine.margin(position) - before == Decimal(added), kind


async def test_late_write_takes_effect_after_the_caller_gave_up() -> None:
    engine = PracticeExchange()
    engine.add_account("main", "okx", balances={"USDT": "1000"})
    position = engine.open("main", "ETH-USDT-SWAP", long=True, quantity=Decimal(1), leverage=Decimal(10))
    account = engine.account("main")
    keys = {"apiKey": account.api_key, "secret": account.secret, "password": account.passphrase}
    margin = engine.margin(position)
    async with PracticeServer(EngineSource(engine)) as server, client("okx", server.url, **keys) as okx:
        server.faults.add(one("close", method="POST", executes=Decimal("0.05")))
        order = {"instId": "ETH-USDT-SWAP", "posSide": "net", "type": "add", "amt": "5"}
        with pytest.raises(Exception, match="okx"):
            await okx.private_post_account_position_margin_balance(order)
        assert engine.margin(position) == margin
        while engine.margin(position) == margin:  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.005)
        assert engine.margin(account.positions["ETH-USDT-SWAP", Slot.NET]) == margin + 5


async def test_reduced_rights_show_in_what_the_key_may_do() -> None:
    async with PracticeServer(Replay(REPLAY)) as server, aiohttp.ClientSession() as session:
        server.faults.add(one("read_only"))
        async with session.get(server.url + "/sapi/v1/account/apiRestrictions") as reply:
            assert (await reply.json())["enableFutures"] is False
        async with session.get(server.url + "/v5/user/query-api") as reply:
            assert (await reply.json())["result"]["readOnly"] == 1
        async with session.get(server.url + "/api/v5/account/config") as reply:
            assert (await reply.json())["data"][0]["perm"] == "read_only"


@pytest.mark.parametrize(("name", "contract"), [("binance", "BTCUSDT"), ("bybit", "BTCUSDT"), ("okx", "BTC-USDT-SWAP")])
async def test_frozen_margin_hides_a_change_of_margin_until_it_is_lifted(name: str, contract: str) -> None:
    engine = PracticeExchange()
    account = engine.add_account("main", name, balances={"USDT": "100000"})
    engine.open("main", contract, long=True, quantity=Decimal(1), leverage=Decimal(10))
    keys = {"apiKey": account.api_key, "secret": account.secret, "password": account.passphrase}
    margins = []
    async with PracticeServer(EngineSource(engine)) as server, client(name, server.url, **keys) as made:

        async def margin() -> Decimal:
            if name == "binance":
                return Decimal((await made.fapiprivatev3_get_positionrisk())[0]["isolatedWallet"])
            if name == "bybit":
                told = await made.private_get_v5_position_list({"category": "linear", "settleCoin": "USDT"})
                return Decimal(told["result"]["list"][0]["positionIM"])
            return Decimal((await made.private_get_account_positions())["data"][0]["margin"])

        server.faults.add(one("frozen_margin"))
        for added in ("1", "2"):
            margins.append(await margin())
            engine.change_margin("main", contract, Slot.NET, Decimal(added))
        server.faults.clear()
        margins.append(await margin())
    assert margins[1:] == [margins[0], margins[0] + 3]


@pytest.mark.parametrize("exchange", POSITIONS)
async def test_408_has_binances_own_words_and_a_page_elsewhere(exchange: str) -> None:
    status, body = await ask(one("408"), exchange)
    assert status == 408
    assert (b"-1007" in body) is (exchange == "binance")


def listed(exchange: str, body: Any) -> list[str]:
    rows = body if exchange == "binance" else body["data"] if exchange == "okx" else body["result"]["list"]
    return [row.get("symbol", row.get("instId")) for row in rows]


TWO = {
    "binance": ("BTCUSDT", "ETHUSDT"),
    "bybit": ("BTCUSDT", "ETHUSDT"),
    "okx": ("ETH-USDT-SWAP", "BTC-USDT-SWAP"),
}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("exchange", TWO)
async def test_one_position_is_missing_from_so_many_lists_and_comes_back(exchange: str, named: bool) -> None:
    fault = one("disappear", times=2, contract=TWO[exchange][0] if named else None)
    faults = Faults()
    faults.add(fault)
    engine = PracticeExchange()
    engine.add_account("main", exchange, balances={"USDT": "10000"})
    for name in reversed(TWO[exchange]) if exchange == "okx" else TWO[exchange]:
        engine.open("main", name, long=True, quantity=Decimal(1) / 100, leverage=Decimal(10))
    source = EngineSource(engine)

    def asked(path: str) -> Any:
        call = Call(method="GET", path=path, raw_query="", body="", headers={}, remote="", at=engine.clock())
        route = source.wires[exchange].routes["GET", path]
        params = {"category": "linear", "settleCoin": "USDT"} if exchange == "bybit" else {}
        body = route.handler(Request(exchange=engine, caller=engine.account("main"), params=params, at=call.at))
        for placed in faults.matching(call):
            body = json.loads(changed(placed.fault, call, Reply(body=body), placed.held).encoded())
        return body

    path = POSITIONS[exchange].partition("?")[0]
    other = {"binance": "/fapi/v3/account", "bybit": "/v5/account/wallet-balance", "okx": "/api/v5/account/balance"}[exchange]
    assert listed(exchange, asked(path)) == [TWO[exchange][1]]
    asked(other)  # other calls neither change nor count
    assert listed(exchange, asked(path)) == [TWO[exchange][1]]
    assert listed(exchange, asked(path)) == list(TWO[exchange])
    assert len(engine.account("main").positions) == 2


async def test_binances_list_of_every_contract_loses_the_first_open_one() -> None:
    engine = PracticeExchange()
    engine.add_account("main", "binance", balances={"USDT": "10000"})
    engine.open("main", "ETHUSDT", long=True, quantity=Decimal(1), leverage=Decimal(10))
    source = EngineSource(engine)
    request = Request(exchange=engine, caller=engine.account("main"), params={}, at=0)
    rows = source.wires["binance"].routes["GET", "/fapi/v2/positionRisk"].handler(request)
    call = Call(method="GET", path="/fapi/v2/positionRisk", raw_query="", body="", headers={}, remote="", at=0)
    left = listed("binance", json.loads(changed(one("disappear"), call, Reply(body=rows), {}).encoded()))
    assert set(listed("binance", rows)) - set(left) == {"ETHUSDT"}
