"""The guard: the one owner of the memory. Each reading and each tick is decided, committed and handed on, one after the other.

The memory only moves forward. When the store cannot take a commit, the guard goes on from memory: messages are handed to the
channels directly, and what could not be kept is kept with the next commit that succeeds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.notices import daemon_message, started_text, stopped_text, store_lost_text
from monitor.crashpoint import crashpoint
from monitor.daemon.narrating import log_reading
from monitor.daemon.sleep import Sleep
from monitor.daemon.storehealth import StoreHealth
from monitor.daemon.unkept import Unkept, holds_anything
from monitor.daemon.watching import adapted, watch_of
from monitor.decide import Decision, decide
from monitor.errors import StoreCorrupt, StoreFault, TopUpsStopped
from monitor.margin.reading import FamilyKey, FamilyReading, KeyFacts
from monitor.memory import ChannelMemory, Commit, Memory, shifted
from monitor.policy import Policy
from monitor.ports import Clock, Store
from monitor.requests import Granted
from monitor.rules.base import Level
from monitor.spend import Change, Outcome, answered, begin, stop
from monitor.spend.credentials import judged_key
from monitor.topups.ledger import Intent, IntentEvent, IntentState

log = structlog.get_logger("guard")

KEEP_SECONDS = 8.0
"""How long a decision waits for the store; SQLite itself gives up on a lock sooner, a disk that hangs never does."""


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
        self._unkept = Unkept()
        self._health = StoreHealth()
        self._sleep = Sleep(clock)

    @property
    def kept(self) -> bool:
        """Whether the store took the last commit."""
        return self._health.kept

    async def take(self, reading: FamilyReading) -> Decision:
        """Decide on one reading and keep the result."""
        async with self._turn:
            crashpoint("reading.deciding")
            before, now = self.memory.families.get(reading.key), self._now()
            decision = decide(reading, self.memory, self.policy, now)
            crashpoint("reading.decided")
            log_reading(reading, before, decision)
            await self._keep(decision)
            return decision

    async def tick(self) -> None:
        """Decide on time alone."""
        async with self._turn:
            now = self._now()
            await self._keep(decide(None, self.memory, self.policy, now))
            crashpoint("tick.kept")
            await self._tell_of_store()

    async def learn(self, facts: KeyFacts) -> None:
        """Decide on what an account's key may do, and keep it."""
        async with self._turn:
            now = self._now()
            await self._keep(decide(facts, self.memory, self.policy, now))

    async def channel_changed(self, name: str, error: str | None) -> None:
        """A channel broke (``error``: why) or works again (None): keep that, and tell the others."""
        async with self._turn:
            now = self._now()
            crashpoint("channel.changing")
            channel = ChannelMemory(name=name, broken_since=None if error is None else now, error=error or "")
            await self._keep(decide(channel, self.memory, self.policy, now))

    async def grant(self, request: Callable[[Memory, datetime], Granted]) -> Granted:
        """Do what a person asked for and keep it; raises what ``request`` raises, and then nothing has changed."""
        async with self._turn:
            granted = request(self.memory, self._clock.now())
            crashpoint("request.granting")
            await self._keep(Decision(memory=granted.memory, commit=granted.commit))
            crashpoint("request.granted")
            return granted

    async def say(self, compose: Callable[[Memory, Policy, datetime], tuple[Message, ...]]) -> tuple[Message, ...]:
        """Tell what ``compose`` makes of the memory, without changing it; raises what it raises."""
        async with self._turn:
            now = self._now()
            messages = compose(self.memory, self.policy, now)
            await self._keep(Decision(memory=self.memory, commit=Commit(at=now, messages=messages)))
            return messages

    async def adopt(self, policy: Policy, channels: Sequence[str], switch: Callable[[], None]) -> None:
        """From the next decision on this is what the owner wants, on these channels; what this run has found out stays.

        ``switch`` puts the channels themselves in place, at the same moment.
        """
        async with self._turn:
            switch()
            top_ups = replace(policy.top_ups, unfit=self.policy.top_ups.unfit)
            self.policy = replace(policy, watching_since=self.policy.watching_since, top_ups=top_ups)
            self._channels = tuple(channels)
            memory, over = adapted(self.memory, self.policy, self._channels)
            await self._keep(Decision(memory=memory, commit=Commit(at=self._clock.now(), alerts_ended=over)))

    async def spend(self, step: Callable[[Memory, Policy, datetime], Change]) -> Change:
        """Do one step that follows from no reading (of the journal of margin changes, or of what became of a position) and keep
        it; raises what ``step`` raises, and then nothing has changed.
        """
        async with self._turn:
            now = self._now()
            return await self._keep_change(step(self.memory, self.policy, now))

    async def submit(self, intent_id: str, *, index_price: Decimal | None, window: timedelta) -> Intent | None:
        """Ask every guard again and keep the intent as SUBMITTING: from then on, and only then, it may be sent.

        None: it must not be sent. It is ABANDONED, or waits for a store that works; with a store that gave no answer nobody
        knows what it kept, so that the intent counts as UNKNOWN although it was not sent.
        """
        async with self._turn:
            now = self._now()
            change = begin(self.memory, self.policy, intent_id, now, index_price=index_price, window=window)
            if change.intent is None or change.intent.state is not IntentState.SUBMITTING:
                await self._keep_change(change)
                return None
            try:
                async with asyncio.timeout(KEEP_SECONDS):
                    self._health.refused += await self._unkept.keep(self._store, self._channels)
                    crashpoint("topup.submitting")
                    await self._store.submit(change.commit, channels=self._channels)
            except TopUpsStopped as error:
                log.warning("topup.stopped", reason=error.message)
                await self._keep_change(stop(self.memory, now))
                return None
            except StoreFault as error:
                log.error("topup.not_kept", intent=intent_id, error=error.message, advice="it was not sent; mend the store")
                if isinstance(error, StoreCorrupt):
                    self._go_on_without(Commit(at=now), error)
                return None
            except Exception:
                log.exception(
                    "topup.perhaps_kept", intent=intent_id, advice="it was not sent; look at the position and the store"
                )
                self.memory = change.memory
                unclear = Outcome(event=IntentEvent.UNCLEAR, detail="the store did not answer; it was not sent")
                await self._keep_change(answered(self.memory, self.policy, intent_id, unclear, self._clock.now()))
                return None
            self.memory = change.memory
            crashpoint("topup.submitted")
            return change.intent

    async def judge_key(self, exchange: str, account: str, why: str) -> None:
        """The key for margin changes of an account must not be used because of ``why`` (empty: it may be); told once a change."""
        async with self._turn:
            now = self._now()
            self.policy, messages = judged_key(self.policy, exchange, account, why, now)
            await self._keep(Decision(memory=self.memory, commit=Commit(at=now, messages=messages)))

    async def _keep_change(self, change: Change) -> Change:
        await self._keep(Decision(memory=change.memory, commit=change.commit))
        return change

    async def shift(self, step: timedelta, follow: Callable[[], None]) -> None:
        """The clock was set, or the machine slept: ``follow`` it, and move the times in the memory along, so that ages stay."""
        async with self._turn:
            follow()
            self.memory = shifted(self.memory, step)
            self.policy = replace(self.policy, watching_since=self.policy.watching_since + step)
            # Caps and rehearsals count time over restarts: the journal must not keep what a wrong clock said.
            await self._keep(
                Decision(memory=self.memory, commit=Commit(at=self._clock.now(), top_ups=self.memory.top_ups.changes()))
            )

    async def distrust_store(self, error: StoreCorrupt) -> None:
        """Somebody found the store damaged, whatever it says of its commits."""
        async with self._turn:
            self._go_on_without(Commit(at=self._clock.now()), error)

    async def tell_started(self, expected: Iterable[FamilyKey] = ()) -> None:
        """Say what is guarded and what not; one of the ``expected`` families that has not answered yet counts as blind."""
        title, body = started_text(watch_of(self.memory, self.policy.watching_since, expected))
        await self._tell(NotifyReason.STARTED, title, body)

    async def tell_store_lost(self, aside: str) -> None:
        """Say that the store was damaged and that the guard began with an empty memory."""
        title, body = store_lost_text(aside, tops_up=bool(self.policy.top_ups.able))
        await self._tell(NotifyReason.EVENT, title, body, level=Level.CRITICAL)

    async def tell_stopped(self) -> None:
        """Say that the guard is off."""
        title, body = stopped_text(len(self.memory.positions))
        await self._tell(NotifyReason.STOPPED, title, body)

    async def _tell(self, why: NotifyReason, title: str, body: str, level: Level = Level.INFO) -> None:
        await self.say(lambda _, __, now: (daemon_message(why, title, body, level, now),))

    async def _keep(self, decision: Decision) -> None:
        self.memory = decision.memory
        commit = decision.commit
        for message in commit.messages:
            log.info("alert.told", title=message.title, alert_level=message.level.label, why=message.why.value, code=message.code)
            crashpoint(f"telling.{message.why.value}")
        if not (holds_anything(commit) or self._unkept):
            return
        if self._health.is_left_alone(self._clock.monotonic()):
            self._put_by(commit)
            return
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                self._health.refused += await self._unkept.keep(self._store, self._channels)
                crashpoint("commit.beginning")
                await self._store.commit(commit, channels=self._channels)
                crashpoint("commit.done")
        except Exception as error:  # noqa: BLE001 - whatever the store does, what was decided must be told
            self._go_on_without(commit, error)
        else:
            self._health.works()
            if commit.messages:
                crashpoint("workers.waking")
                self._wake()

    def _go_on_without(self, commit: Commit, error: Exception) -> None:
        """What was decided is told all the same; a damaged store is no ground to spend money on."""
        if self._health.failed(error, KEEP_SECONDS, self._clock.monotonic()):
            self._distrust()
        self._put_by(commit)

    def _distrust(self) -> None:
        """Throw the kill switch: what a damaged journal says of what was spent may be wrong."""
        if self.policy.top_ups.able:
            change = stop(self.memory, self._clock.now())
            self.memory = change.memory
            self._put_by(change.commit)

    async def _tell_of_store(self) -> None:
        """People hear of a store that fails for long, and of its end."""
        now, tops_up = self._clock.now(), bool(self.policy.top_ups.able)
        message = self._health.news(self._clock.monotonic(), now, tops_up=tops_up)
        if message is not None:
            await self._keep(Decision(memory=self.memory, commit=Commit(at=now, messages=(message,))))

    def _now(self) -> datetime:
        """What time it is, asked before anything is decided. After a suspend the watch begins anew, as after a restart: what was
        read before is old, what still holds is told again, and time asleep is no blindness.
        """
        now, slept = self._clock.now(), self._sleep.noticed()
        if slept:
            log.warning("machine.slept", seconds=round(slept))
            self.policy = replace(self.policy, watching_since=now)
        return now

    def _put_by(self, commit: Commit) -> None:
        """Hand the messages on directly, and hold the rest until the store works again."""
        for message in commit.messages:
            self._direct(message)
        self._unkept.add(commit)
