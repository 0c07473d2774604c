"""Cycle: one account's polls. The schedule sets an event; each family that is not being read already is read now.

Families are read side by side and decided on as they come, so that one hanging host delays nothing else of the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from monitor.daemon.guard import Guard
from monitor.margin.reading import FamilyReading
from monitor.ports import Exchange

log = structlog.get_logger("cycle")


class AccountCycle:
    """Polls one account. ``after`` is called once a reading of it was decided on."""

    def __init__(self, exchange: Exchange, guard: Guard, *, after: Callable[[], None]) -> None:
        self._exchange = exchange
        self._guard = guard
        self._after = after
        self._due = asyncio.Event()
        self._in_flight: dict[str, asyncio.Task[None]] = {}

    def poke(self) -> None:
        """Poll now; families that are being read already are left alone."""
        self._due.set()

    async def run(self) -> None:
        """Poll whenever poked, until cancelled."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                for family in self._exchange.families:
                    if family not in self._in_flight:
                        task = asyncio.get_running_loop().create_task(self._poll(family), name=f"poll-{family}")
                        self._in_flight[family] = task
                        task.add_done_callback(partial(self._ended, family))
        finally:
            tasks = list(self._in_flight.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, family: str, task: asyncio.Task[None]) -> None:
        del task
        self._in_flight.pop(family, None)

    async def once(self) -> list[FamilyReading]:
        """Read every family once, decide on each, and return the readings."""
        return list(await asyncio.gather(*(self._take(family) for family in self._exchange.families)))

    async def _poll(self, family: str) -> None:
        try:
            await self._take(family)
        except Exception:
            log.exception("cycle.failed", account=self._exchange.account, family=family)

    async def _take(self, family: str) -> FamilyReading:
        reading = await self._exchange.fetch_family(family)
        decision = await self._guard.take(reading)
        if decision.divergent:
            seen = decision.memory.positions
            self._exchange.refresh_terms({seen[key].assessment.position.instrument.instrument_id for key in decision.divergent})
        self._after()
        return reading
