"""The fake store behaves as a store."""

import pytest

from tests.fakes import FakeStore
from tests.store.store_suite import StoreSuite


class TestFakeStore(StoreSuite):
    @pytest.fixture
    def store(self):
        return FakeStore()
