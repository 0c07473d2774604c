"""The machine: its clock, its time zone, and the room on its disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from monitor.ports import CheckLine

MADE = datetime(2026, 11, 1, tzinfo=UTC)
"""Before this program was made, no clock that it runs by can be right."""
LIFETIME = timedelta(days=20 * 365)
UTC_NAMES = frozenset({"UTC", "Etc/UTC"})
NEARLY_FULL = 50 << 20
SHORT = 500 << 20
COPIES = 4
"""The daily copies and the one being made are each as large as the store."""


def clock_lines(now: datetime, zone: tzinfo, *, by_default: bool, matters: str) -> Iterator[CheckLine]:
    """The wall clock, and the zone of the times that are told. ``by_default``: the configuration does not name it; ``matters``:
    what in the configuration counts in it, "" where nothing does.
    """
    if MADE <= now <= MADE + LIFETIME:
        yield CheckLine(status="ok", topic="wall clock", text=f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    else:
        text = f"says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, which cannot be"
        yield CheckLine(status="fail", topic="wall clock", text=text, advice="Set the machine's clock (NTP).")
    text = f"{zone}, where it is {now.astimezone(zone):%H:%M}"
    if by_default and matters and str(zone) in UTC_NAMES:
        advice = "If you live by another clock, set `timezone:`."
        yield CheckLine(status="warn", topic="time zone", text=f"{text}: {matters} counts in it", advice=advice)
    else:
        yield CheckLine(status="ok", topic="time zone", text=text)


def disk_line(store: Path, size: int) -> CheckLine:
    """The room that is left where the store lies; ``size``: its own, in bytes."""
    folder = store.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return CheckLine(status="warn", topic="disk", text=f"not known ({os.strerror(error.errno or 0)})")
    text = f"{in_words(free)} free where the store lies"
    advice = "Make room: alerts go on without a store, but nothing is remembered over a restart."
    if free < NEARLY_FULL:
        return CheckLine(status="fail", topic="disk", text=text, advice=advice)
    if free < max(SHORT, COPIES * size):
        return CheckLine(status="warn", topic="disk", text=text, advice=advice)
    return CheckLine(status="ok", topic="disk", text=text)


def in_words(size: int) -> str:
    """Bytes for people, rounded down."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} bytes"
