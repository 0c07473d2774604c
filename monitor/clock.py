"""The real clock behind ``ports.Clock``, and how times are written for programs."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clock, made steady: between two calls of ``follow`` it runs on monotonic time and never steps."""

    def __init__(self) -> None:
        self._anchor = time.time() - time.monotonic()

    def now(self) -> datetime:
        """Aware UTC; ages between two values are right whatever the machine's clock was set to in between."""
        return datetime.fromtimestamp(self._anchor + time.monotonic(), UTC)

    def monotonic(self) -> float:
        """Seconds that never go back and never step (and stand still while the machine sleeps)."""
        return time.monotonic()

    def follow(self) -> None:
        """Take over the machine's clock as it is now, after it was set or the machine slept."""
        self._anchor = time.time() - time.monotonic()


def iso(moment: datetime) -> str:
    """An aware time as every JSON document has it: ``2026-11-22T03:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
