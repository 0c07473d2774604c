"""What goes wrong with files and disks: never a half-written commit, always an error of our own."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from monitor.errors import StoreCorrupt, StoreFault, StoreTooNew, StoreUnavailable
from monitor.memory import Commit
from monitor.store.migrate import newest
from monitor.store.sqlite import SqliteStore
from tests.store.store_examples import NOW, family, key, memory, message, position


async def _small_store(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.commit(Commit(at=NOW, families=(family(),), positions=(memory(),), readings=(memory(),)), channels=())
    await store.close()


async def test_store_makes_a_private_folder_and_file(tmp_path):
    path = tmp_path / "state" / "margincall.db"
    umask = os.umask(0)
    try:
        store = await SqliteStore.open(path)
        await store.commit(Commit(at=NOW, families=(family(),)), channels=())
        rights = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(umask)
    await store.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert rights == {"margincall.db": 0o600, "margincall.db-wal": 0o600, "margincall.db-shm": 0o600}


async def test_store_waits_for_the_disk_at_every_commit(tmp_path):
    store = await SqliteStore.open(tmp_path / "s.db")
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "mmap_size")

    def settings():
        return [store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    # synchronous 2 is FULL.
    assert await store._thread.run(settings) == ["wal", 2, 1, 0]
    await store.close()


async def test_commit_changes_nothing_when_the_disk_is_full(tmp_path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit(Commit(at=NOW, positions=(memory(),), messages=(message(1),)), channels=("phone",))
    before = await store.load()

    def fill():
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    await store._thread.run(fill)
    many = tuple(memory(position(key(f"C{number}/USDT:USDT"))) for number in range(500))
    with pytest.raises(StoreUnavailable, match="SQLITE_FULL"):
        await store.commit(Commit(at=NOW, positions=many, readings=many, messages=(message(2),)), channels=("phone",))
    assert await store.load() == before
    await store._thread.run(lambda: store._connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    await store.commit(Commit(at=NOW, positions=many, readings=many), channels=())
    assert len((await store.load()).positions) == 501
    await store.close()


async def test_commit_is_unavailable_when_another_connection_holds_the_lock(tmp_path):
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path, busy_timeout=0.01)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        await store.commit(Commit(at=NOW, families=(family(),)), channels=())
    other.execute("ROLLBACK")
    other.close()
    await store.commit(Commit(at=NOW, families=(family(),)), channels=())
    assert len((await store.load()).families) == 1
    await store.close()


async def test_open_is_unavailable_when_another_connection_holds_the_lock(tmp_path):
    path = tmp_path / "s.db"
    await _small_store(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
        await SqliteStore.open(path, busy_timeout=0.01)
    other.close()


async def test_open_is_corrupt_when_a_page_is_damaged(tmp_path):
    path = tmp_path / "s.db"
    await _small_store(path)
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(StoreCorrupt):
        await SqliteStore.open(path)


async def test_open_is_corrupt_when_the_file_is_no_database(tmp_path):
    path = tmp_path / "s.db"
    path.write_text("not a database, but long enough to be looked at as if it were one" * 100)
    with pytest.raises(StoreCorrupt, match=r"s\.db"):
        await SqliteStore.open(path)


async def test_load_is_corrupt_when_a_row_makes_no_sense(tmp_path):
    path = tmp_path / "s.db"
    await _small_store(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE holdings SET contracts = 'many'")
    connection.close()
    store = await SqliteStore.open(path)
    with pytest.raises(StoreCorrupt):
        await store.load()
    await store.close()


async def test_open_refuses_a_store_of_a_newer_program(tmp_path):
    path = tmp_path / "s.db"
    await _small_store(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newest() + 1}")
    connection.close()
    with pytest.raises(StoreTooNew):
        await SqliteStore.open(path)


async def test_open_leaves_the_database_of_another_program_alone(tmp_path):
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StoreFault, match="another program"):
        await SqliteStore.open(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


async def test_open_is_unavailable_when_the_folder_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        await SqliteStore.open(tmp_path / "file" / "s.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_open_is_unavailable_when_the_folder_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreUnavailable):
            await SqliteStore.open(tmp_path / "s.db")
    finally:
        tmp_path.chmod(0o700)


async def test_error_does_not_quote_what_was_being_stored(tmp_path):
    store = await SqliteStore.open(tmp_path / "s.db")
    await store.commit(Commit(at=NOW, messages=(message(1, id="secret-canary"),)), channels=())
    with pytest.raises(StoreFault) as caught:
        await store.commit(Commit(at=NOW, messages=(message(1, id="secret-canary"),)), channels=())
    assert "canary" not in caught.value.message
    await store.close()
