"""Composed: a record put together with the readings that matter: what the verb shows, and what its JSON holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.lives.event import LifeEvent
from monitor.margin.quantities import ZERO
from monitor.postmortem.reach import Reach, reach
from monitor.postmortem.record import Moment, Point, Record
from monitor.postmortem.rescue import Line, Rescue, Worst, emergency_line, later_worst, rescue, worst_of
from monitor.postmortem.timeline import BLOWS, Entry, timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """One incident, explained. ``nearest``: the reading nearest to liquidation; ``worst``: the worst mark up to the end, and
    ``later`` that of the day after, where it was worse still. ``cost``: what all blows together took, fees and insurance in it;
    None where a record is missing. ``returned``: what came back at the end.
    """

    record: Record
    entries: tuple[Entry, ...]
    reach: Reach
    line: Line
    nearest: Point | None
    worst: Worst | None
    later: Worst | None
    rescues: tuple[Rescue, ...]
    cost: Decimal | None
    returned: Decimal | None

    @property
    def blows(self) -> tuple[LifeEvent, ...]:
        """The forced events, oldest first."""
        return tuple(one for one in self.record.events if one.kind in BLOWS)


def moments(record: Record) -> tuple[datetime, ...]:
    """The readings that have to be assessed again: as the first message came out (without one: as the trouble began), and the
    last before the first blow, or of a near miss the worst.
    """
    end = record.last_before
    if end is None:
        return ()
    first = reach(record).first
    began = record.incident.since if first is None else first.sending.message.at
    times = [one.at for one in record.points]
    start = record.points[max(bisect_right(times, began) - 1, 0)]
    return tuple(sorted({start.at, end.at}))


def composed(record: Record, assessed: Sequence[Moment]) -> PostMortem:
    """The whole of it; ``assessed``: the readings of ``moments``, those of them that are kept."""
    worst, line = worst_of(record), emergency_line(record.alerts)
    later = None if worst is None else later_worst(record, worst)
    blows = [one for one in record.events if one.kind in BLOWS]
    ended = [one.breakdown for one in blows if one.ended and one.breakdown is not None]
    return PostMortem(
        record=record,
        entries=timeline(record),
        reach=reach(record),
        line=line,
        nearest=record.nearest,
        worst=worst,
        later=later,
        rescues=() if worst is None else tuple(rescue(one, worst, later, line) for one in assessed),
        cost=_cost(blows),
        returned=ended[-1].returned if ended else None,
    )


def _cost(blows: Sequence[LifeEvent]) -> Decimal | None:
    total = ZERO
    for blow in blows:
        told = blow.breakdown
        if told is None or told.profit is None:
            return None
        total += told.profit + (told.fees or ZERO) + (told.insurance or ZERO)
    return total if blows else None
