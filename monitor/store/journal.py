"""The journal of automatic margin, written: intents, margin changes, and what keeps the policies from acting.

A second door behind the ledger's table: an intent that is kept can only go on to a state that some of the table's moves lead to,
and what was sent keeps its amount and its position. Everything here runs inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from monitor.errors import StoreFault
from monitor.margin.position import PositionKey
from monitor.memory import Commit
from monitor.store.codec import insert, replacing, storable, to_ms
from monitor.store.intent_rows import KEEP_CHANGE, KEEP_INTENT, change_row, intent_row
from monitor.store.switch import release, throw
from monitor.topups.ledger import MOVES, Intent, IntentState
from monitor.topups.state import TopUpChanges

_KEY = ("exchange", "account", "symbol", "side")
_KEPT_INTENT = "SELECT state, exchange, account, symbol, side, amount FROM intents WHERE id = ?"


def _keep(table: str, keys: Sequence[str], rest: Sequence[str]) -> str:
    return f"{insert(table, (*keys, *rest))} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {replacing(rest)}"


def _drop(table: str, keys: Sequence[str]) -> str:
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"  # noqa: S608 - our own names


_KEEP_PAUSE = _keep("top_up_pauses", ("policy",), ("since",))
_DROP_PAUSE = _drop("top_up_pauses", ("policy",))
_KEEP_REHEARSAL = _keep("top_up_rehearsals", ("policy",), ("content", "since"))
_KEEP_CIRCUIT = _keep("top_up_circuits", _KEY, ("opened_at", "reason"))
_DROP_CIRCUIT = _drop("top_up_circuits", _KEY)
_KEEP_REFUSAL = _keep("top_up_refusals", ("policy", *_KEY), ("reason", "since", "detail"))
_DROP_REFUSAL = _drop("top_up_refusals", ("policy", *_KEY))


def keep_journal(connection: sqlite3.Connection, commit: Commit) -> None:
    """Everything of ``commit`` that is about margin; raises StoreFault for an intent that cannot have become what it is."""
    if commit.top_ups:
        _keep_top_ups(connection, commit.top_ups, commit.at)
    if commit.margin_changes:
        connection.executemany(KEEP_CHANGE, [change_row(change) for change in commit.margin_changes])


def _keep_top_ups(connection: sqlite3.Connection, changes: TopUpChanges, at: datetime) -> None:
    # What is settled first: the next intent of the same position may come in the same commit.
    for intent in sorted(changes.intents, key=lambda intent: intent.is_open):
        _require_way(connection, intent)
        connection.execute(KEEP_INTENT, intent_row(intent))
    if changes.stopped is not None:
        throw(connection, to_ms(at)) if changes.stopped else release(connection)
    many = connection.executemany
    many(_DROP_PAUSE, [(name,) for name in changes.ended_pauses])
    many(_KEEP_PAUSE, [(name, to_ms(since)) for name, since in changes.paused.items()])
    many(_KEEP_REHEARSAL, [(one.policy, one.content, to_ms(one.since)) for one in changes.rehearsals])
    many(_DROP_CIRCUIT, [_who(key) for key in changes.ended_circuits])
    many(_KEEP_CIRCUIT, [(*_who(one.key), to_ms(one.opened_at), storable(one.reason)) for one in changes.circuits])
    many(_DROP_REFUSAL, [(policy, *_who(key)) for policy, key in changes.ended_refusals])
    many(
        _KEEP_REFUSAL,
        [(one.policy, *_who(one.key), one.reason.value, to_ms(one.since), storable(one.detail)) for one in changes.refusals],
    )


def _require_way(connection: sqlite3.Connection, intent: Intent) -> None:
    kept = connection.execute(_KEPT_INTENT, (intent.id,)).fetchone()
    if kept is None:
        return
    state = IntentState(kept[0])
    if intent.state not in states_after(state):
        raise StoreFault(f"the journal has intent {intent.id} as {state.value}: it cannot become {intent.state.value}")
    if state is not IntentState.PLANNED and kept[1:] != (*_who(intent.key), str(intent.amount)):
        raise StoreFault(f"the journal has intent {intent.id} with another amount or position: what was sent stays as it is")


@cache
def states_after(state: IntentState) -> frozenset[IntentState]:
    """``state`` and every one that the table's moves lead to; commits that failed may be kept with a later one."""
    further = {to for (at, _), to in MOVES.items() if at is state}
    return frozenset({state}).union(*(states_after(to) for to in further))


def _who(key: PositionKey) -> tuple[Any, ...]:
    return key.exchange, key.account, key.symbol, key.side.value
