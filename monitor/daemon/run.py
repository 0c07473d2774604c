"""Run: the whole daemon, or one single cycle. Starts the workers, waits for a signal, stops cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

import structlog

from monitor.clock import SystemClock
from monitor.crashpoint import crashpoint
from monitor.daemon import daily, doctor
from monitor.daemon.control import Control
from monitor.daemon.crew import Crew, Ticks
from monitor.daemon.cycle import LONGEST_SECONDS, AccountCycle
from monitor.daemon.daily import Daily
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.doctor import Doctor
from monitor.daemon.guard import Guard
from monitor.daemon.heartbeat import Heartbeat
from monitor.daemon.housekeeping import EVERY, Housekeeping
from monitor.daemon.inquiry import Inquiry
from monitor.daemon.keys import LOOK, KeyWatch
from monitor.daemon.outgoing import CHANNEL_SECONDS
from monitor.daemon.reload import Reload
from monitor.daemon.schedule import Schedule
from monitor.daemon.systemd import notify
from monitor.daemon.topup import TopUpWorker
from monitor.daemon.vitals import Vitals
from monitor.daemon.watchdog import Watchdog, period_of
from monitor.daemon.watching import status_of
from monitor.decide import is_near
from monitor.margin.reading import FamilyKey, FamilySnapshot
from monitor.memory import FamilyState
from monitor.policy import Intervals
from monitor.ports import Exchange, Notifier, Store

log = structlog.get_logger("daemon")

STDERR = 2
TICK = timedelta(seconds=1)
SETTLE_SECONDS = 15.0
"""How long the message at start waits for every family's first reading."""
LAST_WORDS_SECONDS = 3.0
"""How long a stop waits for its message to be accepted."""
END_SECONDS = 0.4
"""How long a stop waits for what it cancelled."""
CLOSE_SECONDS = 1.0
"""How long a stop waits for connections and the store to close; all in all a stop ends within 5 seconds."""
SPENT_SECONDS = 1.0
"""How long a stop waits for margin changes that are under way; what is cut off is looked for at the next start."""
TOP_UP_SECONDS = 30.0
"""How long the worker of margin changes may stay away: the store may hang once."""
TICK_SECONDS = 20.0
"""How long a tick may stay away: a store that hangs holds a decision for 8 seconds."""
ONCE_SECONDS = 30.0
"""How long a single run waits for its messages to be accepted."""


class Pages(Protocol):
    """What is served over HTTP."""

    async def start(self) -> None:
        """Listen."""
        ...

    async def stop(self) -> None:
        """Let go of every caller."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything the daemon runs, put together by ``app``. ``intervals`` by account."""

    clock: SystemClock
    store: Store
    exchanges: Sequence[Exchange]
    channels: Sequence[Notifier]
    intervals: dict[str, Intervals]
    guard: Guard
    workers: Sequence[ChannelWorker]
    control: Control
    heartbeat: Heartbeat | None = None
    digest: Daily | None = None
    doctor: Doctor | None = None
    top_ups: Sequence[TopUpWorker] = ()
    pages: Pages | None = None
    reload: Reload | None = None
    vitals: Vitals = field(default_factory=Vitals)


async def run_forever(parts: Parts) -> None:
    """Guard until SIGTERM or SIGINT; then say so and stop within about 5 seconds."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ticks = Ticks(parts.guard, parts.clock)
    schedule = Schedule(parts.clock, on_step=lambda step: _follow(parts, step))
    answered = asyncio.Event()

    def after() -> None:
        _pace(parts, schedule)
        for one in parts.top_ups:
            one.poke()
        if _settled(parts):
            answered.set()

    crew = Crew()
    cycles = [AccountCycle(one, parts.guard, parts.clock, after=after, vitals=parts.vitals) for one in parts.exchanges]
    for cycle in cycles:
        calm = parts.intervals[cycle.account].calm
        schedule.every(f"poll-{cycle.account}", calm, cycle.poke)
        longest = 2 * (calm.total_seconds() + LONGEST_SECONDS)
        crew.add(f"poll-{cycle.account}", cycle.run, turned=partial(getattr, cycle, "turned"), within=longest)
    for worker in parts.workers:
        crew.add(f"channel-{worker.name}", worker.run, turned=partial(getattr, worker, "turned"), within=CHANNEL_SECONDS)
    schedule.every("tick", TICK, ticks.due.set)
    crew.add("tick", ticks.run, turned=partial(getattr, ticks, "turned"), within=TICK_SECONDS)
    _add_top_ups(parts, crew, schedule, {cycle.account: cycle for cycle in cycles})
    _add_helpers(parts, crew, schedule)
    _listen_for_reload(parts, crew, schedule, stop)
    schedule.start()
    crew.once(_tell_started(parts, answered))
    for cycle in cycles:
        cycle.poke()
    await parts.control.start()
    notify("READY=1")
    watchdog = Watchdog(parts.clock, crew.watched, status=lambda: _status(parts), period=period_of(), vitals=parts.vitals)
    crew.add("watchdog", watchdog.run)
    if parts.pages is not None:
        await parts.pages.start()
    log.info("daemon.started", accounts=len(parts.exchanges), channels=len(parts.channels))
    await stop.wait()
    notify("STOPPING=1", "STATUS=stopping")
    log.info("daemon.stopping")
    crashpoint("stop.begun")
    await parts.control.stop()
    if parts.pages is not None:
        await _within(END_SECONDS, parts.pages.stop())
    await schedule.stop()
    await _within(SPENT_SECONDS, *(one.settled() for one in parts.top_ups))
    await crew.dismiss(END_SECONDS)
    await _within(LAST_WORDS_SECONDS, _last_words(parts))
    crashpoint("stop.told")
    await close(parts)
    crashpoint("stop.closed")
    log.info("daemon.stopped")


def _listen_for_reload(parts: Parts, crew: Crew, schedule: Schedule, stop: asyncio.Event) -> None:
    """SIGHUP asks for the configuration to be read again; but where a terminal was closed under the daemon, for its end."""
    reload, at_a_terminal = parts.reload, os.isatty(STDERR)
    if reload is None:
        return
    reload.attend(crew, schedule)

    def hung_up() -> None:
        if at_a_terminal and not os.isatty(STDERR):
            stop.set()
        else:
            reload.poke()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hung_up)


def _add_top_ups(parts: Parts, crew: Crew, schedule: Schedule, cycles: Mapping[str, AccountCycle]) -> None:
    """Whoever changes margins, in the accounts where that is wanted."""
    for worker in parts.top_ups:
        worker.hurry = cycles[worker.account].poke
        schedule.every(f"top-ups-{worker.account}", TICK, worker.poke)
        crew.add(f"top-ups-{worker.account}", worker.run, turned=partial(getattr, worker, "turned"), within=TOP_UP_SECONDS)
        worker.poke()


def _add_helpers(parts: Parts, crew: Crew, schedule: Schedule) -> None:
    """Whoever works beside the polls: keys, housekeeping, signs of life."""
    keys = KeyWatch(parts.exchanges, parts.guard, parts.clock)
    schedule.every("keys", LOOK, keys.poke)
    crew.add("keys", keys.run)
    keys.poke()
    housekeeping = Housekeeping(parts.store, parts.clock, damaged=parts.guard.distrust_store)
    schedule.every("housekeeping", EVERY, housekeeping.poke)
    crew.add("housekeeping", housekeeping.run)
    inquiry = Inquiry(parts.exchanges, parts.guard, parts.clock)
    schedule.every("inquiry", TICK, inquiry.poke)
    crew.add("inquiry", inquiry.run)
    crew.add("vitals", partial(parts.vitals.feel, parts.clock))
    if parts.doctor is not None:
        schedule.every("doctor", doctor.LOOK, parts.doctor.poke)
        crew.add("doctor", parts.doctor.run)
    if parts.heartbeat is not None:
        crew.add("heartbeat", parts.heartbeat.run)
    if parts.digest is not None:
        schedule.every("digest", daily.LOOK, parts.digest.poke)
        crew.add("digest", parts.digest.run)


async def _last_words(parts: Parts) -> None:
    await parts.guard.tell_stopped()
    await _deliver_within(parts.workers, LAST_WORDS_SECONDS)


async def run_once(parts: Parts) -> bool:
    """One full cycle of every account; delivers what it has to say. True when every family that is open was read."""
    cycles = [AccountCycle(one, parts.guard, parts.clock, after=lambda: None) for one in parts.exchanges]
    try:
        readings = [reading for batch in await asyncio.gather(*(cycle.once() for cycle in cycles)) for reading in batch]
        await parts.guard.tick()
        inquiry = Inquiry(parts.exchanges, parts.guard, parts.clock)
        inquiry.look_round()
        await inquiry.settled()
        await _deliver_within(parts.workers, ONCE_SECONDS)
    finally:
        await close(parts)
    families = parts.guard.memory.families
    return all(
        isinstance(reading, FamilySnapshot) or families[reading.key].state is FamilyState.NOT_OPENED for reading in readings
    )


async def close(parts: Parts) -> None:
    """Let go of exchanges, channels and the store; what does not end within a second is left behind."""
    closing = [one.close() for one in parts.exchanges]
    closing += [one.close() for one in parts.top_ups]
    closing += [one.close() for one in parts.channels]
    await _within(CLOSE_SECONDS, *closing, parts.store.close())


def _status(parts: Parts) -> str:
    return status_of(parts.guard.memory, parts.guard.policy.watching_since, parts.clock.now())


async def _tell_started(parts: Parts, answered: asyncio.Event) -> None:
    """Once every family has answered, or the patience is over, say what is guarded."""
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_SECONDS):
            await answered.wait()
    crashpoint("start.telling")
    await parts.guard.tell_started(_expected(parts))


def _expected(parts: Parts) -> list[FamilyKey]:
    """Every family that is to be read."""
    return [
        FamilyKey(exchange=one.exchange, account=one.account, family=family) for one in parts.exchanges for family in one.families
    ]


def _settled(parts: Parts) -> bool:
    """Whether every family has answered in this run, one way or another."""
    families, since = parts.guard.memory.families, parts.guard.policy.watching_since
    known = [families.get(key) for key in _expected(parts)]
    return all(one is not None and (one.failing or one.state is FamilyState.NOT_OPENED or one.read_since(since)) for one in known)


async def _deliver_within(workers: Sequence[ChannelWorker], seconds: float) -> None:
    """Deliver what is due, all channels side by side, and give up after ``seconds``; the outbox keeps the rest.

    Twice, since a channel that breaks is told of by the others, which may have been done by then.
    """
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    for _ in range(2):
        left = max(0.0, end - clock.time())
        await _within(left, *(worker.deliver_within(left) for worker in workers))


async def _within(seconds: float, *work: Awaitable[None]) -> None:
    """Do all of it side by side; what is not done after ``seconds`` is cancelled, and left behind if it does not heed that."""
    if not work:
        return
    done, late = await asyncio.wait([asyncio.ensure_future(one) for one in work], timeout=seconds)
    for one in late:
        one.cancel()
    if late:
        ended, _ = await asyncio.wait(late, timeout=END_SECONDS)
        done |= ended
    for one in done:
        if not one.cancelled() and (error := one.exception()) is not None:
            log.error("stop.stumbled", exc_info=error)


def _pace(parts: Parts, schedule: Schedule) -> None:
    """Poll each account at its near or calm interval, as its positions are."""
    for account, intervals in parts.intervals.items():
        near = is_near(parts.guard.memory, account)
        schedule.change(f"poll-{account}", intervals.near if near else intervals.calm)


def _follow(parts: Parts, step: timedelta) -> None:
    asyncio.ensure_future(parts.guard.shift(step, parts.clock.follow))  # noqa: RUF006 - ends by itself; the guard's own turn orders it
