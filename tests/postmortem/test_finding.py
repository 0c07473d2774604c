"""Which liquidations and near misses there were."""

import pytest

from monitor.alerts.model import AlertState
from monitor.lives.event import EventKind
from monitor.postmortem.finding import incidents, last_of, without_explained
from monitor.postmortem.record import IncidentKind
from monitor.rules.base import Level
from tests.builders import at, key
from tests.postmortem.scenes import event, incident, life, past, some, taken


def test_a_liquidation_begins_with_the_first_alert_of_its_trouble():
    alerts = [past(100, 200, peak=Level.WARNING), past(150, 1000), past(30, 40)]
    (found,) = incidents([life(closed=at(1001))], [taken(1000)], alerts)
    assert (found.kind, found.since, found.at, found.until) == (IncidentKind.LIQUIDATED, at(30), at(1000), at(1000))


def test_a_liquidation_without_alerts_begins_ten_minutes_before_it():
    (found,) = incidents([life(closed=at(1001))], [taken(1000)], [])
    assert found.since == at(400)


def test_blows_within_an_hour_are_one_incident_led_by_the_worst():
    partly = event(EventKind.PARTLY_LIQUIDATED, 100)
    (found,) = incidents([life(closed=at(200))], [taken(160), partly], [past(50, 200)])
    assert (found.kind, found.at, found.until) == (IncidentKind.LIQUIDATED, at(100), at(160))


def test_blows_hours_apart_are_incidents_of_their_own():
    partly = event(EventKind.PARTLY_LIQUIDATED, 100)
    first, second = incidents([life(closed=at(9000))], [partly, taken(9000)], [])
    assert (first.kind, second.kind) == (IncidentKind.PARTLY_LIQUIDATED, IncidentKind.LIQUIDATED)
    assert first.code != second.code


def test_what_is_only_gone_counts_until_a_record_tells_more_and_keeps_its_name():
    alerts, gone = [past(50, 100)], event(EventKind.GONE, 100, ended=True)
    (unexplained,) = incidents([life(closed=at(100))], [gone], alerts)
    assert unexplained.kind is IncidentKind.GONE
    (explained,) = incidents([life(closed=at(100))], [gone, taken(97)], alerts)
    assert (explained.kind, explained.code) == (IncidentKind.LIQUIDATED, unexplained.code)
    assert without_explained([gone, taken(97)]) == (taken(97),)
    assert without_explained([gone, event(EventKind.PARTLY_LIQUIDATED, 90)])[0] is gone
    assert (
        incidents([life(closed=at(100))], [gone, event(EventKind.CLOSED, 97, ended=True)], [past(50, 100, peak=Level.WARNING)])
        == ()
    )


def test_an_emergency_that_ended_is_a_near_miss():
    (found,) = incidents([life()], [], [past(50, 300)])
    assert (found.kind, found.since, found.at) == (IncidentKind.NEAR_MISS, at(50), at(300))


def test_an_emergency_that_fell_to_a_warning_is_a_near_miss_from_then_on():
    (found,) = incidents([life()], [], [past(50, level=Level.WARNING, level_since=at(200))])
    assert (found.at, found.until) == (at(200), at(200))


@pytest.mark.parametrize(
    "alerts",
    [
        [past(50)],
        [past(50, 300, peak=Level.CRITICAL)],
        [past(50, 300, who=key("ETH/USDT:USDT"))],
        [past(-100, 300)],
        [past(500, 600)],
    ],
    ids=["still in it", "never an emergency", "another position", "another life before", "another life after"],
)
def test_nothing_else_is_a_near_miss(alerts):
    assert incidents([life(closed=at(400))], [], alerts) == ()


def test_an_emergency_that_was_held_and_never_told_is_over():
    (found,) = incidents([life()], [], [past(50, state=AlertState.HELD)])
    assert found.kind is IncidentKind.NEAR_MISS


def test_the_trouble_before_a_liquidation_is_no_near_miss_but_an_earlier_one_is():
    alerts = [past(50, 300), past(2000, 2100)]
    first, second = incidents([life(closed=at(2101))], [taken(2100)], alerts)
    assert (first.kind, first.until, second.kind) == (IncidentKind.NEAR_MISS, at(300), IncidentKind.LIQUIDATED)


def test_alerts_that_live_on_hold_their_trouble_open():
    alerts = [past(50, level=Level.WARNING, level_since=at(90)), past(5000, 5100, peak=Level.WARNING)]
    (found,) = incidents([life()], [], alerts)
    assert (found.since, found.at) == (at(50), at(90))


def test_an_emergency_that_ended_with_its_position_was_closed_in_it_once_a_record_says_so():
    alerts, there = [past(50, 100)], [life(closed=at(100))]
    (unexplained,) = incidents(there, [], alerts)
    assert (unexplained.kind, unexplained.at) == (IncidentKind.GONE, at(100))
    (closed,) = incidents(there, [event(EventKind.CLOSED, 98, ended=True)], alerts)
    (taken_after_all,) = incidents(there, [taken(98)], alerts)
    assert (closed.kind, taken_after_all.kind) == (IncidentKind.CLOSED, IncidentKind.LIQUIDATED)
    assert closed.code == unexplained.code == taken_after_all.code


def test_an_emergency_that_had_fallen_before_its_position_was_closed_is_a_near_miss():
    fallen = past(50, 200, level=Level.CRITICAL, level_since=at(90))
    (found,) = incidents([life(closed=at(200))], [event(EventKind.CLOSED, 200, ended=True)], [fallen])
    assert (found.kind, found.at) == (IncidentKind.NEAR_MISS, at(90))


def test_events_of_another_life_are_not_its_own():
    assert incidents([life(epoch=2)], [taken(60)], []) == ()


def test_the_last_one_is_what_took_something_before_a_near_miss_of_the_same_hour():
    lost, missed = incident(end=1000), incident(IncidentKind.NEAR_MISS, end=2000)
    assert last_of([lost, missed]) is lost
    assert some(last_of([lost, incident(IncidentKind.NEAR_MISS, end=9000)])).kind is IncidentKind.NEAR_MISS
    assert last_of([]) is None
