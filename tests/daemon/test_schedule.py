"""The schedule on the real APScheduler, in virtual time, with the scheduler's own wall clock stepped under it."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from monitor.daemon.schedule import Schedule
from tests.daemon.virtual import datetime_of, run_virtually

HOUR = 3600.0
POLL = timedelta(seconds=2)
# Where APScheduler asks what time it is: for the next run, for a new trigger, and for how late a job is.
ASKERS = ("apscheduler.schedulers.base", "apscheduler.triggers.interval", "apscheduler.executors.base")


def calls_of(monkeypatch, steps=(), *, every=POLL, seconds=60.0, changes=()):
    """When a job was called, in monotonic seconds, and which steps of the wall clock were told.

    ``steps``: at which time it is set, by how much. ``changes``: at which time the job gets which interval.
    """

    async def main(clock):
        for module in ASKERS:
            monkeypatch.setattr(f"{module}.datetime", datetime_of(clock))
        called, told = [], []
        schedule = Schedule(clock, on_step=lambda step: told.append(step.total_seconds()), wall=clock.wall)
        schedule.every("poll", every, lambda: called.append(clock.monotonic()))
        schedule.start()
        happenings = sorted(
            [(at, "step", value) for at, value in steps] + [(at, "change", value) for at, value in changes],
            key=lambda one: one[0],
        )
        for at, what, value in happenings:
            await asyncio.sleep(at - clock.monotonic())
            clock.step(value) if what == "step" else schedule.change("poll", value)
        await asyncio.sleep(seconds - clock.monotonic())
        await schedule.stop()
        return called, told

    return run_virtually(main)


def gaps(called, end=60.0):
    return [after - before for before, after in pairwise([0.0, *called, end]) if before < end]


def test_a_job_is_called_every_interval_when_the_clock_runs_evenly(monkeypatch):
    called, told = calls_of(monkeypatch, seconds=59.0)
    assert called == pytest.approx([2.0 * n for n in range(1, 30)], abs=0.01)
    assert told == []


@pytest.mark.parametrize("moment", [17.0, 17.3, 17.99, 18.01])
@pytest.mark.parametrize("step", [-HOUR, HOUR, -24 * HOUR, 600.0, -1.9, 1.9, -2.1])
def test_no_gap_exceeds_two_intervals_and_no_burst_follows_when_the_wall_clock_steps(monkeypatch, step, moment):
    called, told = calls_of(monkeypatch, [(moment, step)], seconds=59.0)
    noticed = abs(step) > 2
    assert told == ([pytest.approx(step)] if noticed else [])
    assert len(called) <= 30
    if noticed:
        assert called == pytest.approx([2.0 * n for n in range(1, 30)], abs=0.52), "a rhythm kept, but for the watch's quarter"
    assert max(gaps(called, 59.0)) <= 2 * POLL.total_seconds()


def test_each_step_is_told_once_when_the_clock_steps_there_and_back(monkeypatch):
    called, told = calls_of(monkeypatch, [(10.5, HOUR), (20.5, -HOUR), (30.5, 600.0)])
    assert told == [pytest.approx(HOUR), pytest.approx(-HOUR), pytest.approx(600)]
    assert max(gaps(called)) <= 4


def test_a_slow_drift_is_followed_when_it_adds_up_to_a_step(monkeypatch):
    _, told = calls_of(monkeypatch, [(second, 0.1) for second in range(1, 50)])
    assert told == [pytest.approx(2.1, abs=0.11), pytest.approx(2.1, abs=0.11)]


def test_a_shorter_interval_is_overdue_at_once_when_it_would_have_been_due_before(monkeypatch):
    called, _ = calls_of(monkeypatch, every=timedelta(seconds=10), changes=[(15.0, POLL)], seconds=24.0)
    assert called == pytest.approx([10, 15, 17, 19, 21, 23], abs=0.6)


def test_another_interval_counts_from_now_when_it_is_changed(monkeypatch):
    called, _ = calls_of(monkeypatch, changes=[(4.5, timedelta(seconds=10))], seconds=27.0)
    assert called == pytest.approx([2, 4, 14.5, 24.5], abs=0.01)


def test_the_rhythm_is_kept_when_a_job_gets_the_interval_that_it_has(monkeypatch):
    called, _ = calls_of(monkeypatch, changes=[(3.5, POLL), (5.5, POLL)], seconds=9.0)
    assert called == pytest.approx([2, 4, 6, 8], abs=0.01)


def test_the_watch_calls_what_is_overdue_when_the_scheduler_itself_is_dead(monkeypatch):
    async def main(clock):
        called = []
        schedule = Schedule(clock, on_step=lambda step: None, wall=clock.wall)
        schedule.every("poll", POLL, lambda: called.append(clock.monotonic()))
        monkeypatch.setattr(schedule._scheduler, "wakeup", lambda: None)
        schedule.start()
        await asyncio.sleep(20)
        await schedule.stop()
        return called

    assert max(gaps(run_virtually(main), 20.0)) <= 4


def test_the_watch_goes_on_when_a_callback_fails(monkeypatch):
    async def main(clock):
        failed = []

        def fail(step):
            failed.append(step)
            raise RuntimeError("a bug")

        schedule = Schedule(clock, on_step=fail, wall=clock.wall)
        schedule.every("poll", POLL, lambda: None)
        schedule.start()
        for _ in range(2):
            clock.step(HOUR)
            await asyncio.sleep(5)
        await schedule.stop()
        return len(failed)

    assert run_virtually(main) >= 2


def test_nothing_is_called_when_it_was_stopped():
    async def main(clock):
        called = []
        schedule = Schedule(clock, on_step=lambda step: None, wall=clock.wall)
        schedule.every("poll", POLL, lambda: called.append(clock.monotonic()))
        await schedule.stop()
        schedule.start()
        await schedule.stop()
        await asyncio.sleep(5)
        return called

    assert run_virtually(main) == []
