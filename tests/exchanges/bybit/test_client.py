"""Bybit's client through the real ccxt class over loopback: all or nothing per family, one mode for all, terms may be missing."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.exchanges.bybit import client
from monitor.exchanges.bybit.dialect import DIALECT
from monitor.margin.position import Contract, Side
from tests.exchanges.bybit.rows import envelope, listing, position_row
from tests.exchanges.bybit.served import (
    FEES,
    INFO,
    INSTRUMENTS,
    POSITIONS,
    TIERS,
    TIME,
    WALLET,
    account_info,
    good_answers,
    served,
)
from tests.exchanges.loopback import NOT_FOUND, html, json_reply


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


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
