"""Bybit's client through the real ccxt class over loopback: all or nothing per family, one mode for all, terms may be missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.exchanges import load
from monitor.exchanges.bybit import client
from monitor.exchanges.bybit.dialect import DIALECT
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Contract, Side
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from monitor.ports import Exchange
from tests.exchanges.bybit.rows import envelope, listing, position_row
from tests.exchanges.loopback import NOT_FOUND, HandClock, Loopback, access, hang, html, json_reply
from tests.exchanges.loopback import reply as raw_reply

POSITIONS, INFO = "/v5/position/list", "/v5/account/info"
INSTRUMENTS, TIERS = "/v5/market/instruments-info", "/v5/market/risk-limit"
FEES, WALLET, TIME, KEY = "/v5/account/fee-rate", "/v5/account/wallet-balance", "/v5/market/time", "/v5/user/query-api"

INSTRUMENT = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "deliveryTime": "0",
    "priceFilter": {"tickSize": "0.10", "minPrice": "0.10", "maxPrice": "1999999.80"},
}
TIER = {
    "id": 1,
    "symbol": "BTCUSDT",
    "riskLimitValue": "2000000",
    "maintenanceMargin": "0.005",
    "initialMargin": "0.01",
    "isLowestRisk": 1,
    "maxLeverage": "100.00",
    "mmDeduction": "",
}
COIN = {"coin": "USDT", "walletBalance": "5000", "totalPositionIM": "3821.56", "totalOrderIM": "0", "locked": "0", "bonus": "0"}


def account_info(mode: str = "ISOLATED_MARGIN", status: int = 5) -> Any:
    return json_reply(envelope({"marginMode": mode, "unifiedMarginStatus": status, "updatedTime": "1"}))


def good_answers(*rows: dict[str, Any], category: str = "linear") -> dict[str, Any]:
    return {
        POSITIONS: json_reply(listing(*rows, category=category)),
        INFO: account_info(),
        INSTRUMENTS: json_reply(listing(INSTRUMENT)),
        TIERS: json_reply(listing(TIER)),
        FEES: json_reply(envelope({"list": [{"symbol": "BTCUSDT", "takerFeeRate": "0.0004", "makerFeeRate": "0.0001"}]})),
        WALLET: json_reply(envelope({"list": [{"accountType": "UNIFIED", "coin": [COIN]}]})),
        TIME: json_reply(envelope({"timeSecond": "1", "timeNano": "1"})),
    }


@dataclass
class Served:
    server: Loopback
    clock: HandClock
    exchange: Exchange

    async def read(self, family: str = "usdt") -> FamilyReading:
        return await self.exchange.fetch_family(family)

    async def snapshot(self, family: str = "usdt") -> FamilySnapshot:
        reading = await self.read(family)
        assert isinstance(reading, FamilySnapshot), reading
        return reading

    async def failure(self, family: str = "usdt") -> FamilyFailure:
        reading = await self.read(family)
        assert isinstance(reading, FamilyFailure), reading
        return reading


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


@asynccontextmanager
async def served(answers: dict[str, Any], **changes: Any) -> AsyncIterator[Served]:
    async with Loopback(answers) as server:
        clock = HandClock()
        exchange = load("bybit").build(access(server, **changes), Pacer(clock), clock)
        try:
            yield Served(server, clock, exchange)
        finally:
            await exchange.close()


async def test_family_is_read_whole_with_its_terms():
    async with served(good_answers(position_row())) as at:
        snapshot = await at.snapshot()
        (position,) = snapshot.positions
        assert position.key.symbol == "BTC/USDT:USDT"
        assert position.key.exchange == "bybit"
        assert position.key.account == "main"
        assert position.taker_fee_rate == Decimal("0.0004")
        assert position.instrument.price_tick == Decimal("0.10")
        assert position.tiers is not None
        assert position.degraded == ()
        # 5000 - 3821.56
        assert snapshot.free == {"USDT": Decimal("1178.44")}


async def test_each_family_asks_for_its_own_rows():
    async with served(good_answers()) as at:
        assert at.exchange.families == ("usdt", "usdc", "inverse")
        await at.snapshot("usdt")
        await at.snapshot("usdc")
        at.server.answers[POSITIONS] = json_reply(listing(category="inverse"))
        await at.snapshot("inverse")
        asked = [one.query for one in at.server.asked if one.path == POSITIONS]
        assert asked == [
            {"category": "linear", "settleCoin": "USDT", "limit": "200"},
            {"category": "linear", "settleCoin": "USDC", "limit": "200"},
            {"category": "inverse", "limit": "200"},
        ]


async def test_families_follow_the_contracts_that_are_wanted():
    async with served({}, contracts=frozenset({Contract.INVERSE})) as at:
        assert at.exchange.families == ("inverse",)


async def test_pages_are_followed_to_their_end():
    rows = [position_row(symbol=f"C{number}USDT") for number in range(5)]
    pages = [
        listing(*rows[:2], cursor="a%3D1"),
        listing(*rows[2:4], cursor="b"),
        listing(rows[4], cursor="c"),
        listing(cursor="c"),
    ]
    async with served(good_answers() | {POSITIONS: [json_reply(page) for page in pages]}) as at:
        snapshot = await at.snapshot()
        assert [position.key.symbol for position in snapshot.positions] == [f"C{number}/USDT:USDT" for number in range(5)]
        assert [one.query.get("cursor") for one in at.server.asked if one.path == POSITIONS] == [None, "a=1", "b", "c"]


async def test_family_fails_when_pages_have_no_end():
    again = json_reply(listing(position_row(), cursor="same"))
    async with served(good_answers() | {POSITIONS: again}) as at:
        assert (await at.failure()).cause == "bad_reply"
        assert at.server.count(POSITIONS) == 2


async def test_family_fails_when_a_later_page_does():
    pages = [json_reply(listing(position_row(), cursor="a")), html(502)]
    async with served(good_answers() | {POSITIONS: pages}) as at:
        assert (await at.failure()).cause == "exchange_down"


async def test_both_legs_are_read_when_hedged():
    rows = [position_row(positionIdx=1), position_row(positionIdx=2, side="Sell", liqPrice="43000")]
    async with served(good_answers(*rows)) as at:
        assert [(one.key.side, one.hedged) for one in (await at.snapshot()).positions] == [(Side.LONG, True), (Side.SHORT, True)]


async def test_positions_stop_being_guarded_when_the_mode_changes():
    async with served(good_answers(position_row())) as at:
        assert len((await at.snapshot()).positions) == 1
        at.server.answers[INFO] = account_info("REGULAR_MARGIN")
        at.clock.advance(2)
        snapshot = await at.snapshot()
        assert snapshot.positions == ()
        assert [(one.symbol, one.side, one.mode) for one in snapshot.unguarded] == [("BTC/USDT:USDT", Side.LONG, "cross")]
        at.server.answers[INFO] = account_info("PORTFOLIO_MARGIN")
        at.clock.advance(2)
        assert [one.mode for one in (await at.snapshot()).unguarded] == ["portfolio"]


async def test_rows_own_mode_counts_when_inverse_is_not_unified():
    rows = [position_row(symbol="BTCUSD", tradeMode=1), position_row(symbol="ETHUSD", tradeMode=0)]
    answers = good_answers(*rows, category="inverse") | {INFO: account_info("REGULAR_MARGIN", status=4)}
    async with served(answers) as at:
        snapshot = await at.snapshot("inverse")
        assert [one.key.symbol for one in snapshot.positions] == ["BTC/USD:BTC"]
        assert [one.symbol for one in snapshot.unguarded] == ["ETH/USD:ETH"]


async def test_mode_is_asked_once_when_families_are_read_together():
    async with served(good_answers()) as at:
        await asyncio.gather(at.read("usdt"), at.read("usdc"), at.read("inverse"))
        assert at.server.count(INFO) == 1
        at.clock.advance(1.5)
        await at.snapshot()
        assert at.server.count(INFO) == 2


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(NOT_FOUND, "call_refused"), (json_reply({}), "bad_reply"), (json_reply(envelope({"marginMode": "NEW"})), "bad_reading")],
)
async def test_family_fails_when_the_mode_is_not_known(answer, cause):
    async with served(good_answers(position_row()) | {INFO: answer}) as at:
        assert (await at.failure()).cause == cause
        # The failure is not kept: the next poll asks again.
        at.server.answers[INFO] = account_info()
        assert len((await at.snapshot()).positions) == 1


@pytest.mark.parametrize("missing", [INSTRUMENTS, TIERS, FEES, WALLET, TIME])
async def test_position_is_read_when_anything_else_is_missing(missing):
    marks = {INSTRUMENTS: ("instrument_guessed",), TIERS: ("no_tiers",), FEES: ("fee_assumed",)}
    async with served(good_answers(position_row()) | {missing: NOT_FOUND}) as at:
        snapshot = await at.snapshot()
        (position,) = snapshot.positions
        assert position.key.symbol == "BTC/USDT:USDT"
        assert position.degraded == marks.get(missing, ())
        assert bool(snapshot.free) == (missing != WALLET)


@pytest.mark.parametrize("answer", [json_reply({}), json_reply(envelope({})), json_reply(envelope({"list": [{}, 7]})), html()])
async def test_position_is_read_when_everything_else_is_nonsense(answer):
    answers = dict.fromkeys((INSTRUMENTS, TIERS, FEES, WALLET, TIME), answer)
    async with served(good_answers(position_row()) | answers) as at:
        (position,) = (await at.snapshot()).positions
        assert position.degraded == ("instrument_guessed", "no_tiers", "fee_assumed")
        assert position.taker_fee_rate == Decimal("0.00055")


async def test_one_unknown_symbol_degrades_only_its_own_position():
    async with served(good_answers(position_row(), position_row(symbol="NEWUSDT"))) as at:
        known, new = (await at.snapshot()).positions
        assert known.degraded == ()
        assert new.key.symbol == "NEW/USDT:USDT"
        assert set(new.degraded) == {"instrument_guessed", "no_tiers", "fee_assumed"}


async def test_terms_are_asked_for_the_whole_category_when_many_are_missing():
    rows = [position_row(symbol=f"C{number}USDT") for number in range(30)]
    async with served(good_answers(*rows)) as at:
        assert len((await at.snapshot()).positions) == 30
        assert [(one.query.get("symbol"), one.query["category"]) for one in at.server.asked if one.path == TIERS] == [
            (None, "linear")
        ]


async def test_tiers_are_read_again_when_asked_for():
    async with served(good_answers(position_row())) as at:
        await at.snapshot()
        before = at.server.count(TIERS)
        await at.snapshot()
        assert at.server.count(TIERS) == before
        at.exchange.refresh_terms(["BTCUSDT"])
        await at.snapshot()
        await at.snapshot()
        assert at.server.count(TIERS) == before + 1


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


async def test_family_fails_when_a_row_cannot_be_read():
    async with served(good_answers(position_row(), position_row(symbol="ETHUSDT", markPrice="0"))) as at:
        failure = await at.failure()
        assert failure.cause == "bad_reading"
        assert "ETHUSDT" in failure.message


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
        assert "expires in 3 days" in [line.text for line in await at.exchange.inspect()]


async def test_check_says_ok_when_the_account_is_isolated_and_the_key_reads():
    reads = {"readOnly": 1, "permissions": {"Wallet": []}, "deadlineDay": 60}
    async with served(good_answers(position_row()) | {KEY: json_reply(envelope(reads))}) as at:
        lines = [(line.topic, line.status, line.text) for line in await at.exchange.inspect()]
        assert ("margin mode", "ok", "isolated") in lines
        assert ("key", "ok", "can only read") in lines


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
