"""How a store's file is, for the doctor: looked at through a connection of its own that cannot write, in the caller's thread."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from monitor.ports import StoreHealth
from monitor.store.backup import copies
from monitor.store.connection import is_whole, open_reader, translated
from monitor.store.migrate import newest, version_of

BUSY_SECONDS = 2.0


def health_of(path: Path, *, within: float) -> StoreHealth:
    """The health of the store at ``path``; its structure is looked at for ``within`` seconds at most.

    Raises StoreMissing, StoreUnavailable, StoreTooNew, StoreCorrupt for what cannot even be opened, or StoreFault for a file of
    another program.
    """
    with closing(open_reader(path, busy_timeout=BUSY_SECONDS)) as connection, translated(path):
        schema = version_of(connection, path)
        made = connection.execute("SELECT value FROM meta WHERE name = 'schema 1'").fetchone() if schema else None
        whole = is_whole(connection, within)
        parts = [path, Path(f"{path}-wal"), Path(f"{path}-shm")]
        newest_copy = next(iter(copies(path)), None)
        return StoreHealth(
            schema=schema,
            newest=newest(),
            size=sum(part.stat().st_size for part in parts if part.exists()),
            whole=whole,
            sqlite=sqlite3.sqlite_version_info,
            made_at=None if made is None else _made(str(made[0])),
            copied_at=None if newest_copy is None else datetime.fromtimestamp(newest_copy.stat().st_mtime, UTC),
        )


def _made(fact: str) -> datetime | None:
    """The time in what the first migration wrote down of itself: ``margincall 1.0, 2026-11-23T10:00:00Z``."""
    with suppress(ValueError):
        made = datetime.fromisoformat(fact.rpartition(", ")[2])
        return made if made.tzinfo else None
    return None
