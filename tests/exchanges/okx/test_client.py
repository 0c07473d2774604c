"""OKX's client through the real ccxt class over loopback: one call for everything, terms that may be missing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.exchanges import load
from monitor.exchanges.okx import client
from monitor.exchanges.okx.dialect import DIALECT
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Contract, Side
from monitor.margin.reading import FamilyFailure, FamilyNotOpened, FamilyReading, FamilySnapshot
from monitor.ports import Exchange
from tests.exchanges.loopback import NOT_FOUND, HandClock, Loopback, access, html, json_reply
from tests.exchanges.loopback import reply as raw_reply
from tests.exchanges.okx.rows import envelope, instrument_row, position_row, tier_rows

POSITIONS, INSTRUMENTS, TIERS = "/api/v5/account/positions", "/api/v5/public/instruments", "/api/v5/public/position-tiers"
FEES, BALANCE = "/api/v5/account/trade-fee", "/api/v5/account/balance"
CONFIG, TIME = "/api/v5/account/config", "/api/v5/public/time"


def good_answers(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        POSITIONS: json_reply(envelope(list(rows))),
        INSTRUMENTS: json_reply(envelope([instrument_row(), instrument_row("BTC-USD-SWAP")])),
        TIERS: json_reply(envelope(tier_rows() + tier_rows("BTC-USD"))),
        FEES: json_reply(envelope([{"taker": "-0.0004", "takerU": "-0.0003", "takerUSDC": ""}])),
        BALANCE: json_reply(envelope([{"details": [{"ccy": "USDT", "availBal": "94.4", "availEq": "200"}]}])),
        CONFIG: json_reply(envelope([{"acctLv": "2", "posMode": "net_mode", "perm": "read_only", "ip": ""}])),
        TIME: json_reply(envelope([{"ts": "1784000000100"}])),
    }


def inverse_row(**changes: Any) -> dict[str, Any]:
    """One contract of 100 dollars at 50000: 0.002 BTC; mmr 0.000008 (0.4 %), fee 0.000001 (0.05 %); 0.0009 / 0.000009 = 100."""
    row = {
        "instId": "BTC-USD-SWAP",
        "ccy": "BTC",
        "pos": "-1",
        "avgPx": "50000",
        "markPx": "50000",
        "margin": "0.0009",
        "upl": "0",
        "mmr": "0.000008",
        "mgnRatio": "100",
        "liqPx": "90000",
        "notionalUsd": "100",
    }
    return position_row(**(row | changes))


@dataclass
class Served:
    server: Loopback
    clock: HandClock
    exchange: Exchange

    async def read(self) -> FamilyReading:
        return await self.exchange.fetch_family("okx")

    async def snapshot(self) -> FamilySnapshot:
        reading = await self.read()
        assert isinstance(reading, FamilySnapshot), reading
        return reading

    async def failure(self) -> FamilyFailure:
        reading = await self.read()
        assert isinstance(reading, FamilyFailure), reading
        return reading


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


@asynccontextmanager
async def served(answers: dict[str, Any], **changes: Any) -> AsyncIterator[Served]:
    async with Loopback(answers) as server:
        clock = HandClock()
        exchange = load("okx").build(access(server, **changes), Pacer(clock), clock)
        try:
            yield Served(server, clock, exchange)
        finally:
            await exchange.close()


async def test_family_is_read_whole_with_its_terms():
    async with served(good_answers(position_row(), inverse_row())) as at:
        snapshot = await at.snapshot()
        linear, inverse = snapshot.positions
        assert (linear.key.symbol, inverse.key.symbol) == ("BTC/USDT:USDT", "BTC/USD:BTC")
        assert (linear.key.exchange, linear.key.account) == ("okx", "main")
        assert (linear.instrument.contract_size, inverse.instrument.contract_size) == (Decimal("0.001"), Decimal(100))
        assert (linear.taker_fee_rate, inverse.taker_fee_rate) == (Decimal("0.0005"), Decimal("0.0005"))
        assert linear.tiers is not None
        assert inverse.tiers is not None
        assert linear.degraded == inverse.degraded == ()
        assert snapshot.free == {"USDT": Decimal("94.4")}
        assert at.server.count(POSITIONS) == 1
        assert at.server.count(FEES) == 0


async def test_positions_are_asked_for_without_names():
    async with served(good_answers()) as at:
        await at.snapshot()
        assert [one.query for one in at.server.asked if one.path == POSITIONS] == [{}]


async def test_tiers_are_asked_as_isolated_and_by_family():
    future = position_row(instType="FUTURES", instId="BTC-USD_UM_XPERP-310404", ccy="USD", posSide="short")
    row = instrument_row(
        "BTC-USD_UM_XPERP-310404", uly="BTC-USD", instFamily="BTC-USD_UM_XPERP", settleCcy="USD", ctType="linear",
        expTime="1933056000000",
    )  # fmt: skip
    answers = good_answers(position_row(), inverse_row(), future)
    answers[INSTRUMENTS] = json_reply(envelope([instrument_row(), instrument_row("BTC-USD-SWAP"), row]))
    async with served(answers) as at:
        assert (await at.snapshot()).positions[2].key.symbol == "BTC/USD:USD-310404"
        assert [one.query for one in at.server.asked if one.path == TIERS] == [
            {"instType": "FUTURES", "tdMode": "isolated", "instFamily": "BTC-USD_UM_XPERP"},
            {"instType": "SWAP", "tdMode": "isolated", "instFamily": "BTC-USD,BTC-USDT"},
        ]


async def test_tiers_come_five_families_a_call_when_many_are_held():
    rows = [position_row(instId=f"C{number}-USDT-SWAP") for number in range(12)]
    async with served(good_answers(*rows)) as at:
        assert len((await at.snapshot()).positions) == 12
        asked = [one.query["instFamily"].count(",") + 1 for one in at.server.asked if one.path == TIERS]
        assert asked == [5, 5, 2]
        assert [one.query for one in at.server.asked if one.path == INSTRUMENTS] == [{"instType": "SWAP"}]


async def test_both_legs_are_read_when_hedged():
    async with served(good_answers(position_row(posSide="long"), position_row(posSide="short"))) as at:
        assert [(one.key.side, one.hedged) for one in (await at.snapshot()).positions] == [(Side.LONG, True), (Side.SHORT, True)]


async def test_position_is_told_as_cross_when_it_is_no_longer_isolated():
    async with served(good_answers(position_row())) as at:
        assert len((await at.snapshot()).positions) == 1
        at.server.answers[POSITIONS] = json_reply(envelope([position_row(mgnMode="cross", margin="")]))
        snapshot = await at.snapshot()
        assert (snapshot.positions, [one.mode for one in snapshot.unguarded]) == ((), ["cross"])


async def test_only_wanted_contracts_are_read():
    async with served(good_answers(position_row(), inverse_row()), contracts=frozenset({Contract.INVERSE})) as at:
        assert [one.key.symbol for one in (await at.snapshot()).positions] == ["BTC/USD:BTC"]


@pytest.mark.parametrize("missing", [INSTRUMENTS, TIERS, FEES, BALANCE, CONFIG, TIME])
async def test_position_is_read_when_anything_else_is_missing(missing):
    marks = {INSTRUMENTS: ("contract_size_inferred",), TIERS: ("no_tiers",)}
    async with served(good_answers(position_row(), inverse_row()) | {missing: NOT_FOUND}) as at:
        snapshot = await at.snapshot()
        for position, symbol, size in zip(snapshot.positions, ("BTC/USDT:USDT", "BTC/USD:BTC"), ("0.001", "100"), strict=True):
            assert position.key.symbol == symbol
            assert position.instrument.contract_size == Decimal(size)
            assert position.degraded == marks.get(missing, ())
        assert bool(snapshot.free) == (missing != BALANCE)


@pytest.mark.parametrize("answer", [json_reply({}), json_reply(envelope({})), json_reply(envelope([7])), html()])
async def test_position_is_read_when_everything_else_is_nonsense(answer):
    answers = dict.fromkeys((INSTRUMENTS, TIERS, FEES, BALANCE, CONFIG, TIME), answer)
    async with served(good_answers(position_row()) | answers) as at:
        (position,) = (await at.snapshot()).positions
        assert position.degraded == ("contract_size_inferred", "no_tiers")


async def test_fee_is_the_accounts_when_the_rows_do_not_tell():
    async with served(good_answers(position_row(mgnRatio=""), inverse_row(mgnRatio=""))) as at:
        linear, inverse = (await at.snapshot()).positions
        assert (linear.taker_fee_rate, inverse.taker_fee_rate) == (Decimal("0.0003"), Decimal("0.0004"))
        assert linear.degraded == inverse.degraded == ()


async def test_fee_is_assumed_and_marked_when_nobody_tells():
    async with served(good_answers(position_row(mgnRatio="")) | {FEES: NOT_FOUND}) as at:
        (position,) = (await at.snapshot()).positions
        assert (position.taker_fee_rate, position.degraded) == (Decimal("0.0005"), ("fee_assumed",))


async def test_one_unknown_instrument_degrades_only_its_own_position():
    async with served(good_answers(position_row(), position_row(instId="NEW-USDT-SWAP"))) as at:
        known, new = (await at.snapshot()).positions
        assert known.degraded == ()
        assert new.key.symbol == "NEW/USDT:USDT"
        assert new.degraded == ("contract_size_inferred", "no_tiers")


async def test_inferred_size_stays_when_the_dollar_moves():
    rows = [position_row(instId="NEW-USDT-SWAP", notionalUsd=notional) for notional in ("995.9", "935.1")]
    answers = good_answers() | {POSITIONS: [json_reply(envelope([row])) for row in rows], INSTRUMENTS: NOT_FOUND}
    async with served(answers) as at:
        sizes = [(await at.snapshot()).positions[0].instrument.contract_size for _ in range(2)]
        assert sizes == [Decimal("0.001"), Decimal("0.001")]


async def test_tiers_are_read_again_when_asked_for():
    async with served(good_answers(position_row())) as at:
        await at.snapshot()
        at.exchange.refresh_terms(["BTC-USDT-SWAP"])
        await at.snapshot()
        await at.snapshot()
        assert at.server.count(TIERS) == 2


@pytest.mark.parametrize("payload", [{}, [], {"code": "0"}, {"code": "0", "data": {}}, {"code": "0", "data": None}, {"data": []}])
async def test_family_fails_when_the_envelope_is_wrong(payload):
    async with served(good_answers() | {POSITIONS: json_reply(payload)}) as at:
        assert (await at.failure()).cause == "bad_reply"


@pytest.mark.parametrize("body", [b"", b"null", b"<html></html>", b'{"code":"0","data":['])
async def test_family_fails_when_the_body_is_no_answer(body):
    async with served(good_answers() | {POSITIONS: raw_reply(body)}) as at:
        assert (await at.failure()).cause == "bad_reply"


async def test_family_fails_when_a_row_cannot_be_read():
    async with served(good_answers(position_row(), position_row(instId="ETH-USDT-SWAP", markPx=""))) as at:
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
        assert ("key", "warn", "may withdraw") in lines
        assert ("key", "warn", "is bound to no IP address") in lines
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
