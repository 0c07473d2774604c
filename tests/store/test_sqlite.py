"""The SQLite store behaves as a store."""

import pytest

from monitor.store.sqlite import SqliteStore
from tests.store.store_suite import StoreSuite


class TestSqliteStore(StoreSuite):
    @pytest.fixture
    async def store(self, tmp_path):
        store = await SqliteStore.open(tmp_path / "state" / "margincall.db")
        yield store
        await store.close()


class TestReopenedSqliteStore(StoreSuite):
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
