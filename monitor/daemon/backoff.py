"""Backoff: when a message that a channel did not take is tried again. Never given up; the service's own wait comes first."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from monitor.rules.base import Level

FIRST_MINUTE = (1, 2, 5, 10, 20, 30)
"""Seconds after the first failed attempts, for every level."""
URGENT = 30
"""Seconds between later attempts, critical and worse."""
PATIENT = (60, 120, 240)
"""Seconds after the next attempts, warning and below; then ``PATIENT_END``."""
PATIENT_END = 300
JITTER = 0.2
"""Share by which a wait varies, so that channels that failed together do not come back together."""
LONGEST_WISH = 3600.0
"""Seconds: a service that asks for more is tried after an hour all the same."""


def retry_at(attempt: int, level: Level, now: datetime, retry_after: float | None, random: Random) -> datetime:
    """When to try again after the failed attempt number ``attempt`` (from 1).

    1, 2, 5, 10, 20, 30 seconds, then every 30 for critical and emergency, 60 growing to 300 for the others; 20 % more or
    less. ``retry_after``: seconds that the service asked for; never tried before them (an hour at most).
    """
    index = max(attempt, 1) - 1
    steps = FIRST_MINUTE if level >= Level.CRITICAL else FIRST_MINUTE + PATIENT
    wait = steps[index] if index < len(steps) else (URGENT if level >= Level.CRITICAL else PATIENT_END)
    seconds = wait * random.uniform(1 - JITTER, 1 + JITTER)
    if retry_after is not None:
        seconds = max(seconds, min(retry_after, LONGEST_WISH))
    return now + timedelta(seconds=seconds)
