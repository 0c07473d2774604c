"""Stores as earlier programs left them: ``testdata/schema_N.sql`` dumps what the program of that schema made of ``fill``.

A new migration needs the dump of the schema before it. In a checkout from before the migration, with this file in place:
``python -m tests.store.old_stores > tests/store/testdata/schema_N.sql``.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

from monitor.alerts.matching import Matcher
from monitor.alerts.model import AlertState
from monitor.alerts.muting import Silence
from monitor.margin.position import Side
from monitor.margin.reading import Unguarded
from monitor.memory import ChannelMemory, Commit, FamilyState
from monitor.rules.base import Level
from monitor.store.sqlite import SqliteStore
from monitor.topups.ledger import IntentState
from monitor.topups.state import TopUpChanges
from tests.store.journal_examples import change, circuit, in_state, rehearsal
from tests.store.store_examples import MINUTE, NOW, alert, family, full_position, memory, message

FOLDER = Path(__file__).parent / "testdata"


async def fill(store: SqliteStore) -> None:
    """A day in the life of a store: a position with an acknowledged alert, a silence, messages that wait, and the journal."""
    unguarded = (Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)
    felt = alert(told=Level.CRITICAL, told_at=NOW, acked_at=NOW + MINUTE, state=AlertState.FIRING, reason="nearer than 15 %")
    first = Commit(
        at=NOW,
        families=(family(unguarded=unguarded), family("coinm", state=FamilyState.BLIND, failing=7, error="it timed out")),
        readings=(memory(full_position()),),
        alerts=(felt,),
        messages=(message(1), message(2, Level.WARNING)),
        silences=(Silence(id="S7Q2", match=Matcher(account=("test",)), since=NOW, until=NOW + 60 * MINUTE, comment="moving"),),
        channels=(ChannelMemory(name="phone", broken_since=NOW, error="401"),),
        top_ups=TopUpChanges(
            intents=tuple(in_state(state, id=f"MC{state.value}") for state in (IntentState.REJECTED, IntentState.UNKNOWN)),
            rehearsals=(rehearsal(),),
            circuits=(circuit(),),
            stopped=True,
        ),
        margin_changes=(change(),),
    )
    await store.commit(first, channels=("phone", "mail"))
    (delivery,) = await store.claim("mail", NOW, lease=MINUTE, limit=1)
    await store.settle(delivery, "accepted", NOW)
    await store.keep_ban("binance", NOW + MINUTE)


async def _dump() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        store = await SqliteStore.open(path)
        await fill(store)
        await store.close()
        connection = sqlite3.connect(path)
        heads = [
            f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        sys.stdout.write("\n".join([*heads, *connection.iterdump()]) + "\n")
        connection.close()


if __name__ == "__main__":
    asyncio.run(_dump())
