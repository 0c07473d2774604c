"""The journal in the file: the STOP file, leases, how far back it is recalled, what the schema refuses, the reader's view."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import StoreCorrupt, StoreUnavailable, TopUpsStopped
from monitor.lives.state import LifeChanges
from monitor.margin.position import Side
from monitor.memory import Commit
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from monitor.store.switch import is_stop_file_there, stop_file
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpChanges
from tests.store.journal_examples import change, circuit, in_state, intent, refusal, rehearsal
from tests.store.store_examples import MINUTE, NOW, D, case, key, memory

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
SUBMIT = Commit(at=NOW, top_ups=TopUpChanges(intents=(in_state(IntentState.SUBMITTING),)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "margincall.db"


@pytest.fixture
async def store(path):
    store = await SqliteStore.open(path)
    yield store
    await store.close()


async def keep(store, *intents):
    await store.commit(Commit(at=NOW, top_ups=TopUpChanges(intents=intents)), channels=())


async def recalled(store):
    return set((await store.load()).top_ups.intents)


def settled(name, at, **changes):
    """Applied and seen at ``at``, on a position of its own."""
    times = {"planned_at": at, "submitted_at": at, "valid_until": at, "settled_at": at}
    return in_state(IntentState.VERIFIED, id=name, **{**times, **changes})


@pytest.mark.parametrize(
    "make", [lambda file: file.touch(), lambda file: file.mkdir(), lambda file: file.symlink_to("/nowhere/at/all")]
)
async def test_submit_changes_nothing_while_something_called_stop_is_beside_the_store(store, path, make):
    make(path.parent / "STOP")
    assert is_stop_file_there(path)
    with pytest.raises(TopUpsStopped, match="STOP"):
        await store.submit(SUBMIT, channels=())
    assert await recalled(store) == set()


async def test_submit_goes_on_when_the_stop_file_is_removed(store, path):
    stop_file(path).touch()
    with pytest.raises(TopUpsStopped):
        await store.submit(SUBMIT, channels=())
    stop_file(path).unlink()
    await store.submit(SUBMIT, channels=())
    assert await recalled(store) == {"i1"}


async def test_submit_fails_when_the_folder_cannot_be_looked_into(store, monkeypatch):
    """Not known is not released."""

    def refused(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "lstat", refused)
    with pytest.raises(StoreUnavailable):
        await store.submit(SUBMIT, channels=())
    monkeypatch.undo()
    assert await recalled(store) == set()


async def test_lease_is_another_at_each_open(path):
    leases = []
    for _ in range(3):
        store = await SqliteStore.open(path)
        leases.append((await store.load()).top_ups.lease)
        await store.close()
    assert leases == [1, 2, 3]


async def test_recall_leaves_out_what_no_cap_counts_any_more(store):
    newest = NOW + DAY
    await keep(store, settled("day ago", NOW - timedelta(milliseconds=1)), settled("in the day", NOW), settled("new", newest))
    assert await recalled(store) == {"in the day", "new"}


async def test_recall_counts_from_the_last_time_that_an_intent_has(store):
    long_open = settled("settled late", NOW - HOUR, settled_at=NOW + HOUR)
    await keep(store, long_open, settled("new", NOW + DAY))
    assert await recalled(store) == {"settled late", "new"}


@pytest.mark.parametrize("state", [IntentState.PLANNED, IntentState.SUBMITTING, IntentState.UNKNOWN, IntentState.CONFIRMED])
async def test_recall_has_every_open_intent_however_old(store, state):
    await keep(store, in_state(state, id="open"), settled("new", NOW + 9 * DAY))
    assert await recalled(store) == {"open", "new"}


async def test_recall_has_every_intent_of_an_open_positions_life(store):
    """Caps of a position count its whole life: here the second, open one."""
    await store.commit(Commit(at=NOW, readings=(memory(epoch=2),)), channels=())
    other = key(side=Side.SHORT)
    mine = (settled("first life", NOW, epoch=1), settled("second life", NOW, epoch=2), settled("other", NOW, key=other, epoch=2))
    await keep(store, *mine, settled("new", NOW + 9 * DAY))
    assert await recalled(store) == {"second life", "new"}
    await store.commit(Commit(at=NOW, closed=(memory(epoch=2),)), channels=())
    assert await recalled(store) == {"new"}


async def test_recall_has_what_an_open_question_about_an_ending_will_ask_for(store):
    seen = memory(epoch=2)
    await store.commit(Commit(at=NOW, readings=(seen,), lives=LifeChanges(cases=(case(seen, ended=True),))), channels=())
    await keep(store, settled("of its life", NOW, epoch=2), settled("new", NOW + 9 * DAY))
    await store.commit(Commit(at=NOW, closed=(seen,)), channels=())
    assert await recalled(store) == {"of its life", "new"}
    await store.commit(Commit(at=NOW, lives=LifeChanges(closed=(case(seen).id,))), channels=())
    assert await recalled(store) == {"new"}


async def test_recall_forgets_nothing_of_the_day_when_the_clock_was_ahead_once(store):
    now = datetime.now(UTC)
    await keep(store, settled("an hour ago", now - HOUR), settled("from the future", now + 400 * DAY))
    assert await recalled(store) == {"an hour ago", "from the future"}


async def test_recall_says_that_the_store_is_damaged_when_a_stand_makes_no_sense(store, path):
    await keep(store, intent())
    for nonsense in ("[]", "{}", "no json", '{"at": 1}'):
        connection = sqlite3.connect(path)
        connection.execute("UPDATE intents SET stood_before = ?", (nonsense,))
        connection.commit()
        connection.close()
        with pytest.raises(StoreCorrupt):
            await store.load()


@pytest.mark.parametrize(
    "assignment",
    [
        "state = 'SENT'",
        "side = 'both'",
        "epoch = 0",
        "amount = '0.000'",
        "amount = '-1', policy = 'btc_guard'",
        "submitted_at = NULL",
        "valid_until = NULL",
        "valid_until = submitted_at - 1",
        "settled_at = 1",
        "state = 'VERIFIED'",
        "hedged = 'yes'",
    ],
)
async def test_schema_refuses_an_intent_that_cannot_be(store, path, assignment):
    await keep(store, in_state(IntentState.SUBMITTING))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"UPDATE intents SET {assignment}")
    connection.close()


async def test_schema_refuses_a_second_open_intent_of_a_position(store, path):
    await keep(store, in_state(IntentState.UNKNOWN), settled("i2", NOW))
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE intents SET state = 'CONFIRMED', settled_at = NULL WHERE id = 'i2'")
    connection.close()


async def test_reader_shows_the_journal_newest_last(store, path):
    planned = [settled(f"i{number}", NOW + number * MINUTE) for number in range(4)]
    eth = settled("eth", NOW, key=key("ETH/USDT:USDT"))
    await keep(store, *planned, eth)
    with StoreReader(path) as reader:
        assert [one.id for one in reader.intents()] == ["eth", "i0", "i1", "i2", "i3"]
        assert reader.intents("ETH/USDT:USDT") == [eth]
        assert reader.intents("BTC/USDT:USDT", limit=2) == planned[2:]
        assert reader.intents(since=NOW + 3 * MINUTE) == planned[3:]


async def test_reader_shows_margin_changes_newest_last(store, path):
    changes = [
        change(at=NOW + number * MINUTE, cause=cause, actor="you", intent=f"i{number}")
        for number, cause in enumerate(ChangeCause)
    ]
    eth = change(key=key("ETH/USDT:USDT"), amount=D("0.10"))
    await store.commit(Commit(at=NOW, margin_changes=(*changes, eth)), channels=())
    with StoreReader(path) as reader:
        assert reader.margin_changes("BTC/USDT:USDT") == changes
        assert reader.margin_changes("ETH/USDT:USDT") == [eth]
        assert reader.margin_changes(since=NOW + MINUTE, limit=2) == changes[-2:]
        assert len(reader.margin_changes()) == len(changes) + 1


async def test_reader_shows_the_memory_with_the_lease_of_the_last_holder(store, path):
    changes = TopUpChanges(
        intents=(intent(),),
        stopped=True,
        paused={"btc_guard": NOW},
        rehearsals=(rehearsal(),),
        circuits=(circuit(),),
        refusals=(refusal(),),
    )
    await store.commit(Commit(at=NOW, readings=(memory(),), top_ups=changes), channels=())
    with StoreReader(path) as reader:
        assert reader.memory() == await store.load()
        assert reader.memory().top_ups.lease == 1
