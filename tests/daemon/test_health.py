from datetime import timedelta

import pytest

from monitor.daemon.health import Allowance, ChannelHealth, Quota
from monitor.errors import ChannelRefused, ChannelUnavailable
from monitor.rules.base import Level

DOWN, REFUSED = ChannelUnavailable("no connection"), ChannelRefused("401")


def fail(health, now, error=DOWN, level=Level.CRITICAL, took=0.0):
    health.failed(error, level, began=now - took, now=now)


def test_one_failure_does_not_pause_the_channel_and_later_ones_do_longer_and_longer():
    health = ChannelHealth()
    pauses = []
    for _ in range(9):
        fail(health, 100.0)
        pauses.append(health.pause(100.0))
    assert pauses == [0, 0.5, 1, 2.5, 5, 10, 15, 15, 15]
    assert health.pause(114.0) == 1
    assert health.pause(200.0) == 0


def test_acceptance_forgets_every_failure():
    health = ChannelHealth()
    for _ in range(3):
        fail(health, 100.0, REFUSED)
    health.accepted()
    assert (health.broken, health.pause(100.0), health.falls_back(9999.0)) == (False, 0, False)
    fail(health, 101.0)
    assert health.pause(101.0) == 0


def test_refusal_breaks_the_channel_at_once_and_pauses_it_for_five_minutes():
    health = ChannelHealth()
    fail(health, 100.0, REFUSED, Level.INFO)
    assert health.broken
    assert health.pause(100.0) == 300
    assert health.falls_back(100.0)


@pytest.mark.parametrize(("asked", "pause"), [(90.0, 90.0), (86_400.0, 3600.0)])
def test_pause_is_what_the_service_asked_for_up_to_an_hour(asked, pause):
    health = ChannelHealth()
    fail(health, 100.0, ChannelUnavailable("429", retry_after=asked))
    assert health.pause(100.0) == pause


def test_fallback_is_used_from_a_minute_after_the_first_failure_began():
    health = ChannelHealth()
    fail(health, 130.0, took=30)
    assert not health.falls_back(159.9)
    assert health.falls_back(160.0)


@pytest.mark.parametrize(("level", "broken"), [(Level.WARNING, False), (Level.CRITICAL, True)])
def test_channel_that_cannot_be_reached_for_ten_minutes_is_broken_only_for_what_is_urgent(level, broken):
    health = ChannelHealth()
    fail(health, 0.0)
    fail(health, 599.0)
    assert not health.broken
    fail(health, 600.0, level=level)
    assert health.broken is broken
    # Its service may be back any moment: it is tried as before.
    assert health.pause(600.0) == 1


@pytest.mark.parametrize(
    ("messages", "used", "allowance"),
    [
        (20, 0, Allowance.ALL),
        (20, 14, Allowance.ALL),
        (20, 15, Allowance.URGENT),
        (20, 19, Allowance.URGENT),
        (20, 20, Allowance.NOTHING),
        (1, 0, Allowance.ALL),
        (1, 1, Allowance.NOTHING),
    ],
)
def test_quota_keeps_its_last_quarter_for_what_is_urgent(messages, used, allowance):
    assert Quota(messages=messages, per=timedelta(hours=1)).allowance(used) is allowance
