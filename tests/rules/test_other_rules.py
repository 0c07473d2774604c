from datetime import timedelta

import pytest

from monitor.margin.reading import LEFT_OUT
from monitor.rules import discover
from monitor.rules.base import CLEAR, FamilySeen, Level, Scope, UnguardedSeen, Verdict
from monitor.rules.data_stale import DataStale
from monitor.rules.mark_frozen import MarkFrozen
from monitor.rules.not_guarded import NotGuarded


def seen(age: float, **changes) -> FamilySeen:
    values = {
        "age": timedelta(seconds=age),
        "interval": timedelta(seconds=10),
        "near": False,
        "failed": False,
        "fresh": True,
        "error": "",
    }
    return FamilySeen(**{**values, **changes})


@pytest.mark.parametrize(
    ("age", "interval", "near", "stale"),
    [
        (30, 10, False, False),  # max(3 x 10 s, 30 s) = 30 s, not yet over
        (30.1, 10, False, True),
        (30.1, 2, False, True),  # 30 s is the least in the calm
        (45, 15, False, False),  # 3 x 15 s
        (10, 2, True, False),  # near: max(3 x 2 s, 10 s)
        (10.1, 2, True, True),
        (14, 5, True, False),
    ],
)
def test_data_stale_breaches_when_the_last_reading_is_older_than_three_polls(age, interval, near, stale):
    judgement = DataStale().judge(seen(age, interval=timedelta(seconds=interval), near=near, error="refused"), None)
    assert judgement.verdict is (Verdict.BREACH if stale else Verdict.CLEAR)
    if stale:
        assert judgement.level is Level.CRITICAL
        assert judgement.reason == "refused"


def test_data_stale_uses_the_owners_time_when_it_is_set():
    rule = DataStale(after=timedelta(seconds=2))
    assert rule.judge(seen(2.5), None).verdict is Verdict.BREACH
    assert rule.judge(seen(1.5), None) is CLEAR


def test_data_stale_is_told_at_once_when_a_single_run_fails():
    assert DataStale().judge(seen(0, failed=True, fresh=False, at_once=True), None).verdict is Verdict.BREACH
    assert DataStale().judge(seen(0, failed=True, fresh=False), None) is CLEAR


def test_data_stale_never_resolves_without_a_fresh_reading():
    # after a restart ages start anew: young, but nothing was read yet
    assert DataStale().judge(seen(1, fresh=False), Level.CRITICAL).verdict is Verdict.UNKNOWN
    assert DataStale().judge(seen(1, fresh=True), Level.CRITICAL) is CLEAR


def test_data_stale_is_not_resolved_by_a_reading_that_is_half_as_old_as_the_limit_when_it_comes():
    rule = DataStale(after=timedelta(seconds=2))
    assert rule.judge(seen(1.9), Level.CRITICAL).verdict is Verdict.UNKNOWN
    assert rule.judge(seen(1.9), None) is CLEAR  # nothing was told: it is in time
    assert rule.judge(seen(1), Level.CRITICAL) is CLEAR


@pytest.mark.parametrize(("still", "frozen"), [(None, False), (299, False), (300, True)])
def test_mark_frozen_warns_when_no_mark_moved_for_its_time(still, frozen):
    judgement = MarkFrozen().judge(seen(0, marks_still=None if still is None else timedelta(seconds=still)), None)
    assert judgement.verdict is (Verdict.BREACH if frozen else Verdict.CLEAR)
    assert judgement.level is (Level.WARNING if frozen else None)


def test_mark_frozen_never_resolves_without_a_fresh_reading():
    assert MarkFrozen().judge(seen(1, fresh=False), Level.WARNING).verdict is Verdict.UNKNOWN
    assert MarkFrozen().judge(seen(1, fresh=True), Level.WARNING) is CLEAR


def test_mark_frozen_refuses_a_time_in_which_nothing_could_move():
    with pytest.raises(ValueError, match="longer than 0s"):
        MarkFrozen(after=timedelta(0))


def test_not_guarded_is_critical_when_a_guarded_position_turned_cross():
    judgement = NotGuarded().judge(UnguardedSeen(mode="cross", was_guarded=True), None)
    assert (judgement.verdict, judgement.level) == (Verdict.BREACH, Level.CRITICAL)
    assert "cross" in judgement.reason
    assert NotGuarded().judge(UnguardedSeen(mode="cross", was_guarded=False), None) is CLEAR
    assert NotGuarded().judge(UnguardedSeen(mode=LEFT_OUT, was_guarded=True), None) is CLEAR


def test_every_kind_is_found_with_a_docstring_and_a_scope():
    kinds = discover()
    assert {"cushion", "margin_ratio", "margin_usage", "liquidation_distance", "not_guarded", "data_stale"} <= set(kinds)
    for name, kind in kinds.items():
        assert name == kind.KIND
        assert kind.__doc__
        assert kind.SCOPE in Scope


def test_data_stale_refuses_a_time_in_which_nothing_could_answer():
    with pytest.raises(ValueError, match="longer than 0s"):
        DataStale(after=timedelta(0))
