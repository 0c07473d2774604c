"""Finding: which liquidations and near misses there were, from events, alerts and lives alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import AlertState, position_subject
from monitor.lives.event import EventKind, LifeEvent
from monitor.margin.position import PositionKey
from monitor.postmortem.record import Incident, IncidentKind, Life, PastAlert
from monitor.rules.base import Level

TOGETHER = timedelta(hours=1)
"""Blows to one life that lie no further apart are one incident."""
JOINED = timedelta(minutes=10)
"""Alerts on one life that lie no further apart are one stretch of trouble."""
SLACK = timedelta(seconds=30)
"""An alert may end that long before the exchange's time of what ended it, and begin that long after it: readings are apart."""
FORCED = {
    EventKind.LIQUIDATED: IncidentKind.LIQUIDATED,
    EventKind.PARTLY_LIQUIDATED: IncidentKind.PARTLY_LIQUIDATED,
    EventKind.DELEVERAGED: IncidentKind.DELEVERAGED,
    EventKind.GONE: IncidentKind.GONE,
}
_WORST = tuple(FORCED.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """Alerts on one life without a pause; ``until`` is None while one lives."""

    since: datetime
    until: datetime | None
    alerts: tuple[PastAlert, ...]

    def holds(self, at: datetime) -> bool:
        return self.since <= at + SLACK and (self.until is None or self.until + JOINED >= at)


def incidents(lives: Iterable[Life], events: Sequence[LifeEvent], alerts: Sequence[PastAlert]) -> tuple[Incident, ...]:
    """All of them, oldest first. ``events``: every ending and every forced event; ``alerts``: those on positions."""
    found: list[Incident] = []
    felt: defaultdict[tuple[str, ...], list[PastAlert]] = defaultdict(list)
    for past in alerts:
        felt[past.alert.subject[1:5]].append(past)
    happened: defaultdict[tuple[PositionKey, int], list[LifeEvent]] = defaultdict(list)
    for event in events:
        happened[event.key, event.epoch].append(event)
    for life in lives:
        troubles = _troubles([one for one in felt[position_subject(life.key)[1:5]] if _within(life, one)])
        own = happened[life.key, life.epoch]
        blows = _blows(own)
        found += [_ending(life, number, group, troubles) for number, group in enumerate(blows)]
        times = [event.at for group in blows for event in group]
        calm = [one for one in troubles if not any(one.holds(at) for at in times)]
        explained = any(one.ended for one in own)
        found += [miss for one in calm if (miss := _past_the_line(life, one, len(blows), explained=explained)) is not None]
    return tuple(sorted(found, key=lambda one: one.until))


def last_of(found: Sequence[Incident]) -> Incident | None:
    """The newest of them; one that took something before a near miss of the same hour. None where there is none."""
    if not found:
        return None
    recent = [one for one in found if found[-1].until - one.until <= TOGETHER]
    return max(recent, key=lambda one: (one.kind.took, one.until))


def _within(life: Life, past: PastAlert) -> bool:
    since = past.alert.since
    return since >= life.first_seen - SLACK and (life.closed is None or since <= life.closed)


def _troubles(alerts: Sequence[PastAlert]) -> list[_Trouble]:
    joined: list[_Trouble] = []
    for past in sorted(alerts, key=lambda one: one.alert.since):
        last = joined[-1] if joined else None
        if last is None or (last.until is not None and past.alert.since > last.until + JOINED):
            joined.append(_Trouble(since=past.alert.since, until=past.ended, alerts=(past,)))
            continue
        until = None if last.until is None or past.ended is None else max(last.until, past.ended)
        joined[-1] = replace(last, until=until, alerts=(*last.alerts, past))
    return joined


def _blows(events: Sequence[LifeEvent]) -> list[list[LifeEvent]]:
    """The forced events of one life, those close together as one."""
    forced = [one for one in without_explained(events) if one.kind in FORCED]
    groups: list[list[LifeEvent]] = []
    for event in sorted(forced, key=lambda one: one.at):
        if groups and event.at - groups[-1][-1].at <= TOGETHER:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def without_explained(events: Sequence[LifeEvent]) -> tuple[LifeEvent, ...]:
    """The events of one life; that it is only ``gone`` counts where no record tells more."""
    known = any(one.ended and one.kind is not EventKind.GONE for one in events)
    return tuple(one for one in events if not (known and one.kind is EventKind.GONE))


def _ending(life: Life, number: int, group: Sequence[LifeEvent], troubles: Sequence[_Trouble]) -> Incident:
    first, last = group[0].at, group[-1].at
    trouble = next((one for one in reversed(troubles) if one.holds(first)), None)
    return Incident(
        code=_ending_code(life, number),
        kind=min((FORCED[one.kind] for one in group), key=_WORST.index),
        life=life,
        since=max(life.first_seen, first - JOINED) if trouble is None else min(trouble.since, first),
        at=first,
        until=last,
    )


def _ending_code(life: Life, number: int) -> str:
    """The same whatever becomes known of it later."""
    return code_of(f"ending {number}", position_subject(life.key), life.first_seen)


def _past_the_line(life: Life, trouble: _Trouble, number: int, *, explained: bool) -> Incident | None:
    """Trouble that reached an emergency and is out of it again, or gone with its position; None for any other."""
    urgent = [one for one in trouble.alerts if one.alert.peak is Level.EMERGENCY]
    if not urgent or any(_still_there(one) for one in urgent):
        return None
    kind, code = IncidentKind.NEAR_MISS, code_of("near miss", position_subject(life.key), trouble.since)
    if any(_ended_with(life, one) for one in urgent):
        kind, code = IncidentKind.CLOSED if explained else IncidentKind.GONE, _ending_code(life, number)
    back = max(_back(one) for one in urgent)
    return Incident(
        code=code,
        kind=kind,
        life=life,
        since=trouble.since,
        at=back,
        until=trouble.until or back,
    )


def _back(past: PastAlert) -> datetime:
    """When it was an emergency no more."""
    if past.alert.level is Level.EMERGENCY and past.ended is not None:
        return past.ended
    return past.alert.level_since


def _ended_with(life: Life, past: PastAlert) -> bool:
    in_it = past.alert.level is Level.EMERGENCY and past.alert.state is AlertState.FIRING
    return in_it and past.ended is not None and life.closed is not None and past.ended >= life.closed


def _still_there(past: PastAlert) -> bool:
    alert = past.alert
    return past.ended is None and alert.level is Level.EMERGENCY and alert.state is not AlertState.HELD
