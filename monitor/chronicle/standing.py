"""Standing: what readings alone show of a question, and the events that are made of margin changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitor.lives.case import Case
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.unit import unit_of
from monitor.lives.words import opening
from monitor.topups.changes import ChangeCause, MarginChange

ASKED = frozenset({ChangeCause.ELSEWHERE, ChangeCause.UNKNOWN, ChangeCause.EXCHANGE, ChangeCause.FUNDING})
"""Changes of margin whose record is looked for: what happens at a full hour, too, is funding only by its record. The others
explain themselves, or are told as automatic margin. After a time in which nothing watched, the record of every change is looked
for: a sum tells little."""
BY_WHOM = "By whom is not known yet: it may have been a partial liquidation."


def as_it_stands(case: Case, now: datetime) -> tuple[LifeEvent, ...]:
    """A question as the readings alone answer it: sizes, and what changed the margin."""
    sizes = tuple(_of_size(one, now) for one in _by_reading(case) if one.ended or one.contracts != one.before)
    return (*sizes, *of_margins(case, case.changes, now))


def earlier(case: Case, last: Case) -> Case:
    """Of several questions all but the newest, as one."""
    return replace(case, contracts=last.before, until=last.since, ended=False, changes=(), last=None)


def _by_reading(case: Case) -> tuple[Case, ...]:
    if case.last is None or case.last.since == case.since:
        return (case,)
    return (*([] if case.heard else [earlier(case, case.last)]), case.last)


def _of_size(case: Case, now: datetime) -> LifeEvent:
    position = case.assessment.position
    fell = not case.ended and case.contracts < case.before
    return LifeEvent(
        key=case.key,
        epoch=case.epoch,
        kind=kind_of(case),
        at=case.until,
        since=case.since,
        seen_at=now,
        currency=position.instrument.settle_currency,
        unit=unit_of(position.instrument),
        before=None if case.birth else case.before,
        after=case.contracts,
        ended=case.ended,
        detail=opening(position) if case.birth else BY_WHOM if fell else "",
        waits=case.away,
    )


def kind_of(case: Case) -> EventKind:
    """What the readings alone call it."""
    if case.ended:
        return EventKind.GONE
    return case.birth or (EventKind.GREW if case.contracts > case.before else EventKind.SHRANK)


def of_margins(case: Case, changes: tuple[MarginChange, ...], now: datetime) -> tuple[LifeEvent, ...]:
    """Those of the changes that are not told already, as events."""
    return tuple(replace(margin_event(one, now), waits=case.away) for one in changes if one.cause in ASKED or case.away)


def margin_event(change: MarginChange, now: datetime) -> LifeEvent:
    """A change of margin as an event: at the exchange's time where its record confirms it."""
    return LifeEvent(
        key=change.key,
        epoch=change.epoch,
        kind=EventKind.MARGIN_ADDED if change.amount > 0 else EventKind.MARGIN_REDUCED,
        at=change.at,
        since=None if change.record else change.since,
        seen_at=now,
        currency=change.currency,
        before=change.before.isolated_margin,
        after=change.after.isolated_margin,
        amount=change.amount,
        cause=change.cause.value,
        actor=change.actor,
    )
