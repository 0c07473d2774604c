"""Asking for records: windows, halves of full pages, and which part of a fill is whose."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import BadReply, TimedOut
from monitor.exchanges.legs import on_side
from monitor.exchanges.records import MOST_CALLS, Calls, Gathered, swept, windows
from monitor.lives.records import Fill, FillCause
from tests import builders
from tests.exchanges.inquiries import asked, held
from tests.exchanges.lives import total
from tests.fakes import FakeClock

DAY = 24 * 3600 * 1000


@given(st.integers(0, 50), st.integers(0, 200), st.integers(1, 60))
def test_windows_cover_every_millisecond_once(start, length, longest):
    asked_for = list(windows(start, start + length, longest=longest))
    covered = [moment for first, last in reversed(asked_for) for moment in range(first, last + 1)]
    assert covered == list(range(start, start + length + 1))
    assert all(last - first < longest for first, last in asked_for)


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(4, 9), st.booleans())
def test_a_list_without_a_cursor_is_read_in_full_whichever_end_it_cuts_off(times, full, newest):
    rows = [{"id": number, "time": time} for number, time in enumerate(sorted(times))]

    async def page(first, last):
        fits = [row for row in rows if first <= row["time"] <= last]
        return fits[-full:] if newest else fits[:full]

    crowded = any(times.count(time) >= full for time in times)
    try:
        got = asyncio.run(swept(page, 0, 400, full=full, longest=150))
    except BadReply:
        assert crowded
    else:
        assert sorted(row["id"] for row in got) == [row["id"] for row in rows]


def test_a_window_is_a_minute_wider_and_in_the_exchanges_clock():
    # Our clock is 2 s ahead: what is NOW to us is 2 s earlier to the exchange.
    ask = asked(held("binance", "usdm", "BTCUSDT"), ahead=2, life_days=1)
    now_ms = round(builders.NOW.timestamp() * 1000)
    assert (ask.since, ask.until) == (now_ms - 62_000, now_ms + 3_660_000 - 2_000)
    assert ask.life == now_ms - DAY - 62_000
    assert ask.ours(now_ms - 2_000) == builders.NOW


def test_what_is_in_a_size_is_told_by_the_exchanges_own_time_of_its_last_change():
    now_ms = round(builders.NOW.timestamp() * 1000)
    # Our clock is 2 s ahead; the position last changed 3 s before it was read, by its own exchange's clock 5 s before NOW.
    changed = asked(held("binance", "usdm", "BTCUSDT", changed=str(now_ms - 5_000)), ahead=2)
    assert changed.sized == builders.at(-2.75)
    for text in ("", "1763|5"):
        assert asked(held("bybit", "usdt", "BTCUSDT", changed=text), ahead=2).sized == builders.NOW


def fill(seconds, contracts, *, closes, profit="0", fee="-0.07"):
    return Fill(
        at=builders.at(seconds),
        cause=FillCause.TRADE,
        contracts=Decimal(contracts),
        closes=closes,
        profit=Decimal(profit),
        fee=Decimal(fee),
        insurance=Decimal(1) if closes else None,
        margin_change=Decimal(5),
    )


def test_a_fill_through_zero_shares_its_fee_and_keeps_its_profit_with_what_closed():
    # A long of 10 at NOW; 14 are sold: 10 close it, 4 open a short. The fee of 0.07: 10 / 14 of it is 0.05.
    position = held("binance", "usdm", "BTCUSDT")
    (closing,) = on_side([fill(5, 14, closes=True, profit="3")], position, builders.NOW)
    assert (closing.contracts, closing.profit, closing.fee) == (10, 3, Decimal("-0.05"))
    assert (closing.insurance, closing.margin_change) == (1, None)
    short = replace(position, contracts=Decimal(4))
    before = [fill(-8, 10, closes=True), fill(-5, 14, closes=False, profit="3")]
    (opening,) = on_side(before, short, builders.NOW)
    assert (opening.contracts, opening.profit, opening.fee) == (4, 0, Decimal("-0.02"))
    assert (opening.closes, opening.insurance) == (False, None)


def test_fees_that_are_not_known_stay_unknown():
    position = held("binance", "usdm", "BTCUSDT")
    unknown = replace(fill(5, 14, closes=True), fee=None, profit=None)
    (closing,) = on_side([unknown], position, builders.NOW)
    assert (closing.fee, closing.profit) == (None, None)
    assert on_side([fill(5, 3, closes=True)], position, builders.NOW) == [fill(5, 3, closes=True)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=12), st.integers(0, 12))
def test_both_sides_parts_make_the_whole(moves, read_after):
    # One size that wanders through zero, read after some of its fills: what one side is told and what the other is, is all of it.
    fills = [fill(number - read_after + 0.5, amount, closes=closes) for number, (closes, amount) in enumerate(moves)]
    steps = [-f.contracts if f.closes else f.contracts for f in fills]
    size = sum(steps[:read_after], Decimal(0))
    long = on_side(fills, replace(builders.position(), contracts=size), builders.NOW)
    mirrored = [replace(f, closes=not f.closes) for f in fills]
    short = on_side(mirrored, replace(builders.position(), contracts=-size), builders.NOW)
    parts = [*long, *short]
    assert total(part.contracts for part in parts) == total(f.contracts for f in fills)
    assert total(part.fee for part in parts) == total(f.fee for f in fills)


def test_what_is_missing_is_named_once_and_asked_for_again_where_that_helps():
    found = Gathered()
    for error in (BadReply("no end"), BadReply("no end"), KeyError("income")):
        with found.may_lack("funding"):
            raise error
    assert found.missing == ["funding: no end", "funding: the record has not the expected shape (KeyError)"]
    assert found.again
    with pytest.raises(RuntimeError), found.may_lack("funding"):
        raise RuntimeError


async def test_calls_end_with_their_time_and_their_number():
    asked_for = []

    class Slow:
        async def call(self, endpoint, params, *, within, can_wait):
            asked_for.append((endpoint, within, can_wait))
            clock.advance(7)
            return params

    clock = FakeClock()
    call = Calls(Slow(), clock)  # type: ignore[arg-type]
    assert await call("one", {"a": 1}) == {"a": 1}
    await call("two", {})
    await call("three", {})
    # 16 s in all: the third had 2 of them, and for a fourth there is none.
    assert asked_for == [("one", 5.0, True), ("two", 5.0, True), ("three", 2.0, True)]
    with pytest.raises(TimedOut):
        await call("four", {})
    crowded = Calls(Slow(), FakeClock())  # type: ignore[arg-type]
    for _ in range(MOST_CALLS):
        await crowded("more", {})
    with pytest.raises(BadReply, match="more than"):
        await crowded("more", {})


@pytest.mark.parametrize("days", [0, 3])
def test_the_life_begins_no_later_than_what_is_asked(days):
    ask = asked(held("binance", "usdm", "BTCUSDT"), life_days=-days)
    assert ask.life == ask.since
    assert ask.inquiry.life_since == builders.NOW + timedelta(days=days)
