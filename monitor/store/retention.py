"""Retention: every reading of the last week, the worst of each minute for a quarter, the worst of each hour after that.

Thinned in slices, each a transaction of its own, so that a year's arrears never hold up a commit. How far it has come is kept in
``meta``: each reading is looked at twice in its life. What an open position's memory or an open question rests on always stays.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.store.codec import to_ms

_SLICE = timedelta(hours=1)

_THIN = """DELETE FROM readings WHERE at >= ?1 AND at < ?2 AND (at, life) IN (
    SELECT at, life FROM (
        SELECT at, life, row_number() OVER (
            PARTITION BY life, at / ?3 ORDER BY coalesce(level, 0) DESC, CAST(coalesce(margin_usage, '1e9') AS REAL) DESC, at DESC
        ) AS place FROM readings WHERE at >= ?1 AND at < ?2
    ) AS ranked WHERE place > 1
) AND NOT EXISTS (SELECT 1 FROM positions WHERE positions.life = readings.life AND positions.last_seen = readings.at)
AND NOT EXISTS (SELECT 1 FROM cases WHERE cases.life = readings.life AND cases.read_at = readings.at)"""
_DONE = "SELECT value FROM meta WHERE name = ?"
_NOTE = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_FIRST = "SELECT min(at) FROM readings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """Readings older than ``after`` are kept one for each ``each`` and position."""

    name: str
    after: timedelta
    each: timedelta


GRADES = (
    Grade(name="thinned_to_minutes", after=timedelta(days=7), each=timedelta(minutes=1)),
    Grade(name="thinned_to_hours", after=timedelta(days=90), each=timedelta(hours=1)),
)


def thin(connection: sqlite3.Connection, now: datetime) -> bool:
    """Thin one slice of what is due, inside the caller's transaction; whether more may be due."""
    more = [_thin(connection, grade, now) for grade in GRADES]
    return any(more)


def _thin(connection: sqlite3.Connection, grade: Grade, now: datetime) -> bool:
    """One slice of one grade. Whole hours, so that no minute and no hour is ever cut in two."""
    width = to_ms(now + _SLICE) - to_ms(now)
    end = to_ms(now - grade.after) // width * width
    row = connection.execute(_DONE, (grade.name,)).fetchone()
    start = int(row[0]) if row is not None else _first(connection, width)
    if start is None or start >= end:
        return False
    found = connection.execute("SELECT min(at) FROM readings WHERE at >= ?", (start,)).fetchone()[0]
    start = end if found is None else min(end, max(start, found // width * width))
    if start < end:
        connection.execute(_THIN, (start, start + width, to_ms(now + grade.each) - to_ms(now)))
        start += width
    connection.execute(_NOTE, (grade.name, str(start)))
    return start < end


def _first(connection: sqlite3.Connection, width: int) -> int | None:
    found = connection.execute(_FIRST).fetchone()[0]
    return None if found is None else found // width * width
