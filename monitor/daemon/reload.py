"""Reload: read the configuration again while the guard runs, and put it in force between two decisions, or keep the old one.

The new one is read and checked by the same code as at start, and everything in it is built before anything in force is touched.
So a bad one changes nothing; it is told through the channels that are there. Alerts, acknowledgements and silences stay.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.notices import daemon_message
from monitor.alerts.renewal import refused_text, reloaded_text
from monitor.daemon import daily
from monitor.daemon.crew import Crew
from monitor.daemon.daily import Daily
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.guard import Guard
from monitor.daemon.heartbeat import Heartbeat
from monitor.daemon.outgoing import CHANNEL_SECONDS, push_all, wake_all
from monitor.daemon.schedule import Schedule
from monitor.daemon.systemd import notify
from monitor.errors import ConfigError, MargincallError, StoreFault
from monitor.policy import Policy
from monitor.ports import Clock, Notifier, Store
from monitor.rules.base import Level

log = structlog.get_logger("daemon")

LEAVE_SECONDS = 3.0
"""How long a channel that goes may take to end the send that is under way; then its lease runs out, and it is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a new configuration asks for, built and ready. ``workers``: one for each channel, those that stay among them;
    ``fallbacks``: by channel; ``heirs``: who gets what waits for each channel that goes, None where nobody does. ``heartbeat``
    and ``digest``: another one, or none, in place of the one before; ``keep_*``: the one before stays.
    """

    changed: Sequence[str]
    restart: Sequence[str]
    policy: Policy
    workers: Sequence[ChannelWorker]
    notifiers: Sequence[Notifier]
    fallbacks: Mapping[str, str | None]
    heirs: Mapping[str, str | None]
    heartbeat: Heartbeat | None = None
    digest: Daily | None = None
    keep_heartbeat: bool = True
    keep_digest: bool = True


class Reload:
    """``renew`` reads and builds, raises ConfigError, and changes nothing; ``settle`` is called once its result is in force.
    ``workers`` and ``notifiers`` are the daemon's own lists.
    """

    def __init__(
        self,
        guard: Guard,
        store: Store,
        clock: Clock,
        *,
        workers: list[ChannelWorker],
        notifiers: list[Notifier],
        renew: Callable[[], Awaitable[Renewal]],
        settle: Callable[[], None],
        tell: Callable[..., bool] = notify,
    ) -> None:
        self._guard, self._store, self._clock = guard, store, clock
        self._workers, self._notifiers = workers, notifiers
        self._renew, self._settle, self._tell_systemd = renew, settle, tell
        self._crew: Crew | None = None
        self._schedule: Schedule | None = None
        self._due = asyncio.Event()
        self._turn = asyncio.Lock()
        self._refused = False

    def attend(self, crew: Crew, schedule: Schedule) -> None:
        """From now on these are the ones whose workers and jobs change."""
        self._crew, self._schedule = crew, schedule
        crew.add("reload", self.run)

    def poke(self) -> None:
        """Somebody wants the configuration to be read again."""
        self._due.set()

    async def run(self) -> None:
        """Reload whenever poked, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(ConfigError):
                await self.now()

    async def verb(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """As the control socket answers: what changed and what waits for a restart, or the problems."""
        del call
        try:
            renewal = await self.now()
        except ConfigError as error:
            return {"problems": error.message}
        return {"changed": list(renewal.changed), "restart": list(renewal.restart)}

    async def now(self) -> Renewal:
        """Read, check, put in force, and tell; raises ConfigError where the old one stays, which was told then."""
        async with self._turn:
            if self._crew is None or self._schedule is None:
                raise MargincallError("margincall is still starting")
            stamp = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            self._tell_systemd("RELOADING=1", f"MONOTONIC_USEC={stamp}", "STATUS=reading the configuration again")
            try:
                renewal = await self._renew()
                await self._put_in_force(renewal, self._crew, self._schedule)
            except ConfigError as error:
                await self._refuse(error)
                raise
            finally:
                self._tell_systemd("READY=1")
            return renewal

    async def _refuse(self, error: ConfigError) -> None:
        problems = [problem.render() for problem in error.problems]
        log.error("config.refused", problems=problems, advice="the configuration before stays in force")
        self._refused = True
        title, body = refused_text(problems)
        await self._say(title, body, Level.WARNING)

    async def _put_in_force(self, renewal: Renewal, crew: Crew, schedule: Schedule) -> None:
        leaving = [one for one in self._workers if one not in renewal.workers]
        closing = [one for one in self._notifiers if one not in renewal.notifiers]
        unkept = dict(zip([one.name for one in leaving], await _left(leaving), strict=True))
        for worker in leaving:
            crew.drop(f"channel-{worker.name}")
        coming = [one for one in renewal.workers if one not in self._workers]
        by_name = {one.name: one for one in renewal.workers}

        def switch() -> None:
            self._workers[:], self._notifiers[:] = renewal.workers, renewal.notifiers
            for worker in self._workers:
                other = renewal.fallbacks.get(worker.name)
                worker.fall_back_to(None if other is None else by_name[other])
            self._settle()

        await self._guard.adopt(renewal.policy, list(by_name), switch)
        for worker in coming:
            crew.add(f"channel-{worker.name}", worker.run, turned=_turned(worker), within=CHANNEL_SECONDS)
        for name, messages in unkept.items():
            heir = by_name.get(name) or by_name.get(renewal.heirs.get(name) or "")
            for message in messages:
                (heir.push(message) if heir is not None else push_all(self._workers, message))
        unsent = await self._hand_down(renewal.heirs)
        wake_all(self._workers)
        self._exchange_helpers(renewal, crew, schedule)
        await asyncio.gather(*(one.close() for one in closing), return_exceptions=True)
        log.info("config.reloaded", changed=list(renewal.changed), needs_restart=list(renewal.restart))
        if renewal.changed or renewal.restart or self._refused:
            title, body = reloaded_text(renewal.changed, renewal.restart, unsent)
            await self._say(title, body, Level.INFO)
        self._refused = False

    async def _hand_down(self, heirs: Mapping[str, str | None]) -> list[str]:
        """What waits for a channel that is no more goes to its heir; the titles of what goes nowhere."""
        unsent: list[str] = []
        for name, heir in heirs.items():
            try:
                left = await self._store.retire(name, heir, self._clock.now())
            except StoreFault as error:
                log.error("channel.not_retired", channel=name, error=error.message)
                continue
            log.info("channel.removed", channel=name, heir=heir, messages=len(left))
            unsent += [] if heir is not None else [message.title for message in left]
        return unsent

    def _exchange_helpers(self, renewal: Renewal, crew: Crew, schedule: Schedule) -> None:
        if not renewal.keep_heartbeat:
            crew.drop("heartbeat")
            if renewal.heartbeat is not None:
                crew.add("heartbeat", renewal.heartbeat.run)
        if not renewal.keep_digest:
            crew.drop("digest")
            schedule.drop("digest")
            if renewal.digest is not None:
                schedule.every("digest", daily.LOOK, renewal.digest.poke)
                crew.add("digest", renewal.digest.run)

    async def _say(self, title: str, body: str, level: Level) -> None:
        await self._guard.say(lambda _, __, now: (daemon_message(NotifyReason.EVENT, title, body, level, now),))


async def _left(workers: Sequence[ChannelWorker]) -> list[tuple[Message, ...]]:
    return list(await asyncio.gather(*(one.leave(LEAVE_SECONDS) for one in workers)))


def _turned(worker: ChannelWorker) -> Callable[[], float]:
    return lambda: worker.turned
