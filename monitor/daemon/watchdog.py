"""Watchdog: tell systemd that the guard is alive, but only while everything that must move does move.

A timer that beats while the work hangs is worse than none. ``WATCHDOG=1`` goes out only when every account's attempt to poll has
ended within its time, well or badly, and every worker has turned within its own; so an exchange that is down alerts, and a hang
is restarted. A channel whose service hangs does not count: its worker gives up on a send and goes on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from monitor.daemon.sleep import Sleep
from monitor.daemon.systemd import notify
from monitor.daemon.vitals import Vitals
from monitor.ports import Clock

log = structlog.get_logger("watchdog")

STATUS_SECONDS = 5.0
"""How often the status line is told, and how often the workers are looked at at least."""
ADVICE = "systemd restarts it where it guards as a service; else restart it, and watch by yourself until then"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One worker. ``turned``: when it last made progress, in the clock's monotonic seconds; ``within``: how old that may be."""

    name: str
    turned: Callable[[], float]
    within: float


def period_of(environ: Mapping[str, str] = os.environ) -> float | None:
    """The seconds after which systemd gives up on this process (``$WATCHDOG_USEC``, ``sd_watchdog_enabled(3)``); None: never."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    asked = environ.get("WATCHDOG_USEC", "")
    return int(asked) / 1_000_000 if asked.isdigit() and int(asked) > 0 else None


class Watchdog:
    """Feeds systemd's watchdog and tells it one line of status, until cancelled. ``watched`` may change meanwhile."""

    def __init__(
        self,
        clock: Clock,
        watched: Sequence[Watched],
        *,
        status: Callable[[], str],
        period: float | None = None,
        tell: Callable[..., bool] = notify,
        vitals: Vitals | None = None,
    ) -> None:
        self._clock = clock
        self._watched = watched
        self._status = status
        self._pause = STATUS_SECONDS if period is None else min(STATUS_SECONDS, period / 3)
        self._tell = tell
        self._fed = period is not None
        self._sleep = Sleep(clock)
        self._woke_at = clock.monotonic()
        self._vitals = vitals or Vitals()

    def late(self) -> list[str]:
        """The names of the workers that have not turned within their time."""
        now = self._clock.monotonic()
        if self._sleep.noticed():
            # Nobody could turn meanwhile: their time begins anew.
            self._woke_at = now
        return [one.name for one in self._watched if now - max(one.turned(), self._woke_at) > one.within]

    def look(self) -> None:
        """Feed once, unless a worker hangs; what hangs is logged once."""
        hanging = self.late()
        if hanging and hanging != self._vitals.hanging:
            log.error("worker.hangs", workers=hanging, advice=ADVICE)
        self._vitals.hanging = hanging
        states = [f"STATUS={self._status()}"]
        if self._fed and not hanging:
            states.append("WATCHDOG=1")
        self._tell(*states)

    async def run(self) -> None:
        """Look again and again."""
        while True:
            self.look()
            await asyncio.sleep(self._pause)
