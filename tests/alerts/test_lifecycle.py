from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.lifecycle import NO_VERDICT, REPEATS, Step, advance, code_of, end, repeat_due
from monitor.alerts.model import Alert, AlertState, NotifyReason, Subject, SubjectKind
from monitor.rules.base import CLEAR, Judgement, Level, Verdict
from monitor.rules.cushion import Cushion
from tests.builders import NOW, at

SUBJECT = Subject(SubjectKind.POSITION, "binance", "main", "BTC/USDT:USDT", "long")
W, C, E = Level.WARNING, Level.CRITICAL, Level.EMERGENCY
AT_ONCE = Cushion(clear_hold=timedelta(0))
SLOW = Cushion(hold=timedelta(seconds=5), clear_hold=timedelta(seconds=10))


def breach(level: Level = W, steps: int = 0) -> Judgement:
    return Judgement(Verdict.BREACH, level, Decimal("0.5"), Decimal("0.6"), "", steps)


def band(level: Level = W) -> Judgement:
    return Judgement(Verdict.DEAD_BAND, level, Decimal("0.62"), Decimal("0.6"))


def step(alert: Alert | None, judgement: Judgement, seconds: float = 0, rule: Cushion = AT_ONCE, born: bool = False) -> Step:
    ladder = REPEATS[alert.level] if alert is not None else ()
    return advance(alert, judgement, rule=rule, subject=SUBJECT, now=at(seconds), born=born, repeats=ladder)


def firing(level: Level = W, rule: Cushion = AT_ONCE, **changes) -> Alert:
    alert = step(None, breach(level), rule=replace(rule, hold=timedelta(0))).alert
    assert alert is not None
    return replace(alert, **changes)


@pytest.mark.parametrize("judgement", [CLEAR, band(), NO_VERDICT])
def test_nothing_begins_when_there_is_no_breach(judgement):
    assert step(None, judgement) == Step(alert=None)


def test_a_breach_is_told_at_once_when_there_is_no_hold():
    begun = step(None, breach())
    assert begun.why is NotifyReason.FIRST
    assert begun.alert is not None
    assert (begun.alert.state, begun.alert.told, begun.alert.since) == (AlertState.FIRING, W, NOW)


def test_a_breach_is_held_and_then_told_when_it_lasted():
    held = step(None, breach(), rule=SLOW)
    assert held.why is None
    assert held.alert is not None
    assert held.alert.state is AlertState.HELD
    assert step(held.alert, breach(), 4, SLOW).why is None
    assert step(held.alert, breach(C), 5, SLOW).why is NotifyReason.FIRST
    assert step(held.alert, NO_VERDICT, 5, SLOW).why is NotifyReason.FIRST  # being blind does not keep it back


@pytest.mark.parametrize("judgement", [CLEAR, band()])
def test_a_held_breach_is_forgotten_when_it_did_not_last(judgement):
    held = step(None, breach(), rule=SLOW).alert
    assert step(held, judgement, 3, SLOW) == Step(alert=None)


def test_a_worse_level_is_told_at_once():
    worse = step(firing(W), breach(E), 1)
    assert worse.why is NotifyReason.WORSENED
    assert worse.alert is not None
    assert (worse.alert.level, worse.alert.peak, worse.alert.told, worse.alert.since) == (E, E, E, NOW)


def test_a_milder_level_is_followed_silently_and_worse_is_told_again():
    milder = step(firing(C), breach(W), 60)
    assert milder.why is None
    assert milder.alert is not None
    assert (milder.alert.level, milder.alert.peak) == (W, C)
    assert step(milder.alert, breach(C), 120).why is NotifyReason.WORSENED


@pytest.mark.parametrize("judgement", [breach(), band(), NO_VERDICT])
def test_an_alert_repeats_when_it_is_due_and_not_before(judgement):
    alert = firing(W)
    assert step(alert, judgement, 29 * 60).why is None
    repeated = step(alert, judgement, 30 * 60)
    assert repeated.why is NotifyReason.REPEAT
    assert repeated.alert is not None
    assert repeated.alert.repeats == 1
    assert step(repeated.alert, judgement, 59 * 60).why is None


def test_emergency_repeats_slow_down_with_time():
    # 1 min for 10 min, 5 min until 1 h, then every 30 min: 10 + 10 + 46 in the first 24 hours, not 1,440
    alert, told = firing(E), []
    for minute in range(1, 24 * 60 + 1):
        now = step(alert, breach(E), minute * 60)
        assert now.alert is not None
        alert = now.alert
        if now.why is NotifyReason.REPEAT:
            told.append(minute)
    assert told[:11] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15]
    assert [minute for minute in told if 10 < minute <= 90] == [15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 90]
    assert len(told) == 66


def test_an_alert_born_with_its_position_speaks_once_until_it_worsens():
    born = step(None, breach(W), born=True).alert
    assert born is not None
    assert step(born, breach(W), 86_400).why is None
    assert step(born, NO_VERDICT, 86_400).why is None
    assert step(born, breach(C), 60).why is NotifyReason.WORSENED
    # within the level, a whole dead band further counts as worse too: silence must not mean safe
    worse = step(born, breach(W, steps=1), 60)
    assert worse.why is NotifyReason.WORSENED
    assert worse.alert is not None
    assert not worse.alert.born
    assert step(worse.alert, breach(W, steps=1), 60 + 1800).why is NotifyReason.REPEAT


def test_the_all_clear_is_told_once_when_it_lasted():
    assert step(firing(), CLEAR, 1).why is NotifyReason.RESOLVED
    clearing = step(firing(), CLEAR, 60, SLOW)
    assert clearing.why is None
    assert clearing.alert is not None
    assert clearing.alert.state is AlertState.CLEARING
    assert step(clearing.alert, CLEAR, 69, SLOW).why is None
    assert step(clearing.alert, NO_VERDICT, 600, SLOW).alert == clearing.alert  # unknown resolves nothing
    over = step(clearing.alert, CLEAR, 70, SLOW)
    assert (over.why, over.alert) == (NotifyReason.RESOLVED, None)
    assert over.ended is not None


@pytest.mark.parametrize(("judgement", "why"), [(breach(W), None), (band(W), None), (breach(E), NotifyReason.WORSENED)])
def test_a_clearing_alert_fires_again_silently_unless_worse(judgement, why):
    clearing = step(firing(W), CLEAR, 60, SLOW).alert
    again = step(clearing, judgement, 65, SLOW)
    assert again.why is why
    assert again.alert is not None
    assert again.alert.state is AlertState.FIRING


def test_the_end_of_a_subject_is_told_only_when_something_was_told():
    assert end(firing()).why is NotifyReason.RESOLVED
    held = step(None, breach(), rule=SLOW).alert
    assert held is not None
    assert end(held).why is None


def test_a_repeat_is_never_due_for_an_untold_or_born_alert():
    assert repeat_due(firing(born=True), REPEATS[W]) is None
    assert repeat_due(firing(told_at=None), REPEATS[W]) is None
    assert repeat_due(firing(), ()) is None


def test_the_code_is_short_and_the_same_after_a_restart():
    assert code_of("cushion", SUBJECT, NOW) == code_of("cushion", SUBJECT, NOW)
    assert code_of("cushion", SUBJECT, NOW) != code_of("cushion", SUBJECT, at(1))
    assert len(code_of("cushion", SUBJECT, NOW)) == 4


@given(st.lists(st.tuples(st.sampled_from([CLEAR, NO_VERDICT, band(W), breach(W), breach(C), breach(E)]), st.integers(1, 3000))))
def test_first_and_resolved_alternate_whatever_happens(steps):
    alert, now, told = None, 0.0, []
    for judgement, wait in steps:
        now += wait
        result = step(alert, judgement, now, Cushion())
        alert = result.alert
        if result.why in {NotifyReason.FIRST, NotifyReason.RESOLVED}:
            told.append(result.why)
        if judgement.verdict is Verdict.UNKNOWN:
            assert result.why is not NotifyReason.RESOLVED
    assert told[::2] == [NotifyReason.FIRST] * len(told[::2])
    assert told[1::2] == [NotifyReason.RESOLVED] * len(told[1::2])
