"""The kill switch of automatic margin: a row in the store, or a file ``STOP`` beside it that anybody can make with ``touch``."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from monitor.errors import TopUpsStopped

STOP = "STOP"

_THROW = "INSERT INTO top_up_stop (place, since) VALUES (1, ?) ON CONFLICT (place) DO NOTHING"
_RELEASE = "DELETE FROM top_up_stop"
_SINCE = "SELECT since FROM top_up_stop"


def stop_file(store: Path) -> Path:
    """The file that stops every top-up on this store while it is there."""
    return store.parent / STOP


def is_stop_file_there(store: Path) -> bool:
    """Whether the file is there, whatever it is (a broken link too); raises OSError where that cannot be known."""
    try:
        os.lstat(stop_file(store))
    except FileNotFoundError:
        return False
    return True


def throw(connection: sqlite3.Connection, at: int) -> None:
    """Stop from ``at`` (milliseconds) on; a switch that is thrown already keeps its time."""
    connection.execute(_THROW, (at,))


def release(connection: sqlite3.Connection) -> None:
    """Let top-ups go on, as far as there is no file."""
    connection.execute(_RELEASE)


def thrown_since(connection: sqlite3.Connection) -> int | None:
    """Since when (milliseconds) the row stops them, None where it does not."""
    row = connection.execute(_SINCE).fetchone()
    return None if row is None else int(row[0])


def refuse_when_thrown(connection: sqlite3.Connection, store: Path) -> None:
    """Raises TopUpsStopped for either kind; OSError where the folder cannot be looked into, which must stop a send too."""
    if thrown_since(connection) is not None:
        raise TopUpsStopped("the kill switch is thrown: no margin is changed")
    if is_stop_file_there(store):
        raise TopUpsStopped(f"there is a file {stop_file(store)}: no margin is changed")
