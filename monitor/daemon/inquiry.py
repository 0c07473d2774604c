"""Inquiry: asks the exchanges' records what became of positions, beside the polls and never in their way.

What is asked, how often and until when is decided with the cases (see ``chronicle``); here they are only carried to the exchange
and back, one at a time for each account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from monitor.chronicle import concluded, postponed, ripe
from monitor.crashpoint import crashpoint
from monitor.daemon.guard import Guard
from monitor.errors import ExchangeFault
from monitor.lives.case import Case, CaseId
from monitor.lives.records import Inquiry as Question
from monitor.lives.records import Records
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.ports import Clock, Exchange
from monitor.spend.change import Change

log = structlog.get_logger("inquiry")

LONGEST_SECONDS = 25.0
"""The port promises an end within 20 seconds."""


class Inquiry:
    """Works on the open cases of all accounts whenever poked."""

    def __init__(self, exchanges: Sequence[Exchange], guard: Guard, clock: Clock) -> None:
        self._exchanges = {(one.exchange, one.account): one for one in exchanges}
        self._guard = guard
        self._clock = clock
        self._due = asyncio.Event()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def poke(self) -> None:
        """Look at the open cases now."""
        self._due.set()

    async def run(self) -> None:
        """Look at the open cases whenever poked, until cancelled."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                self.look_round()
        finally:
            for task in self._tasks.values():
                task.cancel()

    def look_round(self) -> None:
        """Start on whatever is due and whose account is not being asked already."""
        for who in {(case.key.exchange, case.key.account) for case in ripe(self._guard.memory, self._clock.now())}:
            if who not in self._tasks and who in self._exchanges:
                task = asyncio.get_running_loop().create_task(self._work(who), name=f"inquiry-{who[1]}")
                self._tasks[who] = task
                task.add_done_callback(partial(self._ended, who))

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    def _ended(self, who: tuple[str, str], task: asyncio.Task[None]) -> None:
        del task
        self._tasks.pop(who, None)

    async def _work(self, who: tuple[str, str]) -> None:
        while case := self._next(who):
            records = await self._asked(self._exchanges[who], case)
            crashpoint("inquiry.answered")
            await self._decide(case.id, records)

    def _next(self, who: tuple[str, str]) -> Case | None:
        """The most urgent of what is due: first what ended or fell, last what only moved a margin."""
        due = [one for one in ripe(self._guard.memory, self._clock.now()) if (one.key.exchange, one.key.account) == who]
        return min(due, key=lambda one: (one.urgency, one.due), default=None)

    async def _decide(self, name: CaseId, records: Records | None) -> None:
        def step(memory: Memory, policy: Policy, now: datetime) -> Change:
            if records is None:
                return postponed(memory, policy, name, now)
            return concluded(memory, policy, name, records, now)

        change = await self._guard.spend(step)
        for event in change.commit.lives.events:
            log.info("position.explained", symbol=event.key.symbol, side=event.key.side.value, kind=event.kind.value)

    async def _asked(self, exchange: Exchange, case: Case) -> Records | None:
        """What the records say; None where they could not be read."""
        now = self._clock.now()
        since = min(case.since, case.until)
        other = self._guard.memory.positions.get(replace(case.key, side=case.key.side.other))
        question = Question(
            position=case.assessment.position,
            since=since,
            until=now,
            life_since=min(case.first_seen, since) if case.ended else since,
            read_at=case.sized_at,
            money=not case.rising or bool(case.changes) or case.away,
            other_margin=None if other is None else other.assessment.position.isolated_margin,
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await exchange.fetch_records(question)
        except (ExchangeFault, TimeoutError) as error:
            message = error.message if isinstance(error, ExchangeFault) else f"no answer within {LONGEST_SECONDS:g} seconds"
            log.warning("inquiry.failed", account=exchange.account, symbol=case.key.symbol, error=message, tries=case.tries + 1)
        except Exception:
            log.exception("inquiry.stumbled", account=exchange.account, symbol=case.key.symbol)
        return None
