"""The Store port over SQLite: one connection in one thread, one transaction a method."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar

from monitor.alerts.model import Message
from monitor.crashpoint import crashpoint
from monitor.memory import Commit, Memory
from monitor.ports import Delivery
from monitor.store import backlog, outbox
from monitor.store.backup import back_up
from monitor.store.codec import from_ms, to_ms
from monitor.store.connection import open_writer, transaction, translated
from monitor.store.journal_recall import raise_lease
from monitor.store.migrate import migrate
from monitor.store.readback import read_back
from monitor.store.recall import recall
from monitor.store.retention import thin
from monitor.store.switch import refuse_when_thrown
from monitor.store.thread import StoreThread
from monitor.store.writing import Writer

T = TypeVar("T")

OPEN_SECONDS = 5.0
"""How long the start waits for a file that somebody has locked."""
BUSY_SECONDS = 1.0
"""How long a commit waits: whoever locks the file for longer must not hold up an alert."""

_KEEP_BAN = "INSERT INTO bans (scope, until) VALUES (?, ?) ON CONFLICT (scope) DO UPDATE SET until = excluded.until"
_KEEP_NOTE = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class SqliteStore:
    """A store file. Made by ``open``; the caller holds the InstanceLock of the same path while it is open."""

    def __init__(self, path: Path, connection: sqlite3.Connection, thread: StoreThread) -> None:
        self.path = path
        self._connection = connection
        self._thread = thread
        self._writer = Writer(connection)

    @classmethod
    async def open(cls, path: Path, *, busy_timeout: float = OPEN_SECONDS) -> Self:
        """Open ``path``, made if missing, checked and brought to this program's schema; ``busy_timeout``: of that, in seconds.

        What an earlier process was sending when it ended is due again at once, and the memory's lease is one that no earlier
        process had. Raises StoreUnavailable, StoreCorrupt, StoreTooNew, or StoreFault for a file of another program.
        """

        def opened() -> sqlite3.Connection:
            connection = open_writer(path, busy_timeout=busy_timeout)
            try:
                migrate(connection, path)
                with translated(path), transaction(connection):
                    outbox.free_leases(connection)
                    raise_lease(connection)
                    crashpoint("start.leases_freed")
                connection.execute(f"PRAGMA busy_timeout = {int(min(busy_timeout, BUSY_SECONDS) * 1000)}")
            except BaseException:
                connection.close()
                raise
            return connection

        thread = StoreThread()
        try:
            return cls(path, await thread.run(opened), thread)
        except BaseException:
            await thread.close(lambda: None)
            raise

    async def load(self) -> Memory:
        """As the port says."""
        return await self._within(recall)

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """As the port says."""

        def keep(_: sqlite3.Connection) -> None:
            self._writer.keep(commit, channels)

        await self._within(keep)

    async def submit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """As the port says; the switch is looked at last, as near to the send as can be.

        Raises StoreCorrupt also where it was kept but cannot be read back: then nobody may rely on it.
        """

        def keep(connection: sqlite3.Connection) -> None:
            self._writer.keep(commit, channels)
            refuse_when_thrown(connection, self.path)

        await self._within(keep)
        await self._thread.run(read_back, self.path, [intent.id for intent in commit.top_ups.intents])

    async def claim(
        self, channel: str, now: datetime, *, lease: timedelta, limit: int = 20, urgent: bool = False
    ) -> Sequence[Delivery]:
        """As the port says."""
        return await self._within(lambda connection: outbox.claim(connection, channel, now, lease, limit, urgent=urgent))

    async def settle(
        self, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None = None, detail: str = ""
    ) -> None:
        """As the port says."""
        await self._within(lambda connection: outbox.settle(connection, delivery, outcome, now, retry_at=retry_at, detail=detail))

    async def next_due(self, channel: str) -> datetime | None:
        """As the port says."""
        return await self._within(lambda connection: outbox.next_due(connection, channel))

    async def release(self, channel: str, now: datetime) -> Sequence[Delivery]:
        """As the port says."""
        return await self._within(lambda connection: backlog.release(connection, channel, now))

    async def fold(self, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
        """As the port says."""
        await self._within(lambda connection: backlog.fold(connection, deliveries, summary, now))

    async def divert(self, channel: str, fallback: str, now: datetime) -> int:
        """As the port says."""
        return await self._within(lambda connection: backlog.divert(connection, channel, fallback, now))

    async def retire(self, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
        """As the port says."""
        return await self._within(lambda connection: backlog.retire(connection, channel, heir, now))

    async def accepted(self, channel: str, since: datetime) -> int:
        """As the port says."""
        return await self._within(lambda connection: backlog.accepted(connection, channel, since))

    async def bans(self) -> dict[str, datetime]:
        """As the port says."""
        return await self._within(
            lambda connection: {scope: from_ms(until) for scope, until in connection.execute("SELECT scope, until FROM bans")}
        )

    async def keep_ban(self, scope: str, until: datetime) -> None:
        """As the port says; the last word counts."""
        await self._within(lambda connection: connection.execute(_KEEP_BAN, (scope, to_ms(until))))

    async def note(self, name: str) -> str | None:
        """As the port says."""

        def read(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (f"note {name}",)).fetchone()
            return None if row is None else str(row[0])

        return await self._within(read)

    async def keep_note(self, name: str, text: str) -> None:
        """As the port says."""
        await self._within(lambda connection: connection.execute(_KEEP_NOTE, (f"note {name}", text)))

    async def thin(self, now: datetime) -> bool:
        """As the port says."""
        return await self._within(lambda connection: thin(connection, now))

    async def back_up(self, now: datetime) -> None:
        """As the port says, if the file can be read by somebody else; in another thread, so that commits go on meanwhile."""
        await asyncio.to_thread(read_back, self.path)
        await asyncio.to_thread(back_up, self.path, now)

    async def close(self) -> None:
        """As the port says; may be called twice."""
        await self._thread.close(self._connection.close)

    async def _within(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of ``work`` in one transaction in the store's thread."""

        def transact() -> T:
            with translated(self.path):
                try:
                    with transaction(self._connection):
                        return work(self._connection)
                except BaseException:
                    self._writer.forget()
                    raise

        return await self._thread.run(transact)
