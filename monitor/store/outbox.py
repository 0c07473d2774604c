"""The outbox: deliveries that survive a crash, leased to one sender at a time.

A delivery is ``waiting`` until it is due, ``sending`` while leased, and ends ``accepted``, ``dead``, ``superseded`` by newer
news of its subject, or ``expired`` (see ``backlog``). ``due`` of a leased one is the end of its lease: a sender that died in
between leaves it to be claimed again, with the same message id and code, so that a person sees a repeat as one.

A wall clock that steps back would leave deliveries waiting for a far future. A row that was touched in the future shows such a
step, and is due at once: rather twice than never.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.crashpoint import crashpoint
from monitor.errors import StoreFault
from monitor.ports import Delivery
from monitor.store.alert_rows import SUBJECT
from monitor.store.backlog import delivery_of, expire, missed_before
from monitor.store.codec import from_ms, storable, to_ms

_SLEW_MS = 5_000
"""Clock corrections up to this are not taken for a step back."""

_CLAIM = """UPDATE deliveries SET state = 'sending', attempt = attempt + 1, due = ?, touched = ?
    WHERE id IN (
        SELECT deliveries.id FROM deliveries JOIN messages ON messages.id = message
        WHERE deliveries.channel = ? AND state IN ('waiting', 'sending') AND (due <= ? OR touched > ?)
        AND (NOT ? OR (level >= 3 AND why IN ('first', 'worsened', 'escalated', 'event')))
        ORDER BY level DESC, at, deliveries.id LIMIT ?
    )
    RETURNING id, message, attempt"""
_ACCEPT = """UPDATE deliveries SET state = 'accepted', touched = ?, detail = ?
    WHERE id = ? AND state IN ('waiting', 'sending')"""
_BURY = "UPDATE deliveries SET state = 'dead', touched = ?, detail = ? WHERE id = ? AND state = 'sending' AND attempt = ?"
_RETRY = """UPDATE deliveries SET state = 'waiting', due = ?, touched = ?, detail = ?
    WHERE id = ? AND state = 'sending' AND attempt = ?"""
_NEWER = f"""SELECT next.message FROM deliveries AS mine JOIN messages AS old ON old.id = mine.message
    JOIN messages AS new ON {" AND ".join(f"new.{name} = old.{name}" for name in SUBJECT)}
    JOIN deliveries AS next ON next.message = new.id AND next.channel = mine.channel AND next.id > mine.id
    WHERE mine.id = ? AND mine.state = 'waiting' AND old.kind <> 'daemon' AND next.state IN ('waiting', 'sending', 'accepted')
    AND (new.code = old.code OR (new.why <> 'resolved' AND new.level >= old.level)) ORDER BY next.id DESC LIMIT 1"""  # noqa: S608 - our own names
_OVERTAKE = "UPDATE deliveries SET state = 'superseded', detail = ? WHERE id = ?"
_FREE = "UPDATE deliveries SET due = touched WHERE state = 'sending'"
_NEXT_DUE = "SELECT min(due) FROM deliveries WHERE channel = ? AND state IN ('waiting', 'sending')"


def free_leases(connection: sqlite3.Connection) -> None:
    """Every lease is due at once: whoever held one is gone, since only one process writes to a store at a time."""
    connection.execute(_FREE)


def claim(
    connection: sqlite3.Connection, channel: str, now: datetime, lease: timedelta, limit: int, *, urgent: bool
) -> Sequence[Delivery]:
    """Lease the due deliveries of ``channel`` until ``now + lease``: worst level first, then oldest."""
    at = to_ms(now)
    expire(connection, channel, now)
    rows = connection.execute(_CLAIM, (to_ms(now + lease), at, channel, at, at + _SLEW_MS, urgent, limit)).fetchall()
    claimed = []
    for number, name, attempt in rows:
        delivery = delivery_of(connection, number, channel, name, attempt)
        missed, since = missed_before(connection, delivery)
        claimed.append(replace(delivery, missed=missed, missed_since=since))
    # RETURNING promises no order.
    return sorted(claimed, key=lambda delivery: (-delivery.message.level, delivery.message.at, delivery.id))


def settle(
    connection: sqlite3.Connection, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None, detail: str
) -> None:
    """Record how a claim ended. A claim that has been overtaken by a newer one only counts where the service accepted.

    What is to be tried again although newer news of its subject came meanwhile is superseded by it.
    """
    at, detail = to_ms(now), storable(detail)
    if outcome == "accepted":
        connection.execute(_ACCEPT, (at, detail, delivery.id))
        crashpoint("delivery.settling")
    elif outcome == "dead":
        connection.execute(_BURY, (at, detail, delivery.id, delivery.attempt))
    elif outcome == "retry":
        tried = connection.execute(_RETRY, (to_ms(retry_at or now), at, detail, delivery.id, delivery.attempt))
        newer = connection.execute(_NEWER, (delivery.id,)).fetchone() if tried.rowcount else None
        if newer is not None:
            connection.execute(_OVERTAKE, (newer[0], delivery.id))
    else:
        raise StoreFault(f"a delivery cannot end as {outcome!r}")


def next_due(connection: sqlite3.Connection, channel: str) -> datetime | None:
    """When the first unsettled delivery of ``channel`` is due; for a leased one, when its lease ends."""
    (due,) = connection.execute(_NEXT_DUE, (channel,)).fetchone()
    return None if due is None else from_ms(due)
