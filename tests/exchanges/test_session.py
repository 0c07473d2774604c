import asyncio
import logging
import time
from datetime import timedelta
from typing import Any

import pytest

from monitor.errors import AuthRejected, CallForbidden, ClockSkew, ConfigError, ExchangeDown, RateLimited
from monitor.exchanges.binance.dialect import dialect
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.session import Session
from tests.exchanges.loopback import API_KEY, CANARIES, HandClock, Loopback, access, hang, html, json_reply

POSITIONS = "/fapi/v3/positionRisk"
CALL = "fapiPrivateV3GetPositionRisk"
TIME = "/fapi/v1/time"
BALANCE, BALANCE_CALL = "/fapi/v3/balance", "fapiPrivateV3GetBalance"
SKEWED = json_reply({"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, status=400)


def session_at(server, *, pacer=None, clock=None, **changes):
    clock = clock or HandClock()
    return Session(dialect(inverse_only=False), access(server, **changes), pacer or Pacer(clock), clock)


async def test_session_signs_and_sends_a_read_to_the_endpoint():
    async with Loopback({POSITIONS: json_reply([])}) as server:
        session = session_at(server)
        assert await session.call(CALL, {"symbol": "BTCUSDT"}) == []
        await session.close()
        asked = next(asked for asked in server.asked if asked.path == POSITIONS)
    assert asked.method == "GET"
    assert asked.headers["x-mbx-apikey"] == API_KEY
    assert asked.query["symbol"] == "BTCUSDT"
    assert asked.query["recvWindow"] == "5000"
    assert len(asked.query["signature"]) == 64


async def test_session_mends_its_clock_and_asks_again_when_the_timestamp_is_refused():
    # The exchange's clock is an hour ahead: the second request carries its time, less than 5 s off.
    hour = 3_600_000
    ahead = {"serverTime": int(time.time() * 1000) + hour}
    async with Loopback({POSITIONS: [SKEWED, json_reply([])], TIME: json_reply(ahead)}) as server:
        session = session_at(server)
        assert await session.call(CALL) == []
        await session.close()
        first, second = (int(asked.query["timestamp"]) for asked in server.asked if asked.path == POSITIONS)
    assert second - first == pytest.approx(hour, abs=5000)
    assert session.clock_offset == pytest.approx(-3600, abs=5)


async def test_session_asks_only_once_more_when_the_timestamp_is_refused_again():
    async with Loopback({POSITIONS: SKEWED, TIME: json_reply({"serverTime": int(time.time() * 1000)})}) as server:
        session = session_at(server)
        with pytest.raises(ClockSkew):
            await session.call(CALL)
        await session.close()
        assert server.count(POSITIONS) == 2


async def test_session_measures_the_clock_again_after_an_hour():
    now = json_reply({"serverTime": int(time.time() * 1000)})
    async with Loopback({POSITIONS: json_reply([]), TIME: now}) as server:
        clock = HandClock()
        session = session_at(server, clock=clock)
        for wait in (0, 600, 3100):
            clock.advance(wait)
            await session.call(CALL)
            await settled(session)
        await session.close()
        assert server.count(TIME) == 2


async def settled(session):
    while session._tasks:
        await asyncio.gather(*session._tasks, return_exceptions=True)


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (json_reply({"code": -1003, "msg": "Too many requests."}, status=429, headers={"Retry-After": "7"}), 7),
        (html(429), 60),
        (html(418), 120),
        (json_reply({"code": -1003, "msg": "Way too many requests; IP banned until 1763812890000."}, status=418), 90),
        (json_reply({"code": -1003, "msg": "Too many requests."}), 60),
        (html(403), 120),
    ],
)
async def test_session_sends_nothing_until_a_ban_is_over(answer, seconds):
    # HandClock starts at 2025-11-22T12:00:00Z here: 1763812800 in Unix seconds, so the named time is 90 s away.
    clock = HandClock(start=HandClock().now().replace(year=2025))
    stored: dict[str, Any] = {}
    pacer = Pacer(clock, stored.__setitem__)
    async with Loopback({POSITIONS: [answer, json_reply([])]}) as server:
        session = session_at(server, pacer=pacer, clock=clock)
        session._synced_at = clock.monotonic()
        with pytest.raises(RateLimited) as limited:
            await session.call(CALL)
        until = clock.now() + timedelta(seconds=seconds)
        assert limited.value.until == until
        assert f"asked for silence until {until:%Y-%m-%d %H:%M:%S} UTC" in limited.value.message
        for _ in range(3):
            with pytest.raises(RateLimited, match=f"asked for silence until {until:%Y-%m-%d %H:%M:%S} UTC"):
                await session.call(CALL)
        clock.advance(seconds - 0.1)
        with pytest.raises(RateLimited):
            await session.call(CALL)
        assert server.paths == [POSITIONS]
        clock.advance(0.2)
        assert await session.call(CALL) == []
        await session.close()
    assert list(stored.values()) == [limited.value.until]


async def test_session_sends_nothing_when_a_ban_was_restored():
    clock = HandClock()
    async with Loopback({POSITIONS: json_reply([])}) as server:
        pacer = Pacer(clock)
        pacer.restore({access(server).ip_scope("binance"): clock.now() + timedelta(seconds=60)})
        session = session_at(server, pacer=pacer, clock=clock)
        with pytest.raises(RateLimited):
            await session.call(CALL)
        await session.close()
        assert server.asked == []


async def test_session_shares_a_ban_between_accounts_of_one_address_only():
    clock = HandClock()
    pacer = Pacer(clock)
    async with Loopback({POSITIONS: html(418)}) as server, Loopback({POSITIONS: json_reply([])}) as proxy:
        sessions = [
            session_at(server, pacer=pacer, clock=clock),
            session_at(server, pacer=pacer, clock=clock, account="other"),
            session_at(server, pacer=pacer, clock=clock, account="far", proxy=proxy.url),
        ]
        for session in sessions[:2]:
            with pytest.raises(RateLimited):
                await session.call(CALL)
        assert await sessions[2].call(CALL) == []
        await asyncio.gather(*(session.close() for session in sessions))
        assert server.count(POSITIONS) == 1


async def test_session_lets_polls_go_on_and_others_wait_when_near_the_limit():
    # 2,000 of 2,400 is 83 %: calls that can wait do. 2,300 is 96 %: everything does, but the reply that said so counts.
    answers = [json_reply([], headers={"X-MBX-USED-WEIGHT-1M": weight}) for weight in ("2000", "2300")]
    async with Loopback({POSITIONS: answers}) as server:
        session = session_at(server)
        await session.call(CALL)
        with pytest.raises(RateLimited):
            await session.call(CALL, can_wait=True)
        assert await session.call(CALL) == []
        with pytest.raises(RateLimited):
            await session.call(CALL)
        await session.close()
        assert server.count(POSITIONS) == 2


async def test_session_goes_through_the_proxy_when_the_account_has_one(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with Loopback({POSITIONS: json_reply([])}) as proxy:
        session = session_at("http://127.0.0.1:1", proxy=proxy.url)
        assert await session.call(CALL) == []
        await session.close()
        assert POSITIONS in proxy.paths


async def test_session_closes_at_once_when_requests_hang():
    async with Loopback({POSITIONS: hang(), TIME: hang()}) as server:
        session = session_at(server)
        calls = [asyncio.ensure_future(session.call(CALL)) for _ in range(3)]
        await server.seen(POSITIONS, 3)
        async with asyncio.timeout(1):
            await session.close()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(CallForbidden):
            await session.call(CALL)


async def test_session_says_the_key_cannot_sign_when_it_is_unusable():
    broken = "-----BEGIN PRIVATE KEY-----\nnot a key" + "x" * 120
    async with Loopback() as server:
        session = session_at(server, secret=broken)
        session._synced_at = session._clock.monotonic()
        with pytest.raises(AuthRejected, match="cannot be signed"):
            await session.call(CALL)
        await session.close()
        assert server.asked == []


def test_session_refuses_a_region_that_the_exchange_does_not_have():
    with pytest.raises(ConfigError, match=r"accounts\.main\.region: binance has no region eea"):
        session_at("http://127.0.0.1:1", region="eea")


async def test_session_moves_every_url_to_the_endpoint_in_demo_trading_too():
    session = session_at("http://127.0.0.1:1", demo_trading=True)
    assert session._ccxt.urls["api"]["fapiPrivateV3"] == "http://127.0.0.1:1/fapi/v3"
    assert session._ccxt.urls["api"]["dapiPrivate"] == "http://127.0.0.1:1/dapi/v1"
    await session.close()


async def test_session_uses_the_demo_hosts_when_demo_trading_is_on():
    session = session_at("", endpoint=None, demo_trading=True)
    assert session._ccxt.urls["api"]["fapiPrivateV3"] == "https://demo-fapi.binance.com/fapi/v3"
    await session.close()


async def test_session_logs_no_secret_even_at_debug_level(caplog):
    caplog.set_level(logging.DEBUG)
    async with Loopback({POSITIONS: [json_reply([]), html(500)]}) as server:
        session = session_at(server)
        await session.call(CALL)
        with pytest.raises(Exception, match="500"):
            await session.call(CALL)
        await session.close()
    assert not any(canary in caplog.text for canary in CANARIES)
    assert "signature" not in caplog.text


def test_access_hides_its_secrets():
    shown = repr(access("http://127.0.0.1:1", proxy="http://user:canaryPROXY@127.0.0.1:2"))
    assert not any(canary in shown for canary in (*CANARIES, "canaryPROXY"))


@pytest.mark.parametrize(("named", "seconds"), [("7", 7), ("3600", 60)])
async def test_session_leaves_only_the_call_alone_that_is_unavailable_for_a_time(named, seconds):
    """At most a minute: whoever is ill may be well again sooner than it thinks."""
    clock = HandClock()
    ill = json_reply({"code": -1000, "msg": "Service Unavailable."}, status=503, headers={"Retry-After": named})
    async with Loopback({POSITIONS: [ill, json_reply([])], BALANCE: json_reply([])}) as server:
        session = session_at(server, clock=clock)
        session._synced_at = clock.monotonic()
        for _ in range(2):
            with pytest.raises(RateLimited) as limited:
                await session.call(CALL)
            assert limited.value.until == clock.now() + timedelta(seconds=seconds)
        await session.call(BALANCE_CALL)
        clock.advance(seconds + 0.1)
        await session.call(CALL)
        await session.close()
    assert server.paths == [POSITIONS, BALANCE, POSITIONS]


async def test_session_asks_again_at_once_when_an_unavailable_exchange_names_no_time():
    async with Loopback({POSITIONS: [html(503), json_reply([])]}) as server:
        session = session_at(server)
        with pytest.raises(ExchangeDown):
            await session.call(CALL)
        await session.call(CALL)
        await session.close()
