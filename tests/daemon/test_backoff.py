"""When a message is tried again."""

from datetime import UTC, datetime
from random import Random

import pytest

from monitor.daemon.backoff import retry_at
from monitor.rules.base import Level

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Middle(Random):
    """No jitter."""

    def uniform(self, a, b):
        return (a + b) / 2


def waits(level, count, random=None, retry_after=None):
    random = random or Middle()
    return [round((retry_at(n, level, NOW, retry_after, random) - NOW).total_seconds(), 3) for n in range(1, count + 1)]


@pytest.mark.parametrize("level", [Level.CRITICAL, Level.EMERGENCY])
def test_wait_stays_at_half_a_minute_when_urgent(level):
    assert waits(level, 9) == [1, 2, 5, 10, 20, 30, 30, 30, 30]


@pytest.mark.parametrize("level", [Level.INFO, Level.WARNING])
def test_wait_grows_to_five_minutes_when_not_urgent(level):
    assert waits(level, 11) == [1, 2, 5, 10, 20, 30, 60, 120, 240, 300, 300]


def test_wait_varies_by_a_fifth_and_no_more():
    random = Random(1)
    drawn = [waits(Level.CRITICAL, 7, random)[-1] for _ in range(500)]
    assert 24 <= min(drawn) < 25
    assert 35 < max(drawn) <= 36


def test_wait_is_at_least_what_the_service_asked_for():
    assert waits(Level.EMERGENCY, 6, retry_after=12.5) == [12.5, 12.5, 12.5, 12.5, 20, 30]


def test_wait_is_never_longer_than_an_hour_for_a_service_that_asks_for_a_day():
    assert waits(Level.CRITICAL, 1, retry_after=86400.0) == [3600]


def test_wait_is_the_last_step_when_attempts_go_on_for_days():
    assert (retry_at(100_000, Level.WARNING, NOW, None, Middle()) - NOW).total_seconds() == 300
