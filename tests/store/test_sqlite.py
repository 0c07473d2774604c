"""The SQLite store behaves as a store."""

import pytest

from monitor.memory import Commit
from monitor.store.sqlite import SqliteStore
from tests.store.journal_suite import JournalSuite
from tests.store.memory_suite import MemorySuite
from tests.store.store_examples import NOW, message
from tests.store.store_suite import LEASE, StoreSuite


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    async def store(self, tmp_path):
        store = await SqliteStore.open(tmp_path / "state" / "margincall.db")
        yield store
        await store.close()


class TestReopenedSqliteStore(MemorySuite, JournalSuite):
    """The same, when nothing of the process that wrote is left: every read opens the file anew."""

    @pytest.fixture
    async def store(self, tmp_path):
        store = _Reopening(tmp_path / "margincall.db")
        yield store
        await store.close()


class _Reopening:
    def __init__(self, path):
        self._path = path
        self._closed = False

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            store = await SqliteStore.open(self._path)
            try:
                if self._closed:
                    await store.close()
                return await getattr(store, name)(*args, **kwargs)
            finally:
                await store.close()

        return call

    async def close(self):
        self._closed = True


async def test_lease_of_an_earlier_process_is_due_at_once_and_what_it_settled_is_not(tmp_path):
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    await store.commit(Commit(at=NOW, messages=(message(1), message(2), message(3))), channels=("phone",))
    first, second, _ = await store.claim("phone", NOW, lease=LEASE)
    await store.settle(first, "accepted", NOW)
    await store.settle(second, "retry", NOW, retry_at=NOW + LEASE)
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.next_due("phone") == NOW
    assert [(each.message.id, each.attempt) for each in await store.claim("phone", NOW, lease=LEASE)] == [("m3", 2)]
    await store.close()
