"""Crew: the daemon's workers as tasks that are kept up, each with the event that the schedule pokes and the time it may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from monitor.daemon.guard import Guard
from monitor.daemon.watchdog import Watched
from monitor.ports import Clock

log = structlog.get_logger("daemon")

RESTART_SECONDS = 1.0
"""How long a worker that died stays down."""


class Crew:
    """Every worker of the daemon. ``watched``: those that must turn, for the watchdog."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Future[None]] = set()
        self.watched: list[Watched] = []

    def add(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        turned: Callable[[], float] | None = None,
        within: float = 0.0,
    ) -> None:
        """Start a worker, in the place of one of that name. ``turned``: when it last made progress (monotonic seconds), which
        must not be older than ``within``.
        """
        self.drop(name)
        self._tasks[name] = asyncio.get_running_loop().create_task(_keep_up(name, work), name=name)
        if turned is not None:
            self.watched.append(Watched(name=name, turned=turned, within=within))

    def drop(self, name: str) -> None:
        """Let a worker go, if there is one of that name."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        self.watched[:] = [one for one in self.watched if one.name != name]

    def once(self, work: Awaitable[None]) -> None:
        """Start what is done once; what it stumbles over is logged."""
        task = asyncio.ensure_future(_try(work))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def dismiss(self, seconds: float) -> None:
        """Cancel everybody and wait so long for them."""
        tasks = [*self._tasks.values(), *self._leaving]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=seconds)


async def _keep_up(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a worker; one that dies of a bug is logged and started again, so too where it just ends or cancels itself."""
    while True:
        try:
            await work()
            log.error("worker.died", worker=name, cause="it ended")
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.exception("worker.died", worker=name)
        except Exception:
            log.exception("worker.died", worker=name)
        await asyncio.sleep(RESTART_SECONDS)


async def _try(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        log.exception("daemon.stumbled")


class Ticks:
    """Lets the guard decide on time alone whenever it is ``due``; ``turned``: when it last did."""

    def __init__(self, guard: Guard, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock
        self.due = asyncio.Event()
        self.turned = clock.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.due.wait()
            self.due.clear()
            await self._guard.tick()
            self.turned = self._clock.monotonic()
