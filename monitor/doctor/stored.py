"""The store: whether it is whole, of the right schema, and copied every day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from monitor.alerts.rounding import span
from monitor.doctor.machine import in_words
from monitor.errors import StoreFault, StoreMissing
from monitor.ports import CheckLine, StoreHealth

COPY_AGE = timedelta(days=2)
"""A copy is made once a day; one day may be missed."""
RESET_FIXED = (3, 51, 3)
_BACKPORTS: Mapping[tuple[int, ...], int] = {(3, 44): 6, (3, 50): 7}


def store_lines(examine: Callable[[], StoreHealth], now: datetime) -> tuple[list[CheckLine], int]:
    """The lines on a store, and its size in bytes; ``examine`` raises StoreFault."""
    try:
        health = examine()
    except StoreMissing:
        return [CheckLine(status="ok", topic="store", text="none yet: `margincall run` makes it")], 0
    except StoreFault as error:
        advice = error.advice or "Restart margincall: it moves a damaged store aside and guards on; copies lie beside the store."
        return [CheckLine(status="fail", topic="store", text=error.message, advice=advice)], 0
    return [*_lines(health, now)], health.size


def _lines(health: StoreHealth, now: datetime) -> Iterator[CheckLine]:
    schema = f"schema {health.schema}"
    if health.schema < health.newest:
        advice = "Restart `margincall run`: it upgrades."
        yield CheckLine(status="warn", topic="schema", text=f"{schema}, older than {health.newest}", advice=advice)
    else:
        yield CheckLine(status="ok", topic="schema", text=schema)
    yield _whole_line(health)
    yield _copy_line(health, now)
    yield _sqlite_line(health.sqlite)


def _whole_line(health: StoreHealth) -> CheckLine:
    size = in_words(health.size)
    match health.whole:
        case True:
            return CheckLine(status="ok", topic="integrity", text=f"{size}, no damage found")
        case False:
            advice = "Restart margincall: it moves the store aside and guards on; copies lie beside the store."
            return CheckLine(status="fail", topic="integrity", text="the store is damaged", advice=advice)
        case None:
            text = f"{size}, no damage found in the part that could be looked at in time"
            return CheckLine(status="ok", topic="integrity", text=text)


def _copy_line(health: StoreHealth, now: datetime) -> CheckLine:
    since = health.copied_at or health.made_at
    late = since is not None and now - since > COPY_AGE
    advice = "The daemon makes one a day. Does it run, and is there room on the disk?" if late else ""
    if health.copied_at is None:
        return CheckLine(status="warn" if late else "ok", topic="backup", text="no copy of the store yet", advice=advice)
    text = f"the newest copy is {span(max(now - health.copied_at, timedelta(0)))} old"
    return CheckLine(status="warn" if late else "ok", topic="backup", text=text, advice=advice)


def _sqlite_line(version: tuple[int, ...]) -> CheckLine:
    """Source: sqlite.org/wal.html, "The WAL-Reset Bug" (read 2026-11-23): two connections that write or checkpoint at once can
    damage the file, in 3.7.0 up to 3.51.2 but for 3.44.6 and 3.50.7. A note: margincall writes by one connection alone.
    """
    text = ".".join(str(part) for part in version)
    patch = _BACKPORTS.get(version[:2])
    if version < RESET_FIXED and (patch is None or version[2] < patch):
        text += " has the WAL-reset bug (fixed in 3.51.3): let no other program write to the store while margincall runs"
    return CheckLine(status="ok", topic="sqlite", text=text)
