"""What OKX refuses or garbles, and what `check` tells, through the real ccxt class over loopback."""

from dataclasses import replace

import pytest

from monitor.exchanges.okx import client
from monitor.exchanges.okx.dialect import DIALECT
from monitor.exchanges.pacing import Pacer
from monitor.margin.reading import FamilyNotOpened
from tests.exchanges.loopback import HandClock, access, json_reply
from tests.exchanges.loopback import reply as raw_reply
from tests.exchanges.okx.rows import envelope, position_row
from tests.exchanges.okx.served import CONFIG, POSITIONS, good_answers, served


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


@pytest.mark.parametrize("payload", [{}, [], {"code": "0"}, {"code": "0", "data": {}}, {"code": "0", "data": None}, {"data": []}])
async def test_family_fails_when_the_envelope_is_wrong(payload):
    async with served(good_answers() | {POSITIONS: json_reply(payload)}) as at:
        assert (await at.failure()).cause == "bad_reply"


@pytest.mark.parametrize("body", [b"", b"null", b"<html></html>", b'{"code":"0","data":['])
async def test_family_fails_when_the_body_is_no_answer(body):
    async with served(good_answers() | {POSITIONS: raw_reply(body)}) as at:
        assert (await at.failure()).cause == "bad_reply"


async def test_family_fails_when_no_row_can_be_read():
    async with served(good_answers(position_row(instId="ETH-USDT-SWAP", markPx=""))) as at:
        failure = await at.failure()
        assert failure.cause == "bad_reading"
        assert "ETH-USDT-SWAP" in failure.message


async def test_family_fails_when_a_position_comes_twice():
    async with served(good_answers(position_row(), position_row())) as at:
        assert (await at.failure()).cause == "bad_reading"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("50102", "clock_skew"),
        *((code, "auth_rejected") for code in ("50030", "50100", "50101", "50103", "50105", "50110", "50111", "50114")),
        *((code, "auth_rejected") for code in ("50119", "50120")),
        *((code, "exchange_down") for code in ("50001", "50004", "50013", "50026")),
        ("50011", "rate_limited"),
        ("50061", "rate_limited"),
        ("51000", "call_refused"),
    ],
)
async def test_refusal_is_told_by_its_code(code, cause):
    async with served(good_answers() | {POSITIONS: json_reply(envelope([], code=code, message="no"))}) as at:
        assert (await at.failure()).cause == cause


async def test_family_is_not_opened_when_the_account_mode_has_none():
    async with served(good_answers() | {POSITIONS: json_reply(envelope([], code="51010", message="account mode"))}) as at:
        assert isinstance(await at.read(), FamilyNotOpened)


async def test_hint_names_the_region_when_the_key_does_not_exist():
    async with served(good_answers() | {POSITIONS: json_reply(envelope([], code="50119", message="no key"), status=401)}) as at:
        assert "region" in (await at.failure()).hint


async def test_nothing_is_sent_when_the_account_asked_too_often():
    async with served(good_answers() | {POSITIONS: json_reply(envelope([], code="50011", message="slow"), status=429)}) as at:
        failure = await at.failure()
        assert failure.until is not None
        assert (failure.until - at.clock.now()).total_seconds() == pytest.approx(2)
        sent = len(at.server.asked)
        await at.failure()
        assert len(at.server.asked) == sent
        at.server.answers[POSITIONS] = json_reply(envelope([]))
        at.clock.advance(2.1)
        await at.snapshot()


async def test_check_tells_how_the_account_is_set_up():
    async with served(good_answers(position_row())) as at:
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
        assert ("account", "ok", "level: spot and futures") in lines
        assert ("position mode", "ok", "one-way") in lines
        assert ("key", "ok", "can only read") in lines


async def test_check_warns_when_the_key_may_do_more():
    config = {"acctLv": "1", "posMode": "long_short_mode", "perm": "read_only,trade,withdraw", "ip": ""}
    async with served(good_answers() | {CONFIG: json_reply(envelope([config]))}) as at:
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
        assert ("key", "warn", "may trade, transfer and withdraw") in lines
        assert ("key", "warn", "can be used from any IP address") in lines
        idle = "OKX deletes a key that may trade after 14 idle days, unless it is bound to an IP address"
        assert ("key", "warn", idle) in lines
        assert ("account", "warn", "a spot account holds no swaps or futures") in lines


async def test_demo_account_says_so_in_every_request():
    async with served(good_answers(), demo_trading=True) as at:
        await at.snapshot()
        assert {one.headers.get("x-simulated-trading") for one in at.server.asked} == {"1"}


@pytest.mark.parametrize(("region", "host"), [("eea", "eea.okx.com"), ("us", "us.okx.com"), (None, "www.okx.com")])
async def test_region_has_its_own_host(region, host):
    clock = HandClock()
    exchange = client.OkxAccount(access("", endpoint=None, region=region), Pacer(clock), clock)
    try:
        assert exchange.session._ccxt.urls["api"]["rest"] == f"https://{host}"
    finally:
        await exchange.close()
