"""From readings and records to what is kept and told: each case from its question to its answer, or to the end of patience."""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitor.alerts.matching import Matcher
from monitor.alerts.muting import QuietHours, Silence
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.chronicle import concluded, postponed, ripe
from monitor.lives.event import EventKind
from monitor.lives.records import FillCause, Flow, FlowKind, Records, Totals
from monitor.lives.state import LifeMemory, Spoken
from monitor.margin.position import Contract, Instrument, Side
from monitor.margin.reading import Unguarded
from monitor.memory import Memory, shifted
from monitor.rules.base import Level
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpMemory
from tests.builders import COINM, USDM, failure, key, one_tier, policy
from tests.chronicle.world import ETH, HOUR, World, at, away, bought, fill, gone, held
from tests.spend.world import intent

D = Decimal
E = EventKind


def test_what_is_open_at_the_first_look_is_found_and_what_comes_later_is_opened():
    world = World()
    world.see(0, held())
    world.see(10, held(), held(symbol=ETH))
    assert world.kinds == [E.FOUND]
    assert (world.case.since, world.case.sized_at) == (at(0), at(10))
    # closed and opened again between the two readings: the life that is there began with the last of them
    world.answer(11, bought(3, "10"), fill(4, "10"), bought(5, "4"), bought(8, "6"), missing=("fees: none",), again=True)
    assert world.kinds == [E.FOUND, E.OPENED]
    assert world.messages == [("info", "ETH/USDT long opened")]
    assert (world.events[1].at, world.events[1].since, world.events[1].before, world.events[1].after) == (
        at(5),
        None,
        None,
        D(10),
    )
    assert "opened, at 22 Nov 03:10:05 UTC." in world.bodies[0]
    assert "Size 10 ETH at 100, 10x, margin 100 USDT." in world.bodies[0]


def test_opening_that_no_record_dates_is_told_as_it_was_seen():
    world = World()
    world.see(0)
    world.see(10, held())
    world.answer(12, bought(8, "9"))  # one is not there yet
    world.silence(24)
    assert world.messages == []
    world.silence(25)
    assert world.messages == [("info", "BTC/USDT long opened")]
    assert (world.events[0].at, world.events[0].since) == (at(10), at(0))
    assert "within 10 s before 22 Nov 03:10:10 UTC" in world.bodies[0]
    assert world.memory.lives.cases == {}


def test_opening_that_something_else_follows_is_told_as_it_was_seen():
    world = World()
    world.see(0)
    world.see(10, held())
    world.see(11, held("6", isolated_margin=D(60)))
    assert world.kinds == [E.OPENED, E.MARGIN_REDUCED]
    assert world.events[0].after == D(10)
    world.answer(12, bought(8, "10"), fill(10.5, "4"))
    assert world.kinds[2:] == [E.SHRANK]


def test_life_that_was_liquidated_in_part_before_it_was_first_seen_tells_of_both():
    world = World()
    world.see(0)
    world.see(10, held("6"))
    world.answer(11, bought(3, "10"), fill(8, "4", FillCause.REDUCTION))
    assert [(event.kind, event.before, event.after) for event in world.events] == [
        (E.OPENED, None, D(10)), (E.PARTLY_LIQUIDATED, D(10), D(6)),
    ]  # fmt: skip
    told = world.events[1].breakdown
    assert told is not None
    assert told.margin is None  # nothing was read before it
    assert world.events[0].detail == "10 BTC bought at 100, fees -1 USDT."
    assert world.messages[1] == ("critical", "PARTLY LIQUIDATED: BTC/USDT long, -20.38 USDT")


def test_opening_without_a_known_leverage_names_none():
    world = World()
    world.see(0)
    world.see(10, held(leverage=None))
    world.answer(11, bought(5, "10"))
    assert "Size 10 BTC at 100, margin 100 USDT." in world.bodies[0]


def test_side_that_turns_in_one_way_mode_is_told_as_turned_and_in_hedge_mode_as_opened():
    for hedged, kind in ((False, E.FLIPPED), (True, E.OPENED)):
        world = World()
        world.see(0, held(hedged=hedged))
        world.see(10, held(hedged=hedged, side=Side.SHORT))
        (born,) = (case for case in world.memory.lives.cases.values() if case.birth)
        world.conclude(11, born, bought(5, "10"))
        assert world.kinds == [E.FOUND, kind]
        assert world.events[1].at == at(5)


def test_leverage_and_tiers_are_certain_from_two_readings_and_growth_has_its_time_from_the_records():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120), leverage=D(8), tiers=one_tier("0.02")))
    assert world.kinds == [E.FOUND, E.LEVERAGE_CHANGED, E.TIERS_CHANGED, E.MARGIN_ADDED]
    assert [event.cause for event in world.events[-1:]] == ["fill"]
    assert world.messages == [("info", "BTC/USDT long has another leverage: 10x -> 8x")]  # the rest follows after five minutes
    world.answer(11, bought(4, "0.5"), bought(6, "1.5"))
    (grew,) = world.events[4:]
    assert (grew.kind, grew.at, grew.since, grew.before, grew.after) == (E.GREW, at(6), None, D(10), D(12))
    assert grew.detail == "2 BTC bought at 100, fees -0.2 USDT."
    assert grew.breakdown is None
    world.tick(310)
    assert world.messages[1] == ("info", "BTC/USDT long is larger: 10 -> 12")


def test_growth_hides_no_partial_liquidation():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120)))
    world.answer(11, fill(4, "4", FillCause.REDUCTION), bought(6, "6"))
    assert [(event.kind, event.before, event.after) for event in world.events[2:]] == [
        (E.PARTLY_LIQUIDATED, D(10), D(6)), (E.GREW, D(6), D(12)),
    ]  # fmt: skip


def test_growth_with_sales_in_between_has_what_they_brought():
    world = World()
    world.see(0, held(side=Side.SHORT))
    world.see(10, held("12", isolated_margin=D(120), side=Side.SHORT))
    world.answer(11, fill(4, "1"), replace(bought(6, "3"), price=None, fee=None))
    assert world.events[-1].detail == "3 BTC sold at a price that is not recorded."
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.contracts, told.profit, told.fees) == (D(1), D(-5), None)


def test_growth_is_told_as_it_was_seen_when_something_else_follows_or_no_record_comes():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120)))
    world.see(11, held("13", isolated_margin=D(130)))
    assert [(event.since, event.after) for event in world.events if event.kind is E.GREW] == [(at(10), D(13))]
    world.silence(24)
    assert world.memory.lives.cases != {}
    world.silence(25)
    assert [(event.since, event.after) for event in world.events if event.kind is E.GREW] == [(at(10), D(13)), (at(0), D(12))]
    assert world.memory.lives.cases == {}


def test_margin_moved_by_another_leverage_is_kept_and_not_told_as_somebodys_hand():
    world = World()
    world.see(0, held())
    world.see(10, held(isolated_margin=D(125), leverage=D(8)))
    assert [(event.kind, event.cause) for event in world.events[1:]] == [(E.LEVERAGE_CHANGED, ""), (E.MARGIN_ADDED, "leverage")]
    assert [title for _, title in world.messages] == ["BTC/USDT long has another leverage: 10x -> 8x"]


def test_mode_that_turned_cross_is_an_event_once_and_told_by_its_rule():
    world = World()
    world.see(0, held())
    cross = Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross")
    world.see(10, unguarded=(cross,))
    world.see(20, unguarded=(cross,))
    assert world.kinds == [E.FOUND, E.NOT_ISOLATED]
    assert world.messages == []


def test_position_that_is_missing_once_is_asked_about_only_when_it_is_gone_and_not_when_it_is_back():
    world = World()
    world.see(0, held())
    world.see(10)
    assert ripe(world.memory, at(10)) == []
    world.see(20, held())
    assert world.memory.lives.cases == {}
    world.see(30)
    world.see(40)
    assert ripe(world.memory, at(40)) == [world.case]
    assert (world.case.since, world.case.until, world.case.ended) == (at(20), at(40), True)
    assert world.kinds == [E.FOUND]


def test_margin_that_changed_while_a_position_was_missing_is_a_question_of_its_own():
    world = World()
    world.see(0, held())
    world.see(10)
    world.see(20, held(isolated_margin=D(105)))
    assert (world.case.ended, [one.amount for one in world.case.changes]) == (False, [D(5)])


def test_a_close_is_told_with_what_it_brought_and_what_came_back():
    world = gone(free={"USDT": D(1000)}, free_at=at(9))
    # 10 coins at 95: -50, fee -0.95: of the margin of 100 come back 49.05
    world.answer(31, fill(12, "10"), free=D("1049.05"), kept=frozenset({FlowKind.FUNDING}))
    (event,) = world.events[1:]
    assert (event.kind, event.ended, event.at, event.since) == (E.CLOSED, True, at(12), None)
    told = event.breakdown
    assert told is not None
    assert (told.profit, told.fees, told.returned, told.observed) == (D(-50), D("-0.95"), D("49.05"), D("49.05"))
    assert (told.funding, told.insurance, told.exit_price) == (D(0), None, D(95))
    assert world.messages == [("info", "BTC/USDT long closed, -50.95 USDT")]
    assert "Came back to your balance: 49.05 USDT, by the records and by the balance." in world.bodies[0]
    assert world.memory.lives.cases == {}


def test_a_difference_to_the_balance_is_given_time_and_then_told():
    world = gone(free={"USDT": D(1000)}, free_at=at(9))
    world.answer(31, fill(12, "10"), free=D(1000))
    assert world.kinds == [E.FOUND]
    world.answer(44.9, fill(12, "10"), free=D(1000))
    assert world.kinds == [E.FOUND]
    world.answer(45, fill(12, "10"), free=D(1040))
    assert "but the balance says 40 USDT: -9.05 USDT is not explained" in world.bodies[0]


def test_other_tiers_leave_the_balance_as_it_was():
    world = World()
    world.see(0, held(), free={"USDT": D(1000)}, free_at=at(0))
    world.see(10, held(tiers=one_tier("0.02")), free={"USDT": D(1000)}, free_at=at(0))
    world.see(20)
    assert world.case.free == D(1000)


def test_a_balance_older_than_the_last_change_of_a_margin_is_not_compared_with():
    world = World()
    world.see(0, held(), free={"USDT": D(1000)}, free_at=at(0))
    world.see(10, held(), held(symbol=ETH), free={"USDT": D(1000)}, free_at=at(0))
    world.answer(11, bought(5, "10"))
    world.see(20, held(symbol=ETH))
    assert world.case.free is None
    world.see(30, held(symbol=ETH))
    world.answer(31, fill(12, "10"), free=D(5000))
    assert "by the records; the balance could not be compared" in world.bodies[-1]


def test_a_liquidation_is_told_at_once_whatever_the_balance_says():
    world = gone(free={"USDT": D(1000)}, free_at=at(9))
    end = fill(12, "10", FillCause.LIQUIDATION, price=D(90), profit=D(-100), fee=D(0), insurance=D(0), trigger_price=D("90.9"))
    world.answer(
        31, end, free=D(2000), totals=Totals(funding=D("-1.5")), missing=("fees: one is missing", "margin changes: none")
    )
    assert world.messages == [("critical", "LIQUIDATED: BTC/USDT long, -100.00 USDT")]
    body = world.bodies[0]
    assert "10 BTC closed at 90 (entry 100), set off at mark 90.9." in body
    assert "Realised -100 USDT." in body
    assert "Funding over its life: -1.5 USDT." in body
    assert "Not known: fees: one is missing." in body
    assert "margin changes" not in body


def test_steps_are_told_as_steps_and_the_owners_own_orders_among_them():
    world = gone()
    world.answer(
        31,
        fill(11, "1"),
        fill(12, "4", FillCause.REDUCTION),
        fill(13, "5", FillCause.LIQUIDATION, profit=None, fee=None),
        flows=(Flow(at=at(13), kind=FlowKind.INSURANCE, amount=D(-3)),),
    )
    assert world.kinds[1:] == [E.SHRANK, E.PARTLY_LIQUIDATED, E.LIQUIDATED]
    assert [(event.before, event.after, event.ended) for event in world.events[1:]] == [
        (D(10), D(9), False), (D(9), D(5), False), (D(5), D(0), True),
    ]  # fmt: skip
    end = world.events[-1].breakdown
    assert end is not None
    assert (end.profit, end.insurance, end.returned) == (None, D(-3), None)


@pytest.mark.parametrize(("told", "margin"), [(D(-80), D(20)), (None, None)])
def test_margin_behind_a_later_step_is_what_the_one_before_left(told, margin):
    # 100 stood behind it; the first step took 80 of it, where that is recorded
    world = gone()
    world.answer(
        31,
        fill(12, "8", FillCause.REDUCTION, margin_change=told),
        fill(13, "2", FillCause.LIQUIDATION, margin_change=D(-20)),
    )
    assert [event.breakdown.margin for event in world.events[1:] if event.breakdown] == [D(100), margin]


@pytest.mark.parametrize(
    ("cause", "kind", "level", "title"),
    [
        (FillCause.REDUCTION, E.LIQUIDATED, "critical", "LIQUIDATED: BTC/USDT long, -50.95 USDT"),
        (FillCause.DELEVERAGED, E.DELEVERAGED, "critical", "BTC/USDT long was auto-deleveraged, -50.95 USDT"),
        (FillCause.DELIVERED, E.DELIVERED, "info", "BTC/USDT long was delivered (it expired), -50.95 USDT"),
        (FillCause.SETTLED, E.SETTLED, "warning", "BTC/USDT long was closed by the exchange, -50.95 USDT"),
    ],
)
def test_each_ending_has_its_name(cause, kind, level, title):
    world = gone()
    world.answer(31, fill(12, "10", cause))
    assert world.kinds[1:] == [kind]
    assert world.messages == [(level, title)]


def test_part_that_was_closed_is_explained_and_a_liquidation_of_binance_that_leaves_a_rest_is_partial():
    for cause, kind, level in (
        (FillCause.TRADE, E.SHRANK, "info"),
        (FillCause.LIQUIDATION, E.PARTLY_LIQUIDATED, "critical"),
        (FillCause.DELEVERAGED, E.DELEVERAGED, "critical"),
    ):
        world = World()
        world.see(0, held())
        world.see(10, held("6", isolated_margin=D(60)))
        assert world.messages == []
        world.answer(11, fill(5, "4", cause))
        event = next(event for event in world.events if event.kind is kind)
        assert (event.before, event.after, event.ended) == (D(10), D(6), False)
        assert world.messages[0][0] == level


def test_fills_of_another_life_explain_nothing():
    world = gone()
    opened = fill(32, "3", closes=False)
    # the first was in the reading already (within 5 s before it), the last opened another life
    world.answer(31, fill(6, "2"), fill(12, "10"), opened)
    assert world.kinds[1:] == [E.CLOSED]
    assert world.events[-1].at == at(12)


def test_fills_that_a_reading_did_not_show_yet_count():
    world = gone()
    world.answer(31, fill(9, "4"), fill(12, "6"))
    assert [(event.kind, event.before) for event in world.events[1:]] == [(E.CLOSED, D(10))]


def test_turns_of_size_between_two_readings_are_followed():
    world = gone()
    world.answer(31, fill(11, "5", closes=False), fill(12, "15"))
    assert world.kinds[1:] == [E.CLOSED]
    assert world.events[-1].breakdown is not None
    assert world.events[-1].breakdown.contracts == D(15)


def test_what_was_bought_and_sold_again_is_no_event():
    world = gone()
    world.answer(31, fill(11, "2", closes=False), fill(12, "2"), fill(13, "10", FillCause.LIQUIDATION))
    assert world.kinds[1:] == [E.LIQUIDATED]


def test_growth_before_a_liquidation_is_an_event_of_its_own():
    world = gone()
    world.answer(31, fill(11, "5", closes=False), fill(12, "15", FillCause.LIQUIDATION))
    assert [(event.kind, event.before, event.after) for event in world.events[1:]] == [
        (E.GREW, D(10), D(15)), (E.LIQUIDATED, D(15), D(0)),
    ]  # fmt: skip


def test_list_that_does_not_add_up_explains_nothing_and_is_asked_for_ever_more_slowly():
    world = gone()
    waits = []
    for _ in range(8):
        now = world.case.due
        world.answer((now - at(0)).total_seconds(), fill(12, "7"), fill(13, "8"))
        waits.append((world.case.due - now).total_seconds())
    assert waits == sorted(waits)
    assert waits[0] < 3
    assert waits[-1] > 60
    assert E.CLOSED not in world.kinds


def test_what_no_record_explains_is_told_after_a_minute_and_explained_when_it_can_be():
    world = gone()
    world.silence(89)
    assert world.messages == []
    world.silence(90)
    assert world.messages == [("critical", "BTC/USDT long is gone: closed or liquidated")]
    assert "No record of the exchange tells why yet" in world.bodies[0]
    world.silence(200)
    assert len(world.messages) == 1
    world.answer(300, fill(12, "10"))
    assert world.kinds == [E.FOUND, E.CLOSED]  # what was kept as it stood is what it was, now
    assert [title for _, title in world.messages[1:]] == ["BTC/USDT long closed, -50.95 USDT"]


def test_part_that_no_record_explains_is_told_once():
    world = World()
    world.see(0, held())
    world.see(10, held("6", isolated_margin=D(60)))
    world.silence(70)
    assert world.messages == [("info", "BTC/USDT long is smaller: 10 -> 6")]
    assert "it may have been a partial liquidation" in world.bodies[0]
    world.answer(80, fill(5, "4"))
    assert len(world.messages) == 1
    assert world.memory.lives.cases == {}


def test_nothing_is_asked_any_more_after_a_day():
    world = gone()
    world.silence(90)
    world.silence(30 + 24 * HOUR)
    assert world.memory.lives.cases == {}


def test_answer_that_may_be_fuller_soon_is_waited_for_by_what_hangs_on_it():
    # a calm position, whose orders cannot be read: 45 s after it was gone they count as the owner's
    world = gone()
    world.answer(74.9, fill(12, "10"), again=True)
    assert E.CLOSED not in world.kinds
    world.answer(75, fill(12, "10"), again=True)
    assert world.kinds[1:] == [E.CLOSED]
    # of one near its end nobody believes that for ten minutes: it is told as gone
    world = World()
    for second in (0, 10):
        world.see(second, held(mark_price=D(92)))
    for second in (20, 30):
        world.see(second)
    world.answer(629.9, fill(12, "10"), again=True)
    assert world.kinds[1:] == [E.GONE]
    world.answer(630, fill(12, "10"), again=True)
    assert world.kinds[1:] == [E.CLOSED]
    # a liquidation is told with what is known of it at the third answer
    world = gone()
    for second in (31, 32):
        world.answer(second, fill(12, "10", FillCause.LIQUIDATION), again=True)
        assert E.LIQUIDATED not in world.kinds
    world.answer(33, fill(12, "10", FillCause.LIQUIDATION), again=True)
    assert world.kinds[1:] == [E.LIQUIDATED]


def test_answer_about_a_margin_that_may_be_fuller_soon_is_asked_for_again_a_few_times():
    world = added()
    for second in range(11, 15):
        world.answer(second, again=True)
        assert E.MARGIN_ADDED not in world.kinds
    world.answer(15, again=True)
    assert world.kinds[1:] == [E.MARGIN_ADDED]


def test_faulty_reply_does_not_take_an_open_question_with_it():
    world = World()
    world.see(0, held())
    world.see(10, held("6", isolated_margin=D(60)))
    question = world.case
    world.see(20)
    assert world.case.ended
    world.see(30, held("6", isolated_margin=D(60)))
    assert world.case == question
    world.answer(31, fill(5, "4", FillCause.REDUCTION))
    assert E.PARTLY_LIQUIDATED in world.kinds


def test_question_that_stays_open_does_not_hide_the_answer_to_a_newer_one():
    world = World()
    world.see(0, held())
    world.see(10, held("6", isolated_margin=D(60)))
    world.silence(70)  # told as it stands
    world.see(80, held("6", isolated_margin=D(60)))
    world.see(90)
    world.see(100)
    world.answer(101, fill(85, "6", FillCause.LIQUIDATION))
    assert world.kinds[1:] == [E.MARGIN_REDUCED, E.SHRANK, E.LIQUIDATED]
    assert world.events[-1].before == D(6)


def test_size_that_grew_again_hides_no_liquidation():
    world = World()
    for second, size in ((0, "10"), (10, "6"), (12, "12"), (14, "11")):
        world.see(second, held(size, isolated_margin=D(size) * 10))
    world.answer(15, fill(5, "4", FillCause.REDUCTION), fill(11, "6", closes=False), fill(13, "1"))
    assert [(event.kind, event.after) for event in world.events if event.breakdown] == [
        (E.PARTLY_LIQUIDATED, D(6)), (E.GREW, D(11)),
    ]  # fmt: skip
    assert world.memory.lives.cases == {}


def restarted(world: World) -> None:
    """What the store does not keep of open questions is forgotten."""
    bare = {name: replace(one, last=None, heard=False, instead=None) for name, one in world.memory.lives.cases.items()}
    world.memory = replace(world.memory, lives=LifeMemory(cases=bare, waiting=world.memory.lives.waiting))


def test_growth_after_a_fall_leaves_the_question_of_the_fall_as_it_is():
    world = World()
    for second, size in ((0, "10"), (10, "6"), (12, "12"), (14, "13")):
        world.see(second, held(size, isolated_margin=D(size) * 10))
    assert [(event.before, event.after) for event in world.events if event.kind is E.GREW] == [(D(6), D(12)), (D(12), D(13))]
    restarted(world)
    world.answer(30, fill(5, "4", FillCause.REDUCTION), bought(11, "6"), bought(13, "1"))
    assert (world.events[-1].kind, world.events[-1].after) == (E.PARTLY_LIQUIDATED, D(6))
    assert [title for level, title in world.messages if level == "critical"] == ["PARTLY LIQUIDATED: BTC/USDT long, -20.38 USDT"]


def test_fall_is_told_after_a_minute_however_often_something_else_follows():
    world = World()
    world.see(0, held())
    world.see(10, held("6", isolated_margin=D(60)))
    for number in range(1, 12):
        now = 10 + 5 * number
        world.see(now, held(f"{6 - number / 10}", isolated_margin=D(f"{60 - number}")))
        world.silence(now)
    falls = [event for event in world.events if event.kind is E.SHRANK]
    assert falls == []
    world.silence(70)
    falls = [event for event in world.events if event.kind is E.SHRANK]
    assert [(event.before, event.after) for event in falls] == [(D(10), D(5)), (D(5), D("4.9"))]


def test_growth_over_a_time_in_which_nothing_watched_stays_a_question():
    world = away(held(), hours=1)
    now = HOUR + 1
    world.see(now, held("12", isolated_margin=D(120)))
    world.see(now + 5, held("13", isolated_margin=D(130)))
    world.silence(now + 16)
    assert world.memory.lives.cases != {}
    restarted(world)
    world.answer(now + 20, fill(900, "4", FillCause.REDUCTION), bought(1000, "6"), bought(now + 3, "1"))
    kinds = [(event.kind, event.after) for event in world.events if event.kind not in {E.FOUND, E.MARGIN_ADDED}]
    assert kinds == [(E.PARTLY_LIQUIDATED, D(6)), (E.GREW, D(13))]


def test_growth_with_a_sale_that_nobody_owns_yet_is_asked_about_again():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120)))
    sold = fill(4, "4")
    world.answer(11, sold, bought(6, "6"), again=True)
    world.answer(26, sold, bought(6, "6"), again=True)
    assert E.GREW not in world.kinds
    world.answer(30, fill(4, "4", FillCause.REDUCTION), bought(6, "6"))
    assert [event.kind for event in world.events[2:]] == [E.PARTLY_LIQUIDATED, E.GREW]


def test_answer_that_was_asked_for_before_the_newest_reading_says_nothing_of_it():
    world = World()
    world.see(0, held())
    world.see(10, held(isolated_margin=D(105)))
    world.answer(12, records_at=9)
    assert (world.case.tries, world.kinds) == (1, [E.FOUND])
    world.answer(70, records_at=9)
    assert world.kinds == [E.FOUND, E.MARGIN_ADDED]


def test_margin_that_moved_beside_a_fall_is_told_with_it_and_once():
    world = World()
    world.see(0, held())
    world.see(10, held(isolated_margin=D(105)))
    world.see(20, held("6", isolated_margin=D(63)))
    world.silence(70)
    assert world.kinds[-2:] == [E.SHRANK, E.MARGIN_ADDED]
    world.answer(80, fill(15, "4"), flows=(Flow(at=at(5), kind=FlowKind.MARGIN_ADDED, amount=D(5), id="7"),))
    assert world.kinds.count(E.MARGIN_ADDED) == 1
    assert len(world.confirmed) == 1


def test_position_that_was_liquidated_and_opened_again_in_one_moment_is_told_so():
    world = World()
    world.see(0, held())
    world.see(10, held("12", isolated_margin=D(120)))
    world.answer(11, fill(4, "10", FillCause.LIQUIDATION), bought(6, "12"))
    assert [(event.kind, event.before, event.after) for event in world.events[2:]] == [
        (E.LIQUIDATED, D(10), D(0)), (E.OPENED, None, D(12)),
    ]  # fmt: skip
    assert world.messages[0] == ("critical", "LIQUIDATED: BTC/USDT long, -50.95 USDT")
    assert world.events[-1].detail == "12 BTC bought at 100, fees -1.2 USDT."


def test_what_several_questions_became_moves_with_the_clock():
    world = World()
    for second, size in ((0, "10"), (10, "6"), (12, "5"), (14, "4")):
        world.see(second, held(size, isolated_margin=D(size) * 10))
    world.see(16)
    moved = shifted(world.memory, timedelta(hours=1)).lives.cases[world.case.id]
    assert moved.last is not None
    assert moved.instead is not None
    assert moved.instead.last is not None
    assert (moved.instead.asked_since, moved.instead.last.since) == (at(3610), at(3612))


def test_summary_and_what_was_held_back_in_one_tick_are_both_kept_as_told():
    world = away(held(), hours=0.5)
    now = 0.5 * HOUR + 1
    world.see(now, held(leverage=D(8)))
    event = replace(world.events[-1], waits=False)
    spoken = {event.key: Spoken(at=at(now - 300), held=(replace(event, at=at(now - 290)),))}
    world.memory = replace(world.memory, lives=replace(world.memory.lives, spoken=spoken, cases={}))
    world.tick(now + 1)
    assert len(world.messages) == 2
    assert len(world.told) == 2


def test_what_stays_unexplained_is_told_as_it_stands_with_the_answer_to_what_followed():
    world = World()
    for second, size in ((0, "10"), (10, "6"), (12, "5")):
        world.see(second, held(size, isolated_margin=D(size) * 10))
    world.answer(14, fill(11, "1"))  # the record of the other may be late
    assert E.SHRANK not in world.kinds
    world.answer(28, fill(11, "1"))
    shrank = [event for event in world.events if event.kind is E.SHRANK]
    assert [(event.before, event.after, event.since, event.at) for event in shrank] == [
        (D(10), D(6), at(0), at(10)), (D(6), D(5), None, at(11)),
    ]  # fmt: skip
    assert world.memory.lives.cases == {}


def test_further_changes_are_told_after_one_was_told_as_it_stood():
    world = World()
    world.see(0, held())
    world.see(10, held("6", isolated_margin=D(60)))
    world.silence(70)
    world.see(400, held("6", isolated_margin=D(60)))
    world.see(410, held("5", isolated_margin=D(50)))
    world.answer(411, fill(405, "1"))
    assert [title for _, title in world.messages] == ["BTC/USDT long is smaller: 10 -> 6", "BTC/USDT long is smaller: 6 -> 5"]


def test_margin_that_stayed_in_an_open_question_is_told_when_it_is_given_up():
    world = World()
    world.see(0, held())
    world.see(10, held(isolated_margin=D(105)))
    world.see(20, held("6", isolated_margin=D(63)))
    world.silence(90)
    world.silence(20 + 24 * HOUR)
    assert world.kinds[-1] is E.MARGIN_ADDED
    assert world.memory.lives.cases == {}


def test_end_of_a_position_that_was_not_isolated_any_more_is_not_asked_about():
    world = World()
    world.see(0, held())
    world.see(10, unguarded=(Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross"),))
    world.see(20)
    world.see(30)
    assert world.memory.lives.cases == {}
    assert world.kinds == [E.FOUND, E.NOT_ISOLATED]


def test_position_that_was_missing_and_is_back_as_a_cross_one_has_not_ended():
    world = World()
    world.see(0, held())
    world.see(10)
    world.see(20, unguarded=(Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross"),))
    assert world.memory.lives.cases == {}


def test_balance_is_not_compared_where_another_position_moved_it_too():
    world = World()
    for second in (0, 10):
        world.see(second, held(), held(symbol=ETH), free={"USDT": D(1000)}, free_at=at(9))
    for second in (20, 30):
        world.see(second)
    for name in list(world.memory.lives.cases):
        told = Records(at=at(31), fills=(fill(12, "10"),), free=D(1098))
        world._keep(concluded(world.memory, world.policy, name, told, at(31)))
    assert len(world.messages) == 2
    assert all("the balance could not be compared" in body for body in world.bodies)


def test_answers_to_a_question_that_is_closed_change_nothing():
    memory = Memory()
    for change in (
        concluded(memory, policy(), (key(), 1), Records(at=at(0)), at(0)),
        postponed(memory, policy(), (key(), 1), at(0)),
    ):
        assert change.memory is memory
        assert not change.commit.lives


def added(**changes: Any) -> World:
    """A world in which 5 USDT came into the margin between 0 s and 10 s."""
    world = World()
    world.see(0, held())
    world.see(10, held(isolated_margin=D(105)), **changes)
    return world


def test_margin_is_told_at_the_exchanges_time_when_its_record_confirms_it():
    world = added()
    world.answer(11, flows=(Flow(at=at(4), kind=FlowKind.MARGIN_ADDED, amount=D(5), id="r1"),))
    event = world.events[-1]
    assert (event.kind, event.at, event.since, event.cause) == (E.MARGIN_ADDED, at(4), None, "elsewhere")
    ((seen, (row,)),) = world.confirmed
    assert (seen.record, row.record, row.at, row.before, row.after) == ("", "r1", at(4), seen.before, seen.after)
    assert world.messages == [("info", "BTC/USDT long: +5 USDT margin elsewhere")]


def test_several_rows_that_add_up_are_changes_of_their_own():
    world = added()
    rows = (
        Flow(at=at(2), kind=FlowKind.MARGIN_ADDED, amount=D(8)),
        Flow(at=at(3), kind=FlowKind.FUNDING, amount=D(-1)),
        Flow(at=at(4), kind=FlowKind.MARGIN_TAKEN, amount=D(-2)),
    )
    world.answer(11, flows=rows)
    ((_, made),) = world.confirmed
    assert [(one.amount, one.cause, one.record) for one in made] == [
        (D(8), ChangeCause.ELSEWHERE, "1"), (D(-1), ChangeCause.FUNDING, "2"), (D(-2), ChangeCause.ELSEWHERE, "3"),
    ]  # fmt: skip
    assert [one.after.isolated_margin for one in made] == [D(108), D(107), D(105)]
    assert [event.cause for event in world.events[1:]] == ["elsewhere", "funding", "elsewhere"]
    assert [title for _, title in world.messages] == ["BTC/USDT long: +8 USDT margin elsewhere"]  # funding is nobody's news


def test_row_whose_time_lies_just_beside_the_readings_is_the_one_that_adds_up():
    world = added()
    rows = (
        Flow(at=at(-1), kind=FlowKind.MARGIN_ADDED, amount=D(5), id="r1"),
        Flow(at=at(4), kind=FlowKind.FUNDING, amount=D(-9)),
    )
    world.answer(11, flows=rows)
    ((_, (row,)),) = world.confirmed
    assert (row.record, row.at, row.amount) == ("r1", at(-1), D(5))


def at_the_hour(margin: str) -> World:
    """A world in which the margin changed just after a full hour."""
    world = World()
    world.see(-610, held())
    world.see(-590, held(isolated_margin=D(margin)))
    return world


def test_what_was_put_in_at_a_full_hour_is_not_taken_for_funding():
    world = at_the_hour("101.5")
    assert world.case.changes[0].cause is ChangeCause.FUNDING  # so far
    world.answer(-589, flows=(Flow(at=at(-595), kind=FlowKind.MARGIN_ADDED, amount=D("1.5"), id="7"),))
    assert [(event.cause, event.at, event.since) for event in world.events[1:]] == [("elsewhere", at(-595), None)]
    assert world.messages == [("info", "BTC/USDT long: +1.5 USDT margin elsewhere")]


def test_funding_is_kept_with_its_time_and_told_to_nobody():
    world = at_the_hour("99.5")
    flow = Flow(at=at(-600), kind=FlowKind.FUNDING, amount=D("-0.5"))
    world.answer(-589, kept=frozenset({FlowKind.FUNDING}))  # it may be late
    assert world.case.tries == 1
    world.answer(-580, flows=(flow,), kept=frozenset({FlowKind.FUNDING}))
    assert [(event.cause, event.at, event.since) for event in world.events[1:]] == [("funding", at(-600), None)]
    assert world.messages == []


def test_funding_that_the_wallet_should_have_paid_and_the_margin_paid_is_funding():
    world = at_the_hour("99.5")
    flow = Flow(at=at(-600), kind=FlowKind.FUNDING, amount=D("-0.5"), in_margin=False)
    world.answer(-589, flows=(flow,), kept=frozenset({FlowKind.FUNDING}))
    assert [(event.cause, event.at) for event in world.events[1:]] == [("funding", at(-600))]
    assert world.messages == []


def test_what_looked_like_funding_and_is_not_recorded_for_a_minute_was_somebodys_hand():
    world = at_the_hour("99.5")
    world.answer(-530, kept=frozenset({FlowKind.FUNDING}))
    assert [event.cause for event in world.events[1:]] == ["elsewhere"]
    assert world.messages == [("info", "BTC/USDT long: -0.5 USDT margin elsewhere")]


def test_what_no_row_explains_is_told_as_the_readings_have_it():
    world = added()
    world.answer(11, flows=(Flow(at=at(4), kind=FlowKind.MARGIN_ADDED, amount=D(4)),))
    assert world.confirmed == []
    assert (world.events[-1].since, world.events[-1].at) == (at(0), at(10))
    assert world.memory.lives.cases == {}


def test_margin_without_an_answer_is_told_after_a_minute_and_not_asked_about_again():
    world = added()
    world.silence(70)
    assert world.messages == [("info", "BTC/USDT long: +5 USDT margin elsewhere")]
    world.silence(80)
    assert world.memory.lives.cases == {}
    assert world.kinds == [E.FOUND, E.MARGIN_ADDED]


def test_two_changes_before_an_answer_are_one_question():
    world = added()
    world.see(20, held(isolated_margin=D(102)))
    assert [one.amount for one in world.case.changes] == [D(5), D(-3)]
    rows = (Flow(at=at(4), kind=FlowKind.MARGIN_ADDED, amount=D(5)), Flow(at=at(14), kind=FlowKind.MARGIN_TAKEN, amount=D(-3)))
    world.answer(21, flows=rows)
    assert world.kinds == [E.FOUND, E.MARGIN_ADDED, E.MARGIN_REDUCED]
    assert world.events[-1].at == at(14)


def test_fill_that_the_record_names_as_the_cause_of_a_margin_is_one():
    world = added()
    world.answer(11, fill(4, "0.5", closes=False, margin_change=D(5)))
    ((_, (row,)),) = world.confirmed
    assert row.cause is ChangeCause.FILL


def test_what_happened_while_nothing_watched_is_told_in_one_message_of_the_worst_level():
    world = away(held(), held(symbol=ETH), hours=2)
    world.see(2 * HOUR + 1, held(isolated_margin=D(107), symbol=ETH))
    world.tick(2 * HOUR + 2)
    world.see(2 * HOUR + 11, held(isolated_margin=D(107), symbol=ETH))
    by_symbol = {case.key.symbol: case for case in world.memory.lives.cases.values()}
    flows = (Flow(at=at(600), kind=FlowKind.MARGIN_ADDED, amount=D(7), id="r"),)
    records = Records(at=at(2 * HOUR + 12), flows=flows)
    world._keep(concluded(world.memory, world.policy, by_symbol[ETH].id, records, at(2 * HOUR + 12)))
    assert world.messages == []
    world.answer(2 * HOUR + 13, fill(900, "10", FillCause.LIQUIDATION, profit=D(-100), fee=D(0)))
    assert world.messages == []
    world.tick(2 * HOUR + 14)
    assert world.messages == [("critical", "Meanwhile: LIQUIDATED: BTC/USDT long, -100.00 USDT")]
    assert world.bodies[0].splitlines()[:3] == [
        "margincall did not watch from 22 Nov 03:10:10 UTC on, for 119 min. What the exchange's records and its positions tell:",
        "at 22 Nov 03:20:00 UTC: ETH/USDT long: +7 USDT margin elsewhere (main)",
        "at 22 Nov 03:25:00 UTC: LIQUIDATED: BTC/USDT long, -100.00 USDT (main)",
    ]
    world.tick(2 * HOUR + 15)
    assert len(world.messages) == 1
    assert world.memory.lives.waiting == ()


def test_that_nothing_happened_is_told_only_after_a_long_time():
    for hours, told in ((1.1, [("info", "While margincall was off (65 min): nothing to tell")]), (0.5, [])):
        world = away(held(), hours=hours)
        world.see(hours * HOUR + 1, held())
        world.tick(hours * HOUR + 2)
        assert world.messages == told


def test_single_events_of_the_time_are_counted():
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1, held(), held(symbol=ETH))
    world.tick(0.5 * HOUR + 2)
    assert world.messages == []
    (born,) = (case for case in world.memory.lives.cases.values() if case.birth)
    world.conclude(0.5 * HOUR + 2, born, bought(900, "10"))
    world.tick(0.5 * HOUR + 3)
    assert world.messages == [("info", "While margincall was off (29 min): 1 event")]
    assert "at 22 Nov 03:25:00 UTC: ETH/USDT long opened (main)" in world.bodies[0]


def test_what_is_not_explained_in_a_minute_is_named_and_told_alone_later():
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1)
    world.see(0.5 * HOUR + 11)
    world.tick(0.5 * HOUR + 60)
    assert world.messages == []
    world.tick(0.5 * HOUR + 61)
    assert world.messages == [("critical", "While margincall was off (29 min): 1 event")]
    assert "BTC/USDT long on main is gone; why is not known yet." in world.bodies[0]
    world.answer(0.5 * HOUR + 70, fill(900, "10"))
    assert world.messages[1:] == [("info", "BTC/USDT long closed, -50.95 USDT")]


def test_summary_waits_for_every_family_that_was_read_before():
    world = away(held(), hours=0.5)
    world.memory = replace(
        world.memory, families={**world.memory.families, COINM: replace(world.memory.families[USDM], key=COINM)}
    )
    world.see(0.5 * HOUR + 1, held(), held(symbol=ETH))
    world.answer(0.5 * HOUR + 2, bought(900, "10"))
    world.tick(0.5 * HOUR + 2)
    assert world.messages == []
    world.see(0.5 * HOUR + 5, family=COINM)
    world.tick(0.5 * HOUR + 6)
    assert len(world.messages) == 1


def test_what_a_run_could_not_tell_any_more_is_told_by_the_next():
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1, held(), held(symbol=ETH))
    world.answer(0.5 * HOUR + 2, bought(900, "10"))
    # killed here: the store has the event, and not since when nothing watched
    world.memory = replace(world.memory, lives=replace(world.memory.lives, away=None))
    world.tick(0.5 * HOUR + 5)
    assert [title for _, title in world.messages] == ["Before the restart: 1 event"]


def test_unwatched_time_of_several_families_is_one_time():
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1, held())
    first = world.memory.lives.away
    world.memory = replace(
        world.memory,
        families={**world.memory.families, COINM: replace(world.memory.families[USDM], key=COINM, last_good=at(500))},
    )
    world.see(0.5 * HOUR + 3, family=COINM)
    assert first == (at(10), at(0.5 * HOUR + 1))
    assert world.memory.lives.away == (at(10), at(0.5 * HOUR + 3))


def test_funding_that_is_not_recorded_as_such_is_unknown():
    world = away(held(), hours=2)
    world.see(2 * HOUR + 1, held(isolated_margin=D(101)))
    (change,) = world.case.changes
    assert change.cause is ChangeCause.FUNDING  # the likeliest, by its size and the hours that passed
    world.answer(2 * HOUR + 2, kept=frozenset({FlowKind.FUNDING}))
    assert (world.events[-1].cause, world.events[-1].waits) == ("unknown", True)


def test_part_that_was_away_and_stays_unexplained_waits_for_the_summary():
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1, held("6", isolated_margin=D(60)))
    world.silence(0.5 * HOUR + 61)
    assert world.messages == []
    assert [(one.kind, one.cause) for one in world.memory.lives.waiting] == [(E.SHRANK, ""), (E.MARGIN_REDUCED, "fill")]


def test_levels_can_be_set_or_switched_off_and_routes_may_name_a_kind():
    routing = Routing(everyone=("phone", "chat"), levels={Level.INFO: LevelPolicy(channels=("chat",), passes_quiet=False)})
    quiet = QuietHours(begin=time(2), end=time(4), zone=policy().zone)
    world = World(events={E.OPENED: None, E.CLOSED: Level.WARNING}, routing=routing, quiet_hours=quiet)
    world.see(0)
    world.see(10, held())
    world.see(20)
    world.see(30)
    assert world.messages == []
    world.answer(31, fill(15, "10"))
    assert world.messages == [("warning", "BTC/USDT long closed, -50.95 USDT")]


def test_silence_holds_back_what_is_not_critical():
    everything = Silence(id="s", match=Matcher(symbol=("BTC/*",)), since=at(0), until=at(HOUR), emergencies=False, comment="")
    for cause, told in ((FillCause.TRADE, []), (FillCause.LIQUIDATION, ["LIQUIDATED: BTC/USDT long, -50.95 USDT"])):
        world = gone()
        world.memory = replace(world.memory, silences={"s": everything})
        world.answer(31, fill(12, "10", cause))
        assert [title for _, title in world.messages] == told


def test_what_margincall_had_added_is_told_with_the_end():
    applied = replace(intent("one"), state=IntentState.VERIFIED, amount=D(50), key=key(), epoch=1)
    other = replace(intent("two"), state=IntentState.REJECTED, key=key(), epoch=1)
    world = gone()
    world.memory = replace(world.memory, top_ups=TopUpMemory(intents={"one": applied, "two": other}))
    world.answer(31, fill(12, "10"))
    assert "of it 50 USDT added by margincall (once)." in world.bodies[0]


def test_times_of_questions_move_with_the_clock():
    world = gone()
    moved = shifted(world.memory, timedelta(hours=1)).lives
    (case,) = moved.cases.values()
    assert (case.since, case.until) == (at(10 + HOUR), at(30 + HOUR))
    world = away(held(), hours=0.5)
    world.see(0.5 * HOUR + 1, held())
    assert shifted(world.memory, timedelta(hours=1)).lives.away == (at(10 + HOUR), at(1.5 * HOUR + 1))


def test_margin_that_was_added_after_the_last_reading_came_back_too():
    world = gone(free={"USDT": D(1000)}, free_at=at(9))
    flows = (
        Flow(at=at(11), kind=FlowKind.MARGIN_ADDED, amount=D(20)),
        Flow(at=at(11.5), kind=FlowKind.FUNDING, amount=D(-2), in_margin=False),
    )
    # 100 + 20 - 50.95 come back; the balance had 20 less and pays 2 of funding meanwhile: 1000 - 20 - 2 + 69.05
    world.answer(31, fill(12, "10"), flows=flows, free=D("1047.05"))
    told = world.events[-1].breakdown
    assert told is not None
    assert (told.margin, told.returned, told.observed) == (D(120), D("69.05"), D("69.05"))


@pytest.mark.parametrize(("second", "margin_after", "counts"), [(10.2, "100", False), (9.8, "99", True), (9.8, "77", False)])
def test_flow_near_the_reading_is_placed_by_the_margin_that_it_left(second, margin_after, counts):
    # the reading at 10 s showed a margin of 100
    world = gone()
    flow = Flow(at=at(second), kind=FlowKind.FUNDING, amount=D(-1), margin_after=D(margin_after))
    world.answer(31, fill(12, "10"), flows=(flow,))
    told = world.events[-1].breakdown
    assert told is not None
    assert told.returned == D("49.05") - (1 if counts else 0)


def test_average_of_an_inverse_contract_is_by_what_it_is_worth():
    coin = Instrument(
        symbol="BTC/USD:BTC", instrument_id="BTCUSD_PERP", contract=Contract.INVERSE, contract_size=D(100), settle_currency="BTC"
    )
    inverse = held("3", symbol="BTC/USD:BTC", instrument=coin, entry_price=D(100), isolated_margin=D(1), tiers=None)
    world = World()
    for second in (0, 10):
        world.see(second, inverse)
    for second in (20, 30):
        world.see(second)
    # 1 contract at 50 is worth 2 of what 2 contracts at 100 are worth 2: 3 / (1/50 + 2/100) = 75
    world.answer(31, fill(11, "1", price=D(50)), fill(12, "2", price=D(100)))
    assert world.kinds[1:] == [E.CLOSED]
    told = world.events[-1].breakdown
    assert told is not None
    assert told.exit_price == D(75)
    assert "3 contracts of 100 USD closed at 75 (entry 100)." in world.bodies[0]


def test_average_of_several_prices_is_by_size_and_unknown_where_one_is():
    for prices, shown in (
        ((D(90), D(100)), "10 BTC closed at 96 (entry 100)."),
        ((D(90), None), "10 BTC closed at a price that is not recorded (entry 100)."),
        ((D(90), D("90.001")), "10 BTC closed at 90 (entry 100)."),
    ):
        world = gone()
        world.answer(31, fill(11, "4", price=prices[0]), fill(12, "6", price=prices[1]))
        assert shown in world.bodies[0]


def test_failed_reading_means_nothing_for_a_life():
    from monitor.decide import decide

    world = World()
    world.see(0, held())
    decision = decide(failure(at(10)), world.memory, world.policy, at(10))
    assert not decision.commit.lives
