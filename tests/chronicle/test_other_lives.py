"""What belongs to an ending and what does not: other lives of the same position, rows of another time, money paid elsewhere."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.lives.event import EventKind
from monitor.lives.records import FillCause, Flow, FlowKind, Totals
from monitor.margin.position import Side
from monitor.margin.reading import Unguarded
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpMemory
from tests.builders import key
from tests.chronicle.world import HOUR, World, at, away, bought, fill, gone, held
from tests.spend.world import intent

D = Decimal
E = EventKind
OFF = 5 * HOUR
ALL_KEPT = frozenset({FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED, FlowKind.FUNDING})
AGAIN = held(entry_price=D(90), mark="90", isolated_margin=D(90))
"""The same size as before, bought anew."""


def flow(seconds: float, kind: FlowKind, amount: str, **changes: object) -> Flow:
    return Flow(at=at(seconds), kind=kind, amount=D(amount), id=f"r{seconds:g}", **changes)  # type: ignore[arg-type]


def back_with(*positions: object) -> World:
    """A world that finds ``positions`` after five hours in which nothing watched."""
    world = away(held(), hours=5)
    world.see(OFF + 1, *positions)  # type: ignore[arg-type]
    return world


def test_liquidation_is_told_though_as_many_contracts_are_there_again_after_a_downtime():
    world = back_with(AGAIN)
    world.answer(
        OFF + 2, fill(HOUR, "10", FillCause.LIQUIDATION, profit=D(-98), fee=D(-1), insurance=D(-1)), bought(2 * HOUR, "10")
    )
    assert world.kinds == [E.FOUND, E.LIQUIDATED, E.OPENED, E.MARGIN_REDUCED]
    liquidated, opened = world.events[1:3]
    assert (liquidated.before, liquidated.after, liquidated.at) == (D(10), D(0), at(HOUR))
    assert (opened.before, opened.after, opened.at) == (None, D(10), at(2 * HOUR))
    world.tick(OFF + 3)
    assert world.messages == [("critical", "Meanwhile: LIQUIDATED: BTC/USDT long, -100.00 USDT")]


def test_what_its_owner_closed_and_opened_again_meanwhile_is_two_events():
    world = back_with(AGAIN)
    world.answer(OFF + 2, fill(HOUR, "10"), bought(2 * HOUR, "10"))
    assert world.kinds == [E.FOUND, E.CLOSED, E.OPENED, E.MARGIN_REDUCED]


def test_what_was_closed_and_opened_time_and_again_counts_together():
    world = back_with(held("12", entry_price=D(90), isolated_margin=D(100)))
    fills = (fill(HOUR, "10"), bought(2 * HOUR, "10"), fill(3 * HOUR, "10", profit=D(-90)), bought(4 * HOUR, "12"))
    world.answer(OFF + 2, *fills)
    (grew,) = (one for one in world.events if one.kind is E.GREW)
    assert grew.breakdown is not None
    assert (grew.before, grew.after, grew.breakdown.profit) == (D(10), D(12), D(-140))


def test_bot_that_goes_flat_and_back_between_two_readings_is_no_news():
    world = World()
    world.see(0, held())
    for number in range(1, 12):
        world.see(10 * number, held(entry_price=D(100 + number), isolated_margin=D(100 + number)))
        world.answer(10 * number + 1, fill(10 * number - 5, "10"), bought(10 * number - 4, "10"))
    assert world.messages == []
    assert set(world.kinds[1:]) == {E.MARGIN_ADDED}  # kept, and told to nobody
    assert len(world.events) == 12


def test_contracts_that_came_and_went_between_two_readings_hide_no_liquidation():
    world = World()
    world.see(0, held())
    world.see(10, held(entry_price=D("98"), isolated_margin=D(80)))
    assert (world.case.urgency, world.case.due) == (1, at(25))
    world.answer(11)  # there were fills: they are late
    world.answer(12, fill(3, "4", FillCause.REDUCTION), bought(5, "4"))
    assert world.kinds == [E.FOUND, E.MARGIN_REDUCED, E.PARTLY_LIQUIDATED, E.GREW]
    assert world.messages[0] == ("critical", "PARTLY LIQUIDATED: BTC/USDT long, -20.38 USDT")
    assert world.memory.lives.cases == {}


def test_who_trades_all_day_is_asked_about_every_fifteen_seconds():
    world, asked = World(), []
    world.see(0, held())
    for second in range(2, 62, 2):
        world.see(second, held(entry_price=D(100) + D(second) / 100, isolated_margin=D(100) - D(second) / 10))
        if world.memory.lives.cases and world.case.due <= at(second):
            asked.append(second)
            fills = [one for at_ in range(2, second + 2, 2) for one in (fill(at_ - 1.5, "1"), bought(at_ - 1, "1"))]
            world.answer(second + 1, *fills)
    assert asked == [18, 36, 54]
    assert set(world.kinds[1:]) == {E.MARGIN_REDUCED}
    # what is then read to be smaller is asked about at once
    world.see(62, held("6", isolated_margin=D(60)))
    assert world.case.due == at(62)


def test_contracts_of_which_no_record_ever_tells_are_no_event():
    world = World()
    world.see(0, held())
    world.see(10, held(entry_price=D("98"), isolated_margin=D(80)))
    for seconds in (11, 20, 40, 71):
        assert len(world.memory.lives.cases) == 1
        world.answer(seconds, missing=("fees: none",), again=seconds < 71)
    assert world.kinds == [E.FOUND, E.MARGIN_REDUCED]
    assert world.memory.lives.cases == {}


def test_answer_without_fills_is_asked_for_again_a_few_times_where_it_may_be_fuller():
    world = back_with(held(isolated_margin=D("99.7")))
    for tries in range(4):
        assert world.case.tries == tries
        world.answer(OFF + 2 + tries, again=True)
    world.answer(OFF + 9, flows=(flow(HOUR, FlowKind.FUNDING, "-0.3"),), kept=ALL_KEPT, again=True)
    assert [(one.cause, one.amount) for one in world.events[1:]] == [("funding", D("-0.3"))]


def test_funding_and_insurance_of_a_later_life_are_not_of_this_ending():
    world = away(held(), hours=160)
    world.see(160 * HOUR + 1)
    world.see(160 * HOUR + 11)
    # due at 04:00, when it was open; the ending is at 04:10, the life after it began the next day
    mine = [flow(3000, FlowKind.FUNDING, "-0.5"), flow(HOUR + 30, FlowKind.INSURANCE, "-2")]
    later = [flow(50 * HOUR - 600 + 8 * HOUR * number, FlowKind.FUNDING, "-2") for number in range(9)]
    later.append(flow(HOUR + 1200, FlowKind.INSURANCE, "-7"))
    fills = (fill(HOUR, "10", FillCause.LIQUIDATION, profit=D(-95), fee=D(0)), bought(47 * HOUR, "6"), fill(150 * HOUR, "6"))
    world.answer(160 * HOUR + 12, *fills, flows=(*mine, *later), kept=ALL_KEPT)
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.funding, told.insurance) == (D("-0.5"), D(-2))
    assert told.returned == D(100) - D("0.5") - 95 - 2


@pytest.mark.parametrize(("closed", "booked", "counts"), [(-590, -585, True), (-610, -595, False), (-590, -500, False)])
def test_funding_of_the_hour_before_the_end_counts_though_it_is_booked_after_it(closed, booked, counts):
    world = World()
    world.see(-700, held())
    for seconds in (-630, -580, -570):
        world.see(seconds, *([held()] if seconds < -600 else []))
    world.answer(-560, fill(closed, "10"), flows=(flow(booked, FlowKind.FUNDING, "-0.5", in_margin=False),), kept=ALL_KEPT)
    told = world.events[-1].breakdown
    assert told is not None
    assert told.funding == (D("-0.5") if counts else 0)


def test_balance_is_not_compared_where_the_same_position_was_opened_again():
    world, free = World(), {"USDT": D(1000)}
    world.see(0, held(opened="1000"), free=free, free_at=at(0))
    world.see(10, held(opened="1000"), free=free, free_at=at(9))
    anew = held(opened="2000", entry_price=D(95), mark="95", isolated_margin=D(95))
    world.see(20, anew, free={"USDT": D("953.10")}, free_at=at(19))
    (ended,) = (one for one in world.memory.lives.cases.values() if one.ended)
    world.conclude(21, ended, fill(12, "10"), bought(14, "10"), free=D("953.10"), kept=ALL_KEPT)
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.returned, told.observed) == (D("49.05"), None)


def test_fee_that_was_paid_in_another_coin_leaves_what_came_back_known():
    world = gone(free={"USDT": D(1000)}, free_at=at(0))
    ending = fill(12, "10", FillCause.LIQUIDATION, profit=D(-95), fee=None, fee_elsewhere=True, insurance=D(-2))
    world.answer(31, ending, free=D(1000), kept=ALL_KEPT, missing=("fees: some were paid in BNB",))
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.fees, told.returned, told.observed) == (None, D(3), D(0))
    assert "-3 USDT is not explained" in world.bodies[-1]
    assert "Not known: fees: some were paid in BNB." in world.bodies[-1]


def test_margin_mode_that_turned_is_dated_by_the_readings_and_stands_in_the_summary():
    cross = Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross")
    world = away(held(), hours=5)
    world.see(OFF + 1, unguarded=(cross,))
    event = world.events[-1]
    assert (event.kind, event.at, event.since) == (E.NOT_ISOLATED, at(OFF + 1), at(10))
    world.tick(OFF + 2)
    assert world.messages == [("info", "While margincall was off (4 h 59 min): 1 event")]
    assert "BTC/USDT long is not isolated any more (main)" in world.bodies[0]


def test_what_was_put_in_by_hand_is_not_lost_in_a_fill_of_the_same_downtime():
    world = back_with(held("12", isolated_margin=D("169.876")))
    hand = flow(HOUR, FlowKind.MARGIN_ADDED, "50")
    world.answer(OFF + 2, bought(2 * HOUR, "2"), flows=(hand,), kept=ALL_KEPT)
    ((seen, made),) = world.confirmed
    assert [(one.amount, one.cause, one.record) for one in made] == [
        (D(50), ChangeCause.ELSEWHERE, "r3600"), (D("19.876"), ChangeCause.FILL, ""),
    ]  # fmt: skip
    assert (made[0].at, made[1].since, made[1].at) == (at(HOUR), seen.since, seen.at)
    assert [one.after.isolated_margin for one in made] == [D(150), D("169.876")]
    assert made[1].before == made[0].after


def test_what_was_put_in_and_taken_out_again_is_kept_beside_funding():
    world = back_with(held(isolated_margin=D("99.7")))
    rows = (
        flow(HOUR, FlowKind.MARGIN_ADDED, "50"),
        flow(2 * HOUR, FlowKind.MARGIN_TAKEN, "-50"),
        flow(3 * HOUR, FlowKind.FUNDING, "-0.3"),
    )
    world.answer(OFF + 2, flows=rows, kept=ALL_KEPT)
    ((_, made),) = world.confirmed
    assert [(one.amount, one.cause) for one in made] == [
        (D(50), ChangeCause.ELSEWHERE), (D(-50), ChangeCause.ELSEWHERE), (D("-0.3"), ChangeCause.FUNDING),
    ]  # fmt: skip


def test_what_rows_do_not_explain_is_unknown_after_a_downtime():
    world = back_with(held(isolated_margin=D(130)))
    world.answer(OFF + 2, flows=(flow(HOUR, FlowKind.MARGIN_ADDED, "20"),), kept=ALL_KEPT)
    ((_, made),) = world.confirmed
    assert [(one.amount, one.cause) for one in made] == [(D(20), ChangeCause.ELSEWHERE), (D(10), ChangeCause.UNKNOWN)]


def test_our_own_change_stays_ours_when_its_record_confirms_it():
    world = away(held(), hours=5)
    sent = replace(
        intent("one"),
        state=IntentState.UNKNOWN,
        amount=D(50),
        key=key(),
        epoch=1,
        planned_at=at(9),
        submitted_at=at(9),
        policy="guard",
    )
    world.memory = replace(world.memory, top_ups=TopUpMemory(intents={"one": sent}))
    world.see(OFF + 1, held(isolated_margin=D("149.7")))
    (change,) = world.case.changes
    assert (change.cause, change.actor, change.intent) == (ChangeCause.TOP_UP, "guard", "one")
    rows = (flow(12, FlowKind.MARGIN_ADDED, "50"), flow(3 * HOUR, FlowKind.FUNDING, "-0.3"))
    world.answer(OFF + 2, flows=rows, kept=ALL_KEPT)
    ((_, made),) = world.confirmed
    assert [(one.cause, one.actor, one.intent) for one in made] == [
        (ChangeCause.TOP_UP, "guard", "one"), (ChangeCause.FUNDING, "", ""),
    ]  # fmt: skip


def test_our_own_change_stays_ours_where_its_row_lies_too_near_the_reading_to_count():
    world = away(held(), hours=5)
    sent = replace(
        intent("one"),
        state=IntentState.UNKNOWN,
        amount=D(50),
        key=key(),
        epoch=1,
        planned_at=at(9),
        submitted_at=at(9),
        policy="guard",
    )
    world.memory = replace(world.memory, top_ups=TopUpMemory(intents={"one": sent}))
    world.see(OFF + 1, held("11", isolated_margin=D("159.7")))
    rows = (flow(12, FlowKind.MARGIN_ADDED, "50"), flow(3 * HOUR, FlowKind.FUNDING, "-0.3"))
    world.answer(OFF + 2, bought(2 * HOUR, "1"), flows=rows, kept=ALL_KEPT)
    ((_, made),) = world.confirmed
    assert [(one.amount, one.cause, one.intent) for one in made] == [
        (D("-0.3"), ChangeCause.FUNDING, ""), (D(60), ChangeCause.TOP_UP, "one"),
    ]  # fmt: skip


def test_fall_that_is_held_back_waits_on_though_it_is_explained_meanwhile():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120)))
    world.answer(11, bought(5, "2"))
    world.see(20, held("8", isolated_margin=D(80)))
    world.silence(80)
    world.answer(100, fill(15, "4"))
    assert [(one.kind, one.waits) for one in world.events if one.kind is E.SHRANK] == [(E.SHRANK, True), (E.SHRANK, False)]


@pytest.mark.parametrize("ticks", [(), (72 * HOUR + 21,)])
def test_all_that_margincall_had_added_is_told_with_the_end_however_long_ago(ticks):
    first = replace(
        intent("one"), state=IntentState.VERIFIED, amount=D(50), key=key(), epoch=1, planned_at=at(0), submitted_at=at(0)
    )
    then = at(70 * HOUR)
    second = replace(first, id="two", amount=D(30), planned_at=then, submitted_at=then)
    world = World()
    world.see(0, held())
    world.memory = replace(world.memory, top_ups=TopUpMemory(intents={"one": first, "two": second}))
    world.policy = replace(world.policy, watching_since=at(0) - timedelta(hours=1))
    for seconds in (72 * HOUR, 72 * HOUR + 10, 72 * HOUR + 20):
        world.see(seconds, *([held()] if seconds == 72 * HOUR else []))
    for seconds in ticks:
        world.tick(seconds)
    (ended,) = (one for one in world.memory.lives.cases.values() if one.ended)
    world.conclude(72 * HOUR + 22, ended, fill(72 * HOUR + 5, "10", FillCause.LIQUIDATION))
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.added, told.added_times) == (D(80), 2)


@pytest.mark.parametrize(("final", "funding", "whole"), [(True, "-1.7", True), (False, "-0.5", False)])
def test_sums_of_a_life_that_is_not_over_are_not_those_of_its_end(final, funding, whole):
    world = gone()
    sums = Totals(funding=D("-1.7"), final=final)
    world.answer(31, fill(12, "10"), flows=(flow(5, FlowKind.FUNDING, "-0.5"),), totals=sums, kept=ALL_KEPT)
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.funding, told.whole_life) == (D(funding), whole)
