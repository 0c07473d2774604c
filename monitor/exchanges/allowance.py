"""An exchange's count of one call in short windows, kept on this side: a call that would be too many waits for its turn.

Being refused costs more than waiting: the exchange then wants silence for a whole window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MARGIN_SECONDS = 0.05
"""Requests do not travel equally fast: two that were sent a window apart may arrive a little closer."""


@dataclass(slots=True)
class Allowance:
    """At most ``calls`` in any ``seconds``."""

    calls: int
    seconds: float
    _sent: deque[float] = field(default_factory=deque)

    def book(self, now: float) -> float:
        """Take the next place; how many seconds from ``now`` (monotonic) until it."""
        at = now
        if len(self._sent) == self.calls:
            at = max(now, self._sent.popleft() + self.seconds + MARGIN_SECONDS)
        self._sent.append(at)
        return at - now
