"""What becomes of old history: a week whole, a quarter by the minute, then by the hour; and the day's copy."""

import sqlite3
import stat
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.errors import StoreUnavailable
from monitor.memory import Commit
from monitor.rules.base import Level
from monitor.store import backup
from monitor.store.backup import copies
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from tests.builders import NOW, position
from tests.store.store_examples import alert, memory


def memory_of(held, when):
    return memory(held, first_seen=NOW - timedelta(days=400), last_seen=when)


async def filled(path, *moments, price="98"):
    """A store with one reading of one open position at each of these moments."""
    store = await SqliteStore.open(path)
    for moment in moments:
        await store.commit(Commit(at=moment, readings=(memory_of(position(price), when=moment),)), channels=[])
    return store


async def thinned(store, now=NOW):
    """Everything that is due, slice by slice; how many slices it took."""
    slices = 1
    while await store.thin(now):
        slices += 1
    return slices


def kept(path):
    with StoreReader(path) as reader:
        return [one.at for one in reader.history("", limit=None)]


async def test_a_week_is_kept_whole_and_older_readings_one_a_minute(tmp_path):
    path = tmp_path / "store.db"
    old = NOW - timedelta(days=8)
    recent = NOW - timedelta(days=6)
    seconds = [timedelta(seconds=2 * count) for count in range(90)]
    store = await filled(path, *(old + step for step in seconds), *(recent + step for step in seconds))
    await thinned(store)
    left = kept(path)
    # 180 s of readings begin on a whole minute: three minutes, the last reading of each.
    assert [one - old for one in left if one < recent] == [timedelta(seconds=second) for second in (58, 118, 178)]
    assert len([one for one in left if one >= recent]) == 90
    assert await thinned(store) == 1
    await store.close()


async def test_after_a_quarter_one_reading_an_hour_is_left(tmp_path):
    path = tmp_path / "store.db"
    old = (NOW - timedelta(days=100)).replace(minute=0, second=0)
    store = await filled(path, *(old + timedelta(seconds=30 * count) for count in range(240)), NOW)
    await thinned(store)
    assert [one - old for one in kept(path)[:-1]] == [timedelta(seconds=3570), timedelta(seconds=7170)]
    await store.close()


async def test_the_worst_of_a_minute_is_the_one_that_stays(tmp_path):
    path = tmp_path / "store.db"
    old = NOW - timedelta(days=8)
    store = await SqliteStore.open(path)
    for second, price in ((0, "98"), (10, "93"), (20, "97")):
        moment = old + timedelta(seconds=second)
        await store.commit(Commit(at=moment, readings=(memory_of(position(price), when=moment),)), channels=[])
    later = old + timedelta(minutes=5)
    await store.commit(Commit(at=later, readings=(memory_of(position("98"), when=later),)), channels=[])
    await thinned(store)
    with StoreReader(path) as reader:
        marks = [one.assessment.position.mark_price for one in reader.history("", limit=None)]
    assert marks == [Decimal(93), Decimal(98)]
    await store.close()


async def test_what_an_open_position_rests_on_stays_however_old(tmp_path):
    path = tmp_path / "store.db"
    old = NOW - timedelta(days=200)
    # The last reading is the milder one: only the memory of the position speaks for it.
    store = await filled(path, old, price="93")
    last = old + timedelta(seconds=10)
    await store.commit(Commit(at=last, readings=(memory_of(position("98"), when=last),)), channels=[])
    await thinned(store)
    assert kept(path) == [old, last]
    assert len((await store.load()).positions) == 1
    await store.close()


async def test_a_year_of_arrears_is_worked_off_in_slices_that_each_do_little(tmp_path):
    path = tmp_path / "store.db"
    moments = [NOW - timedelta(days=400) + timedelta(days=day) for day in range(0, 400, 5)]
    store = await filled(path, *moments)
    slices = await thinned(store)
    # One slice of an hour for each reading that is due, not one for each of the 9,600 hours.
    assert 75 <= slices <= 90
    assert len(kept(path)) == len(moments)
    await store.close()


async def test_a_copy_is_whole_private_and_made_once_a_day(tmp_path):
    path = tmp_path / "store.db"
    store = await filled(path, NOW)
    raised = alert(level=Level.CRITICAL)
    await store.back_up(NOW)
    await store.commit(Commit(at=NOW, alerts=(raised,)), channels=[])
    await store.back_up(NOW + timedelta(hours=1))
    (copy,) = copies(path)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with StoreReader(copy) as reader:
        assert (len(reader.stand().positions), reader.stand().alerts) == (1, ())
    for day in range(1, 6):
        await store.back_up(NOW + timedelta(days=day))
    assert [one.name[9:19] for one in copies(path)] == [f"{NOW + timedelta(days=day):%Y-%m-%d}" for day in (5, 4, 3)]
    assert not list(tmp_path.glob("*.partial"))
    await store.close()


async def test_a_copy_that_cannot_be_made_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "store.db"
    store = await filled(path, NOW)

    def full(*_, **__):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
        raise error

    monkeypatch.setattr(backup, "open_reader", full)
    with pytest.raises(StoreUnavailable):
        await store.back_up(NOW)
    assert [one.name for one in tmp_path.iterdir() if "backup" in one.name or "partial" in one.name] == []
    await store.close()
