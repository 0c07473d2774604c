"""The outbox: deliveries that survive a crash, leased to one sender at a time.

A delivery is ``waiting`` until it is due, ``sending`` while leased, and ends ``accepted`` or ``dead``. ``due`` of a leased one is
the end of its lease: a sender that died in between leaves it to be claimed again, with the same message id and code, so that
a person sees a repeat as one.

A wall clock that steps back would leave deliveries waiting for a far future. A row that was touched in the future shows such a
step, and is due at once: rather twice than never.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.errors import StoreFault
from monitor.ports import Delivery
from monitor.store.alert_rows import MESSAGE, message_of
from monitor.store.codec import from_ms, storable, to_ms

_SLEW_MS = 5_000
"""Clock corrections up to this are not taken for a step back."""

_CLAIM = """UPDATE deliveries SET state = 'sending', attempt = attempt + 1, due = ?, touched = ?
    WHERE id IN (
        SELECT deliveries.id FROM deliveries JOIN messages ON messages.id = message
        WHERE channel = ? AND state IN ('waiting', 'sending') AND (due <= ? OR touched > ?)
        ORDER BY level DESC, at, deliveries.id LIMIT ?
    )
    RETURNING id, message, attempt"""
_MESSAGE = f"SELECT {', '.join(MESSAGE)} FROM messages WHERE id = ?"  # noqa: S608 - our own names
_ACCEPT = """UPDATE deliveries SET state = 'accepted', touched = ?, detail = ?
    WHERE id = ? AND state IN ('waiting', 'sending')"""
_BURY = "UPDATE deliveries SET state = 'dead', touched = ?, detail = ? WHERE id = ? AND state = 'sending' AND attempt = ?"
_RETRY = """UPDATE deliveries SET state = 'waiting', due = ?, touched = ?, detail = ?
    WHERE id = ? AND state = 'sending' AND attempt = ?"""
_FREE = "UPDATE deliveries SET due = touched WHERE state = 'sending'"
_NEXT_DUE = "SELECT min(due) FROM deliveries WHERE channel = ? AND state IN ('waiting', 'sending')"


def free_leases(connection: sqlite3.Connection) -> None:
    """Every lease is due at once: whoever held one is gone, since only one process writes to a store at a time."""
    connection.execute(_FREE)


def claim(connection: sqlite3.Connection, channel: str, now: datetime, lease: timedelta, limit: int) -> Sequence[Delivery]:
    """Lease the due deliveries of ``channel`` until ``now + lease``: worst level first, then oldest."""
    at = to_ms(now)
    rows = connection.execute(_CLAIM, (to_ms(now + lease), at, channel, at, at + _SLEW_MS, limit)).fetchall()
    claimed = [
        Delivery(
            id=number, channel=channel, message=message_of(connection.execute(_MESSAGE, (message,)).fetchone()), attempt=attempt
        )
        for number, message, attempt in rows
    ]
    # RETURNING promises no order.
    return sorted(claimed, key=lambda delivery: (-delivery.message.level, delivery.message.at, delivery.id))


def settle(
    connection: sqlite3.Connection, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None, detail: str
) -> None:
    """Record how a claim ended. A claim that has been overtaken by a newer one only counts where the service accepted."""
    at, detail = to_ms(now), storable(detail)
    if outcome == "accepted":
        connection.execute(_ACCEPT, (at, detail, delivery.id))
    elif outcome == "dead":
        connection.execute(_BURY, (at, detail, delivery.id, delivery.attempt))
    elif outcome == "retry":
        connection.execute(_RETRY, (to_ms(retry_at or now), at, detail, delivery.id, delivery.attempt))
    else:
        raise StoreFault(f"a delivery cannot end as {outcome!r}")


def next_due(connection: sqlite3.Connection, channel: str) -> datetime | None:
    """When the first unsettled delivery of ``channel`` is due; for a leased one, when its lease ends."""
    (due,) = connection.execute(_NEXT_DUE, (channel,)).fetchone()
    return None if due is None else from_ms(due)
