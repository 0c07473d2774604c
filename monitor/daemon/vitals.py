"""Vitals: how the daemon's own body does, noted by its workers and shown by its pages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from monitor.ports import Clock

NAP_SECONDS = 0.25
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

    async def feel(self, clock: Clock) -> None:
        """Nap again and again, and note by how much too long, until cancelled."""
        while True:
            began = clock.monotonic()
            await asyncio.sleep(NAP_SECONDS)
            self.naps.append(max(0.0, clock.monotonic() - began - NAP_SECONDS))
            del self.naps[:-REMEMBERED]
