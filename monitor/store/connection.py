"""The connection: where the file is made, opened and checked, and where SQLite's errors become ours.

There is one writing connection in the whole system (SQLite before 3.51.3 can damage a WAL file that two connections write or
checkpoint at the same time); everybody else opens the file read only. ``synchronous=FULL`` because a commit that a power cut
undoes is a lost alert. No memory mapping: a damaged disk must be an error, not a signal.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monitor.errors import StoreCorrupt, StoreFault, StoreMissing, StoreUnavailable

_UNAVAILABLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

CHECK_SECONDS = 2.0
"""How long the check of the file may take at the start; a very large store is checked only in part, so that watching begins."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within: SQLite's and the file system's errors leave as StoreUnavailable, StoreCorrupt or StoreFault."""
    try:
        yield
    except sqlite3.Error as error:
        raise fault_of(error, path) from error
    except OSError as error:
        raise StoreUnavailable(f"the store {path} cannot be used: {os.strerror(error.errno or 0)}") from error


def fault_of(error: sqlite3.Error, path: Path) -> StoreFault:
    """Our error for one of SQLite's; its own text is left out, since it can quote what was being stored."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    # The low byte is the kind of failure, the rest a finer code.
    kind = None if code is None else code & 0xFF
    if kind in _CORRUPT:
        return StoreCorrupt(f"the store {path} is damaged ({name})")
    if kind in _UNAVAILABLE:
        return StoreUnavailable(f"the store {path} cannot be used now ({name})")
    return StoreFault(f"the store {path} refused a statement ({name})")


def open_writer(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """The writing connection, checked; makes the folder (0700) and the file (0600). ``busy_timeout`` in seconds.

    Raises StoreUnavailable or StoreCorrupt.
    """
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made before SQLite makes it: its side files take the rights of the main file.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with suppress(PermissionError):
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
        connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA mmap_size = 0")
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def require_store(path: Path) -> None:
    """Raises StoreMissing where there is no store at ``path``, or none that this user may look at, with what to do about it."""
    try:
        path.stat()
        allowed = os.access(path, os.R_OK, effective_ids=True)
    except PermissionError:
        allowed = False
    except OSError as error:
        raise StoreMissing(
            f"there is no store at {path}", hint="`margincall run` makes it; or give `store:` the right path."
        ) from error
    if not allowed:
        raise StoreMissing(
            f"you may not look at the store {path}: it belongs to another user, or to the service",
            hint="Try the same with sudo; or name your own configuration with --config.",
        )


def open_reader(path: Path, *, busy_timeout: float) -> sqlite3.Connection:
    """A connection that cannot write. Raises StoreMissing, StoreUnavailable or StoreCorrupt."""
    require_store(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    if not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
        # Nobody is writing, and SQLite could not make the side files that it wants for reading.
        uri += "&immutable=1"
    with translated(path):
        connection = sqlite3.connect(uri, uri=True, timeout=busy_timeout, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself (a full disk); what cannot be undone now is undone at the next open.
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def is_whole(connection: sqlite3.Connection, within: float) -> bool | None:
    """Whether SQLite finds the file's structure undamaged; None where ``within`` (seconds) did not suffice."""
    end = time.monotonic() + within
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)
    return bool(verdict == "ok")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreCorrupt where the file's structure is damaged."""
    if is_whole(connection, CHECK_SECONDS) is False:
        raise StoreCorrupt(f"the store {path} is damaged")
