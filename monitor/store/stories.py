"""Stories: what a post-mortem needs of the store: every ending and alert, and all that is kept of one stretch of one life."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.alerts.model import position_subject
from monitor.lives.event import ENDINGS, EventKind, LifeEvent
from monitor.margin.position import PositionKey, Side
from monitor.margin.quantities import dec, dec_or_none
from monitor.postmortem.finding import without_explained
from monitor.postmortem.record import Incident, Life, Moment, PastAlert, Point, Record, Sending
from monitor.rules.base import Level
from monitor.store.alert_rows import ALERT, MESSAGE, RULING, alert_of, message_of, ruling_of
from monitor.store.codec import Row, from_ms, time_or_none, to_ms
from monitor.store.intent_rows import INTENT, intent_of
from monitor.store.life_rows import EVENT, event_of
from monitor.store.position_rows import HOLDING, MOVING, assessment_of, key_of
from monitor.store.terms import KnownTerms

BEFORE = timedelta(minutes=1)
"""Readings are shown from so long before the first alert."""
AFTER = timedelta(minutes=10)
"""What was told so long after the last of it belongs to it."""
DAY_AFTER = timedelta(days=1)
LONGEST = timedelta(days=1)
"""Of longer troubles the readings of the last day are shown."""

_ENDINGS = ", ".join(f"'{kind.value}'" for kind in sorted({*ENDINGS, EventKind.PARTLY_LIQUIDATED}))
_LIFE_IS = "exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ?"
_IS = "exchange = ? AND account = ? AND symbol = ? AND side = ?"
_LIVES = "SELECT exchange, account, symbol, side, epoch, first_seen, closed FROM lives ORDER BY id"
_ENDED = f"SELECT {', '.join(EVENT)} FROM events WHERE kind IN ({_ENDINGS}) ORDER BY at, id"  # noqa: S608 - our own names
_ALERTS = f"SELECT {', '.join(ALERT)}, ended FROM alerts WHERE kind = 'position' ORDER BY since, id"  # noqa: S608 - our own names
_EVENTS = f"SELECT {', '.join(EVENT)} FROM events WHERE {_LIFE_IS} AND at >= ? AND at <= ? ORDER BY at, id"  # noqa: S608 - our own names
_POINTS = f"""SELECT at, mark_price, equity, margin_usage, cushion, liquidation_price, level FROM readings
    WHERE at >= ? AND at <= ? AND life = (SELECT id FROM lives WHERE {_LIFE_IS}) ORDER BY at"""  # noqa: S608 - our own names
_RULINGS = f"SELECT {', '.join(RULING)} FROM rulings WHERE {_IS} AND at >= ? AND at <= ? ORDER BY at, id"  # noqa: S608 - our own names
_SENT = f"""SELECT {", ".join(f"messages.{name}" for name in MESSAGE)}, deliveries.channel, deliveries.state, touched, detail
    FROM deliveries JOIN messages ON messages.id = deliveries.message
    WHERE messages.at >= ? AND messages.at <= ? AND why NOT IN ('drill', 'digest') AND (
        (exchange = ? AND account = ? AND symbol = ? AND side = ?)
        OR (messages.at <= ? AND (messages.kind IN ('channel', 'daemon')
            OR (messages.kind IN ('family', 'account') AND exchange = ? AND account = ?))))
    ORDER BY messages.at, deliveries.id"""  # noqa: S608 - our own names
_INTENTS = f"""SELECT {", ".join(INTENT)} FROM intents WHERE {_LIFE_IS} AND planned_at >= ? AND planned_at <= ?
    ORDER BY planned_at, id"""  # noqa: S608 - our own names
_MARKS = """SELECT at, mark_price FROM readings JOIN lives ON lives.id = readings.life
    WHERE exchange = ? AND symbol = ? AND at > ? AND at <= ?"""
_INPUTS = ", ".join((*(f"holdings.{name}" for name in HOLDING), *MOVING))
_MOMENT = f"""SELECT family, {_INPUTS} FROM readings JOIN lives ON lives.id = readings.life JOIN holdings ON holdings.id = holding
    WHERE at = ? AND {_LIFE_IS}"""  # noqa: S608 - our own names


def lives(connection: sqlite3.Connection) -> list[Life]:
    """Every life of every position."""
    return [
        Life(key=key_of(row), epoch=row[4], first_seen=from_ms(row[5]), closed=time_or_none(row[6]))
        for row in connection.execute(_LIVES)
    ]


def endings(connection: sqlite3.Connection) -> list[LifeEvent]:
    """Every ending and every forced event, oldest first."""
    return [event_of(row) for row in connection.execute(_ENDED)]


def past_alerts(connection: sqlite3.Connection) -> list[PastAlert]:
    """Every alert there ever was on a position."""
    return [PastAlert(alert=alert_of(row), ended=time_or_none(row[-1])) for row in connection.execute(_ALERTS)]


def record(connection: sqlite3.Connection, incident: Incident) -> Record:
    """All that is kept of ``incident``."""
    life, since, until = incident.life, incident.since, incident.until
    who = _who(life.key)
    stretch = (to_ms(since - BEFORE), to_ms(until + AFTER))
    subject = position_subject(life.key)
    return Record(
        incident=incident,
        points=tuple(
            _point(row)
            for row in connection.execute(_POINTS, (max(stretch[0], to_ms(until - LONGEST)), to_ms(until), *who, life.epoch))
        ),
        events=without_explained([event_of(row) for row in connection.execute(_EVENTS, (*who, life.epoch, *stretch))]),
        alerts=tuple(
            one for one in past_alerts(connection) if one.alert.subject == subject and since <= one.alert.since <= until
        ),
        rulings=tuple(ruling_of(row) for row in connection.execute(_RULINGS, (*who, *stretch))),
        sendings=tuple(_sending(row) for row in connection.execute(_SENT, (*stretch, *who, to_ms(until), *who[:2]))),
        intents=tuple(intent_of(row) for row in connection.execute(_INTENTS, (*who, life.epoch, *stretch))),
        afterwards=_afterwards(connection, incident) if incident.kind.took else None,
    )


def moments(connection: sqlite3.Connection, life: Life, times: Sequence[datetime]) -> list[Moment]:
    """The position as it was read at each of ``times``; what is no longer kept is left out."""
    terms = KnownTerms(connection)
    found = []
    for at in times:
        row = connection.execute(_MOMENT, (to_ms(at), *_who(life.key), life.epoch)).fetchone()
        if row is not None:
            found.append(Moment(at=at, assessment=assessment_of(life.key, row[0], row[1:], terms)))
    return found


def _afterwards(connection: sqlite3.Connection, incident: Incident) -> tuple[datetime, Decimal] | None:
    key = incident.life.key
    bounds = (key.exchange, key.symbol, to_ms(incident.until), to_ms(incident.until + DAY_AFTER))
    marks = [(from_ms(at), dec(mark)) for at, mark in connection.execute(_MARKS, bounds)]
    if not marks:
        return None
    return (min if key.side is Side.LONG else max)(marks, key=lambda one: one[1])


def _point(row: Row) -> Point:
    return Point(
        at=from_ms(row[0]),
        mark_price=dec(row[1]),
        equity=dec(row[2]),
        margin_usage=dec_or_none(row[3]),
        cushion=dec_or_none(row[4]),
        liquidation_price=dec_or_none(row[5]),
        level=None if row[6] is None else Level(row[6]),
    )


def _sending(row: Row) -> Sending:
    channel, state, touched, detail = row[len(MESSAGE) :]
    return Sending(message=message_of(row[: len(MESSAGE)]), channel=channel, state=state, settled=from_ms(touched), detail=detail)


def _who(key: PositionKey) -> tuple[str, str, str, str]:
    return key.exchange, key.account, key.symbol, key.side.value
