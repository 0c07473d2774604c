"""Vitals: how the daemon's own body does, noted by its workers and shown by its pages."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

import structlog

from monitor.ports import Clock

log = structlog.get_logger("daemon")

NAP_SECONDS = 0.25
BLOCKED_SECONDS = 1.0
"""From here on a late loop is told: something has kept it from turning, and nothing else was done meanwhile."""
REMEMBERED = 240
"""So many naps make a minute: the worst of them is the lag that is shown."""


@dataclass(slots=True, kw_only=True)
class Vitals:
    """``took``: by account, seconds of its last poll from the question to the commit. ``hanging``: workers that do not turn.

    ``naps``: by how much the event loop overslept, in seconds, the newest last.
    """

    took: dict[str, float] = field(default_factory=dict)
    hanging: list[str] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)

    @property
    def lag(self) -> float:
        """How late the event loop was at most within the last minute, in seconds."""
        return max(self.naps, default=0.0)

    @property
    def usual_lag(self) -> float:
        """How late it was at most in 99 of 100 naps of that minute, in seconds."""
        naps = sorted(self.naps)
        return naps[math.ceil(len(naps) * 0.99) - 1] if naps else 0.0

    async def feel(self, clock: Clock) -> None:
        """Nap again and again, and note by how much too long, until cancelled."""
        while True:
            began = _awake(clock)
            await asyncio.sleep(NAP_SECONDS)
            late = max(0.0, _awake(clock) - began - NAP_SECONDS)
            if late >= BLOCKED_SECONDS:
                log.warning("loop.blocked", seconds=round(late, 1))
            self.naps.append(late)
            del self.naps[:-REMEMBERED]


def _awake(clock: Clock) -> float:
    """Seconds that stand still while the machine sleeps: a suspend is no blockade."""
    return clock.monotonic() - clock.asleep()
