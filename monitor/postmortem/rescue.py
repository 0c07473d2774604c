"""Rescue: how much margin, at which moment, would have held the position through the worst mark on record.

    to survive       the least margin with which equity stays above the requirement at that mark
    to stay calm     the least margin with which the position is not even past its emergency line there

Worked out by assessing the position as it was read at that moment, at that mark. What the mark did after the end is known only
where the same contract was read on another position; without such readings that is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.margin.assessment import assess
from monitor.margin.position import Position, Side
from monitor.margin.quantities import ZERO
from monitor.margin.whatif import margin_for_cushion, margin_for_distance, margin_for_usage, with_added_margin
from monitor.postmortem.record import IncidentKind, Moment, PastAlert, Record
from monitor.rules.base import Level
from monitor.rules.cushion import Cushion
from monitor.rules.margin_usage import MarginUsage

_TAKEN = {IncidentKind.LIQUIDATED, IncidentKind.PARTLY_LIQUIDATED}
ONE_PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An emergency line: a cushion (at or below it is an emergency), or a usage (at or above it is one)."""

    kind: str
    value: Decimal


class Known(StrEnum):
    """How a mark is known. ``trigger``: the exchange names it as what set the liquidation off; ``liquidation``: it took the
    position, so the mark was at the liquidation price of the last reading at least.
    """

    READ = "read"
    TRIGGER = "trigger"
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The worst mark of a stretch, when, and how it is known."""

    at: datetime
    mark_price: Decimal
    known: Known = Known.READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What was missing at one moment, in settle currency. ``survive``, ``calm``: margin to hold through the worst mark until the
    end; ``later_survive``, ``later_calm``: through the worst mark of the day after it too; ``further``: about so much more
    for each further 1 % of the mark. None: no amount would have been enough, or nothing is known.
    """

    moment: Moment
    survive: Decimal | None
    calm: Decimal | None
    later_survive: Decimal | None = None
    later_calm: Decimal | None = None
    further: Decimal | None = None


def emergency_line(alerts: Sequence[PastAlert]) -> Line:
    """The line as the alerts of the position knew it, the cushion first; else the product's own."""
    known = {
        past.alert.rule: past.alert.line
        for past in alerts
        if past.alert.level is Level.EMERGENCY
        and past.alert.line is not None
        and past.alert.rule in {Cushion.KIND, MarginUsage.KIND}
    }
    for kind in (Cushion.KIND, MarginUsage.KIND):
        if kind in known:
            return Line(kind=kind, value=known[kind])
    return Line(kind=Cushion.KIND, value=Cushion().emergency or ZERO)


def worst_of(record: Record) -> Worst | None:
    """The worst mark up to the end: of the readings, and what is known of the one that set it off. None without either."""
    known = [Worst(at=one.at, mark_price=one.mark_price) for one in record.points if one.at <= record.incident.until]
    triggers = [
        Worst(at=one.at, mark_price=one.breakdown.trigger_price, known=Known.TRIGGER)
        for one in record.events
        if one.breakdown is not None and one.breakdown.trigger_price is not None
    ]
    last = record.last_before
    if not triggers and record.incident.kind in _TAKEN and last is not None and last.liquidation_price is not None:
        known.append(Worst(at=record.incident.at, mark_price=last.liquidation_price, known=Known.LIQUIDATION))
    known += triggers
    return _worse(record.incident.life.key.side, known)


def _worse(side: Side, known: Sequence[Worst]) -> Worst | None:
    if not known:
        return None
    return (min if side is Side.LONG else max)(known, key=lambda one: one.mark_price)


def later_worst(record: Record, worst: Worst) -> Worst | None:
    """The worst mark of the day after, where it was read and was still worse."""
    if record.afterwards is None:
        return None
    later = Worst(at=record.afterwards[0], mark_price=record.afterwards[1])
    return later if _worse(record.incident.life.key.side, [worst, later]) is later else None


def rescue(moment: Moment, worst: Worst, later: Worst | None, line: Line) -> Rescue:
    """What the position, as it was at ``moment``, lacked to hold through these marks."""
    position = moment.assessment.position
    then = at_mark(position, worst.mark_price)
    after = None if later is None else at_mark(position, later.mark_price)
    survive = _survive(then)
    side = -1 if position.key.side is Side.LONG else 1
    on = _survive(at_mark(position, worst.mark_price * (1 + side * ONE_PERCENT)))
    return Rescue(
        moment=moment,
        survive=survive,
        further=None if survive is None or on is None else on - survive,
        calm=_calm(then, line),
        later_survive=None if after is None else _survive(after),
        later_calm=None if after is None else _calm(after, line),
    )


def at_mark(position: Position, mark: Decimal) -> Position:
    """The position as if the mark had been there; what the exchange said of it at another mark does not count."""
    return replace(with_added_margin(position, ZERO), mark_price=mark)


def _survive(position: Position) -> Decimal | None:
    return ZERO if assess(position).judged.headroom > 0 else margin_for_distance(position, ZERO)


def _calm(position: Position, line: Line) -> Decimal | None:
    """No margin where no price liquidates."""
    if line.kind == MarginUsage.KIND:
        return margin_for_usage(position, line.value)
    return ZERO if assess(position).judged.cushion is None else margin_for_cushion(position, line.value)
