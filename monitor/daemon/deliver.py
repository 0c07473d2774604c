"""Deliver: one worker a channel takes what is due from the outbox, hands it to the channel and records what became of it.

At least once: a delivery is leased before it is sent and settled after; a worker that dies between the two leaves a lease that
runs out, and the message goes again with the same id.

A channel that fails is tried with one message at a time (see ``health``); what is urgent takes the fallback meanwhile. When it
works again (perhaps after a restart) all that waited is due at once, and a storm becomes one message a subject and a summary.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

import structlog

from monitor.alerts.delivery import sort_out, with_missed
from monitor.alerts.model import Message
from monitor.crashpoint import crashpoint
from monitor.daemon.backoff import retry_at
from monitor.daemon.health import FALL_BACK, Allowance, ChannelHealth, Quota
from monitor.errors import ChannelRefused, ChannelUnavailable, NotifyFault, StoreFault
from monitor.ports import Clock, Delivery, Notifier, Store
from monitor.rules.base import Level

log = structlog.get_logger("deliver")

LEASE = timedelta(seconds=60)
IDLE = 5.0
"""Seconds after which a worker looks at the outbox even if nobody woke it."""
DIRECT = 200
"""How many messages wait in memory while the store cannot take them."""


async def _nobody(name: str, error: str | None) -> None:
    """Nobody listens."""


class ChannelWorker:
    """Delivers to one channel until cancelled.

    ``changed`` is told when the channel breaks (with the error) or works again (None); ``broken``: it was when an earlier run
    ended. ``quota``: how much it may send. ``zone``: of the times in messages. ``turned``: when it last came round or ended a
    send, in the clock's monotonic seconds.
    """

    def __init__(
        self,
        channel: Notifier,
        store: Store,
        clock: Clock,
        *,
        lease: timedelta = LEASE,
        broken: bool = False,
        quota: Quota | None = None,
        zone: tzinfo = UTC,
        changed: Callable[[str, str | None], Awaitable[None]] = _nobody,
    ) -> None:
        self.name = channel.name
        self._health = ChannelHealth(broken=broken)
        self._quota = quota
        self._held = self._late = False
        # Nobody knows before the first look: what is older than this worker was left over by an earlier run.
        self._behind: bool | None = None
        self._older = clock.now() - timedelta(milliseconds=1)
        self._zone = zone
        self._changed = changed
        self._fallback: ChannelWorker | None = None
        self._channel, self._store, self._clock = channel, store, clock
        self._lease = lease
        self._wakened = asyncio.Event()
        self._between = asyncio.Lock()
        self._direct: deque[Message] = deque(maxlen=DIRECT)
        self._direct_attempt, self._direct_due = 0, 0.0
        self._store_fails = False
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self.turned = clock.monotonic()

    def fall_back_to(self, other: ChannelWorker | None) -> None:
        """What is urgent and cannot go here goes there."""
        self._fallback = other

    async def leave(self, seconds: float) -> tuple[Message, ...]:
        """Take no more once the send under way has ended, or ``seconds`` are over; hands back what the store could not take."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._between.acquire()
        left = tuple(self._direct)
        self._direct.clear()
        return left

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wakened.set()

    def push(self, message: Message) -> None:
        """Send a message that the store could not take."""
        self._direct.append(message)
        self._wakened.set()

    async def run(self) -> None:
        """Deliver what is due, then wait until something is, or somebody wakes this worker."""
        while True:
            self.turned = self._clock.monotonic()
            self._wakened.clear()
            await self.deliver_due()
            wait = await self._seconds_to_next()
            try:
                async with asyncio.timeout(IDLE if wait is None else min(IDLE, wait)):
                    await self._wakened.wait()
            except TimeoutError:
                continue

    async def deliver_within(self, seconds: float) -> None:
        """Deliver what is due now or within ``seconds``, retries included; returns once nothing is left for that time."""
        end = self._clock.monotonic() + seconds
        while True:
            await self.deliver_due()
            wait = await self._seconds_to_next()
            if wait is None or self._clock.monotonic() + wait > end:
                return
            await asyncio.sleep(wait)

    async def deliver_due(self) -> int:
        """Deliver everything that may go now; returns how many messages the channel accepted."""
        async with self._between:
            accepted = await self._deliver_direct()
        try:
            if self._behind is None:
                self._behind = bool(await self._store.release(self.name, self._older))
            await self._divert()
            while not self._health.pause(self._clock.monotonic()):
                async with self._between:
                    delivery = await self._next()
                    if delivery is None:
                        break
                    accepted += await self._deliver(delivery)
                await self._divert()
            self._store_fails = False
        except StoreFault as error:
            self._tell_of_store("outbox.failed", error)
        return accepted

    async def _next(self) -> Delivery | None:
        """The most urgent message that is due and that the quota lets go, leased."""
        now = self._clock.now()
        allowance = await self._allowance(now)
        self._held = allowance is not Allowance.ALL
        if allowance is Allowance.NOTHING:
            return None
        urgent = allowance is Allowance.URGENT
        due = await self._store.claim(self.name, now, lease=self._lease, limit=1, urgent=urgent)
        return due[0] if due else None

    async def _deliver(self, delivery: Delivery) -> int:
        crashpoint("delivery.claimed")
        message = with_missed(delivery.message, delivery.missed, delivery.missed_since, self._zone)
        error = await self._hand_over(message, delivery.attempt)
        if error is not None:
            retry = self._retry_at(delivery.attempt, message, error)
            await self._settle(delivery, "retry", retry_at=retry, detail=error.message)
            urgent = message.level >= Level.CRITICAL
            self._late = urgent and (self._clock.now() - message.at).total_seconds() >= FALL_BACK
            return 0
        crashpoint("delivery.sent")
        await self._settle(delivery, "accepted")
        await self._work_again()
        if self._behind:
            await self._recover(message)
        return 1

    async def _hand_over(self, message: Message, attempt: int | str) -> NotifyFault | None:
        """Send one message; what went wrong, after the channel's health was told of it."""
        began = self.turned = self._clock.monotonic()
        try:
            await self._channel.send(message)
        except NotifyFault as error:
            self._behind = True
            was_broken = self._health.broken
            self._health.failed(error, message.level, began=began, now=self._clock.monotonic())
            if self._health.broken and not was_broken:
                log.error("channel.broken", channel=self.name, error=error.message)
                await self._changed(self.name, error.message.removeprefix(f"channel {self.name}: "))
            return error
        log.info("message.accepted", channel=self.name, code=message.code, attempt=attempt)
        return None

    async def _work_again(self) -> None:
        """The channel accepted a message."""
        was_broken = self._health.broken
        self._health.accepted()
        if was_broken:
            log.info("channel.works_again", channel=self.name)
            await self._changed(self.name, None)

    async def _settle(self, delivery: Delivery, outcome: str, *, retry_at: datetime | None = None, detail: str = "") -> None:
        try:
            await self._store.settle(delivery, outcome, self._clock.now(), retry_at=retry_at, detail=detail)
            crashpoint(f"delivery.{outcome}")
        except StoreFault as error:
            self._tell_of_store("outbox.settle_failed", error)

    async def _recover(self, told: Message) -> None:
        """The channel accepts again: what waited is due, and a storm of it is folded into a summary."""
        now = self._clock.now()
        waiting = await self._store.release(self.name, now)
        backlog = sort_out([one.message for one in waiting], told, self.name, now, self._zone)
        if backlog.summary is not None:
            folded = {one.id for one in backlog.folded}
            await self._store.fold([one for one in waiting if one.message.id in folded], backlog.summary, now)
            log.info("backlog.folded", channel=self.name, kept=len(backlog.kept), folded=len(folded))
        self._behind = False

    async def _allowance(self, now: datetime) -> Allowance:
        if self._quota is None:
            return Allowance.ALL
        return self._quota.allowance(await self._store.accepted(self.name, now - self._quota.per))

    async def _divert(self) -> None:
        """What is urgent goes to the fallback too while this channel is broken, fails for long, or may not send any more.

        And when one that was just refused is late, though others go through.
        """
        other = self._fallback
        if other is None:
            return
        now = self._clock.now()
        exhausted = await self._allowance(now) is Allowance.NOTHING
        late, self._late = self._late, False
        if not (exhausted or late or self._health.falls_back(self._clock.monotonic())):
            return
        diverted = await self._store.divert(self.name, other.name, now)
        if diverted:
            log.warning("message.diverted", channel=self.name, fallback=other.name, messages=diverted)
            other.wake()

    async def _deliver_direct(self) -> int:
        """What the store could not take, oldest first; one that the channel does not take is tried again like any other."""
        accepted = 0
        while self._direct and self._direct_wait() <= 0:
            message = self._direct[0]
            error = await self._hand_over(message, "direct")
            if error is not None:
                self._direct_attempt += 1
                wait = self._retry_at(self._direct_attempt, message, error) - self._clock.now()
                self._direct_due = self._clock.monotonic() + wait.total_seconds()
                self._divert_direct(message)
                break
            accepted += 1
            await self._work_again()
            self._direct_attempt, self._direct_due = 0, 0.0
            # While it was on its way a full queue may have dropped it.
            if self._direct and self._direct[0] is message:
                self._direct.popleft()
        return accepted

    def _divert_direct(self, message: Message) -> None:
        """As ``_divert``, for a message that the store does not know; what is for everyone is there already."""
        other, named = self._fallback, message.channels
        if other is None or message.level < Level.CRITICAL or not named or other.name in named:
            return
        if self._health.falls_back(self._clock.monotonic()) and self._direct and self._direct[0] is message:
            self._direct[0] = replace(message, channels=(*named, other.name))
            other.push(message)

    def _direct_wait(self) -> float:
        now = self._clock.monotonic()
        return max(self._direct_due - now, self._health.pause(now))

    def _retry_at(self, attempt: int, message: Message, error: NotifyFault) -> datetime:
        """When to try again what was not accepted, which is told here."""
        tell = log.error if isinstance(error, ChannelRefused) else log.warning
        tell("message.not_accepted", channel=self.name, code=message.code, error=error.message, attempt=attempt)
        after = error.retry_after if isinstance(error, ChannelUnavailable) else None
        return retry_at(attempt, message.level, self._clock.now(), after, self._random)

    async def _seconds_to_next(self) -> float | None:
        """How long until there is something to do, None while nothing is known of."""
        waits = [self._direct_wait()] if self._direct else []
        # A store that does not lease is not asked when: what is due there would be due at once, again and again.
        if not self._store_fails:
            try:
                due = await self._store.next_due(self.name)
            except StoreFault as error:
                self._tell_of_store("outbox.look_failed", error)
            else:
                least = max(self._health.pause(self._clock.monotonic()), IDLE if self._held else 0.0)
                waits += [] if due is None else [max(least, (due - self._clock.now()).total_seconds())]
        return max(0.0, min(waits)) if waits else None

    def _tell_of_store(self, event: str, error: StoreFault) -> None:
        """A store that fails is told once, until it works again."""
        tell = log.debug if self._store_fails else log.error
        tell(event, channel=self.name, error=error.message)
        self._store_fails = True
