"""Schedule: every recurring job, through APScheduler. The only file that knows it.

Measured on APScheduler 3.11.3: an overrunning job skips to its next slot, and after the wall clock stepped back one hour the
scheduler is silent for an hour. So a job here only calls a short callback (which sets an event), and beside the scheduler a
*watch* on monotonic time calls the same callback when a job is overdue, and sets the scheduler right again. Together they keep
the gap between two calls under two intervals whatever the clock does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from monitor.ports import Clock

log = structlog.get_logger("schedule")

OVERDUE = 1.5
"""A job is overdue after this many intervals without a call."""
LOOKS = 4
"""The watch looks this often in the shortest interval; OVERDUE + 1/LOOKS stays under two."""
STEP_SECONDS = 2.0
"""How far wall and monotonic clock may part before it counts as a clock step."""


class _Job:
    """One recurring callback."""

    def __init__(self, name: str, every: timedelta, call: Callable[[], None], now: float) -> None:
        self.name = name
        self.every = every
        self.call = call
        self.called_at = now


class Schedule:
    """Recurring callbacks that survive clock steps; callbacks run in the loop and must not block.

    ``on_step`` is told by how much the wall clock moved against monotonic time (set by hand, NTP, or the machine slept).
    """

    def __init__(self, clock: Clock, *, on_step: Callable[[timedelta], None], wall: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._on_step = on_step
        self._wall = wall
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._jobs: dict[str, _Job] = {}
        self._watch: asyncio.Task[None] | None = None
        self._offset = self._drift()

    def every(self, name: str, every: timedelta, call: Callable[[], None]) -> None:
        """Call ``call`` every ``every`` from now on; the first call comes one interval from now."""
        self._jobs[name] = _Job(name, every, call, self._clock.monotonic())
        self._scheduler.add_job(
            self._run,
            IntervalTrigger(seconds=every.total_seconds(), timezone=UTC),
            args=[name],
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )

    def change(self, name: str, every: timedelta) -> None:
        """Give a job another interval; nothing happens when it has that one already."""
        job = self._jobs[name]
        if job.every != every:
            job.every = every
            self._scheduler.reschedule_job(name, trigger=IntervalTrigger(seconds=every.total_seconds(), timezone=UTC))

    def drop(self, name: str) -> None:
        """Call it no more, if there is a job of that name."""
        if self._jobs.pop(name, None) is not None:
            self._scheduler.remove_job(name)

    def start(self) -> None:
        """Begin, inside the running loop."""
        self._scheduler.start()
        self._watch = asyncio.get_running_loop().create_task(self._watch_jobs(), name="schedule-watch")

    async def stop(self) -> None:
        """Stop at once; nothing to do where it never began."""
        if self._watch is None:
            return
        self._scheduler.shutdown(wait=False)
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def _run(self, name: str) -> None:
        job = self._jobs.get(name)
        if job is None:
            return
        job.called_at = self._clock.monotonic()
        job.call()

    def look(self) -> None:
        """One look of the watch: after a clock step every job keeps its rhythm by the new clock; an overdue job is called now."""
        drift = self._drift()
        stepped = abs(drift - self._offset) > STEP_SECONDS
        if stepped:
            log.warning("clock.stepped", seconds=round(drift - self._offset, 1))
            self._on_step(timedelta(seconds=drift - self._offset))
            self._offset = drift
        now = self._clock.monotonic()
        for job in self._jobs.values():
            overdue = now - job.called_at > OVERDUE * job.every.total_seconds()
            if overdue:
                job.called_at = now
                job.call()
            if overdue or stepped:
                left = max(0.0, job.called_at + job.every.total_seconds() - now)
                self._begin_again(job, timedelta(seconds=left))

    def _begin_again(self, job: _Job, after: timedelta) -> None:
        """Let the scheduler call the job next ``after`` from now by the wall clock as it stands, and then at its interval."""
        start = datetime.fromtimestamp(self._wall(), UTC) + after
        trigger = IntervalTrigger(seconds=job.every.total_seconds(), start_date=start, timezone=UTC)
        self._scheduler.reschedule_job(job.name, trigger=trigger)

    async def _watch_jobs(self) -> None:
        while True:
            shortest = min((job.every.total_seconds() for job in self._jobs.values()), default=1.0)
            await asyncio.sleep(shortest / LOOKS)
            try:
                self.look()
            except Exception:
                log.exception("schedule.look_failed")

    def _drift(self) -> float:
        return self._wall() - self._clock.monotonic()
