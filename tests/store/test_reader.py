"""Looking into a store beside the daemon that writes it."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.model import AlertState
from monitor.errors import StoreCorrupt, StoreFault, StoreMissing, StoreTooNew
from monitor.margin.position import Side
from monitor.margin.reading import Unguarded
from monitor.memory import Commit, FamilyState
from monitor.ports import StoredReading
from monitor.rules.base import Level
from monitor.store.migrate import newest
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from tests.store.store_examples import BTC, MINUTE, NOW, TIERS, D, alert, family, full_position, key, memory, position, subject

SECOND = timedelta(seconds=1)
ETH = replace(BTC, symbol="ETH/USDT:USDT", instrument_id="ETHUSDT")


def _rows(path, query):
    connection = sqlite3.connect(path)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "margincall.db"


@pytest.fixture
async def store(path):
    store = await SqliteStore.open(path)
    yield store
    await store.close()


async def test_stand_shows_each_open_position_with_its_family_and_worst_level(store, path):
    long, short = memory(), memory(position(key(side=Side.SHORT), mark_price=D(61000)))
    felt = (
        alert(level=Level.WARNING),
        alert("margin_usage", level=Level.EMERGENCY, state=AlertState.CLEARING),
        alert("liquidation_distance", subject(short.key), level=Level.EMERGENCY, state=AlertState.HELD),
    )
    usdm = family(state=FamilyState.BLIND, error="timed out", unguarded=(Unguarded(symbol="X", side=Side.LONG, mode="cross"),))
    await store.commit(Commit(at=NOW, families=(usdm,), positions=(long, short), alerts=felt), channels=())
    with StoreReader(path) as reader:
        stand = reader.stand()
    assert stand.families == (usdm,)
    assert [(each.memory, each.family, each.level) for each in stand.positions] == [
        (long, usdm, Level.EMERGENCY),
        (short, usdm, None),
    ]
    assert set(stand.alerts) == set(felt)


async def test_reader_sees_each_commit_while_the_store_is_open(store, path):
    with StoreReader(path) as reader:
        assert reader.stand().positions == ()
        await store.commit(Commit(at=NOW, positions=(memory(),)), channels=())
        assert len(reader.stand().positions) == 1
        await store.commit(Commit(at=NOW, closed=(memory(),)), channels=())
        assert reader.stand().positions == ()


async def test_history_returns_the_newest_readings_newest_last(store, path):
    first, second, third = (
        memory(position(mark_price=D(59000 - number)), last_seen=NOW + number * SECOND) for number in range(3)
    )
    eth = memory(replace(full_position(key("ETH/USDT:USDT")), instrument=ETH), last_seen=NOW + SECOND, epoch=4)
    for each in (first, second, eth, third):
        await store.commit(Commit(at=NOW, positions=(each,), readings=(each,)), channels=())

    def stored(each):
        return StoredReading(at=each.last_seen, epoch=each.epoch, assessment=each.assessment)

    with StoreReader(path) as reader:
        assert reader.history() == [stored(each) for each in (first, second, eth, third)]
        assert reader.history("ETH/USDT:USDT") == [stored(eth)]
        assert reader.history("BTC/USDT:USDT", limit=2) == [stored(second), stored(third)]
        assert reader.history("BTC/USDT:USDT", since=NOW + 2 * SECOND) == [stored(third)]
        assert reader.history("DOGE/USDT:USDT") == []


async def test_history_rows_carry_the_judged_figures_and_the_level_that_fired(store, path):
    seen = memory(full_position())
    held = alert("margin_usage", level=Level.EMERGENCY, state=AlertState.HELD)
    await store.commit(Commit(at=NOW, readings=(seen,), alerts=(alert(level=Level.CRITICAL), held)), channels=())
    after = replace(seen, last_seen=NOW + SECOND)
    await store.commit(Commit(at=NOW, readings=(after,), alerts_ended=(alert(),)), channels=())
    rows = _rows(path, "SELECT equity, requirement, cushion, liquidation_price, level FROM readings ORDER BY at")
    judged = seen.assessment.judged
    figures = (str(judged.equity), str(judged.requirement), str(judged.cushion), str(judged.liquidation_price))
    assert rows == [(*figures, 3), (*figures, None)]


async def test_terms_and_holdings_are_written_once_when_they_do_not_change(path):
    for number in range(4):
        # Equal, but another object each time; and in the end of another run.
        seen = memory(position(instrument=replace(BTC), tiers=replace(TIERS)), last_seen=NOW + number * SECOND)
        store = await SqliteStore.open(path)
        await store.commit(Commit(at=NOW, readings=(seen,)), channels=())
        await store.commit(Commit(at=NOW, readings=(replace(seen, last_seen=NOW + MINUTE),)), channels=())
        await store.close()
    tables = ("instruments", "tier_tables", "lives", "holdings", "readings")
    assert [_rows(path, f"SELECT count(*) FROM {name}")[0][0] for name in tables] == [1, 1, 1, 1, 5]


async def test_history_has_one_row_a_reading_when_the_position_is_absent_later(store, path):
    seen = memory()
    await store.commit(Commit(at=NOW, readings=(seen,)), channels=())
    await store.commit(Commit(at=NOW + SECOND, positions=(replace(seen, absences=1),), alerts=(alert(),)), channels=())
    with StoreReader(path) as reader:
        assert len(reader.history()) == 1
        assert [each.memory.absences for each in reader.stand().positions] == [1]
    # The alert is younger than the reading.
    assert _rows(path, "SELECT level FROM readings") == [(None,)]


def test_reader_names_the_path_when_there_is_no_store(path):
    with pytest.raises(StoreMissing, match=r"margincall\.db"):
        StoreReader(path)
    assert not path.exists()


async def test_reader_refuses_a_store_of_a_newer_program(store, path):
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {newest() + 1}")
    connection.close()
    with pytest.raises(StoreTooNew):
        StoreReader(path)


def test_reader_refuses_what_is_not_a_store(path):
    path.write_bytes(b"")
    with pytest.raises(StoreFault, match="older"):
        StoreReader(path)
    path.write_bytes(b"x" * 5000)
    with pytest.raises(StoreCorrupt):
        StoreReader(path)


async def test_reader_cannot_write(store, path):
    with StoreReader(path) as reader, pytest.raises(sqlite3.OperationalError):
        reader._connection.execute("DELETE FROM families")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_reader_opens_a_closed_store_when_its_folder_is_read_only(store, path):
    await store.close()
    path.parent.chmod(0o500)
    try:
        with StoreReader(path) as reader:
            assert reader.stand().positions == ()
    finally:
        path.parent.chmod(0o700)


def test_reader_imports_nothing_that_is_slow_to_load():
    code = "import sys, monitor.store.reader; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert "sqlite3" in loaded
    assert not loaded & {"asyncio", "pydantic", "ccxt", "apprise", "aiohttp", "structlog", "rich"}
