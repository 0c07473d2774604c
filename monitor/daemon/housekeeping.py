"""Housekeeping: thins old history and makes the day's copy of the store, in small pieces that nothing else waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from monitor.errors import StoreCorrupt, StoreFault
from monitor.ports import Clock, Store

log = structlog.get_logger("housekeeping")

EVERY = timedelta(minutes=10)
"""How often the schedule lets it look for work."""
PAUSE_SECONDS = 0.05
"""Between two slices, so that commits go first."""


class Housekeeping:
    """Does what is due whenever poked, until cancelled; ``damaged`` is told when it finds the store damaged."""

    def __init__(self, store: Store, clock: Clock, *, damaged: Callable[[StoreCorrupt], Awaitable[None]]) -> None:
        self._store = store
        self._damaged = damaged
        self._clock = clock
        self._due = asyncio.Event()
        self._failing = False

    def poke(self) -> None:
        """Look for work now."""
        self._due.set()

    async def run(self) -> None:
        """Thin, then copy; what fails is told once and tried again at the next poke."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                await self._thin()
                await self._store.back_up(self._clock.now())
            except StoreFault as error:
                tell = log.debug if self._failing else log.error
                tell("housekeeping.failed", error=error.message, advice=error.advice)
                self._failing = True
                if isinstance(error, StoreCorrupt):
                    await self._damaged(error)
            else:
                self._failing = False

    async def _thin(self) -> None:
        """All slices that are due, one after the other."""
        more = await self._store.thin(self._clock.now())
        while more:
            await asyncio.sleep(PAUSE_SECONDS)
            more = await self._store.thin(self._clock.now())
