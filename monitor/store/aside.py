"""A damaged store is moved aside, never deleted: what can be saved of it is its owner's to decide."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from monitor.store.connection import translated


def move_aside(path: Path) -> Path:
    """Move the store at ``path`` and its side files to names that tell when; where it is now. Raises StoreUnavailable."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with translated(path):
        for side in ("", "-wal", "-shm"):
            there = Path(f"{path}{side}")
            if there.exists():
                there.rename(f"{aside}{side}")
    return aside
