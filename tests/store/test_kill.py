"""kill -9 at named points of real commits: what was committed is there, what was not has left no trace."""

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from tests.store.store_examples import NOW

# Commits number 1, 2, 3 ...; says each number once it is committed; dies in number 3 when the statement begins.
WRITER = """
import asyncio, os, signal, sys
from datetime import timedelta
from pathlib import Path
from monitor.memory import Commit
from monitor.store.sqlite import SqliteStore
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpChanges
from tests.store.journal_examples import change, in_state
from tests.store.store_examples import NOW, alert, family, key, memory, message

async def main(path, point):
    store = await SqliteStore.open(path)
    for number in range(1, 5):
        def look(statement):
            if statement.startswith(point):
                os.kill(os.getpid(), signal.SIGKILL)
        if number == 3:
            await store._thread.run(store._connection.set_trace_callback, look)
            if point == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        seen = memory(last_seen=NOW + timedelta(seconds=number))
        sent = in_state(IntentState.SUBMITTING, id=f"i{number}", key=key(f"{number}/USDT:USDT"))
        await store.submit(
            Commit(at=NOW, families=(family(failing=number),), positions=(seen,), readings=(seen,),
                   alerts=(alert(repeats=number),), messages=(message(number),), top_ups=TopUpChanges(intents=(sent,)),
                   margin_changes=(change(intent=sent.id),)),
            channels=("phone", "mail"),
        )
        print(number, flush=True)
        if number == 3 and point == "after":
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""

POINTS = [
    "before",
    "BEGIN IMMEDIATE",
    "INSERT INTO families",
    "INSERT INTO alerts",
    "UPDATE positions",
    "INSERT INTO readings",
    "INSERT INTO intents",
    "INSERT INTO margin_changes",
    "INSERT INTO messages",
    "INSERT INTO deliveries",
    "COMMIT",
    "after",
]


@pytest.mark.parametrize("point", POINTS)
def test_store_keeps_exactly_what_was_committed_when_killed(tmp_path, point):
    path = tmp_path / "s.db"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path), point],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        timeout=50,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    last = int(done.stdout.split()[-1])
    assert last == (3 if point == "after" else 2)

    asyncio.run(_expect(path, last))


async def _expect(path, last):
    store = await SqliteStore.open(path)
    kept = await store.load()
    (family,) = kept.families.values()
    (position,) = kept.positions.values()
    (alert,) = kept.alerts.values()
    assert (family.failing, position.last_seen, alert.repeats) == (last, NOW + timedelta(seconds=last), last)
    assert set(kept.top_ups.intents) == {f"i{number}" for number in range(1, last + 1)}
    with StoreReader(path) as reader:
        assert {change.intent for change in reader.margin_changes()} == set(kept.top_ups.intents)
    for channel in ("phone", "mail"):
        claimed = await store.claim(channel, NOW, lease=timedelta(seconds=60))
        assert [each.message.id for each in claimed] == [f"m{number}" for number in range(1, last + 1)]
    await store.close()
