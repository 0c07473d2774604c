"""The health of a channel: what its failures mean for the next message. Times are monotonic seconds, so no clock can confuse it.

A failure may be the message's own (a text that the service refuses) or the channel's. One alone proves nothing: another message
is tried. From the second in a row on the channel pauses, for half of what a message waits, so that one bad message never stands
in the way of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from monitor.daemon.backoff import LONGEST_WISH
from monitor.errors import ChannelRefused, ChannelUnavailable, NotifyFault
from monitor.rules.base import Level

PROBE = 300.0
"""Seconds between two tries of a channel that refused: a person must mend it, and nothing else will help."""
PAUSES = (0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""Seconds without a try after the second failure in a row and each one after it."""
FALL_BACK = 60.0
"""Seconds of failure after which the fallback is used."""
BROKEN = 600.0
"""Seconds of failure with a critical waiting after which a channel that cannot be reached counts as broken."""


class ChannelHealth:
    """How one channel has worked lately. ``broken``: it did not work when an earlier run ended, or does not now."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self._failing_since: float | None = None
        self._failures = 0
        self._opens = 0.0

    def pause(self, now: float) -> float:
        """Seconds for which nothing is to be sent."""
        return max(0.0, self._opens - now)

    def falls_back(self, now: float) -> bool:
        """Whether what is urgent goes to the fallback too."""
        return self.broken or (self._failing_since is not None and now - self._failing_since >= FALL_BACK)

    def accepted(self) -> None:
        """A message went through."""
        self.broken = False
        self._failing_since = None
        self._failures = 0
        self._opens = 0.0

    def failed(self, error: NotifyFault, level: Level, *, began: float, now: float) -> None:
        """A message of this level, whose sending ``began`` then, did not go through."""
        if self._failing_since is None:
            self._failing_since = began
        self._failures += 1
        wish = error.retry_after if isinstance(error, ChannelUnavailable) else None
        if isinstance(error, ChannelRefused):
            self.broken = True
            self._opens = now + PROBE
        elif wish is not None:
            self._opens = now + min(wish, LONGEST_WISH)
        elif self._failures > 1:
            self._opens = now + PAUSES[min(self._failures - 2, len(PAUSES) - 1)]
        if level >= Level.CRITICAL and now - self._failing_since >= BROKEN:
            self.broken = True


class Allowance(Enum):
    """What a quota leaves: everything, only the first news of a critical or worse, or nothing."""

    ALL = "all"
    URGENT = "urgent"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A channel may send ``messages`` in any stretch of ``per``; the last quarter is kept for the first news of the worst."""

    messages: int
    per: timedelta

    def allowance(self, used: int) -> Allowance:
        """What may be sent after ``used`` messages within ``per``."""
        if used >= self.messages:
            return Allowance.NOTHING
        return Allowance.ALL if used < max(1, self.messages * 3 // 4) else Allowance.URGENT
