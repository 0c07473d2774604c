"""What is remembered of automatic margin besides the intents: the kill switch, pauses, rehearsals, breakers, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.margin.position import PositionKey
from monitor.topups.ledger import Intent
from monitor.topups.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Since when a policy of this content has run. ``content`` is compared by `rehearsal.begins_anew`, never read by people."""

    policy: str
    content: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Automatic margin is off for a position since ``opened_at`` because of ``reason``, until a person resumes it."""

    key: PositionKey
    opened_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpMemory:
    """``intents``: by id, every open one and every one of the last 24 hours or of an open position's epoch. ``stopped_at``: the
    kill switch was thrown. ``paused``: policies by name. ``refusals``: the one in force for each policy and position.
    ``lease``: the epoch of this daemon's lock on the store; intents of another are never sent.
    """

    intents: Mapping[str, Intent] = field(default_factory=dict)
    stopped_at: datetime | None = None
    paused: Mapping[str, datetime] = field(default_factory=dict)
    rehearsals: Mapping[str, Rehearsal] = field(default_factory=dict)
    circuits: Mapping[PositionKey, Circuit] = field(default_factory=dict)
    refusals: Mapping[tuple[str, PositionKey], Refusal] = field(default_factory=dict)
    lease: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpChanges:
    """What one decision changed of it. Ended pauses, circuits and refusals are named by their keys in ``ended_...``.

    ``stopped``: the kill switch was thrown (True) or released (False); None: left alone.
    """

    intents: tuple[Intent, ...] = ()
    stopped: bool | None = None
    paused: Mapping[str, datetime] = field(default_factory=dict)
    ended_pauses: tuple[str, ...] = ()
    rehearsals: tuple[Rehearsal, ...] = ()
    circuits: tuple[Circuit, ...] = ()
    ended_circuits: tuple[PositionKey, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    ended_refusals: tuple[tuple[str, PositionKey], ...] = ()

    def __bool__(self) -> bool:
        return self != NO_CHANGES


NO_CHANGES = TopUpChanges()
