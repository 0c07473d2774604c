"""The journal of FakeStore: the rules of the real one, said in Python."""

from __future__ import annotations

from datetime import datetime

from monitor.errors import StoreFault
from monitor.margin.position import PositionKey
from monitor.memory import Commit
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import MOVES, Intent, IntentState
from monitor.topups.refusal import Refusal
from monitor.topups.state import Circuit, Rehearsal, TopUpMemory


class FakeJournal:
    """Intents are kept for good; ``lease`` is that of the only holder there is."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.changes: list[MarginChange] = []
        self.stopped_at: datetime | None = None
        self._paused: dict[str, datetime] = {}
        self._rehearsals: dict[str, Rehearsal] = {}
        self._circuits: dict[PositionKey, Circuit] = {}
        self._refusals: dict[tuple[str, PositionKey], Refusal] = {}

    def check(self, commit: Commit) -> None:
        """Raises StoreFault for what the real journal would not keep."""
        after = self.intents | {intent.id: intent for intent in commit.top_ups.intents}
        for intent in commit.top_ups.intents:
            kept = self.intents.get(intent.id)
            if kept is not None and not leads(kept.state, intent.state):
                raise StoreFault("no such move")
            if kept is not None and kept.state is not IntentState.PLANNED and _sent(kept) != _sent(intent):
                raise StoreFault("what was sent stays as it is")
            if not intent.amount or (intent.policy and intent.amount < 0):
                raise StoreFault("no such amount")
            if not _has_its_times(intent):
                raise StoreFault("no such times")
        open_ones = [intent.key for intent in after.values() if intent.is_open]
        if len(open_ones) > len(set(open_ones)):
            raise StoreFault("two open intents on one position")

    def keep(self, commit: Commit) -> None:
        changes = commit.top_ups
        self.intents.update({intent.id: intent for intent in changes.intents})
        self.changes.extend(commit.margin_changes)
        if changes.stopped is not None:
            self.stopped_at = (self.stopped_at or commit.at) if changes.stopped else None
        for name in changes.ended_pauses:
            self._paused.pop(name, None)
        self._paused.update(changes.paused)
        self._rehearsals.update({one.policy: one for one in changes.rehearsals})
        for key in changes.ended_circuits:
            self._circuits.pop(key, None)
        self._circuits.update({one.key: one for one in changes.circuits})
        for refused in changes.ended_refusals:
            self._refusals.pop(refused, None)
        self._refusals.update({(one.policy, one.key): one for one in changes.refusals})

    def load(self) -> TopUpMemory:
        return TopUpMemory(
            intents=dict(self.intents),
            stopped_at=self.stopped_at,
            paused=dict(self._paused),
            rehearsals=dict(self._rehearsals),
            circuits=dict(self._circuits),
            refusals=dict(self._refusals),
            lease=1,
        )


def leads(state: IntentState, to: IntentState) -> bool:
    """Whether moves of the ledger's table lead from ``state`` to ``to``, or it is there."""
    return state is to or any(leads(further, to) for (at, _), further in MOVES.items() if at is state)


def _has_its_times(intent: Intent) -> bool:
    if (intent.settled_at is None) != intent.is_open:
        return False
    if intent.submitted_at is None or intent.valid_until is None:
        return intent.state in {IntentState.PLANNED, IntentState.ABANDONED}
    return intent.valid_until >= intent.submitted_at


def _sent(intent: Intent) -> tuple[object, ...]:
    return intent.key, intent.amount
