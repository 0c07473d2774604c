"""Run: the whole daemon, or one single cycle. Starts the workers, waits for a signal, stops cleanly."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from monitor.clock import SystemClock
from monitor.daemon.control import Control
from monitor.daemon.cycle import AccountCycle
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.guard import Guard
from monitor.daemon.schedule import Schedule
from monitor.daemon.systemd import notify
from monitor.decide import is_near
from monitor.margin.reading import FamilySnapshot
from monitor.memory import FamilyState
from monitor.policy import Intervals
from monitor.ports import Exchange, Notifier, Store

log = structlog.get_logger("daemon")

TICK = timedelta(seconds=1)
SETTLE_SECONDS = 15.0
"""How long the message at start waits for every family's first reading."""
LAST_WORDS_SECONDS = 3.0
"""How long a stop waits for its message to be accepted."""
RESTART_SECONDS = 1.0
"""How long a worker that died stays down."""
ONCE_SECONDS = 30.0
"""How long a single run waits for its messages to be accepted."""


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


async def run_forever(parts: Parts) -> None:
    """Guard until SIGTERM or SIGINT; then say so and stop within about 5 seconds."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tick_due = asyncio.Event()
    schedule = Schedule(parts.clock, on_step=lambda step: _follow(parts, step))
    cycles = {one.account: AccountCycle(one, parts.guard, after=lambda: _pace(parts, schedule)) for one in parts.exchanges}
    for account, cycle in cycles.items():
        schedule.every(f"poll-{account}", parts.intervals[account].calm, cycle.poke)
    schedule.every("tick", TICK, tick_due.set)
    schedule.start()
    tasks = [
        loop.create_task(_keep_up(f"poll-{account}", cycle.run), name=f"cycle-{account}") for account, cycle in cycles.items()
    ]
    tasks.extend(loop.create_task(_keep_up(f"channel-{i}", worker.run)) for i, worker in enumerate(parts.workers))
    tasks.append(loop.create_task(_keep_up("tick", lambda: _ticks(parts.guard, tick_due))))
    tasks.append(loop.create_task(_tell_started(parts)))
    for cycle in cycles.values():
        cycle.poke()
    await parts.control.start()
    notify("READY=1", "STATUS=watching")
    log.info("daemon.started", accounts=len(parts.exchanges), channels=len(parts.channels))
    await stop.wait()
    notify("STOPPING=1", "STATUS=stopping")
    log.info("daemon.stopping")
    await parts.control.stop()
    await schedule.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await parts.guard.tell_stopped()
    await _deliver_within(parts.workers, LAST_WORDS_SECONDS)
    await close(parts)
    log.info("daemon.stopped")


async def run_once(parts: Parts) -> bool:
    """One full cycle of every account; delivers what it has to say. True when every family that is open was read."""
    cycles = [AccountCycle(one, parts.guard, after=_nothing) for one in parts.exchanges]
    readings = [reading for batch in await asyncio.gather(*(cycle.once() for cycle in cycles)) for reading in batch]
    await parts.guard.tick()
    await _deliver_within(parts.workers, ONCE_SECONDS)
    await close(parts)
    families = parts.guard.memory.families
    return all(
        isinstance(reading, FamilySnapshot) or families[reading.key].state is FamilyState.NOT_OPENED for reading in readings
    )


async def close(parts: Parts) -> None:
    """Let go of exchanges, channels and the store."""
    closing = [exchange.close() for exchange in parts.exchanges] + [channel.close() for channel in parts.channels]
    await asyncio.gather(*closing, return_exceptions=True)
    await parts.store.close()


async def _keep_up(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a worker; one that dies of a bug is logged and started again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("worker.died", worker=name)
        await asyncio.sleep(RESTART_SECONDS)


async def _ticks(guard: Guard, due: asyncio.Event) -> None:
    while True:
        await due.wait()
        due.clear()
        await guard.tick()


async def _tell_started(parts: Parts) -> None:
    """Once every family has answered, or the patience is over, say what is guarded."""
    deadline = parts.clock.monotonic() + SETTLE_SECONDS
    expected = sum(len(one.families) for one in parts.exchanges)
    while parts.clock.monotonic() < deadline:
        families = parts.guard.memory.families.values()
        since = parts.guard.policy.watching_since
        settled = [
            one
            for one in families
            if one.failing or one.state is FamilyState.NOT_OPENED or (one.last_good is not None and one.last_good >= since)
        ]
        if len(settled) >= expected:
            break
        await asyncio.sleep(0.1)
    await parts.guard.tell_started()


async def _deliver_within(workers: Sequence[ChannelWorker], seconds: float) -> None:
    """Deliver what is due, all channels side by side, and give up after ``seconds``; the outbox keeps the rest."""
    tasks = [asyncio.ensure_future(worker.deliver_due()) for worker in workers]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _pace(parts: Parts, schedule: Schedule) -> None:
    """Poll each account at its near or calm interval, as its positions are."""
    for account, intervals in parts.intervals.items():
        near = is_near(parts.guard.memory, account)
        schedule.change(f"poll-{account}", intervals.near if near else intervals.calm)


def _follow(parts: Parts, step: timedelta) -> None:
    asyncio.ensure_future(parts.guard.shift(step, parts.clock.follow))  # noqa: RUF006 - ends by itself; the guard's own turn orders it


def _nothing() -> None:
    """A single run has no schedule to pace."""
