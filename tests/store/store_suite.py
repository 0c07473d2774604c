"""What every Store does, run over each of them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.errors import StoreFault, StoreUnavailable
from monitor.memory import Commit
from monitor.ports import Store
from tests.store.backlog_suite import BacklogSuite
from tests.store.journal_suite import JournalSuite, SubmitSuite
from tests.store.memory_suite import MemorySuite
from tests.store.outbox_suite import OutboxSuite
from tests.store.store_examples import BTC, MINUTE, NOW, alert, family, key, memory, message, position

LEASE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)
D = Decimal


class StoreSuite(MemorySuite, OutboxSuite, BacklogSuite, JournalSuite, SubmitSuite):
    """Subclasses give ``store``."""

    @pytest.fixture
    @abstractmethod
    def store(self) -> Store: ...

    async def test_commit_changes_nothing_when_its_last_row_fails(self, store):
        await store.commit(Commit(at=NOW, positions=(memory(),), messages=(message(1),)), channels=("phone",))
        before = await store.load()
        eth = memory(position(key("ETH/USDT:USDT"), instrument=replace(BTC, symbol="ETH/USDT:USDT")))
        failing = Commit(
            at=NOW,
            families=(family(),),
            positions=(eth,),
            readings=(eth,),
            closed=(memory(),),
            alerts=(alert(),),
            messages=(message(2), message(1)),
        )
        with pytest.raises(StoreFault):
            await store.commit(failing, channels=("phone",))
        assert await store.load() == before
        assert [each.message.id for each in await store.claim("phone", NOW, lease=LEASE)] == ["m1"]
        # And the store still works, with everything that the failed commit would have written for the first time.
        await store.commit(replace(failing, messages=(message(3),)), channels=("phone",))
        assert (await store.load()).positions == {eth.key: eth}

    async def test_ban_is_kept_for_each_scope_and_the_last_word_counts(self, store):
        await store.keep_ban("binance", NOW)
        await store.keep_ban("bybit|main", NOW)
        await store.keep_ban("binance", NOW + MINUTE)
        assert await store.bans() == {"binance": NOW + MINUTE, "bybit|main": NOW}

    async def test_note_is_kept_by_its_name_and_the_last_word_counts(self, store):
        assert await store.note("doctor") is None
        for name, text in (("doctor", "first"), ("other", "its own"), ("doctor", "last")):
            await store.keep_note(name, text)
        assert (await store.note("doctor"), await store.note("other")) == ("last", "its own")

    async def test_closed_store_says_so_when_used(self, store):
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await store.load()
