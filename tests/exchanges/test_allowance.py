"""Calls of a kind that an exchange counts are sent no faster than it allows."""

import pytest

from monitor.exchanges.allowance import Allowance
from monitor.exchanges.okx.dialect import DIALECT


def sent_at(every: float, count: int) -> list[float]:
    """When calls leave that are wanted every so often, each after the one before it."""
    allowance, now, times = Allowance(10, 2.0), 0.0, []
    for index in range(count):
        now = max(now, index * every)
        now += allowance.book(now)
        times.append(now)
    return times


def test_calls_below_the_limit_leave_at_once():
    assert sent_at(0.25, 40) == pytest.approx([index * 0.25 for index in range(40)])


@pytest.mark.parametrize("every", [0.0, 0.15, 0.2])
def test_no_window_ever_holds_one_call_too_many(every):
    times = sent_at(every, 60)
    assert min(later - first for first, later in zip(times, times[10:], strict=False)) >= 2.05 - 1e-9
    # 59 calls after the first, 10 in 2.05 s: the last leaves after five or six such windows at the latest
    assert times[-1] <= 5 * 2.05 + 9 * max(every, 0.2) + 1e-9


def test_the_calls_of_okx_that_come_often_are_counted():
    # V5 "Get positions" and "Get positions history": 10 requests per 2 seconds, "Get bills details": 5 a second (7 days), 5 per 2
    # seconds (archive), by user; read 2026-11-23
    assert DIALECT.limits == {
        "privateGetAccountPositions": (10, 2.0),
        "privateGetAccountBills": (5, 1.0),
        "privateGetAccountBillsArchive": (5, 2.0),
        "privateGetAccountPositionsHistory": (10, 2.0),
    }
