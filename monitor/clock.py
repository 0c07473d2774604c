"""The real clock behind ``ports.Clock``, and how times are written for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

since_boot: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
)
"""Seconds that go on while the machine sleeps, where it can tell (Linux: ``clock_gettime(2)``)."""


class SystemClock:
    """This machine's clock, made steady: between two calls of ``follow`` it runs on monotonic time and never steps.

    Time asleep counts: what was read before a suspend is old after it. What the event loop waits for does not know of it.
    """

    def __init__(self) -> None:
        self._anchor = time.time() - since_boot()

    def now(self) -> datetime:
        """Aware UTC; ages between two values are right whatever the machine's clock was set to in between."""
        return datetime.fromtimestamp(self._anchor + since_boot(), UTC)

    def monotonic(self) -> float:
        """Seconds that never go back and never step, and go on while the machine sleeps."""
        return since_boot()

    def asleep(self) -> float:
        """As the port says."""
        return since_boot() - time.monotonic()

    def follow(self) -> None:
        """Take over the machine's clock as it is now, after it was set."""
        self._anchor = time.time() - since_boot()


def iso(moment: datetime) -> str:
    """An aware time as every JSON document has it: ``2026-11-22T03:00:00.123Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
