"""Read back: whether what was committed can be read from the file by somebody else.

SQLite looks at a page that it holds no second time: with the file overwritten, truncated or deleted under it, commits go on
to "succeed" (measured on SQLite 3.40). Before money moves, and every ten minutes, a connection of its own reads what should be
there.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from monitor.errors import StoreCorrupt, StoreMissing
from monitor.store.connection import open_reader, translated

BUSY_SECONDS = 1.0
_FOUND = "SELECT count(*) FROM intents WHERE id IN ({})"


def read_back(path: Path, intents: Collection[str] = ()) -> None:
    """Raises StoreCorrupt where the file at ``path`` cannot be read, or is without one of the ``intents``."""
    try:
        with closing(open_reader(path, busy_timeout=BUSY_SECONDS)) as reader, translated(path):
            (found,) = reader.execute(_FOUND.format(",".join("?" * len(intents))), tuple(intents)).fetchone()
    except StoreMissing as error:
        raise StoreCorrupt(f"the store {path} was deleted") from error
    if found != len(intents):
        raise StoreCorrupt(f"the store {path} does not hold what was committed")
