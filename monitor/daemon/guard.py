"""The guard: the one owner of the memory. Each reading and each tick is decided, committed and handed on, one after the other.

The memory only moves forward. When the store cannot take a commit, the guard goes on from memory: messages are handed to the
channels directly, and what could not be kept is kept with the next commit that succeeds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.alerts.notices import Watch, started_text, stopped_text
from monitor.decide import Decision, decide
from monitor.errors import StoreFault
from monitor.margin.reading import FamilyFailure, FamilyKey, FamilyReading, FamilySnapshot
from monitor.memory import Commit, FamilyMemory, FamilyState, Memory, shifted
from monitor.policy import Policy
from monitor.ports import Clock, Store
from monitor.requests import Granted
from monitor.rules.base import Level

log = structlog.get_logger("guard")

BACKLOG = 1000


class Guard:
    """Decides and commits.

    ``wake`` is called after every commit that holds messages, ``direct`` with messages that the store refused.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        policy: Policy,
        store: Store,
        clock: Clock,
        channels: Iterable[str],
        wake: Callable[[], None],
        direct: Callable[[Message], None],
    ) -> None:
        self.memory = memory
        self.policy = policy
        self._store = store
        self._clock = clock
        self._channels = tuple(channels)
        self._wake = wake
        self._direct = direct
        self._turn = asyncio.Lock()
        self._unkept: deque[Commit] = deque(maxlen=BACKLOG)

    async def take(self, reading: FamilyReading) -> Decision:
        """Decide on one reading and keep the result."""
        async with self._turn:
            before = self.memory.families.get(reading.key)
            decision = decide(reading, self.memory, self.policy, self._clock.now())
            self._log_reading(reading, before, decision)
            await self._keep(decision)
            return decision

    async def tick(self) -> None:
        """Decide on time alone."""
        async with self._turn:
            await self._keep(decide(None, self.memory, self.policy, self._clock.now()))

    async def grant(self, request: Callable[[Memory, datetime], Granted]) -> Granted:
        """Do what a person asked for and keep it; raises what ``request`` raises, and then nothing has changed."""
        async with self._turn:
            granted = request(self.memory, self._clock.now())
            await self._keep(Decision(memory=granted.memory, commit=granted.commit))
            return granted

    async def say(self, compose: Callable[[Memory, Policy, datetime], tuple[Message, ...]]) -> tuple[Message, ...]:
        """Tell what ``compose`` makes of the memory, without changing it; raises what it raises."""
        async with self._turn:
            now = self._clock.now()
            messages = compose(self.memory, self.policy, now)
            await self._keep(Decision(memory=self.memory, commit=Commit(at=now, messages=messages)))
            return messages

    async def shift(self, step: timedelta, follow: Callable[[], None]) -> None:
        """The clock was set, or the machine slept: ``follow`` it, and move the times in the memory along, so that ages stay."""
        async with self._turn:
            follow()
            self.memory = shifted(self.memory, step)
            self.policy = replace(self.policy, watching_since=self.policy.watching_since + step)

    async def tell_started(self) -> None:
        """Say what is guarded and what not."""
        title, body = started_text(watch_of(self.memory))
        await self._tell(NotifyReason.STARTED, title, body)

    async def tell_stopped(self) -> None:
        """Say that the guard is off."""
        title, body = stopped_text(len(self.memory.positions))
        await self._tell(NotifyReason.STOPPED, title, body)

    async def _tell(self, why: NotifyReason, title: str, body: str) -> None:
        async with self._turn:
            now = self._clock.now()
            subject = Subject(SubjectKind.DAEMON)
            code = code_of(why.value, subject, now)
            message = Message(
                id=f"{code}-{why.value}-{int(now.timestamp() * 1000)}",
                code=code,
                level=Level.INFO,
                why=why,
                subject=subject,
                title=title,
                body=f"{body}\n#{code}",
                at=now,
                codes=(code,),
            )
            await self._keep(Decision(memory=self.memory, commit=Commit(at=now, messages=(message,))))

    async def _keep(self, decision: Decision) -> None:
        self.memory = decision.memory
        commit = decision.commit
        for message in commit.messages:
            log.info("alert.told", title=message.title, level=message.level.label, why=message.why.value, code=message.code)
        if not (_holds_anything(commit) or self._unkept):
            return
        try:
            while self._unkept:
                await self._store.commit(self._unkept[0], channels=self._channels)
                self._unkept.popleft()
            await self._store.commit(commit, channels=self._channels)
        except StoreFault as error:
            log.error("store.commit_failed", error=error.message, advice=error.advice, unkept=len(self._unkept) + 1)
            self._unkept.append(replace(commit, messages=()))
            for message in commit.messages:
                self._direct(message)
        if commit.messages:
            self._wake()

    def _log_reading(self, reading: FamilyReading, before: FamilyMemory | None, decision: Decision) -> None:
        """A change is told once, at its level; what only goes on is for debugging."""
        where = {"account": reading.key.account, "family": reading.key.family}
        failed_before = before is not None and before.failing > 0
        if isinstance(reading, FamilySnapshot):
            tell = log.info if failed_before or before is None else log.debug
            tell("family.read", positions=len(reading.positions), unguarded=len(reading.unguarded), **where)
        elif isinstance(reading, FamilyFailure):
            same = failed_before and before is not None and before.error == reading.message
            tell = log.debug if same else log.warning
            tell("family.read_failed", cause=reading.cause, error=reading.message, **where)
        elif before is None or before.state is not FamilyState.NOT_OPENED:
            log.info("family.not_opened", reason=reading.message, **where)
        for seen in decision.opened:
            log.info("position.opened", symbol=seen.key.symbol, side=seen.key.side.value, epoch=seen.epoch, **where)
        for seen in decision.commit.closed:
            log.info("position.closed", symbol=seen.key.symbol, side=seen.key.side.value, epoch=seen.epoch, **where)


def _holds_anything(commit: Commit) -> bool:
    return bool(
        commit.families
        or commit.positions
        or commit.readings
        or commit.closed
        or commit.alerts
        or commit.alerts_ended
        or commit.messages
        or commit.rulings
        or commit.silences
    )


def watch_of(memory: Memory) -> Watch:
    """What the memory says is guarded and what not."""
    families = memory.families.values()
    guarded = [seen.assessment for seen in memory.positions.values() if not seen.mode]
    watched = {one.key.account for one in families if one.last_good is not None and one.failing == 0}
    with_cushion = [one for one in guarded if one.judged.cushion is not None]
    return Watch(
        positions=len(guarded),
        accounts=len(watched),
        cross=sum(len(one.unguarded) for one in families),
        not_opened=[f"{one.key.account} {one.key.family}" for one in families if one.state is FamilyState.NOT_OPENED],
        blind=[f"{one.key.account} {one.key.family}: {one.error}" for one in families if one.failing],
        worst=min(with_cushion, key=lambda one: one.judged.cushion or 0, default=None),
    )


def pruned(memory: Memory, watched: Iterable[FamilyKey]) -> Memory:
    """The memory without families, positions and alerts of accounts that are not configured any more."""
    families = set(watched)
    return Memory(
        families={key: one for key, one in memory.families.items() if key in families},
        positions={
            key: one
            for key, one in memory.positions.items()
            if FamilyKey(exchange=key.exchange, account=key.account, family=one.family) in families
        },
        alerts={
            (rule, subject): alert
            for (rule, subject), alert in memory.alerts.items()
            if any(subject.exchange == key.exchange and subject.account == key.account for key in families)
        },
        epochs=memory.epochs,
        silences=memory.silences,
    )
