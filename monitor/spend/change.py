"""Change: what one step of the journal made of the memory, and what is to be committed of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from monitor.alerts.model import Message
from monitor.memory import Commit, Memory
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import Intent
from monitor.topups.state import TopUpChanges, TopUpMemory

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The memory after one step, and what is to be committed of it. ``intent``: the one it was about, as it is now."""

    memory: Memory
    commit: Commit
    intent: Intent | None = None


def changed(
    memory: Memory,
    changes: TopUpChanges,
    now: datetime,
    *,
    messages: Iterable[Message] = (),
    margin_changes: Iterable[MarginChange] = (),
    intent: Intent | None = None,
) -> Change:
    """``changes`` applied to the memory, with the commit that keeps them."""
    commit = Commit(at=now, top_ups=changes, messages=tuple(messages), margin_changes=tuple(margin_changes))
    return Change(memory=replace(memory, top_ups=applied(memory.top_ups, changes, now)), commit=commit, intent=intent)


def applied(memory: TopUpMemory, changes: TopUpChanges, now: datetime) -> TopUpMemory:
    """What is remembered once ``changes`` are made at ``now``."""
    stopped_at = memory.stopped_at
    if changes.stopped is not None:
        stopped_at = (stopped_at or now) if changes.stopped else None
    return replace(
        memory,
        stopped_at=stopped_at,
        intents={**memory.intents, **{one.id: one for one in changes.intents}},
        paused={**_without(memory.paused, changes.ended_pauses), **changes.paused},
        rehearsals={**memory.rehearsals, **{one.policy: one for one in changes.rehearsals}},
        circuits=_without(memory.circuits, changes.ended_circuits) | {one.key: one for one in changes.circuits},
        refusals=_without(memory.refusals, changes.ended_refusals) | {(one.policy, one.key): one for one in changes.refusals},
    )


def _without(known: Mapping[Key, Value], ended: Collection[Key]) -> dict[Key, Value]:
    return {key: value for key, value in known.items() if key not in ended}
