"""The chronicle, written and read back: what happened in lives, and the questions about it that are open.

What writes runs inside the caller's transaction, after the positions of the same commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from monitor.lives.case import Case
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.state import LifeChanges, LifeMemory
from monitor.margin.position import PositionKey
from monitor.margin.quantities import dec, dec_or_none
from monitor.store.codec import from_ms, time_or_none, to_ms
from monitor.store.intent_rows import CHANGE, KEEP_CHANGE, change_of, change_row
from monitor.store.life_rows import CASE, EVENT, KEEP_CASE, KEEP_EVENT, case_row, event_of, event_row
from monitor.store.position_rows import HOLDING, MOVING, assessment_of, key_of
from monitor.store.terms import KnownTerms
from monitor.topups.changes import MarginChange

_LIFE = "SELECT id FROM lives WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ?"
_DROP_CASE = f"DELETE FROM cases WHERE life = ({_LIFE})"  # noqa: S608 - our own names
_TOLD = "UPDATE events SET waiting = 0 WHERE id = ?"
_DROP_EVENT = "DELETE FROM events WHERE id = ?"
_DROP_CHANGE = """DELETE FROM margin_changes WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ?
    AND at = ? AND since = ? AND record = ''"""
_WAITING = f"SELECT {', '.join(EVENT)} FROM events WHERE waiting = 1 ORDER BY at, id"  # noqa: S608 - our own names
_EVENTS = f"""SELECT {", ".join(EVENT)} FROM events WHERE (? = '' OR symbol = ?) AND at >= ?
    ORDER BY at DESC, id DESC LIMIT ?"""  # noqa: S608 - our own names
_CASES = f"""SELECT exchange, account, symbol, side, family, epoch, first_seen, {", ".join(f"cases.{name}" for name in CASE)},
    {", ".join(f"holdings.{name}" for name in HOLDING)}, {", ".join(f"readings.{name}" for name in MOVING)}
    FROM cases JOIN lives ON lives.id = cases.life JOIN readings ON readings.life = cases.life AND readings.at = cases.read_at
    JOIN holdings ON holdings.id = readings.holding ORDER BY cases.life"""  # noqa: S608 - our own names
_ASKED = f"""SELECT {", ".join(CHANGE)} FROM margin_changes
    WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ? AND since >= ? AND at <= ? AND record = ''
    ORDER BY at"""  # noqa: S608 - our own names


def keep_lives(connection: sqlite3.Connection, changes: LifeChanges) -> None:
    """Everything of ``changes``."""
    many = connection.executemany
    many(_DROP_EVENT, [(name,) for name in changes.superseded])
    many(KEEP_EVENT, [event_row(event) for event in changes.events])
    many(_TOLD, [(name,) for name in changes.told])
    many(_DROP_CASE, [_who(key, epoch) for key, epoch in changes.closed])
    for case in changes.cases:
        found = connection.execute(_LIFE, _who(case.key, case.epoch)).fetchone()
        if found is not None:
            connection.execute(KEEP_CASE, case_row(case, found[0]))
    for seen, rows in changes.confirmed:
        connection.execute(_DROP_CHANGE, (*_who(seen.key, seen.epoch), to_ms(seen.at), to_ms(seen.since)))
        many(KEEP_CHANGE, [change_row(row) for row in rows])


def lives_memory(connection: sqlite3.Connection) -> LifeMemory:
    """Open questions, and what waits to be told; raises ValueError or TypeError for rows that cannot be."""
    cases = {case.id: case for case in _cases(connection)}
    return LifeMemory(cases=cases, waiting=tuple(map(event_of, connection.execute(_WAITING))))


def events(
    connection: sqlite3.Connection, *, symbol: str = "", since: datetime | None = None, limit: int | None = None
) -> Sequence[LifeEvent]:
    """The newest ``limit`` events of ``symbol`` (``""``: of all) not older than ``since``, oldest first."""
    bounds = (symbol, symbol, 0 if since is None else to_ms(since), -1 if limit is None else limit)
    return [event_of(row) for row in connection.execute(_EVENTS, bounds)][::-1]


def _cases(connection: sqlite3.Connection) -> list[Case]:
    terms = KnownTerms(connection)
    found = []
    for row in connection.execute(_CASES).fetchall():
        key, kept = key_of(row), row[7 : 7 + len(CASE)]
        since, until = from_ms(kept[1]), from_ms(kept[2])
        found.append(
            Case(
                key=key,
                family=row[4],
                epoch=row[5],
                first_seen=from_ms(row[6]),
                since=since,
                until=until,
                contracts=dec(kept[3]),
                ended=bool(kept[4]),
                due=from_ms(kept[5]),
                free=dec_or_none(kept[6]),
                others=dec(kept[7]),
                away=bool(kept[8]),
                told=bool(kept[9]),
                tries=kept[10],
                free_at=time_or_none(kept[11]),
                read_at=from_ms(kept[12]),
                birth=EventKind(kept[13]) if kept[13] else None,
                begun=time_or_none(kept[14]),
                prior=dec(kept[15]),
                changes=_asked(connection, key, row[5], kept[1], kept[2]),
                assessment=assessment_of(key, row[4], row[7 + len(CASE) :], terms),
            )
        )
    return found


def _asked(connection: sqlite3.Connection, key: PositionKey, epoch: int, since: int, until: int) -> tuple[MarginChange, ...]:
    rows = connection.execute(_ASKED, (*_who(key, epoch), since, until))
    return tuple(map(change_of, rows))


def _who(key: PositionKey, epoch: int) -> tuple[str, str, str, str, int]:
    return key.exchange, key.account, key.symbol, key.side.value, epoch
