"""The doctor's daily look: `check` as the daemon runs it, beside the polls and never in their way. What is new is told once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

from monitor.alerts.model import NotifyReason
from monitor.alerts.notices import daemon_message
from monitor.daemon.findings import Section, findings, news_text, summary
from monitor.daemon.guard import Guard
from monitor.errors import StoreFault
from monitor.memory import FamilyState, Memory
from monitor.ports import CheckLine, Clock, Exchange, Store

log = structlog.get_logger("doctor")

EVERY = timedelta(hours=24)
"""How long a look counts."""
LOOK = timedelta(minutes=10)
"""How often it is asked whether a look is due; the first comes so long after the start, which has enough to do."""
LOCAL_SECONDS = 120.0
ACCOUNT_SECONDS = 60.0
NOTE = "doctor"
"""Under this name the store keeps what was told."""

Inspect = Callable[[Exchange, Memory], Awaitable[Sequence[CheckLine]]]


class Doctor:
    """``local`` looks at this machine, in a thread of its own, and ``inspect`` asks one account. ``verdict``: how the last look
    came out, in a line for the digest; "" before the first.
    """

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        guard: Guard,
        store: Store,
        clock: Clock,
        *,
        local: Callable[[], Sequence[Section]],
        inspect: Inspect,
    ) -> None:
        self._exchanges, self._guard, self._store, self._clock = exchanges, guard, store, clock
        self._local, self._inspect = local, inspect
        self._due = asyncio.Event()
        self._looked_at = float("-inf")
        self._told: frozenset[str] | None = None
        self._looking = False
        self.verdict = ""

    def poke(self) -> None:
        """Look now, if it is due."""
        self._due.set()

    async def run(self) -> None:
        """Look whenever poked and due, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            # Half a look of slack: the clock of the schedule and this one need not agree to the second.
            if self._clock.monotonic() - self._looked_at >= (EVERY - LOOK / 2).total_seconds():
                self._looked_at = self._clock.monotonic()
                await self.look()

    async def look(self) -> None:
        """Look at everything once, and tell what is new. What could not be looked at keeps what was known of it."""
        sections: list[Section] = []
        missed: list[str] = []
        here = await self._tried("this machine", self._aside(), LOCAL_SECONDS)
        if here is None:
            missed.append("this machine")
        sections += here or ()
        for exchange in self._exchanges:
            lines = None
            if not self._is_blind(exchange):
                lines = await self._tried(exchange.account, self._inspect(exchange, self._guard.memory), ACCOUNT_SECONDS)
            if lines is None or not all(line.known for line in lines):
                missed.append(exchange.account)
            sections.append((exchange.account, lines or ()))
        found = findings(sections)
        self.verdict = f"Daily check: {summary(line for _, line in found.values())}" + (
            f" (no whole answer of {', '.join(missed)})." if missed else "."
        )
        log.info("doctor.looked", found=len(found), missed=missed)
        told = await self._known()
        new = {mark: one for mark, one in found.items() if mark not in told}
        if new:
            title, body, level = news_text(new)
            await self._guard.say(lambda _, __, now: (daemon_message(NotifyReason.EVENT, title, body, level, now),))
        # What could not be looked at now was perhaps told already: forgetting it would tell it again.
        await self._keep(told | frozenset(found) if missed else frozenset(found))

    def _is_blind(self, exchange: Exchange) -> bool:
        """Whether the guard cannot read the account and says so itself: to ask it more would only say that again."""
        families = self._guard.memory.families.values()
        mine = [one for one in families if (one.key.exchange, one.key.account) == (exchange.exchange, exchange.account)]
        return any(one.failing or one.state is FamilyState.BLIND for one in mine)

    async def _tried(self, what: str, look: Awaitable[Any], seconds: float) -> Any:
        """What a look gives; None where it did not end in time, or stumbled."""
        try:
            async with asyncio.timeout(seconds):
                return await look
        except TimeoutError:
            log.warning("doctor.no_answer", about=what)
        except Exception:
            log.exception("doctor.stumbled", about=what)
        return None

    async def _aside(self) -> Sequence[Section] | None:
        """``local`` in a daemon thread, so that a disk that hangs holds up neither the loop nor the end of the process."""
        if self._looking:
            log.warning("doctor.still_looking")
            return None
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Sequence[Section]] = loop.create_future()

        def work() -> None:
            outcome: Sequence[Section] | Exception
            try:
                outcome = self._local()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                outcome = error
            self._looking = False
            with suppress(RuntimeError):  # the loop is gone: nobody waits any more
                loop.call_soon_threadsafe(_settle, done, outcome)

        self._looking = True
        threading.Thread(target=work, name="doctor", daemon=True).start()
        return await done

    async def _known(self) -> frozenset[str]:
        """What was told before, by this run or an earlier one."""
        if self._told is None:
            try:
                written = json.loads(await self._store.note(NOTE) or "[]")
            except (StoreFault, ValueError):
                return frozenset()
            self._told = frozenset(map(str, written)) if isinstance(written, list) else frozenset()
        return self._told

    async def _keep(self, marks: frozenset[str]) -> None:
        if marks == self._told:
            return
        self._told = marks
        try:
            await self._store.keep_note(NOTE, json.dumps(sorted(marks)))
        except StoreFault as error:
            log.warning("doctor.not_kept", error=error.message)


def _settle(done: asyncio.Future[Any], outcome: object) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
