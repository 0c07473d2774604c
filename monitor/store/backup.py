"""Backup: a whole copy of the store beside it, made while the daemon works, and the copies of earlier days.

The copy is one snapshot read by a connection of its own (``mode=ro``): the writer is not held up, and goes on meanwhile. A copy
appears under its name only when it is whole.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from monitor.store.connection import open_reader, translated

KEPT = 3
"""How many copies are kept, the newest; each is as large as the store."""
BUSY_SECONDS = 5.0


def back_up(path: Path, now: datetime) -> Path:
    """Copy the store at ``path`` to ``NAME.YYYY-MM-DD.backup`` (0600) beside it, once a day, and remove old copies.

    Raises StoreMissing, StoreUnavailable (a full disk: nothing is left behind), StoreCorrupt.
    """
    whole = path.with_name(f"{path.name}.{now:%Y-%m-%d}.backup")
    part = whole.with_suffix(".partial")
    if whole.exists():
        return whole
    with translated(path):
        try:
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            with closing(open_reader(path, busy_timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(part)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            part.replace(whole)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        for old in copies(path)[KEPT:]:
            old.unlink()
    return whole


def copies(path: Path) -> list[Path]:
    """The copies of the store at ``path``, the newest first."""
    return sorted(path.parent.glob(f"{path.name}.????-??-??.backup"), reverse=True)
