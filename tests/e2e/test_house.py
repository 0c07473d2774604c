"""Faults of the house on the real program: disk, store and handles. It watches on, and never adds margin on doubt."""

from __future__ import annotations

import json
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.practice.engine.accounts import Kind
from tests.e2e.program import PATIENCE, until
from tests.e2e.stage import RULES, Held, Stage

# As in test_top_ups: 0.1 BTC long at 100,000 with 1,000 of margin, whose cushion is 22 % at 92,500.
HELD = Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000")
POLICY = """\
top_ups:
  - name: guard
    match: {account: main}
    mode: auto
    trigger: {cushion: 30%}
    target: {cushion: 70%}
    caps: {per_action: {USDT: 2000}, per_position: {USDT: 2500}, per_day: {USDT: 2500}}
    keep_free: {USDT: 200}
    cooldown: 1h
    skip_rehearsal: true
"""
BREACH = "92500"
BLOCKED = """
import asyncio, time
from monitor.cli import main
from monitor.daemon import vitals
feel = vitals.Vitals.feel
async def feel_and_be_blocked(self, clock):
    asyncio.get_running_loop().call_later(1, time.sleep, 3)
    await feel(self, clock)
vitals.Vitals.feel = feel_and_be_blocked
main()
"""
"""The program with a bug: a second after the start something keeps its loop from turning for three."""
EMERGENCY = "EMERGENCY: BTC/USDT long"


@contextmanager
def guarded(folder: Path, before: Callable[[Path], None] = lambda _: None) -> Iterator[Stage]:
    """A daemon that guards one position which it may add margin to; ``before`` does something to its folder."""
    with Stage(folder, rules=RULES + POLICY) as stage:
        stage.account("main", "binance", HELD, top_ups=True)
        before(folder)
        stage.start()
        wait_for(stage, "guarding 1 position")
        yield stage


def wait_for(stage: Stage, words: str) -> None:
    came = stage.wait_for(lambda: any(words in one.text for one in stage.arrivals), PATIENCE)
    assert came, f"{words!r} did not come, but {[one.title for one in stage.arrivals]}:\n{stage.program.log()[-4000:]}"


def added(stage: Stage) -> list[Decimal]:
    """What the exchange added, by its own record."""
    records = stage.booths["main"].engine.account("main").records
    return stage.call(lambda: [one.into_margin for one in records if one.kind is Kind.ADD])


@contextmanager
def limited(stage: Stage, kind: int, soft: int) -> Iterator[None]:
    """A limit on the running daemon's resources."""
    assert stage.daemon is not None
    before = resource.prlimit(stage.daemon.pid, kind)
    resource.prlimit(stage.daemon.pid, kind, (soft, before[1]))
    yield
    resource.prlimit(stage.daemon.pid, kind, before)


@contextmanager
def full_disk(stage: Stage) -> Iterator[None]:
    """Not one more byte can be written, to the store or to the log."""
    with limited(stage, resource.RLIMIT_FSIZE, 0):
        yield


@contextmanager
def locked_store(stage: Stage) -> Iterator[None]:
    """Another program holds the store's file."""
    other = sqlite3.connect(stage.folder / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("ill", [full_disk, locked_store])
def test_it_alerts_from_memory_and_adds_no_margin_until_the_store_takes_it(
    tmp_path: Path, ill: Callable[[Stage], AbstractContextManager[None]]
) -> None:
    with guarded(tmp_path) as stage:
        with ill(stage):
            stage.price("main", "BTCUSDT", BREACH)
            wait_for(stage, EMERGENCY)
            assert added(stage) == []
        until(lambda: len(added(stage)) == 1)
        wait_for(stage, "All clear: BTC/USDT long")
        with sqlite3.connect(tmp_path / "store.db") as store:
            (rows,) = store.execute("SELECT count(*) FROM alerts WHERE rule = 'cushion'").fetchone()
        store.close()
        assert rows > 0
        assert sum(one.title.startswith(EMERGENCY) for one in stage.arrivals) == 1


def test_it_goes_on_where_it_was_when_it_has_file_handles_again(tmp_path: Path) -> None:
    with guarded(tmp_path) as stage:
        with limited(stage, resource.RLIMIT_NOFILE, 3):
            stage.price("main", "BTCUSDT", BREACH)
            until(lambda: '"message.not_accepted"' in stage.program.log())
            assert added(stage) == []
        wait_for(stage, "Done: add")
        assert len(added(stage)) == 1


def damage(folder: Path) -> None:
    """What a failing disk makes of a store: its name and size stay."""
    (folder / "store.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 65536)


def test_a_store_that_is_damaged_at_the_start_is_moved_aside_and_nothing_is_added(tmp_path: Path) -> None:
    with guarded(tmp_path, damage) as stage:
        wait_for(stage, "the store was damaged")
        stage.price("main", "BTCUSDT", BREACH)
        wait_for(stage, EMERGENCY)
        wait_for(stage, "No margin added")
        assert added(stage) == []
        assert len(list(tmp_path.glob("store.db.damaged-*"))) == 1


def test_a_store_that_is_damaged_while_it_runs_is_told_and_nothing_is_added(tmp_path: Path) -> None:
    with guarded(tmp_path) as stage:
        for side in ("", "-wal"):
            path = tmp_path / f"store.db{side}"
            with path.open("r+b") as file:
                file.write(b"\xff" * path.stat().st_size)
        stage.price("main", "BTCUSDT", BREACH)
        wait_for(stage, EMERGENCY)
        wait_for(stage, "its store fails")
        wait_for(stage, "No margin added")
        assert added(stage) == []


def nowhere_to_write(folder: Path) -> None:
    """A place where nobody may make a file, root neither."""
    for name in ("store.db", "store.db.lock"):
        (folder / name).symlink_to(f"/proc/{name}")


def test_it_guards_from_memory_alone_when_its_folder_cannot_be_written(tmp_path: Path) -> None:
    with guarded(tmp_path, nowhere_to_write) as stage:
        stage.price("main", "BTCUSDT", BREACH)
        wait_for(stage, EMERGENCY)
        wait_for(stage, "No margin added")
        assert added(stage) == []
        stage.price("main", "BTCUSDT", "100000")
        wait_for(stage, "All clear: BTC/USDT long")


def test_a_single_run_says_so_and_ends_when_its_folder_cannot_be_written(tmp_path: Path) -> None:
    with guarded(tmp_path) as stage:
        assert stage.end(signal.SIGTERM) == 0
        for path in tmp_path.glob("store.db*"):
            path.unlink()
        nowhere_to_write(tmp_path)
        stage.program.run("run", "--once", code=1)
        assert "store.db.lock cannot be used" in stage.program.output


def test_a_loop_that_is_blocked_is_logged_and_systemd_is_not_told_that_all_is_well(tmp_path: Path) -> None:
    with guarded(tmp_path) as stage, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        assert stage.end(signal.SIGTERM) == 0
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        # It feeds each half second; systemd would restart it after one and a half.
        environment = stage.program.environment | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1500000"}
        command = [sys.executable, "-c", BLOCKED, "run", "--config", str(stage.program.config)]
        with (tmp_path / "blocked.log").open("wb") as log:
            stage.daemon = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        stage.program.daemons.append(stage.daemon)
        fed: list[float] = []
        after = 0
        while after < 2:
            if "WATCHDOG=1" in manager.recv(4096).decode():
                fed.append(time.monotonic())
                lines = (tmp_path / "blocked.log").read_text().splitlines()
                after += any('"loop.blocked"' in line for line in lines)
        (told,) = [json.loads(line) for line in lines if '"loop.blocked"' in line]
        assert told["level"] == "warning"
        assert 2 < told["seconds"] < PATIENCE
        assert max(later - before for before, later in pairwise(fed)) > 1.5
        stage.price("main", "BTCUSDT", BREACH)
        wait_for(stage, EMERGENCY)
