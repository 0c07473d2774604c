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
        self._channel = channel
        self._store = store
        self._clock = clock
        self._lease = lease
        self._wakened = asyncio.Event()
        self._direct: deque[Message] = deque(maxlen=DIRECT)
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
                async with asyncio.timeout(wait):
                    await self._wakened.wait()
            except TimeoutError:
                continue

    async def deliver_due(self) -> int:
        """Deliver everything that is due now; returns how many messages the channel accepted."""
        accepted = await self._deliver_direct()
        while True:
            try:
                due = await self._store.claim(self._channel.name, self._clock.now(), lease=self._lease, limit=1)
            except StoreFault as error:
                log.error("outbox.claim_failed", channel=self._channel.name, error=error.message)
                return accepted
            if not due:
                return accepted
            for delivery in due:
                accepted += await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> int:
        outcome, retry, detail = "accepted", None, ""
        try:
            await self._channel.send(delivery.message)
        except NotifyFault as error:
            outcome, retry, detail = "retry", self._retry(delivery, error), error.message
            refused = isinstance(error, ChannelRefused)
            level = log.error if refused else log.warning
            level("message.not_accepted", channel=self._channel.name, code=delivery.message.code, error=error.message)
        try:
            await self._store.settle(delivery, outcome, self._clock.now(), retry_at=retry, detail=detail)
        except StoreFault as error:
            log.error("outbox.settle_failed", channel=self._channel.name, error=error.message)
        if outcome != "accepted":
            return 0
        log.info("message.accepted", channel=self._channel.name, code=delivery.message.code, attempt=delivery.attempt)
        return 1

    async def _deliver_direct(self) -> int:
        accepted = 0
        while self._direct:
            message = self._direct.popleft()
            try:
                await self._channel.send(message)
            except NotifyFault as error:
                self._direct.appendleft(message)
                log.warning("message.not_accepted", channel=self._channel.name, code=message.code, error=error.message)
                break
            accepted += 1
        return accepted

    def _retry(self, delivery: Delivery, error: NotifyFault) -> datetime:
        after = error.retry_after if isinstance(error, ChannelUnavailable) else None
        return retry_at(delivery.attempt, delivery.message.level, self._clock.now(), after, self._random)

    async def _seconds_to_next(self) -> float:
        if self._direct:
            return 1.0
        try:
            due = await self._store.next_due(self._channel.name)
        except StoreFault:
            return IDLE
        if due is None:
            return IDLE
        return min(IDLE, max(0.0, (due - self._clock.now()).total_seconds()))


def wake_all(workers: Iterable[ChannelWorker]) -> None:
    """Let every channel look at the outbox now."""
    for worker in workers:
        worker.wake()


def push_all(workers: Iterable[ChannelWorker], message: Message) -> None:
    """Hand a message that the store could not take to every channel."""
    for worker in workers:
        worker.push(message)
