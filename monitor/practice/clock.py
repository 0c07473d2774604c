"""The practice exchange's clock."""

from __future__ import annotations

import time


def wall_clock_ms() -> int:
    """Milliseconds since 1970, the clock that the exchanges put into their replies."""
    return time.time_ns() // 1_000_000
