"""Cycle: one account's polls. The schedule sets an event; each family that is not being read already is read now.

Families are read side by side and decided on as they come, so that one hanging host delays nothing else of the account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from monitor.crashpoint import crashpoint
from monitor.daemon.guard import Guard
from monitor.daemon.vitals import Vitals
from monitor.margin.reading import FamilyFailure, FamilyKey, FamilyReading
from monitor.ports import Clock, Exchange

log = structlog.get_logger("cycle")

LONGEST_SECONDS = 12.0
"""An adapter ends a read within 5 seconds, the first within 10; one that does not is left behind."""


SET = timedelta(seconds=1)
"""The clock was set, and is not merely rounded, when it moved by more than this against monotonic time."""


class AccountCycle:
    """Polls one account. ``after`` is called once a reading of it was decided on."""

    def __init__(
        self, exchange: Exchange, guard: Guard, clock: Clock, *, after: Callable[[], None], vitals: Vitals | None = None
    ) -> None:
        self._exchange = exchange
        self._guard = guard
        self._clock = clock
        self._after = after
        self._vitals = vitals or Vitals()
        self._due = asyncio.Event()
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._stumbling: set[str] = set()
        self._ended_at = dict.fromkeys(exchange.families, clock.monotonic())

    @property
    def account(self) -> str:
        """Whose polls these are."""
        return self._exchange.account

    @property
    def turned(self) -> float:
        """When every family's attempt to be read had last ended, well or badly, in the clock's monotonic seconds."""
        return min(self._ended_at.values(), default=self._clock.monotonic())

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
        self._ended_at[family] = self._clock.monotonic()

    async def once(self) -> list[FamilyReading]:
        """Read every family once, decide on each, and return the readings."""
        return list(await asyncio.gather(*(self._take(family) for family in self._exchange.families)))

    async def _poll(self, family: str) -> None:
        try:
            await self._take(family)
        except Exception:
            log.exception("cycle.failed", account=self._exchange.account, family=family)

    async def _take(self, family: str) -> FamilyReading:
        """Read and decide. Whatever goes wrong in it is a failed reading: a family nobody hears of would never count as blind.

        When the clock was set while it was read, the time of the reading moves along, as everything in the memory did.
        """
        started, began = self._clock.now(), self._clock.monotonic()
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                reading = await self._exchange.fetch_family(family)
            step = self._clock.now() - started - timedelta(seconds=self._clock.monotonic() - began)
            if abs(step) > SET:
                reading = replace(reading, at=reading.at + step)
            crashpoint("reading.arrived")
            decision = await self._guard.take(reading)
            self._stumbling.discard(family)
        except Exception as error:
            if family not in self._stumbling and not isinstance(error, TimeoutError):
                log.exception("cycle.stumbled", account=self._exchange.account, family=family)
            self._stumbling.add(family)
            reading = self._failure(family, started, error)
            decision = await self._guard.take(reading)
        if decision.divergent:
            seen = decision.memory.positions
            self._exchange.refresh_terms({seen[key].assessment.position.instrument.instrument_id for key in decision.divergent})
        self._vitals.took[self._exchange.account] = self._clock.monotonic() - began
        self._after()
        return reading

    def _failure(self, family: str, at: datetime, error: Exception) -> FamilyFailure:
        key = FamilyKey(exchange=self._exchange.exchange, account=self._exchange.account, family=family)
        if isinstance(error, TimeoutError):
            return FamilyFailure(key=key, at=at, cause="timed_out", message=f"no answer within {LONGEST_SECONDS:.0f} seconds")
        message = f"margincall stumbled over what it read ({type(error).__name__})"
        return FamilyFailure(
            key=key, at=at, cause="stumbled", message=message, hint="Its log has the details: please report them."
        )
