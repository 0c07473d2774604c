"""The journal of automatic margin, read back: for the daemon what counts now, for people all of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from monitor.store.codec import from_ms, time_or_none, to_ms
from monitor.store.intent_rows import CHANGE, INTENT, change_of, intent_of
from monitor.store.position_rows import key_of
from monitor.store.switch import thrown_since
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import OPEN, Intent
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit, Rehearsal, TopUpMemory

COUNTED = timedelta(hours=24)
"""How far back caps count; the lives of open positions count whole."""

_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
_COUNTING = f"""SELECT {", ".join(INTENT)} FROM intents
    WHERE state IN ({_OPEN}) OR coalesce(settled_at, submitted_at, planned_at) >= ? OR EXISTS (
        SELECT 1 FROM lives JOIN positions ON positions.life = lives.id
        WHERE lives.exchange = intents.exchange AND lives.account = intents.account AND lives.symbol = intents.symbol
        AND lives.side = intents.side AND lives.epoch = intents.epoch
    ) OR EXISTS (
        SELECT 1 FROM lives JOIN cases ON cases.life = lives.id
        WHERE lives.exchange = intents.exchange AND lives.account = intents.account AND lives.symbol = intents.symbol
        AND lives.side = intents.side AND lives.epoch = intents.epoch
    ) ORDER BY planned_at, id"""  # noqa: S608 - our own names
_NEWEST = "SELECT max(planned_at) FROM intents"
_INTENTS = f"""SELECT {", ".join(INTENT)} FROM intents WHERE (? = '' OR symbol = ?) AND planned_at >= ?
    ORDER BY planned_at DESC, id DESC LIMIT ?"""  # noqa: S608 - our own names
_CHANGES = f"""SELECT {", ".join(CHANGE)} FROM margin_changes WHERE (? = '' OR symbol = ?) AND at >= ?
    ORDER BY at DESC, id DESC LIMIT ?"""  # noqa: S608 - our own names
_PAUSES = "SELECT policy, since FROM top_up_pauses ORDER BY policy"
_REHEARSALS = "SELECT policy, content, since FROM top_up_rehearsals ORDER BY policy"
_CIRCUITS = (
    "SELECT exchange, account, symbol, side, opened_at, reason FROM top_up_circuits ORDER BY exchange, account, symbol, side"
)
_REFUSALS = """SELECT exchange, account, symbol, side, policy, reason, since, detail FROM top_up_refusals
    ORDER BY policy, exchange, account, symbol, side"""
_LEASE = "SELECT value FROM meta WHERE name = 'lease'"
_RAISE_LEASE = """INSERT INTO meta (name, value) VALUES ('lease', '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT)"""


def raise_lease(connection: sqlite3.Connection) -> None:
    """A new holder of the store's lock begins: what an earlier one planned is none of its own."""
    connection.execute(_RAISE_LEASE)


def top_ups(connection: sqlite3.Connection) -> TopUpMemory:
    """What is remembered of automatic margin, with the lease of the lock's last holder; raises ValueError or TypeError."""
    lease = connection.execute(_LEASE).fetchone()
    stopped = thrown_since(connection)
    circuits = [Circuit(key=key_of(row), opened_at=from_ms(row[4]), reason=row[5]) for row in connection.execute(_CIRCUITS)]
    refusals = [
        Refusal(key=key_of(row), policy=row[4], reason=RefusalReason(row[5]), since=from_ms(row[6]), detail=row[7])
        for row in connection.execute(_REFUSALS)
    ]
    return TopUpMemory(
        intents={intent.id: intent for intent in map(intent_of, connection.execute(_COUNTING, (_counted_from(connection),)))},
        stopped_at=time_or_none(stopped),
        paused={policy: from_ms(since) for policy, since in connection.execute(_PAUSES)},
        rehearsals={
            policy: Rehearsal(policy=policy, content=content, since=from_ms(since))
            for policy, content, since in connection.execute(_REHEARSALS)
        },
        circuits={circuit.key: circuit for circuit in circuits},
        refusals={(refusal.policy, refusal.key): refusal for refusal in refusals},
        lease=0 if lease is None else int(lease[0]),
    )


def intents(connection: sqlite3.Connection, symbol: str, *, since: datetime | None, limit: int | None) -> Sequence[Intent]:
    """The newest ``limit`` intents of ``symbol`` (``""``: of all) planned not before ``since``, newest last."""
    return [intent_of(row) for row in connection.execute(_INTENTS, _bounds(symbol, since, limit))][::-1]


def margin_changes(
    connection: sqlite3.Connection, symbol: str, *, since: datetime | None, limit: int | None
) -> Sequence[MarginChange]:
    """The newest ``limit`` margin changes of ``symbol`` (``""``: of all) seen not before ``since``, newest last."""
    return [change_of(row) for row in connection.execute(_CHANGES, _bounds(symbol, since, limit))][::-1]


def _bounds(symbol: str, since: datetime | None, limit: int | None) -> tuple[str, str, int, int]:
    # A LIMIT below zero means no limit; times before 1970 are not stored.
    return symbol, symbol, 0 if since is None else to_ms(since), -1 if limit is None else limit


def _counted_from(connection: sqlite3.Connection) -> int:
    """From when intents count. Of the machine's clock and the journal's last time the earlier is believed: a clock that was
    wrong once must make no cap forget what was spent.
    """
    (newest,) = connection.execute(_NEWEST).fetchone()
    now = to_ms(datetime.now(UTC))
    return min(now, now if newest is None else newest) - COUNTED // timedelta(milliseconds=1)
