"""What is remembered of automatic margin besides the intents: the kill switch, pauses, rehearsals, breakers, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.margin.position import PositionKey
from monitor.topups.ledger import Intent, Stand
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

    def changes(self) -> TopUpChanges:
        """All of it but the switch, to be kept once more as it is now."""
        return TopUpChanges(
            intents=tuple(self.intents.values()),
            paused=self.paused,
            rehearsals=tuple(self.rehearsals.values()),
            circuits=tuple(self.circuits.values()),
            refusals=tuple(self.refusals.values()),
        )


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


def shifted_top_ups(memory: TopUpMemory, step: timedelta) -> TopUpMemory:
    """The same with every time moved by ``step``: after the clock was set, ages and waits are what they were before."""
    return replace(
        memory,
        intents={name: _moved_intent(one, step) for name, one in memory.intents.items()},
        stopped_at=_moved(memory.stopped_at, step),
        paused={name: since + step for name, since in memory.paused.items()},
        rehearsals={name: replace(one, since=one.since + step) for name, one in memory.rehearsals.items()},
        circuits={key: replace(one, opened_at=one.opened_at + step) for key, one in memory.circuits.items()},
        refusals={who: replace(one, since=one.since + step) for who, one in memory.refusals.items()},
    )


def _moved_intent(intent: Intent, step: timedelta) -> Intent:
    return replace(
        intent,
        planned_at=intent.planned_at + step,
        before=_moved_stand(intent.before, step),
        submitted_at=_moved(intent.submitted_at, step),
        valid_until=_moved(intent.valid_until, step),
        settled_at=_moved(intent.settled_at, step),
        after=None if intent.after is None else _moved_stand(intent.after, step),
    )


def _moved_stand(stand: Stand, step: timedelta) -> Stand:
    return replace(stand, at=stand.at + step)


def _moved(time: datetime | None, step: timedelta) -> datetime | None:
    return None if time is None else time + step
