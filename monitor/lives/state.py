"""What is remembered of lives beside the positions themselves: open questions, and what waits to be told together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta

from monitor.lives.case import Case, CaseId
from monitor.lives.event import LifeEvent
from monitor.margin.position import PositionKey
from monitor.topups.changes import MarginChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """When a change of a position was last told that needs nobody, and what has happened since and waits for the next message."""

    at: datetime
    held: tuple[LifeEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeMemory:
    """``cases``: open questions. ``waiting``: what happened while nothing watched, not told yet; ``away``: since when nothing
    watched, and when that ended; None where it is told or nothing was missed. ``spoken``: of which positions changes were told
    lately; not kept over a restart.
    """

    cases: Mapping[CaseId, Case] = field(default_factory=dict)
    waiting: tuple[LifeEvent, ...] = ()
    away: tuple[datetime, datetime] | None = None
    spoken: Mapping[PositionKey, Spoken] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeChanges:
    """What one decision changed of it. ``closed``: questions that are answered; ``told``: ids of events that waited.
    ``confirmed``: margin changes as the exchange's records have them, each in place of the one that was seen then.
    ``superseded``: ids of events that were kept as it stood, and that the records have as it was.
    """

    events: tuple[LifeEvent, ...] = ()
    cases: tuple[Case, ...] = ()
    closed: tuple[CaseId, ...] = ()
    told: tuple[str, ...] = ()
    confirmed: tuple[tuple[MarginChange, tuple[MarginChange, ...]], ...] = ()
    superseded: tuple[str, ...] = ()

    def with_more(self, more: LifeChanges) -> LifeChanges:
        """These, and then ``more`` of the same decision."""
        return LifeChanges(**{part.name: (*getattr(self, part.name), *getattr(more, part.name)) for part in fields(self)})

    def __bool__(self) -> bool:
        return any(getattr(self, part.name) for part in fields(self))


NO_LIFE_CHANGES = LifeChanges()


def shifted_lives(memory: LifeMemory, step: timedelta) -> LifeMemory:
    """Every time moved by ``step``: after the clock was set, ages are what they were before."""
    return replace(
        memory,
        cases={name: _shifted(one, step) for name, one in memory.cases.items()},
        away=None if memory.away is None else (memory.away[0] + step, memory.away[1] + step),
        spoken={key: replace(one, at=one.at + step) for key, one in memory.spoken.items()},
    )


def _shifted(case: Case, step: timedelta) -> Case:
    """What the store names by its time (its reading, changes of margin) keeps it."""
    return replace(
        case,
        first_seen=case.first_seen + step,
        since=case.since + step,
        until=case.until + step,
        due=case.due + step,
        free_at=None if case.free_at is None else case.free_at + step,
        begun=None if case.begun is None else case.begun + step,
        last=None if case.last is None else _shifted(case.last, step),
        instead=None if case.instead is None else _shifted(case.instead, step),
    )
