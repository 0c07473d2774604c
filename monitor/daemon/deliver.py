"""Deliver: one worker a channel takes what is due from the outbox, hands it to the channel and records what became of it.

At least once: a delivery is leased before it is sent and settled after; a worker that dies between the two leaves a lease that
runs out, and the message goes again with the same id.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog

from monitor.alerts.model import Message
from monitor.daemon.backoff import retry_at
from monitor.errors import ChannelRefused, ChannelUnavailable, NotifyFault, StoreFault
from monitor.ports import Clock, Delivery, Notifier, Store

log = structlog.get_logger("deliver")

LEASE = timedelta(seconds=60)
IDLE = 5.0
"""Seconds after which a worker looks at the outbox even if nobody woke it."""
DIRECT = 200
"""How many messages wait in memory while the store cannot take them."""


class ChannelWorker:
    """Delivers to one channel until cancelled."""

    def __init__(self, channel: Notifier, store: Store, clock: Clock, *, lease: timedelta = LEASE) -> None:
        self.name = channel.name
        self._channel = channel
        self._store = store
        self._clock = clock
        self._lease = lease
        self._wakened = asyncio.Event()
        self._direct: deque[Message] = deque(maxlen=DIRECT)
        self._direct_attempt = 0
        self._direct_due = 0.0
        self._store_fails = False
        self._random = random.Random()  # noqa: S311 - jitter, not a secret

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
        """Deliver everything that is due now; returns how many messages the channel accepted."""
        accepted = await self._deliver_direct()
        while True:
            try:
                due = await self._store.claim(self.name, self._clock.now(), lease=self._lease, limit=1)
            except StoreFault as error:
                self._tell_of_store("outbox.claim_failed", error)
                return accepted
            self._store_fails = False
            if not due:
                return accepted
            for delivery in due:
                accepted += await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> int:
        outcome, retry, detail = "accepted", None, ""
        try:
            await self._channel.send(delivery.message)
        except NotifyFault as error:
            outcome, retry, detail = "retry", self._retry_at(delivery.attempt, delivery.message, error), error.message
        try:
            await self._store.settle(delivery, outcome, self._clock.now(), retry_at=retry, detail=detail)
        except StoreFault as error:
            self._tell_of_store("outbox.settle_failed", error)
        if outcome != "accepted":
            return 0
        log.info("message.accepted", channel=self.name, code=delivery.message.code, attempt=delivery.attempt)
        return 1

    async def _deliver_direct(self) -> int:
        """What the store could not take, oldest first; one that the channel does not take is tried again like any other."""
        accepted = 0
        while self._direct and self._direct_due <= self._clock.monotonic():
            message = self._direct[0]
            try:
                await self._channel.send(message)
            except NotifyFault as error:
                self._direct_attempt += 1
                wait = self._retry_at(self._direct_attempt, message, error) - self._clock.now()
                self._direct_due = self._clock.monotonic() + wait.total_seconds()
                break
            accepted += 1
            self._direct_attempt, self._direct_due = 0, 0.0
            # While it was on its way a full queue may have dropped it.
            if self._direct and self._direct[0] is message:
                self._direct.popleft()
            log.info("message.accepted", channel=self.name, code=message.code, attempt="direct")
        return accepted

    def _retry_at(self, attempt: int, message: Message, error: NotifyFault) -> datetime:
        """When to try again what was not accepted, which is told here."""
        refused = isinstance(error, ChannelRefused)
        level = log.error if refused else log.warning
        level("message.not_accepted", channel=self.name, code=message.code, error=error.message, attempt=attempt)
        after = error.retry_after if isinstance(error, ChannelUnavailable) else None
        return retry_at(attempt, message.level, self._clock.now(), after, self._random)

    async def _seconds_to_next(self) -> float | None:
        """How long until there is something to do, None while nothing is known of."""
        waits = [self._direct_due - self._clock.monotonic()] if self._direct else []
        # A store that does not lease is not asked when: what is due there would be due at once, again and again.
        if not self._store_fails:
            try:
                due = await self._store.next_due(self.name)
            except StoreFault as error:
                self._tell_of_store("outbox.look_failed", error)
            else:
                waits += [] if due is None else [(due - self._clock.now()).total_seconds()]
        return max(0.0, min(waits)) if waits else None

    def _tell_of_store(self, event: str, error: StoreFault) -> None:
        """A store that fails is told once, until it works again."""
        tell = log.debug if self._store_fails else log.error
        tell(event, channel=self.name, error=error.message)
        self._store_fails = True


def wake_all(workers: Iterable[ChannelWorker]) -> None:
    """Let every channel look at the outbox now."""
    for worker in workers:
        worker.wake()


def push_all(workers: Iterable[ChannelWorker], message: Message) -> None:
    """Hand a message that the store could not take to every channel that it is for (all, where it names none)."""
    for worker in workers:
        if not message.channels or worker.name in message.channels:
            worker.push(message)
