"""The backlog of a channel: what grows too old to be of use, what comes due when it works again, what goes another way."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.alerts.model import Message
from monitor.crashpoint import crashpoint
from monitor.ports import Delivery
from monitor.store.alert_rows import MESSAGE, SUBJECT, message_of, message_row, subject_row
from monitor.store.codec import time_or_none, to_ms
from monitor.store.writing import KEEP_DELIVERY, KEEP_MESSAGE

OF_USE = timedelta(hours=1)
"""Older news is not sent any more, but for what is still true."""

_ON_SUBJECT = " AND ".join(f"{{0}}.{name} = messages.{name}" for name in SUBJECT)
_STILL_FIRES = f"""level >= 3 AND why <> 'resolved' AND EXISTS (
        SELECT 1 FROM alerts WHERE ended IS NULL AND alerts.state <> 'held' AND {_ON_SUBJECT.format("alerts")}
    )"""  # noqa: S608 - our own names
_IS_GONE = """why = 'resolved' AND kind = 'position' AND NOT EXISTS (
        SELECT 1 FROM lives JOIN positions ON positions.life = lives.id WHERE lives.exchange = messages.exchange
        AND lives.account = messages.account AND lives.symbol = messages.symbol AND lives.side = messages.side
    )"""
_EXPIRE = f"""UPDATE deliveries SET state = 'expired', touched = ?, detail = ''
    WHERE channel = ? AND state IN ('waiting', 'sending') AND due <= ? AND since < ? AND NOT EXISTS (
        SELECT 1 FROM messages WHERE messages.id = message AND (({_STILL_FIRES}) OR ({_IS_GONE}))
    )"""  # noqa: S608 - our own names

_MESSAGE = f"SELECT {', '.join(MESSAGE)} FROM messages WHERE id = ?"  # noqa: S608 - our own names
_HERE = " AND ".join(f"messages.{name} = ?" for name in SUBJECT)
_MISSED = f"""SELECT count(*), min(messages.at) FROM messages JOIN deliveries ON deliveries.message = messages.id
    WHERE {_HERE} AND kind <> 'daemon' AND deliveries.channel = ? AND deliveries.id < ? AND deliveries.id > ?
    AND deliveries.state IN ('superseded', 'expired', 'dead')
    AND NOT EXISTS (SELECT 1 FROM messages AS told WHERE told.id = deliveries.detail AND told.why = 'summary')"""  # noqa: S608 - our own names
_LAST_ACCEPTED = f"""SELECT coalesce(max(deliveries.id), 0) FROM messages JOIN deliveries ON deliveries.message = messages.id
    WHERE {_HERE} AND deliveries.channel = ? AND deliveries.state = 'accepted'"""  # noqa: S608 - our own names

_RELEASE = """UPDATE deliveries SET due = ?, touched = ? WHERE channel = ? AND state = 'waiting' AND since <= ?
    RETURNING id, message, attempt"""
_FOLD = "UPDATE deliveries SET state = 'superseded', touched = ?, detail = ? WHERE id = ? AND state = 'waiting'"
_DIVERT = """INSERT INTO deliveries (message, channel, state, attempt, due, since, touched, detail)
    SELECT message, ?, 'waiting', 0, ?, ?, ?, '' FROM deliveries JOIN messages ON messages.id = message
    WHERE deliveries.channel = ? AND deliveries.state IN ('waiting', 'sending') AND level >= 3 AND since <= ?
    ON CONFLICT (message, channel) DO NOTHING"""
_INHERIT = """INSERT INTO deliveries (message, channel, state, attempt, due, since, touched, detail)
    SELECT message, :heir, 'waiting', 0, CASE WHEN since > :at THEN since ELSE :at END,
    CASE WHEN since > :at THEN since ELSE :at END, :at, '' FROM deliveries
    WHERE channel = :channel AND state IN ('waiting', 'sending') ORDER BY id
    ON CONFLICT (message, channel) DO NOTHING"""
_LEAVE = """UPDATE deliveries SET state = 'dead', touched = ?, detail = 'the channel was removed'
    WHERE channel = ? AND state IN ('waiting', 'sending') RETURNING id, message, attempt"""
_ACCEPTED = "SELECT count(*) FROM deliveries WHERE channel = ? AND state = 'accepted' AND touched > ?"


def delivery_of(connection: sqlite3.Connection, number: int, channel: str, message: str, attempt: int) -> Delivery:
    """The delivery with its message."""
    row = connection.execute(_MESSAGE, (message,)).fetchone()
    return Delivery(id=number, channel=channel, message=message_of(row), attempt=attempt)


def expire(connection: sqlite3.Connection, channel: str, now: datetime) -> None:
    """What is due and too old to be of use is not sent any more. What is still true does not grow old."""
    at = to_ms(now)
    connection.execute(_EXPIRE, (at, channel, at, to_ms(now - OF_USE)))


def missed_before(connection: sqlite3.Connection, delivery: Delivery) -> tuple[int, datetime | None]:
    """How many alerts on its subject never reached its channel since the last that did, and the time of the oldest."""
    here = subject_row(delivery.message.subject)
    (last,) = connection.execute(_LAST_ACCEPTED, (*here, delivery.channel)).fetchone()
    count, first = connection.execute(_MISSED, (*here, delivery.channel, delivery.id, last)).fetchone()
    return count, time_or_none(first)


def release(connection: sqlite3.Connection, channel: str, now: datetime) -> Sequence[Delivery]:
    """What waits for another try is due now."""
    at = to_ms(now)
    expire(connection, channel, now)
    rows = connection.execute(_RELEASE, (at, at, channel, at)).fetchall()
    crashpoint("backlog.releasing")
    return sorted((delivery_of(connection, number, channel, *rest) for number, *rest in rows), key=lambda one: one.id)


def fold(connection: sqlite3.Connection, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
    """The summary in place of the deliveries, all of one channel."""
    at = to_ms(now)
    connection.executemany(_FOLD, [(at, summary.id, one.id) for one in deliveries])
    connection.execute(KEEP_MESSAGE, message_row(summary))
    crashpoint("backlog.folding")
    connection.executemany(KEEP_DELIVERY, [(summary.id, name, at, at, at) for name in {one.channel for one in deliveries}])


def divert(connection: sqlite3.Connection, channel: str, fallback: str, now: datetime) -> int:
    """The urgent ones that wait go another way too; one that went there already does not go again."""
    at = to_ms(now)
    diverted = connection.execute(_DIVERT, (fallback, at, at, at, channel, at)).rowcount
    if diverted:
        crashpoint("message.diverting")
    return diverted


def retire(connection: sqlite3.Connection, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
    """The channel is no more: whatever waits for it goes to its heir, at the time that it had; what that was, oldest first."""
    at = to_ms(now)
    expire(connection, channel, now)
    if heir is not None:
        connection.execute(_INHERIT, {"heir": heir, "at": at, "channel": channel})
    rows = sorted(connection.execute(_LEAVE, (at, channel)).fetchall())
    return [delivery_of(connection, number, channel, *rest).message for number, *rest in rows]


def accepted(connection: sqlite3.Connection, channel: str, since: datetime) -> int:
    """How many messages the channel accepted after ``since``."""
    (count,) = connection.execute(_ACCEPTED, (channel, to_ms(since))).fetchone()
    return int(count)
