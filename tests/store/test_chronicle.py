"""What happened in lives, and the open questions about it, over a restart: nothing of either is lost."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.lives.state import LifeChanges, LifeMemory
from monitor.memory import Commit
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from monitor.topups.changes import ChangeCause
from tests.store.journal_examples import change
from tests.store.store_examples import MINUTE, NOW, case, full_position, key, memory, position

D = Decimal
SECOND = timedelta(seconds=1)
FULL = Breakdown(
    contracts=D("0.5"),
    entry_price=D(60000),
    margin=D("12.5"),
    exit_price=D("59000.1"),
    trigger_price=D(59001),
    profit=D("-500"),
    fees=D("-1.5"),
    insurance=D("0.25"),
    funding=D("-3"),
    returned=D("7"),
    observed=D("6.5"),
    added=D(40),
    added_times=2,
    missing=("fees: one", "\ud800"),
)


def event(**changes) -> LifeEvent:
    values = {"key": key(), "epoch": 1, "kind": EventKind.CLOSED, "at": NOW, "seen_at": NOW + SECOND}
    return LifeEvent(**{**values, **changes})


@pytest.fixture
async def store(tmp_path):
    opened = await SqliteStore.open(tmp_path / "margincall.db")
    yield opened
    await opened.close()


async def keep(store, **commit) -> None:
    await store.commit(Commit(at=NOW, **commit), channels=())


async def test_every_field_of_an_event_is_read_back(store, tmp_path):
    full = event(
        since=NOW - MINUTE,
        currency="USDT",
        unit="BTC",
        before=D("1.50"),
        after=D("1"),
        amount=D("-0.5"),
        cause="elsewhere",
        actor="you",
        ended=True,
        detail="words",
        breakdown=FULL,
        waits=True,
    )
    bare = event(kind=EventKind.OPENED, at=NOW - MINUTE)
    await keep(store, lives=LifeChanges(events=(full, bare)))
    with StoreReader(tmp_path / "margincall.db") as reader:
        assert reader.events() == [bare, replace(full, breakdown=replace(FULL, missing=("fees: one", "?")))]
        assert reader.events(symbol="ETH/USDT:USDT") == []
        assert [one.kind for one in reader.events(since=NOW)] == [EventKind.CLOSED]
        assert [one.kind for one in reader.events(limit=1)] == [EventKind.CLOSED]


async def test_event_that_waits_is_remembered_until_it_was_told(store):
    waiting = event(waits=True)
    await keep(store, lives=LifeChanges(events=(waiting, event(at=NOW + SECOND))))
    assert (await store.load()).lives == LifeMemory(waiting=(waiting,))
    await keep(store, lives=LifeChanges(told=(waiting.id,)))
    assert (await store.load()).lives == LifeMemory()


async def test_event_that_is_kept_twice_is_one(store, tmp_path):
    for detail in ("first", "second"):
        await keep(store, lives=LifeChanges(events=(event(detail=detail),)))
    with StoreReader(tmp_path / "margincall.db") as reader:
        assert [one.detail for one in reader.events()] == ["second"]


async def test_question_is_read_back_with_the_position_as_it_was_and_what_moved_its_margin(store):
    seen = memory(full_position())
    moved = change(key=seen.key, epoch=seen.epoch, since=seen.last_seen, at=NOW + MINUTE)
    asked = case(
        seen,
        free=D("1.5"),
        free_at=NOW - SECOND,
        others=D(7),
        away=True,
        told=True,
        tries=3,
        ended=True,
        changes=(moved,),
        birth=EventKind.FLIPPED,
        begun=NOW - MINUTE,
        prior=D("0.5"),
    )
    await keep(store, readings=(seen,), lives=LifeChanges(cases=(asked,)), margin_changes=(moved,))
    await keep(store, closed=(seen,))
    loaded = await store.load()
    assert loaded.positions == {}
    assert loaded.lives.cases == {asked.id: asked}
    await keep(store, lives=LifeChanges(closed=(asked.id,)))
    assert (await store.load()).lives.cases == {}


async def test_question_is_found_again_after_the_clock_was_set(store):
    seen = memory(position())
    await keep(store, readings=(seen,), lives=LifeChanges(cases=(case(seen),)))
    moved = case(seen, since=seen.last_seen + MINUTE)
    await keep(store, lives=LifeChanges(cases=(moved,)))
    assert (await store.load()).lives.cases == {moved.id: moved}


async def test_question_about_a_life_that_was_never_kept_is_let_go(store):
    await keep(store, lives=LifeChanges(cases=(case(memory(position())),)))
    assert (await store.load()).lives.cases == {}


async def test_event_that_was_kept_as_it_stood_gives_way_to_what_it_was(store, tmp_path):
    stood, was = event(kind=EventKind.GONE), event(kind=EventKind.LIQUIDATED, at=NOW - SECOND)
    other = event(kind=EventKind.GONE, epoch=2)
    await keep(store, lives=LifeChanges(events=(stood, other)))
    await keep(store, lives=LifeChanges(events=(was,), superseded=(stood.id,)))
    with StoreReader(tmp_path / "margincall.db") as reader:
        assert set(reader.events()) == {was, other}


async def test_margin_change_is_replaced_by_what_the_exchange_recorded(store, tmp_path):
    seen = change()
    rows = tuple(
        replace(seen, at=NOW + SECOND * n, since=NOW + SECOND * n, amount=D(n), cause=ChangeCause.ELSEWHERE, record=f"r{n}")
        for n in (1, 2)
    )
    await keep(store, margin_changes=(seen,))
    await keep(store, lives=LifeChanges(confirmed=((seen, rows),)))
    with StoreReader(tmp_path / "margincall.db") as reader:
        assert list(reader.margin_changes()) == list(rows)
    # an answer that comes once more finds nothing to replace, and does not touch what is recorded
    await keep(store, lives=LifeChanges(confirmed=((seen, ()),)))
    with StoreReader(tmp_path / "margincall.db") as reader:
        assert list(reader.margin_changes()) == list(rows)


async def test_reading_that_a_question_rests_on_is_never_thinned(store):
    before = NOW - timedelta(days=8)
    old = memory(position(), last_seen=before, first_seen=before)
    await keep(store, readings=(old,))
    await keep(store, readings=(memory(position(), last_seen=before + SECOND, first_seen=before),))
    asked = case(old, ended=True)
    await keep(store, lives=LifeChanges(cases=(asked,)))
    await keep(store, closed=(old,))
    while await store.thin(NOW):
        pass
    assert (await store.load()).lives.cases == {asked.id: asked}
