"""Top-up: one account's worker that sends what the journal has planned, once, and looks for what nobody knows the outcome of.

Every intent has a task of its own, so that one that hangs keeps no other waiting, and none of them runs in a poll's way: writes
have their own session and credential. The order that makes money safe is the guard's `submit`: nothing leaves before the intent
is committed as SUBMITTING. Whatever then happens is an outcome: a definite refusal, a confirmation, and for all else UNKNOWN.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from monitor.crashpoint import crashpoint
from monitor.daemon.guard import Guard
from monitor.errors import ExchangeFault, OutcomeUnknown, WriteNotSent, WriteRefused
from monitor.margin.position import PositionKey
from monitor.memory import PositionMemory
from monitor.ports import Clock, MarginWriter
from monitor.spend import Outcome, answered, looked, stop, to_reconcile, to_send
from monitor.topups.fitness import unfit
from monitor.topups.guards import FRESH
from monitor.topups.ledger import Intent, IntentEvent, IntentState

log = structlog.get_logger("topup")

KEY_EVERY = 6 * 3600.0
"""Seconds after which the key's rights are read again."""
KEY_AGAIN = 60.0
"""Seconds after which rights that could not be read are tried again."""
KEY_SECONDS = 10.0
INDEX_SECONDS = 2.0
"""A reading is good for three seconds: the index must not use them up."""
WRITE_SECONDS = 8.0
"""A writer ends within six seconds."""
LOOK_SECONDS = 10.0
EARLY_SECONDS = 3.0
"""So often a trace of what is unknown is looked for while the exchange could still accept it: that there is none counts later."""
KEY = "key"


class TopUpWorker:
    """Changes the margins of one account. ``demo``: a key whose rights cannot be read will do, since no real money is there.

    ``stop_file``: throws the kill switch when it is seen. ``hurry``: asks for a reading of the account now.
    """

    def __init__(self, writer: MarginWriter, guard: Guard, clock: Clock, *, stop_file: Path, demo: bool = False) -> None:
        self.account = writer.account
        self.hurry: Callable[[], None] = _nothing
        self._writer = writer
        self._guard = guard
        self._clock = clock
        self._stop_file = stop_file
        self._demo = demo
        self._due = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stumbling: set[str] = set()
        self._looked_at: dict[str, float] = {}
        self._key_known = False
        self._key_due = clock.monotonic()
        self.turned = clock.monotonic()

    def poke(self) -> None:
        """Look at the journal now."""
        self._due.set()

    async def run(self) -> None:
        """Look at the journal whenever poked, until cancelled."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                await self.look_round()
                self.turned = self._clock.monotonic()
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def look_round(self) -> None:
        """Start whatever is to be done and is not being done already."""
        if self._stop_file.is_symlink() or self._stop_file.exists():
            await self._throw()
        if self._clock.monotonic() >= self._key_due:
            self._start(KEY, self._learn_key)
        memory, now = self._guard.memory, self._clock.now()
        over = {one.id for one in to_reconcile(memory, now)}
        for intent in filter(self._is_mine, memory.top_ups.intents.values()):
            if intent.id in over or (intent.state is IntentState.UNKNOWN and self._may_look_early(intent)):
                self._start(intent.id, partial(self._look, intent))
        if not self._key_known:
            return
        for intent in filter(self._is_mine, to_send(memory)):
            self._start(intent.id, partial(self._send, intent))
        waiting = [one for one in memory.top_ups.intents.values() if one.state is IntentState.PLANNED and self._is_mine(one)]
        if any(one.id not in self._tasks for one in waiting):
            self.hurry()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks.values())

    async def close(self) -> None:
        """Let go of the exchange."""
        await self._writer.close()

    def _start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if name in self._tasks:
            return

        async def doing() -> None:
            try:
                await work()
                self._stumbling.discard(name)
            except Exception:
                if name not in self._stumbling:
                    log.exception("topup.stumbled", account=self.account, about=name)
                self._stumbling.add(name)

        task = asyncio.get_running_loop().create_task(doing(), name=f"topup-{name}")
        self._tasks[name] = task
        task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _throw(self) -> None:
        """A STOP file is a `topups stop`: it holds until somebody takes the file away and says `topups start`."""
        if self._guard.memory.top_ups.stopped_at is None:
            log.warning("topup.stopped", reason=f"there is a file {self._stop_file}")
            await self._guard.spend(lambda memory, _, now: stop(memory, now))

    async def _learn_key(self) -> None:
        self._key_due = self._clock.monotonic() + KEY_AGAIN
        try:
            async with asyncio.timeout(KEY_SECONDS):
                facts = await self._writer.fetch_key()
        except TimeoutError:
            facts = None
        if facts is not None:
            self._key_due += KEY_EVERY - KEY_AGAIN
            if facts.ip_bound is False:
                log.warning("key.not_bound", account=self.account, advice="bind the top-up key to this machine's IP address")
        elif self._key_known:
            return
        why = unfit(facts, demo=self._demo)
        (log.error if why else log.info)("topup.key_read", account=self.account, unfit=why)
        await self._guard.judge_key(self._writer.exchange, self.account, why)
        self._key_known = True
        self.poke()

    async def _send(self, intent: Intent) -> None:
        """From the plan to the outcome."""
        seen = self._guard.memory.positions.get(intent.key)
        if seen is not None and self._is_old(seen):
            return
        crashpoint("topup.planned")
        try:
            index = None if seen is None else await self._index_price(seen)
        except (ExchangeFault, TimeoutError) as error:
            log.warning("topup.index_unread", account=self.account, symbol=intent.key.symbol, cause=type(error).__name__)
            if intent.policy:
                return
            index = None
        seen = self._guard.memory.positions.get(intent.key)
        if seen is not None and self._is_old(seen):
            return
        submitted = await self._guard.submit(intent.id, index_price=index, window=self._writer.window)
        if submitted is None:
            log.info("topup.not_sent", **_about(intent))
            return
        log.info("topup.submitted", **_about(intent))
        outcome = await self._outcome(submitted)
        crashpoint("topup.answered")
        log.info("topup.answered", outcome=outcome.event.value, code=outcome.code, detail=outcome.detail, **_about(intent))
        await self._guard.spend(lambda memory, policy, now: answered(memory, policy, intent.id, outcome, now))
        crashpoint("topup.noted")
        self.hurry()

    def _is_old(self, seen: PositionMemory) -> bool:
        """Whether a newer reading must come first: it is asked for, and the intent, which waits for it, lapses by itself."""
        old = self._clock.now() - seen.last_seen > FRESH
        if old:
            self.hurry()
        return old

    async def _index_price(self, seen: PositionMemory) -> Decimal | None:
        async with asyncio.timeout(INDEX_SECONDS):
            return await self._writer.fetch_index_price(seen.assessment.position)

    async def _outcome(self, intent: Intent) -> Outcome:
        """Send it. Only what is certain is anything but UNCLEAR."""
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                receipt = await self._writer.change_margin(intent)
        except (WriteNotSent, WriteRefused) as error:
            return Outcome(event=IntentEvent.REFUSED, detail=error.message, code=error.code)
        except OutcomeUnknown as error:
            return Outcome(event=IntentEvent.UNCLEAR, detail=error.message, code=error.code)
        except Exception as error:
            log.exception("topup.unforeseen", **_about(intent))
            return Outcome(event=IntentEvent.UNCLEAR, detail=f"margincall stumbled over the answer ({type(error).__name__})")
        if receipt.amount != intent.amount:
            return Outcome(event=IntentEvent.UNCLEAR, detail=f"the exchange confirmed another amount ({receipt.amount})")
        return Outcome(event=IntentEvent.ACCEPTED)

    async def _look(self, intent: Intent) -> None:
        """One look at the evidence of what nobody knows; the next one comes with a later poke."""
        self._looked_at[intent.id] = self._clock.monotonic()
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                evidence = await self._writer.fetch_evidence(intent)
        except (ExchangeFault, TimeoutError) as error:
            log.warning("topup.evidence_unread", cause=type(error).__name__, **_about(intent))
            return
        crashpoint("topup.looking")
        change = await self._guard.spend(lambda memory, policy, now: looked(memory, policy, intent.id, evidence, now))
        if change.intent is not None and not change.intent.is_open:
            self._looked_at.pop(intent.id, None)
            log.info("topup.reconciled", state=change.intent.state.value, detail=change.intent.detail, **_about(intent))

    def _may_look_early(self, intent: Intent) -> bool:
        return self._clock.monotonic() - self._looked_at.get(intent.id, float("-inf")) >= EARLY_SECONDS

    def _is_mine(self, intent: Intent) -> bool:
        return (intent.key.exchange, intent.key.account) == (self._writer.exchange, self.account)


def _about(intent: Intent) -> dict[str, str]:
    key: PositionKey = intent.key
    return {
        "intent": intent.id,
        "account": key.account,
        "symbol": key.symbol,
        "side": key.side.value,
        "amount": f"{intent.amount} {intent.currency}",
    }


def _nothing() -> None:
    """Nobody reads the account yet."""
