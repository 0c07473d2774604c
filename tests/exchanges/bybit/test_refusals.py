"""What Bybit refuses or garbles, and what `check` tells, through the real ccxt class over loopback."""

from dataclasses import replace

import pytest

from monitor.exchanges.bybit import client
from monitor.exchanges.bybit.dialect import DIALECT
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Contract
from tests.exchanges.bybit.rows import envelope, listing, position_row
from tests.exchanges.bybit.served import INFO, KEY, POSITIONS, account_info, good_answers, served
from tests.exchanges.loopback import HandClock, access, hang, html, json_reply
from tests.exchanges.loopback import reply as raw_reply


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"retCode": 0},
        {"retCode": 0, "result": {}},
        {"retCode": 0, "result": {"list": None}},
        {"retCode": 0, "result": {"list": {}}},
        {"result": {"list": []}},
        {"retCode": 0, "result": {"category": "inverse", "list": []}},
    ],
)
async def test_family_fails_when_the_envelope_is_wrong(payload):
    async with served(good_answers() | {POSITIONS: json_reply(payload)}) as at:
        assert (await at.failure()).cause == "bad_reply"


@pytest.mark.parametrize("body", [b"", b"null", b"<html></html>", b'{"retCode":0,"result":{"list":['])
async def test_family_fails_when_the_body_is_no_answer(body):
    async with served(good_answers() | {POSITIONS: raw_reply(body)}) as at:
        assert (await at.failure()).cause == "bad_reply"


async def test_family_fails_when_no_row_can_be_read():
    async with served(good_answers(position_row(symbol="ETHUSDT", markPrice="0"))) as at:
        failure = await at.failure()
        assert failure.cause == "bad_reading"
        assert "ETHUSDT" in failure.message


async def test_a_contract_before_its_launch_has_no_mark_and_stops_nobody():
    launching = position_row(symbol="NEWUSDT", markPrice="", positionStatus="Normal")
    async with served(good_answers(position_row(), launching)) as at:
        snapshot = await at.snapshot()
        lines = [(line.status, line.text) for line in await at.exchange.inspect()]
    assert ("warn", "NOT guarded: NEWUSDT cannot be read: not a number: ''") in lines
    assert [one.instrument.instrument_id for one in snapshot.positions] == ["BTCUSDT"]
    assert [(one.symbol, one.mode, one.why) for one in snapshot.unguarded] == [("NEWUSDT", "unreadable", "not a number: ''")]


async def test_family_fails_when_a_symbol_and_side_comes_twice():
    async with served(good_answers(position_row(positionIdx=0), position_row(positionIdx=1))) as at:
        assert (await at.failure()).cause == "bad_reading"


async def test_family_fails_when_a_row_belongs_to_another_settlement():
    async with served(good_answers(position_row())) as at:
        failure = await at.failure("usdc")
        assert failure.cause == "bad_reading"
        assert "BTCUSDT" in failure.message


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (10003, "auth_rejected"),
        (10004, "auth_rejected"),
        (10005, "auth_rejected"),
        (10007, "auth_rejected"),
        (10009, "auth_rejected"),
        (10010, "auth_rejected"),
        (10024, "auth_rejected"),
        (33004, "auth_rejected"),
        (10002, "clock_skew"),
        (10000, "exchange_down"),
        (10016, "exchange_down"),
        (10019, "exchange_down"),
        (10001, "call_refused"),
    ],
)
async def test_refusal_is_told_by_its_code(code, cause):
    async with served(good_answers() | {POSITIONS: json_reply(envelope({}, code=code, message="no"))}) as at:
        failure = await at.failure()
        assert failure.cause == cause
        assert str(code) in failure.message


async def test_hint_names_the_region_when_the_key_is_of_another():
    async with served(good_answers() | {POSITIONS: json_reply(envelope({}, code=10009, message="region"))}) as at:
        assert "region" in (await at.failure()).hint


async def test_nothing_is_sent_when_the_account_asked_too_often():
    headers = {"X-Bapi-Limit-Reset-Timestamp": "1784000003100"}
    too_often = json_reply(envelope({}, code=10006, message="Too many visits!"), headers=headers)
    async with served(good_answers() | {POSITIONS: too_often}) as at:
        failure = await at.failure()
        assert failure.cause == "rate_limited"
        # the reset is 3 s after the reply's own time
        assert failure.until is not None
        assert (failure.until - at.clock.now()).total_seconds() == pytest.approx(3.1)
        sent = len(at.server.asked)
        assert (await at.failure()).cause == "rate_limited"
        assert len(at.server.asked) == sent
        at.server.answers[POSITIONS] = json_reply(listing())
        at.clock.advance(4)
        await at.snapshot()


async def test_address_is_silent_for_ten_minutes_when_forbidden():
    async with served(good_answers() | {POSITIONS: html(403)}) as at:
        failure = await at.failure()
        assert failure.cause == "rate_limited"
        assert failure.until is not None
        assert (failure.until - at.clock.now()).total_seconds() == pytest.approx(600)
        assert "country" in failure.hint


async def test_poll_ends_in_time_when_the_exchange_hangs(monkeypatch):
    from monitor.exchanges import family

    monkeypatch.setattr(family, "FIRST_SECONDS", 0.3)
    async with served(good_answers() | {POSITIONS: hang()}) as at:
        assert (await at.failure()).cause == "timed_out"


async def test_check_tells_the_mode_and_the_keys_rights():
    rights = {"readOnly": 0, "permissions": {"Wallet": ["AccountTransfer", "Withdraw"]}, "deadlineDay": 3}
    async with served(
        good_answers(position_row()) | {INFO: account_info("REGULAR_MARGIN"), KEY: json_reply(envelope(rights))}
    ) as at:
        lines = {(line.topic, line.status): line.text for line in await at.exchange.inspect()}
        assert "no position" in lines["margin mode", "warn"]
        assert lines["usdt", "warn"] == "NOT guarded: BTC/USDT:USDT long (cross)"
        told = [(line.status, line.text) for line in await at.exchange.inspect() if line.topic == "key"]
        assert told[0] == ("warn", "may transfer and withdraw")
        assert told[-1][1].startswith("ends in 3 days, on ")
        assert told[-1][0] == "warn"


async def test_check_says_ok_when_the_account_is_isolated_and_the_key_reads():
    reads = {"readOnly": 1, "permissions": {"Wallet": []}, "deadlineDay": 60}
    async with served(good_answers(position_row()) | {KEY: json_reply(envelope(reads))}) as at:
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
        assert ("margin mode", "ok", "isolated") in lines
        assert ("key", "ok", "can only read") in lines


async def test_check_tells_the_mode_and_what_is_left_out_when_the_keys_rights_are_not_told():
    async with served(good_answers(position_row()), contracts=frozenset({Contract.LINEAR})) as at:
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
    assert ("margin mode", "ok", "isolated") in lines
    assert ("key", "warn", "not known: the exchange answered 404 (/v5/user/query-api)") in lines
    assert ("inverse", "ok", "inverse contracts are not watched: left out by `contracts`") in lines


@pytest.mark.parametrize(
    ("region", "host"),
    [("nl", "api.bybit.nl"), ("ge", "api.bybitgeorgia.ge"), ("jp", "api.manepa.jp"), (None, "api.bybit.com")],
)
async def test_region_has_its_own_host(region, host):
    clock = HandClock()
    exchange = client.BybitAccount(access("", endpoint=None, region=region), Pacer(clock), clock)
    try:
        assert exchange.session._ccxt.urls["api"]["private"] == f"https://{host}"
    finally:
        await exchange.close()


async def test_demo_has_its_own_host():
    clock = HandClock()
    exchange = client.BybitAccount(access("", endpoint=None, demo_trading=True), Pacer(clock), clock)
    try:
        assert exchange.session._ccxt.urls["api"]["private"] == "https://api-demo.bybit.com"
    finally:
        await exchange.close()
