"""From one schema to the next: forward, each step whole, by number."""

import sqlite3

import pytest

from monitor import __version__
from monitor.errors import StoreFault
from monitor.store import migrate as module
from monitor.store.connection import open_writer
from monitor.store.migrate import migrate, newest


@pytest.fixture
def opened(tmp_path):
    path = tmp_path / "s.db"
    connection = open_writer(path, busy_timeout=1)
    yield connection, path
    connection.close()


def _version(connection):
    return connection.execute("PRAGMA user_version").fetchone()[0]


def test_migrations_are_numbered_without_a_gap():
    numbers = [number for number, _ in module._files()]
    assert numbers == list(range(1, newest() + 1))


def test_migrate_writes_down_who_brought_the_store_where(opened):
    connection, path = opened
    migrate(connection, path)
    migrate(connection, path)
    facts = dict(connection.execute("SELECT name, value FROM meta"))
    assert facts["schema 1"].startswith(f"margincall {__version__}, ")
    assert len(facts) == _version(connection) == newest()


def test_next_migration_runs_alone_when_the_first_is_done(opened, tmp_path, monkeypatch):
    connection, path = opened
    migrate(connection, path)
    folder = tmp_path / "migrations"
    folder.mkdir()
    for _, file in module._files():
        (folder / file.name).write_text(file.read_text())
    (folder / f"{newest() + 1:04}_more.sql").write_text("CREATE TABLE more (x INTEGER) STRICT;\nINSERT INTO more VALUES (7);\n")
    before = newest()
    monkeypatch.setattr(module, "FOLDER", folder)
    migrate(connection, path)
    assert connection.execute("SELECT x FROM more").fetchall() == [(7,)]
    assert _version(connection) == before + 1


def test_migration_changes_nothing_when_one_of_its_statements_fails(opened, tmp_path, monkeypatch):
    connection, path = opened
    migrate(connection, path)
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / f"{newest() + 1:04}_bad.sql").write_text("CREATE TABLE more (x INTEGER) STRICT;\nINSERT INTO nowhere VALUES (7);\n")
    before = _version(connection)
    monkeypatch.setattr(module, "FOLDER", folder)
    with pytest.raises(StoreFault):
        migrate(connection, path)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchall() == []
    assert _version(connection) == before
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT * FROM more")
