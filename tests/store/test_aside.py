from monitor.store.aside import move_aside
from monitor.store.sqlite import SqliteStore


async def test_a_damaged_store_is_kept_beside_the_new_one(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    (tmp_path / "store.db-wal").write_bytes(b"side")
    aside = move_aside(path)
    assert not path.exists()
    assert aside.read_bytes().startswith(b"SQLite format 3")
    assert (tmp_path / f"{aside.name}-wal").read_bytes() == b"side"
    store = await SqliteStore.open(path)
    await store.close()
