"""Daily: one thing done once a day at a wall-clock time, whatever summer time and clock steps do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta, tzinfo

from monitor.ports import Clock

LOOK = timedelta(seconds=20)
"""How often the schedule lets it look at the clock."""


def next_at(at: time, zone: tzinfo, now: datetime) -> datetime:
    """The first moment after ``now`` at which the wall clock of ``zone`` shows ``at``, in the time zone of ``now``."""
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, at, tzinfo=zone).astimezone(now.tzinfo)
        if moment > now:
            return moment
        day += timedelta(days=1)


class Daily:
    """Calls ``work`` at ``at`` in ``zone`` each day; a day on which nothing ran at that time is left out."""

    def __init__(self, at: time, zone: tzinfo, clock: Clock, work: Callable[[], Awaitable[object]]) -> None:
        self._at = at
        self._zone = zone
        self._clock = clock
        self._work = work
        self._look = asyncio.Event()
        self._next = next_at(at, zone, clock.now())

    def poke(self) -> None:
        """Look at the clock."""
        self._look.set()

    async def run(self) -> None:
        """Do the work when its time has come, until cancelled."""
        while True:
            await self._look.wait()
            self._look.clear()
            now = self._clock.now()
            due = now >= self._next
            # Also when it is not due: a clock that was set back must not put the next time off by days.
            self._next = next_at(self._at, self._zone, now)
            if due:
                await self._work()
