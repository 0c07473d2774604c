"""What was committed must be readable by somebody else: SQLite itself does not notice that its file is gone."""

import pytest

from monitor.errors import StoreCorrupt
from monitor.memory import Commit
from monitor.store.readback import read_back
from monitor.store.sqlite import SqliteStore
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpChanges
from tests.store.journal_examples import in_state
from tests.store.store_examples import NOW, family


def overwrite(path):
    for side in ("", "-wal"):
        file = path.with_name(f"{path.name}{side}")
        file.write_bytes(b"\xff" * file.stat().st_size)


def delete(path):
    for side in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{side}").unlink()


@pytest.mark.parametrize("harm", [overwrite, delete])
async def test_no_intent_counts_as_submitted_when_the_file_is_gone_under_the_store(tmp_path, harm):
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    await store.commit(Commit(at=NOW, families=(family(),)), channels=())
    submitting = Commit(at=NOW, top_ups=TopUpChanges(intents=(in_state(IntentState.SUBMITTING),)))
    await store.submit(submitting, channels=())
    harm(path)
    # What makes the check necessary: an ordinary commit notices nothing.
    await store.commit(Commit(at=NOW, families=(family(),)), channels=())
    with pytest.raises(StoreCorrupt):
        await store.submit(submitting, channels=())
    with pytest.raises(StoreCorrupt):
        await store.back_up(NOW)
    await store.close()


async def test_an_intent_that_is_not_in_the_file_is_missed(tmp_path):
    path = tmp_path / "s.db"
    store = await SqliteStore.open(path)
    read_back(path)
    with pytest.raises(StoreCorrupt, match="does not hold"):
        read_back(path, ["never-kept"])
    await store.close()
