import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import StoreCorrupt, StoreFault, StoreMissing
from monitor.store.backup import back_up
from monitor.store.health import health_of
from monitor.store.migrate import newest
from monitor.store.sqlite import SqliteStore


async def made(path):
    store = await SqliteStore.open(path)
    await store.close()
    return path


async def test_store_just_made_is_whole_and_without_a_copy(tmp_path):
    path = await made(tmp_path / "store.db")
    before = path.read_bytes()
    health = health_of(path, within=5)
    assert (health.schema, health.newest, health.whole, health.copied_at) == (newest(), newest(), True, None)
    assert health.size >= len(before)
    assert health.sqlite == sqlite3.sqlite_version_info
    assert health.made_at is not None
    assert datetime.now(UTC) - health.made_at < timedelta(minutes=5)
    assert path.read_bytes() == before


async def test_age_of_the_newest_copy_is_told(tmp_path):
    path = await made(tmp_path / "store.db")
    for day in (20, 21):
        back_up(path, datetime(2026, 11, day, tzinfo=UTC))
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    os.utime(tmp_path / "store.db.2026-11-21.backup", (at.timestamp(), at.timestamp()))
    assert health_of(path, within=5).copied_at == at


async def test_structure_counts_as_seen_in_part_when_there_is_no_time(tmp_path):
    path = tmp_path / "store.db"
    await made(path)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
            "INSERT INTO meta SELECT 'n' || i, hex(randomblob(100)) FROM n"
        )
    connection.close()
    assert health_of(path, within=-1).whole is None
    assert health_of(path, within=60).whole is True


async def test_damaged_store_is_found_out(tmp_path):
    path = await made(tmp_path / "store.db")
    raw = bytearray(path.read_bytes())
    # The last page is no table that is asked for a fact: only the check of the structure meets it.
    start = len(raw) - int.from_bytes(raw[16:18])
    raw[start : start + 8] = b"\xff" * 8
    path.write_bytes(raw)
    assert health_of(path, within=5).whole is False


async def test_what_is_no_store_of_ours_is_refused(tmp_path):
    with pytest.raises(StoreMissing):
        health_of(tmp_path / "none.db", within=5)
    (tmp_path / "text.db").write_text("not a database, but long enough to have a header of a hundred bytes " * 3)
    with pytest.raises(StoreCorrupt):
        health_of(tmp_path / "text.db", within=5)
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreFault, match="another program"):
        health_of(tmp_path / "other.db", within=5)
