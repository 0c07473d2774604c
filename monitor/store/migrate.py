"""Migrations: numbered SQL files, forward only, each in one transaction; ``PRAGMA user_version`` is the number of the last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from monitor import __version__
from monitor.errors import StoreFault, StoreTooNew
from monitor.store.connection import transaction, translated

APPLICATION_ID = 0x4D43414C
"""Written into the file's head (``MCAL``), so that another program's database is never taken for ours."""

FOLDER = Path(__file__).parent / "migrations"


def newest() -> int:
    """The schema's number that this program knows."""
    return max(number for number, _ in _files())


def check_readable(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StoreTooNew for a store of a newer program, StoreFault for one that is older, empty or not a store of ours."""
    with translated(path):
        version = version_of(connection, path)
    if version < newest():
        raise StoreFault(
            f"the store {path} has schema {version}, older than {newest()}", hint="Start `margincall run` once: it upgrades."
        )


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the store to this program's schema. Raises StoreTooNew, StoreFault for a foreign file, or as ``translated``."""
    with translated(path):
        version = version_of(connection, path)
        for number, file in _files():
            if number <= version:
                continue
            with transaction(connection):
                for statement in _statements(file.read_text(encoding="utf-8")):
                    connection.execute(statement)
                fact = f"margincall {__version__}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
                connection.execute("INSERT INTO meta (name, value) VALUES (?, ?)", (f"schema {number}", fact))
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")


def version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's number in the file, 0 for an empty one; raises StoreTooNew, or StoreFault for a file that is not ours."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or version):
        raise StoreFault(f"{path} is a database of another program", hint="Give `store:` another path.")
    if version > newest():
        raise StoreTooNew(f"the store {path} has schema {version}; this margincall knows up to {newest()}")
    return int(version)


def _files() -> list[tuple[int, Path]]:
    """Number and file of each migration, in order."""
    return sorted((int(file.name.partition("_")[0]), file) for file in FOLDER.glob("*.sql"))


def _statements(script: str) -> Iterator[str]:
    """The single statements of a script (``executescript`` would commit behind our back)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
