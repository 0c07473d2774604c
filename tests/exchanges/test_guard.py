"""What counts as an answer, seen through the real ccxt class of Binance and a server that answers badly."""

import asyncio
import gzip
import ssl

import pytest
import trustme

from monitor.errors import (
    AuthRejected,
    BadReply,
    CallForbidden,
    CallRefused,
    ExchangeDown,
    ExchangeFault,
    TimedOut,
    Unreachable,
)
from monitor.exchanges.binance.dialect import dialect
from monitor.exchanges.guard import read_json
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.session import Session
from tests.exchanges import loopback
from tests.exchanges.loopback import CANARIES, HandClock, Loopback, access, html, json_reply, reply

POSITIONS = "/fapi/v3/positionRisk"
CALL = "fapiPrivateV3GetPositionRisk"


def session_at(server, **changes):
    clock = HandClock()
    return Session(dialect(inverse_only=False), access(server, **changes), Pacer(clock), clock)


async def fault_of(answer, *, within=2.0):
    """What a bad answer becomes; no text of it, causes included, may hold a secret or a URL."""
    async with Loopback({POSITIONS: answer}) as server:
        session = session_at(server)
        with pytest.raises(ExchangeFault) as caught:
            await session.call(CALL, within=within)
        await session.close()
    assert_tells_nothing(caught.value)
    return caught.value


def assert_tells_nothing(error):
    assert error.__cause__ is None or error.__suppress_context__
    texts = [str(error), error.message, repr(error), str(error.__cause__ or "")]
    for text in texts:
        assert "http://" not in text
        assert "signature" not in text
        assert not any(canary in text for canary in CANARIES)


@pytest.mark.parametrize(
    "answer",
    [
        reply(""),
        reply(" \n"),
        html(),
        reply('[{"symbol": "BTCUSDT", "posit'),
        reply("null"),
        reply('"maintenance"'),
        reply("true"),
        reply("17"),
        reply('[{"markPrice": NaN}]'),
        reply("[" * 100_000),
        reply('[{"a": ' + "9" * 5000 + "}]"),
        loopback.cut_body(),
        loopback.chunked(60_000_000),
    ],
    ids=[
        "empty",
        "blank",
        "html",
        "cut json",
        "null",
        "string",
        "true",
        "number",
        "nan",
        "deep",
        "huge int",
        "cut body",
        "60 MB",
    ],
)
async def test_guard_calls_it_a_bad_reply_when_a_200_holds_no_whole_document(answer):
    assert type(await fault_of(answer)) is BadReply


async def test_guard_refuses_a_large_body_by_its_size_when_it_has_a_length():
    # 9 MB of well-formed JSON: one million bytes above the cap of 8 MiB = 8,388,608.
    assert "8 MiB" in (await fault_of(reply('["' + "x" * 9_000_000 + '"]'))).message


async def test_guard_counts_what_a_compressed_body_unpacks_to():
    packed = gzip.compress(b'["' + b"x" * 60_000_000 + b'"]')
    assert len(packed) < 100_000
    assert "8 MiB" in (await fault_of(reply(packed, headers={"Content-Encoding": "gzip"}))).message


async def test_guard_follows_no_redirect():
    async with Loopback({"/elsewhere": json_reply([])}) as other:
        fault = await fault_of(loopback.redirect(f"{other.url}/elsewhere"))
        assert type(fault) is BadReply
        assert other.asked == []


@pytest.mark.parametrize("answer", [loopback.hang(), loopback.drip()], ids=["hang", "drip"])
async def test_guard_times_out_when_no_whole_answer_comes_within_the_deadline(answer):
    assert type(await fault_of(answer, within=0.15)) is TimedOut


async def test_guard_calls_it_unreachable_when_the_connection_is_reset():
    assert type(await fault_of(loopback.reset())) is Unreachable


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (html(404), CallRefused),
        (html(401), AuthRejected),
        (html(451), AuthRejected),
        (html(500), ExchangeDown),
        (html(502), ExchangeDown),
        (html(504), ExchangeDown),
        (json_reply([], status=503), ExchangeDown),
        (json_reply({"code": -1007, "msg": "Timeout waiting for response from backend server."}, status=408), ExchangeDown),
        (json_reply({"code": -99999, "msg": "of tomorrow"}, status=503), ExchangeDown),
        (json_reply({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, status=401), AuthRejected),
        (json_reply({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}), AuthRejected),
        (json_reply({"code": -1022, "msg": "Signature for this request is not valid."}, status=400), AuthRejected),
        (json_reply({"code": -77, "msg": "System is under maintenance."}, status=400), ExchangeDown),
        (json_reply({"code": -1121, "msg": "Invalid symbol."}, status=400), CallRefused),
    ],
)
async def test_guard_goes_by_the_exchanges_code_and_the_status(answer, expected):
    assert type(await fault_of(answer)) is expected


async def test_guard_shows_the_exchanges_short_text_without_anything_secret_in_it():
    text = f"key {CANARIES[0]} of https://x.test/?signature=abc is\nbad, " + "long " * 100
    fault = await fault_of(json_reply({"code": -2014, "msg": text}, status=400))
    assert fault.code == "-2014"
    assert fault.message.startswith("the exchange said -2014: key *** of *** is bad, long")
    assert len(fault.message) < 200


async def test_guard_calls_it_unreachable_when_nothing_listens():
    async with Loopback() as server:
        url = server.url
    session = session_at(url)
    with pytest.raises(Unreachable) as caught:
        await session.call(CALL)
    await session.close()
    assert_tells_nothing(caught.value)


async def test_guard_calls_it_unreachable_when_the_name_does_not_resolve(monkeypatch):
    async def no_such_name(*_args, **_kwargs):
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_such_name)
    session = session_at("http://fapi.example.test")
    with pytest.raises(Unreachable, match="did not resolve") as caught:
        await session.call(CALL)
    await session.close()
    assert_tells_nothing(caught.value)


async def test_guard_calls_it_unreachable_when_the_certificate_is_not_trusted():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with Loopback({POSITIONS: json_reply([])}, tls=context) as server:
        session = session_at(server)
        with pytest.raises(Unreachable, match="certificate") as caught:
            await session.call(CALL)
        await session.close()
        assert server.asked == []
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        "fapiPrivatePostOrder",
        "fapiPrivatePostPositionMargin",
        "fapiPrivateDeleteOrder",
        "fapiPrivatePostMarginType",
        "sapiPostCapitalWithdrawApply",
        "fapiPrivateGetOrder",
        "privateGetAccount",
        "no_such_call",
    ],
)
async def test_guard_sends_nothing_when_a_call_is_not_on_the_list(call):
    async with Loopback() as server:
        session = session_at(server)
        session._synced_at = session._clock.monotonic()
        with pytest.raises(CallForbidden):
            await session.call(call, {"symbol": "BTCUSDT", "amount": "1", "type": 1})
        await session.close()
        assert server.asked == []


async def test_guard_sends_nothing_when_ccxts_own_calls_are_used():
    async with Loopback() as server:
        session = session_at(server)
        with pytest.raises(CallForbidden):
            await session._ccxt.create_order("BTC/USDT:USDT", "market", "buy", 1)
        await session.close()
        assert server.asked == []


def test_read_json_keeps_figures_exact():
    # As a float, 0.1 + 0.2 style errors would creep in: 0.004 is 0.0040000000000000000832...
    assert read_json('{"rate": 0.0040, "cum": 1e-7, "cap": 9223372036854775808}') == {
        "rate": "0.0040",
        "cum": "1e-7",
        "cap": 9223372036854775808,
    }
