"""An older store under a newer program: everything that was kept is there, and goes on as if this program had kept it."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from monitor.errors import StoreFault
from monitor.store.migrate import newest
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from tests.store.old_stores import FOLDER, fill
from tests.store.store_examples import MINUTE, NOW


def test_every_earlier_schema_has_its_dump():
    dumps = sorted(int(path.stem.removeprefix("schema_")) for path in FOLDER.glob("schema_*.sql"))
    assert dumps == list(range(1, newest())), "see old_stores.py for how to make one"


@pytest.mark.parametrize("schema", range(1, newest()))
async def test_older_store_is_remembered_as_if_this_program_had_kept_it(tmp_path, schema):
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.executescript((FOLDER / f"schema_{schema}.sql").read_text())
    assert old.execute("PRAGMA user_version").fetchone() == (schema,)
    old.close()
    with pytest.raises(StoreFault, match=f"has schema {schema}, older than {newest()}"):
        StoreReader(path)

    upgraded, fresh = await SqliteStore.open(path), await SqliteStore.open(tmp_path / "new.db")
    await fill(fresh)
    there, expected = await upgraded.load(), await fresh.load()
    assert there.positions
    assert there.alerts
    assert there.silences
    assert there.top_ups.intents
    # The lease is each opening's own.
    assert replace(there, top_ups=replace(there.top_ups, lease=expected.top_ups.lease)) == expected
    for channel in ("phone", "mail"):
        waiting = [await store.claim(channel, NOW, lease=MINUTE) for store in (upgraded, fresh)]
        assert [one.message for one in waiting[0]] == [one.message for one in waiting[1]]
        assert [one.attempt for one in waiting[0]] == [one.attempt for one in waiting[1]]
    assert await upgraded.bans() == await fresh.bans()
    await upgraded.close()
    await fresh.close()
    with StoreReader(path) as reader, StoreReader(tmp_path / "new.db") as other:
        assert reader.stand().positions == other.stand().positions
    with closing(sqlite3.connect(path)) as connection:
        facts = dict(connection.execute("SELECT name, value FROM meta"))
    assert {f"schema {number}" for number in range(1, newest() + 1)} <= set(facts)
