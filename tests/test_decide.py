from dataclasses import replace
from datetime import UTC, time, timedelta
from decimal import Decimal

import pytest

from monitor.alerts.model import AlertState, NotifyReason, position_subject
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.decide import Decision, decide, is_near
from monitor.lives.event import EventKind
from monitor.lives.state import LifeMemory
from monitor.margin.position import ExchangeSays, Side
from monitor.margin.reading import FamilyNotOpened, Unguarded
from monitor.memory import FamilyState, Memory
from monitor.policy import Policy
from monitor.rules.base import Level
from monitor.rules.cushion import Cushion
from monitor.rules.data_stale import DataStale
from monitor.rules.margin_usage import MarginUsage
from tests.builders import COINM, USDM, at, failure, key, policy, position, snapshot

# The builder's position: long 10 at 100, margin 100, requirement 1 %. Headroom at entry 100 - 10 = 90.
# At mark m: equity 10 m - 900, requirement m / 10, headroom 9.9 m - 900.
# Liquidation: m = 90.909. Cushion 60 %: headroom 54, m = 96.36; 40 %: m = 94.55; 25 %: m = 93.18.
CALM, WARNING, CRITICAL, EMERGENCY = "100", "96", "94.5", "93"


class Watch:
    """A memory that is carried through a series of readings."""

    def __init__(self, rules: Policy | None = None) -> None:
        self.policy = rules or policy()
        self.memory = Memory()

    def take(self, reading, seconds: float) -> Decision:
        decision = decide(reading, self.memory, self.policy, at(seconds))
        self.memory = decision.memory
        return decision

    def see(self, *marks: str, seconds: float, **changes) -> Decision:
        return self.take(snapshot(*(position(mark, **changes) for mark in marks), when=at(seconds)), seconds)


def told(decision: Decision) -> list[tuple[NotifyReason, str]]:
    return [(message.why, message.level.label) for message in decision.commit.messages]


def test_a_calm_position_is_remembered_and_says_nothing():
    watch = Watch()
    decision = watch.see(CALM, seconds=0)
    assert told(decision) == []
    assert [seen.epoch for seen in decision.commit.readings] == [1]
    assert decision.commit.families[0].state is FamilyState.OK
    assert [seen.key for seen in decision.opened] == [key()]
    assert not is_near(watch.memory, "main")


def test_each_line_is_told_once_as_the_price_falls():
    watch = Watch()
    watch.see(CALM, seconds=0)
    assert told(watch.see(WARNING, seconds=10)) == [(NotifyReason.FIRST, "warning")]
    assert is_near(watch.memory, "main")
    assert told(watch.see(WARNING, seconds=12)) == []
    assert told(watch.see(CRITICAL, seconds=14)) == [(NotifyReason.WORSENED, "critical")]
    assert told(watch.see(EMERGENCY, seconds=16)) == [(NotifyReason.WORSENED, "emergency")]
    # usage reaches 80 % only at 91.139 (0.1 m = 0.8 (10 m - 900)): the late rule joins in
    assert told(watch.see("91.1", seconds=18)) == [(NotifyReason.FIRST, "emergency")]


def test_the_all_clear_comes_after_its_hold():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(WARNING, seconds=10)
    assert told(watch.see(CALM, seconds=20)) == []
    assert told(watch.see(CALM, seconds=31)) == [(NotifyReason.RESOLVED, "warning")]
    assert watch.memory.alerts == {}


def test_swings_of_one_percent_of_margin_round_a_line_make_at_most_two_messages():
    watch = Watch()
    watch.see(CALM, seconds=0)
    messages = []
    for swing in range(200):
        mark = "96.31" if swing % 2 else "96.41"  # 59.5 % and 60.6 % of cushion
        messages += told(watch.see(mark, seconds=10 + 2 * swing))
    messages += told(watch.see(CALM, seconds=600)) + told(watch.see(CALM, seconds=620))
    assert messages == [(NotifyReason.FIRST, "warning"), (NotifyReason.RESOLVED, "warning")]


def test_a_line_already_crossed_when_first_seen_speaks_once_until_it_worsens():
    watch = Watch()
    assert told(watch.see(CRITICAL, seconds=0)) == [(NotifyReason.FIRST, "critical")]
    assert told(watch.see(CRITICAL, seconds=3600)) == []
    assert told(watch.see(EMERGENCY, seconds=3610)) == [(NotifyReason.WORSENED, "emergency")]
    assert told(watch.see(EMERGENCY, seconds=3670)) == [(NotifyReason.REPEAT, "emergency")]


def test_the_tick_repeats_an_alert_when_no_poll_returns():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(EMERGENCY, seconds=2)
    assert told(watch.take(None, 61)) == [(NotifyReason.FIRST, "critical")]  # blind by now
    repeated = watch.take(None, 62)
    assert (NotifyReason.REPEAT, "emergency") in told(repeated)


def test_a_position_is_closed_only_after_two_agreeing_absences():
    watch = Watch()
    watch.see(CALM, seconds=0)
    first = watch.see(seconds=10)
    assert first.commit.closed == ()
    assert [seen.absences for seen in first.commit.positions] == [1]
    second = watch.see(seconds=20)
    assert [gone.key for gone in second.commit.closed] == [key()]
    assert watch.memory.positions == {}


def test_an_absence_is_forgotten_when_the_position_comes_back():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(seconds=10)
    back = watch.see(CALM, seconds=20)
    assert [seen.epoch for seen in back.commit.readings] == [1]
    assert watch.see(seconds=30).commit.closed == ()


def test_a_failed_poll_between_two_absences_counts_as_neither():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(seconds=10)
    assert watch.take(failure(at(12)), 12).commit.closed == ()
    assert watch.memory.positions[key()].absences == 1


def test_a_new_life_has_a_new_epoch():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(seconds=10)
    watch.see(seconds=20)
    assert [seen.epoch for seen in watch.see(CALM, seconds=30).commit.readings] == [2]


def test_another_open_time_closes_the_old_life_and_begins_a_new_one():
    watch = Watch()
    watch.see(EMERGENCY, seconds=0, opened="1700")
    decision = watch.see(CALM, seconds=10, opened="1800")
    assert [gone.epoch for gone in decision.commit.closed] == [1]
    assert [seen.epoch for seen in decision.commit.readings] == [2]
    assert told(decision) == [(NotifyReason.GONE, "emergency")]
    assert [(case.epoch, case.birth, case.ended) for case in decision.commit.lives.cases] == [
        (2, EventKind.OPENED, False), (1, None, True),
    ]  # fmt: skip


def test_both_legs_of_a_hedge_are_positions_of_their_own():
    watch = Watch()
    both = snapshot(position(CALM, hedged=True), position(CALM, hedged=True, side=Side.SHORT))
    watch.take(both, 0)
    assert set(watch.memory.positions) == {key(), key(side=Side.SHORT)}


def test_an_alerted_position_that_is_gone_is_told_as_gone_not_as_safe():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(EMERGENCY, seconds=2)
    watch.see(seconds=4)
    gone = watch.see(seconds=6)
    (message,) = gone.commit.messages
    assert message.why is NotifyReason.GONE
    assert message.title == "BTC/USDT long is gone: closed or liquidated"
    assert "All clear" not in message.title + message.body


def test_a_guarded_position_that_turns_cross_is_critical_and_not_closed():
    watch = Watch()
    watch.see(CALM, seconds=0)
    cross = (Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross"),)
    for seconds in (10, 20, 30):
        decision = watch.take(snapshot(unguarded=cross, when=at(seconds)), seconds)
        assert decision.commit.closed == ()
        assert told(decision) == ([(NotifyReason.FIRST, "critical")] if seconds == 10 else [])
    assert watch.memory.positions[key()].mode == "cross"
    isolated = watch.see(CALM, seconds=40)
    assert watch.memory.positions[key()].mode == ""
    assert told(isolated) == []
    assert told(watch.see(CALM, seconds=51)) == [(NotifyReason.RESOLVED, "critical")]


def test_a_position_that_was_always_cross_is_counted_only():
    watch = Watch()
    decision = watch.take(snapshot(unguarded=(Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)), 0)
    assert told(decision) == []
    assert len(decision.commit.families[0].unguarded) == 1


def test_blindness_is_told_when_no_reading_came_for_the_limit_and_once_over():
    watch = Watch()
    watch.see(CALM, seconds=0)
    for seconds in (10, 20, 30):
        assert told(watch.take(failure(at(seconds)), seconds)) == []
    assert watch.memory.families[USDM].state is FamilyState.STALE
    (message,) = watch.take(None, 30.5).commit.messages
    assert message.title == "BLIND: cannot read main (Binance USD-M)"
    assert "no reply within 5 s" in message.body
    assert "cushion 100 %" in message.body  # the last known figures
    assert watch.memory.families[USDM].state is FamilyState.BLIND
    assert told(watch.see(CALM, seconds=40)) == [(NotifyReason.RESOLVED, "critical")]
    assert watch.memory.families[USDM].state is FamilyState.OK


def test_a_reading_that_was_half_out_of_time_when_it_came_does_not_end_blindness():
    watch = Watch()
    watch.see(CALM, seconds=0)
    messages = told(watch.take(None, 31))
    for asked in range(31, 400, 31):  # each answer takes 29 s: the one before it is 60 s old by then
        messages += told(watch.take(snapshot(position(CALM), when=at(asked)), asked + 29)) + told(watch.take(None, asked + 30.5))
    assert [why for why in messages if why[0] is not NotifyReason.REPEAT] == [(NotifyReason.FIRST, "critical")]
    assert told(watch.see(CALM, seconds=410)) == [(NotifyReason.RESOLVED, "critical")]


OTHER = "ETH/USDT:USDT"


def seen_at(watch, seconds, mark, *others, **changes):
    return watch.take(snapshot(position(mark), *others, when=at(seconds), **changes), seconds)


def test_marks_that_stand_still_are_told_and_end_nothing():
    watch = Watch()
    for seconds in (0, 1):
        seen_at(watch, seconds, WARNING)
    for seconds in (100, 200, 299):
        assert told(seen_at(watch, seconds, WARNING)) == []
    (message,) = seen_at(watch, 300, WARNING).commit.messages
    assert message.title == "Mark prices stand still: main (Binance USD-M)"
    assert "no mark price there has moved since 03:00:00 UTC, 5 min" in message.body
    family = watch.memory.families[USDM]
    assert family.state is FamilyState.STALE
    assert told(seen_at(watch, 310, WARNING)) == []
    assert watch.memory.families[USDM].state is FamilyState.STALE
    (over,) = seen_at(watch, 320, "96.01").commit.messages
    assert over.title == "Mark prices move again: main (Binance USD-M)"
    assert watch.memory.families[USDM].state is FamilyState.OK


def test_one_mark_that_moves_speaks_for_its_family():
    watch = Watch()
    for seconds in range(0, 600, 50):
        moving = position("100", symbol=OTHER)
        moving = replace(moving, mark_price=moving.mark_price + Decimal(seconds) / 1000)
        assert told(seen_at(watch, seconds, CALM, moving)) == []
    assert watch.memory.families[USDM].state is FamilyState.OK


def test_marks_stand_still_only_while_readings_come():
    watch = Watch()
    seen_at(watch, 0, CALM)
    seen_at(watch, 280, CALM)
    (blind,) = watch.take(failure(at(315)), 315).commit.messages
    assert blind.title.startswith("BLIND")
    assert watch.memory.families[USDM].state is FamilyState.BLIND


def test_marks_that_are_the_same_after_a_gap_have_not_stood_still():
    watch = Watch()
    for seconds in (0, 121, 242, 363):
        assert NotifyReason.FIRST not in dict(told(seen_at(watch, seconds, CALM)))


def test_a_family_without_positions_has_no_marks_that_could_stand_still():
    watch = Watch()
    for seconds in (0, 400, 800):
        assert told(watch.take(snapshot(when=at(seconds)), seconds)) == []


def test_a_family_that_is_frozen_and_then_blind_is_blind():
    watch = Watch()
    for seconds in (0, 100, 200, 300):
        seen_at(watch, seconds, CALM)
    assert watch.memory.families[USDM].state is FamilyState.STALE
    assert told(watch.take(None, 331)) == [(NotifyReason.FIRST, "critical")]
    assert watch.memory.families[USDM].state is FamilyState.BLIND
    assert told(seen_at(watch, 340, "99")) == [(NotifyReason.RESOLVED, "critical")]


def test_what_speaks_against_a_reading_is_told_with_the_end_of_blindness():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.take(None, 40)
    (message,) = watch.take(snapshot(when=at(41), remark="the list looks wrong"), 41).commit.messages
    assert "Beware: the list looks wrong. It is taken as true now" in message.body


def test_blindness_is_told_sooner_when_a_position_is_past_its_first_line():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(WARNING, seconds=2)
    watch.take(failure(at(4)), 4)
    assert told(watch.take(None, 12)) == []
    assert told(watch.take(None, 12.5)) == [(NotifyReason.FIRST, "critical")]


def test_blindness_of_one_family_leaves_the_other_alone():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.take(failure(at(0), family=COINM), 0)
    watch.see(CALM, seconds=29)
    decision = watch.take(None, 31)
    assert [message.subject.family for message in decision.commit.messages] == ["coinm"]
    assert watch.memory.families[USDM].state is FamilyState.OK


def test_a_failed_reading_resolves_nothing():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.see(EMERGENCY, seconds=2)
    for seconds in range(4, 60, 2):
        decision = watch.take(failure(at(seconds)), seconds)
        assert NotifyReason.RESOLVED not in [why for why, _ in told(decision)]


def test_time_asleep_is_not_blindness_and_a_blind_alert_survives_a_restart():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.take(failure(at(10)), 10)
    watch.take(None, 31)
    watch.policy = policy(since=at(7200))  # started again two hours later
    assert told(watch.take(None, 7201)) == [(NotifyReason.REPEAT, "critical")]
    assert watch.memory.alerts
    assert told(watch.see(CALM, seconds=7202)) == [(NotifyReason.RESOLVED, "critical")]

    fresh = Watch(policy(since=at(7200)))
    fresh.memory = replace(watch.memory, alerts={}, lives=LifeMemory())
    assert told(fresh.take(None, 7229)) == []


def test_a_single_run_tells_a_failed_read_at_once():
    watch = Watch(policy(once=True))
    assert told(watch.take(failure(at(0)), 0)) == [(NotifyReason.FIRST, "critical")]


def test_a_family_that_is_not_opened_is_not_watched_and_never_blind():
    watch = Watch()
    watch.take(failure(at(0), family=COINM), 0)
    watch.take(None, 31)
    assert watch.memory.alerts
    decision = watch.take(FamilyNotOpened(key=COINM, at=at(40), message="not opened"), 40)
    assert told(decision) == [(NotifyReason.RESOLVED, "critical")]
    assert watch.memory.families[COINM].state is FamilyState.NOT_OPENED
    assert told(watch.take(None, 4000)) == []


def test_rules_see_the_worse_figure_and_the_position_is_named_as_divergent():
    watch = Watch()
    # we say requirement 10 of equity 100; the exchange says 85: usage 85 %, cushion 15 / 90
    decision = watch.see(CALM, seconds=0, says=ExchangeSays(requirement=Decimal(85)))
    assert decision.divergent == (key(),)
    (message,) = decision.commit.messages
    assert message.level.label == "emergency"
    assert "differ" in message.body


def test_one_message_speaks_of_everything_about_one_position():
    watch = Watch()
    watch.see(CALM, seconds=0)
    (message,) = watch.see("91.1", seconds=2).commit.messages
    assert len(message.codes) == 2
    assert "Cushion" in message.body
    assert "Margin usage" in message.body


def test_the_message_says_how_much_margin_brings_it_back_and_what_is_free():
    watch = Watch()
    watch.see(CALM, seconds=0)
    (message,) = watch.take(snapshot(position(EMERGENCY), when=at(2), free={"USDT": Decimal("412.119")}), 2).commit.messages
    # headroom 9.9 * 93 - 900 = 20.7; (20.7 + x) / 90 = 0.6 -> x = 33.3 keeps 100 + x - 10 > 90: (20.7 + x) / (90 + x) = 0.6
    # -> 20.7 + x = 54 + 0.6 x -> x = 83.25
    assert "Add 83.25 USDT" in message.body
    assert "412.11 USDT free" in message.body
    assert message.title == "EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"


def test_a_closing_memory_of_a_reading_is_never_lost_between_decisions():
    watch = Watch()
    decision = watch.see(CALM, seconds=0)
    again = decide(None, decision.memory, watch.policy, at(1))
    assert again.commit.readings == ()
    assert again.memory.positions == decision.memory.positions


@pytest.mark.parametrize("rule", [Cushion(hold=timedelta(seconds=5))])
def test_a_held_alert_makes_the_account_near_before_it_is_told(rule):
    watch = Watch(policy(rule, DataStale()))
    watch.see(CALM, seconds=0)
    assert told(watch.see(WARNING, seconds=2)) == []
    assert is_near(watch.memory, "main")
    assert watch.memory.alerts["cushion", position_subject(key())].state is AlertState.HELD
    assert told(watch.take(None, 7)) == [(NotifyReason.FIRST, "warning")]


def test_a_calm_position_that_vanishes_is_asked_about_before_anything_is_told():
    watch = Watch()
    watch.see(CALM, seconds=0)
    assert told(watch.see(seconds=10)) == []
    assert told(watch.see(seconds=20)) == []
    assert [(case.epoch, case.ended) for case in watch.memory.lives.cases.values()] == [(1, True)]


def test_a_position_that_was_only_warned_of_and_vanishes_near_its_end_is_told_as_loud_as_a_liquidation():
    quiet = QuietHours(begin=time(3, 0, 5), end=time(5), zone=UTC)
    loud = Routing(levels={Level.WARNING: LevelPolicy(channels=("phone",), passes_quiet=False)})
    rule = Cushion(warning=Decimal("0.99"), critical=Decimal("0.01"), emergency=Decimal(0))
    watch = Watch(replace(policy(rule), quiet_hours=quiet, routing=loud))
    watch.see("99", seconds=0)
    watch.see("95", seconds=2)  # a warning is told, and then the night begins; liquidation at 90.91 is 4.3 % away
    watch.see(seconds=10)
    (message,) = watch.see(seconds=20).commit.messages
    assert (message.why, message.level.label, message.not_before) == (NotifyReason.GONE, "critical", None)
    assert message.title == "BTC/USDT long is gone: closed or liquidated"


def test_an_unalerted_position_that_vanishes_near_its_end_is_told_at_once():
    watch = Watch(policy(MarginUsage(emergency=Decimal("0.99"))))
    watch.see("95", seconds=0)  # liquidation at 90.91 is 4.3 % away
    assert told(watch.see(seconds=10)) == []
    (message,) = watch.see(seconds=20).commit.messages
    assert (message.why, message.level.label) == (NotifyReason.GONE, "critical")
    assert message.title == "BTC/USDT long is gone: closed or liquidated"


def test_a_new_life_in_breach_is_told_beside_the_end_of_the_old_one():
    watch = Watch()
    watch.see(EMERGENCY, seconds=0, opened="1700")
    old, new = watch.see(EMERGENCY, seconds=10, opened="1800").commit.messages
    assert (old.why, new.why) == (NotifyReason.GONE, NotifyReason.FIRST)
    assert "is gone" in old.title
    assert new.title.startswith("EMERGENCY: BTC/USDT long cushion")
    assert "no longer" not in new.body
    assert "Add " in new.body


def test_a_family_that_was_read_before_is_never_believed_to_be_not_opened():
    watch = Watch()
    watch.see(CALM, seconds=0)
    watch.take(FamilyNotOpened(key=USDM, at=at(10), message="not opened"), 10)
    assert watch.memory.families[USDM].state is FamilyState.STALE
    assert told(watch.take(None, 31)) == [(NotifyReason.FIRST, "critical")]


def test_the_end_of_blindness_by_a_family_that_is_not_opened_says_so():
    watch = Watch()
    watch.take(failure(at(0), family=COINM), 0)
    watch.take(None, 31)
    (message,) = watch.take(FamilyNotOpened(key=COINM, at=at(40), message="no such account"), 40).commit.messages
    assert message.title == "Not watched: main (Binance COIN-M)"
    assert "no such account" in message.body


def test_a_family_that_fails_after_it_was_not_opened_starts_anew():
    watch = Watch()
    watch.take(FamilyNotOpened(key=COINM, at=at(0), message="no such account"), 0)
    watch.take(failure(at(10), family=COINM), 10)
    assert watch.memory.families[COINM].state is FamilyState.STARTING
