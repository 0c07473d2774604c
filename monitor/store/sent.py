"""The outbox as rows to look at: every message with what became of it at each channel."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.alerts.model import Message
from monitor.store.alert_rows import MESSAGE, message_of

_DELIVERIES = f"""SELECT {", ".join(f"messages.{name}" for name in MESSAGE)}, deliveries.channel, deliveries.state, attempt
    FROM deliveries JOIN messages ON messages.id = deliveries.message ORDER BY messages.at, deliveries.id"""  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """One message for one channel. ``state``: as in the outbox; ``attempt``: how often it was tried."""

    message: Message
    channel: str
    state: str
    attempt: int

    @property
    def settled(self) -> bool:
        """Nothing more will be tried."""
        return self.state not in {"waiting", "sending"}


def deliveries(connection: sqlite3.Connection) -> Iterator[SentMessage]:
    """All of them, oldest first."""
    for *message, channel, state, attempt in connection.execute(_DELIVERIES):
        yield SentMessage(message=message_of(tuple(message)), channel=channel, state=state, attempt=attempt)
