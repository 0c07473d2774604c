"""The session that may write: what its gate lets through, what it signs with, and what it concludes from a reply."""

import asyncio
import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from monitor.errors import BadReply, CallForbidden, OutcomeUnknown, WriteNotSent, WriteRefused
from monitor.exchanges import load, writing
from monitor.exchanges.binance.dialect import dialect as binance
from monitor.exchanges.bybit.dialect import DIALECT as BYBIT
from monitor.exchanges.okx.dialect import DIALECT as OKX
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.session import Session
from monitor.exchanges.writing import WritingSession
from monitor.practice import Fault, FaultKind
from tests.exchanges.loopback import HandClock, Loopback, access, json_reply, redirect
from tests.exchanges.margins import EXCHANGES, WRITES, desk, later

DIALECTS = {"binance": binance(inverse_only=False), "bybit": BYBIT, "okx": OKX}
ENDPOINTS = {
    "binance": "fapiPrivatePostPositionMargin",
    "bybit": "privatePostV5PositionAddMargin",
    "okx": "privatePostAccountPositionMarginBalance",
}
TRADES = {
    "binance": ("fapiPrivatePostOrder", "/fapi/v1/order"),
    "bybit": ("privatePostV5OrderCreate", "/v5/order/create"),
    "okx": ("privatePostTradeOrder", "/api/v5/trade/order"),
}
ALL_WRITES = {
    "binance": {"/fapi/v1/positionMargin", "/dapi/v1/positionMargin"},
    "bybit": {"/v5/position/add-margin"},
    "okx": {"/api/v5/account/position/margin-balance"},
}
ENVELOPES = {
    "binance": lambda code: {"code": int(code), "msg": "no"},
    "bybit": lambda code: {"retCode": int(code), "retMsg": "no", "result": {}, "time": 1},
    "okx": lambda code: {"code": code, "msg": "no", "data": []},
}
TIMES = {
    "binance": ("/fapi/v1/time", lambda ms: {"serverTime": ms}),
    "bybit": ("/v5/market/time", lambda ms: {"retCode": 0, "result": {"timeNano": f"{ms}000000"}, "time": ms}),
    "okx": ("/api/v5/public/time", lambda ms: {"code": "0", "data": [{"ts": str(ms)}]}),
}


def session_at(server, name, clock=None) -> WritingSession:
    clock = clock or HandClock()
    return WritingSession(DIALECTS[name], access(server), Pacer(clock), clock)


async def write(session, name, *, path="", endpoint="", submitted_at: datetime | None = None, within=5.0):
    return await session.write(
        endpoint or ENDPOINTS[name],
        {"symbol": "X"},
        path=path or WRITES[name],
        submitted_at=submitted_at or session._clock.now(),
        within=within,
    )


def answering(name, body, *, status=200, ms=1_700_000_000_000):
    path, told = TIMES[name]
    return {path: json_reply(told(ms)), WRITES[name]: json_reply(body, status=status)}


@pytest.mark.parametrize("name", EXCHANGES)
def test_the_writes_are_those_that_change_a_margin_and_nothing_else(name):
    assert DIALECTS[name].writes == ALL_WRITES[name]
    assert not DIALECTS[name].writes & DIALECTS[name].reads


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_session_of_the_watch_can_never_write(name):
    async with Loopback(answering(name, {})) as server:
        clock = HandClock()
        session = Session(DIALECTS[name], access(server), Pacer(clock), clock)
        with pytest.raises(CallForbidden):
            await session.call(ENDPOINTS[name], {"symbol": "X"})
        await session.close()
        assert server.count(WRITES[name]) == 0


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_writing_session_writes_only_in_write(name):
    async with Loopback(answering(name, {})) as server:
        session = session_at(server, name)
        with pytest.raises(CallForbidden):
            await session.call(ENDPOINTS[name], {"symbol": "X"})
        await session.close()
        assert server.count(WRITES[name]) == 0


@pytest.mark.parametrize("name", EXCHANGES)
async def test_nothing_but_the_named_write_leaves(name):
    endpoint, path = TRADES[name]
    async with Loopback(answering(name, {})) as server:
        session = session_at(server, name)
        for named in (path, WRITES[name]):
            with pytest.raises(WriteNotSent, match="not on the list"):
                await write(session, name, endpoint=endpoint, path=named)
        with pytest.raises(WriteNotSent, match="not on the list"):
            await write(session, name, path=path)
        await session.close()
        assert {asked.path for asked in server.asked} == {TIMES[name][0]}


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_write_leaves_once_even_when_ccxt_is_told_to_repeat(name):
    async with desk(name) as at:
        at.writer.session._ccxt.options["maxRetriesOnFailure"] = 3
        at.server.faults.add(Fault(kind=FaultKind.RESET, method="POST", executes=Decimal(0)))
        with pytest.raises(OutcomeUnknown):
            await at.writer.change_margin(at.intent("5"))
        assert (at.posts(), at.changes()) == (1, [Decimal(5)])


@pytest.mark.parametrize("name", EXCHANGES)
async def test_each_request_has_a_connection_of_its_own(name):
    async with desk(name) as at:
        await at.writer.change_margin(at.intent())
        await at.writer.fetch_evidence(at.intent())
        assert {call.headers.get("connection") for call in at.server.log.last} == {"close"}


def signed_ms(call) -> int:
    """The timestamp that a request was signed with."""
    if "x-bapi-timestamp" in call.headers:
        return int(call.headers["x-bapi-timestamp"])
    if "ok-access-timestamp" in call.headers:
        return round(datetime.fromisoformat(call.headers["ok-access-timestamp"]).timestamp() * 1000)
    return int(call.params["timestamp"])


@pytest.mark.parametrize("seconds", [0, 2])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_write_is_signed_with_the_time_of_its_submission(name, seconds):
    async with desk(name) as at:
        intent = later(at.intent(), seconds)
        await at.writer.change_margin(intent)
        call = next(call for call in at.server.log.last if call.method == "POST")
        # The practice exchange shares our clock. What is signed may be older by what the look at its clock took (2 s at most),
        # never younger.
        assert intent.submitted_at is not None
        behind = intent.submitted_at.timestamp() * 1000 - signed_ms(call)
        assert 0 <= behind <= 2000
        window = {"binance": call.params.get("recvWindow"), "bybit": call.headers.get("x-bapi-recv-window"), "okx": "30000"}[name]
        assert timedelta(milliseconds=int(str(window))) == at.writer.window


@pytest.mark.parametrize("name", EXCHANGES)
async def test_the_exchange_itself_refuses_a_write_that_arrives_after_its_window(name):
    async with desk(name) as at:
        await at.writer.session.tune()
        late = int(at.writer.window.total_seconds() * 1000) + 1
        at.server.faults.add(Fault(kind=FaultKind.CLOCK_OFF, method="POST", amount=Decimal(late)))
        with pytest.raises(WriteRefused) as refused:
            await at.writer.change_margin(at.intent())
        assert refused.value.code in {"-1021", "10002", "50102"}
        assert at.changes() == []
        # The next one looks at the exchange's clock again.
        assert at.writer.session._tuning is None


@pytest.mark.parametrize("seconds", [-0.5, 2.6, 3600])
async def test_what_was_submitted_too_long_ago_or_in_the_future_is_not_sent(seconds):
    async with desk("binance") as at:
        with pytest.raises(WriteNotSent, match="too long"):
            await at.writer.change_margin(later(at.intent(), seconds))
        assert at.posts() == 0


async def test_time_is_kept_by_the_clock_that_never_jumps_between_looks():
    # Looked at 40 s ago: the exchange's time is counted on from then, and the second since the submission is taken off.
    async with Loopback(answering("bybit", {"retCode": 0, "result": {}})) as server:
        clock = HandClock()
        session = session_at(server, "bybit", clock)
        await session.tune()
        clock.advance(40)
        await write(session, "bybit", submitted_at=clock.now() - timedelta(seconds=1))
        assert server.count("/v5/market/time") == 1
        clock.advance(61)
        await write(session, "bybit")
        assert server.count("/v5/market/time") == 2
        await session.close()
        stamps = [int(asked.headers["x-bapi-timestamp"]) for asked in server.asked if asked.method == "POST"]
    assert stamps == [1_700_000_039_000, 1_700_000_000_000]
    assert session.exchange_ms(clock.now()) == 1_700_000_000_000
    assert session.our_time(1_700_000_000_000) == clock.now()


async def test_without_the_exchanges_clock_nothing_is_sent():
    async with Loopback({WRITES["binance"]: json_reply({}), "/fapi/v1/time": json_reply({"serverTime": "soon"})}) as server:
        session = session_at(server, "binance")
        with pytest.raises(WriteNotSent, match="clock"):
            await write(session, "binance")
        with pytest.raises(BadReply):
            session.exchange_ms(HandClock().now())
        await session.close()
        assert server.count(WRITES["binance"]) == 0


@pytest.mark.parametrize("name", EXCHANGES)
async def test_refusals_on_the_list_are_refusals_whatever_ccxt_makes_of_them(name):
    for code in sorted(DIALECTS[name].refused_writes):
        async with Loopback(answering(name, ENVELOPES[name](code), status=400 if name == "binance" else 200)) as server:
            session = session_at(server, name)
            with pytest.raises(WriteRefused) as refused:
                await write(session, name)
            await session.close()
        assert refused.value.code == code


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_redirect_is_not_followed_with_a_write(name):
    async with Loopback(answering(name, {})) as server:
        server.answers[WRITES[name]] = redirect(f"{server.url}/elsewhere")
        session = session_at(server, name)
        with pytest.raises(OutcomeUnknown):
            await write(session, name)
        await session.close()
        assert server.paths == [TIMES[name][0], WRITES[name]]


UNLISTED = {
    "binance": ("-1000", "-1001", "-1006", "-1007", "-1008", "-4000", "-9999"),
    "bybit": ("10000", "10014", "10016", "10019", "110079", "429", "503", "999999"),
    "okx": ("1", "50001", "50004", "50013", "50026", "50042", "99999"),
}


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, codes in UNLISTED.items() for code in codes])
async def test_any_other_code_leaves_the_outcome_unknown(name, code):
    async with Loopback(answering(name, ENVELOPES[name](code))) as server:
        session = session_at(server, name)
        with pytest.raises(OutcomeUnknown):
            await write(session, name)
        await session.close()


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_refusal_in_a_reply_that_says_it_may_have_worked_is_none(name, status):
    code = max(DIALECTS[name].refused_writes)
    async with Loopback(answering(name, ENVELOPES[name](code), status=status)) as server:
        session = session_at(server, name)
        with pytest.raises(OutcomeUnknown):
            await write(session, name)
        await session.close()


CONFIRMED = {
    "binance": {"amount": "5", "code": 200, "msg": "Successfully modify position margin.", "type": 1},
    "bybit": {"retCode": 0, "result": {"symbol": "BTCUSDT", "positionIdx": 0, "positionIM": "9", "liqPrice": ""}, "time": 1},
    "okx": {"code": "0", "data": [{"instId": "BTC-USDT-SWAP", "posSide": "net", "type": "add", "amt": "5", "ccy": "USDT"}]},
}
STRANGE = {
    "binance": ({"amount": "6"}, {"type": 2}, {"code": 201}, {"amount": None}, {"type": None}),
    "bybit": ({"symbol": "ETHUSDT"}, {"positionIdx": 1}, {"symbol": None}, {"positionIM": "NaN"}),
    "okx": ({"amt": "6"}, {"type": "reduce"}, {"posSide": "long"}, {"instId": "ETH-USDT-SWAP"}, {"amt": ""}),
}


def changed(name, change):
    body = json.loads(json.dumps(CONFIRMED[name]))
    part = body["result"] if name == "bybit" else body["data"][0] if name == "okx" else body
    part.update(change)
    return body


@pytest.mark.parametrize(("name", "change"), [(n, c) for n, cases in STRANGE.items() for c in ({}, *cases)])
async def test_only_an_answer_that_speaks_of_this_very_change_confirms_it(name, change):
    async with desk(name) as at, Loopback(answering(name, changed(name, change))) as server:
        writer = load(name).build_writer(access(server), Pacer(at.writer.clock), at.writer.clock)
        try:
            if change:
                with pytest.raises(OutcomeUnknown):
                    await writer.change_margin(at.intent("5"))
            else:
                assert (await writer.change_margin(at.intent("5"))).amount == 5
        finally:
            await writer.close()


async def test_two_writes_at_once_do_not_share_their_passage():
    async with desk("binance") as at:
        await at.writer.session.tune()
        first, second = at.intent("5"), later(at.intent("6"), 1)
        at.server.faults.add(Fault(kind=FaultKind.SLOW, method="POST", amount=Decimal("0.05")))
        await asyncio.gather(at.writer.change_margin(first), at.writer.change_margin(second))
        calls = {call.params["amount"]: signed_ms(call) for call in at.server.log.last if call.method == "POST"}
        assert sorted(at.changes()) == [5, 6]
        assert first.submitted_at is not None
        assert second.submitted_at is not None
        apart = (first.submitted_at - second.submitted_at) / timedelta(milliseconds=1)
        assert abs(calls["5"] - calls["6"] - apart) <= 2


async def test_cancelled_write_stays_cancelled_and_is_sent_once():
    async with desk("okx") as at:
        at.server.faults.add(Fault(kind=FaultKind.HANG, method="POST"))
        task = asyncio.create_task(at.writer.change_margin(at.intent("5")))
        async with asyncio.timeout(5):
            while not at.posts():  # noqa: ASYNC110 - the server runs in this very loop
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (at.posts(), at.changes()) == (1, [Decimal(5)])


async def test_a_clock_that_does_not_answer_in_time_sends_nothing(monkeypatch):
    monkeypatch.setattr(writing, "_SLOWEST_TIME", 0.05)
    async with desk("bybit") as at:
        at.server.faults.add(Fault(kind=FaultKind.HANG, call="*time"))
        with pytest.raises(WriteNotSent, match="in time"):
            await at.writer.change_margin(at.intent())
        assert at.posts() == 0


async def test_an_exchange_that_says_how_long_it_is_ill_is_not_written_to_meanwhile():
    answers = answering("okx", {})
    answers[WRITES["okx"]] = json_reply({"code": "50001", "msg": "ill"}, status=503, headers={"Retry-After": "7"})
    async with Loopback(answers) as server:
        session = session_at(server, "okx")
        with pytest.raises(OutcomeUnknown):
            await write(session, "okx")
        with pytest.raises(WriteNotSent):
            await write(session, "okx")
        await session.close()
        assert server.count(WRITES["okx"]) == 1
