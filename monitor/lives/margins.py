"""Margins: a change of margin that was seen between two readings, as the exchange's own records have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.lives.records import FlowKind, Records
from monitor.margin.assessment import Assessment, assess
from monitor.margin.quantities import ZERO
from monitor.topups.changes import ChangeCause, MarginChange
from monitor.topups.stand import stand_of
from monitor.topups.watch import cause_elsewhere

SLACK = timedelta(seconds=5)
Row = tuple[datetime, Decimal, ChangeCause, str]
_CAUSES = {
    FlowKind.MARGIN_ADDED: ChangeCause.ELSEWHERE,
    FlowKind.MARGIN_TAKEN: ChangeCause.ELSEWHERE,
    FlowKind.AUTO_ADDED: ChangeCause.EXCHANGE,
    FlowKind.FUNDING: ChangeCause.FUNDING,
}
_CERTAIN = {ChangeCause.FILL, ChangeCause.LEVERAGE, ChangeCause.EXCHANGE}
"""What the readings themselves show to have moved the margin."""


def confirmed(change: MarginChange, records: Records, before: Assessment) -> tuple[MarginChange, ...]:
    """The rows of the exchange that make up the change, each as a change of its own; empty where they say nothing of it.

    Where they do not add up to it, those that lie well between the two readings count all the same, and what they leave is what
    was seen. What was taken for funding, and is not recorded as such, is not funding (see ``guessed``).

    The stands between them are worked out from the position ``before`` at the mark at which it was read: the exchange keeps none.
    """
    near = _rows(change, records)
    inside = [row for row in near if change.since < row[0] <= change.at]
    whole = inside if inside and _sum(inside) == change.amount else _adding_up(near, change) or _paid_instead(change, records)
    if whole:
        return _made(change, whole, before)
    elsewhere = cause_elsewhere(change.since, change.at)
    sure = [row for row in inside if change.since + SLACK < row[0] <= change.at - SLACK]
    if not sure:
        # The likeliest guess, and wrong: the exchange would have recorded it.
        wrong = change.cause is ChangeCause.FUNDING and FlowKind.FUNDING in records.kept
        return (replace(change, cause=elsewhere),) if wrong else ()
    cause = change.cause if change.cause in _CERTAIN else elsewhere
    return _made(change, sure, before, (change.at, change.amount - _sum(sure), cause, ""))


def _rows(change: MarginChange, records: Records) -> list[Row]:
    """What the exchange recorded in the time of the change, oldest first."""
    rows: list[Row] = [
        (row.at, row.amount, _CAUSES[row.kind], row.id)
        for row in records.flows
        if row.kind in _CAUSES and row.in_margin and _near(row.at, change)
    ]
    rows += [
        (fill.at, fill.margin_change, ChangeCause.FILL, fill.id)
        for fill in records.fills
        if fill.margin_change and _near(fill.at, change)
    ]
    return sorted(rows, key=lambda row: row[0])


def _made(change: MarginChange, rows: Sequence[Row], before: Assessment, rest: Row | None = None) -> tuple[MarginChange, ...]:
    """Each row as a change, and last the ``rest`` that no record tells, as it was seen. One of ours is the row that fits it."""
    made: list[MarginChange] = []
    margin, stand = change.before.isolated_margin, change.before
    ours = next((row for row in rows if change.intent and row[2] is ChangeCause.ELSEWHERE and _fits(row, change)), None)
    for number, row in enumerate(rows, start=1):
        at, amount, cause, record = row
        margin += amount
        last = rest is None and number == len(rows)
        after = change.after if last else replace(stand_of(_with_margin(before, margin), at=at), free=None)
        one = replace(change, at=at, since=at, amount=amount, before=stand, after=after, record=record or f"{number}")
        made.append(one if row is ours else replace(one, cause=cause, actor="", intent=""))
        stand = after
    if rest is not None:
        left = replace(change, amount=rest[1], before=stand)
        unseen = change.intent and ours is None and _fits(rest, change)  # ours, and its row lies too near a reading
        made.append(left if unseen else replace(left, cause=rest[2], actor="", intent=""))
    return tuple(made)


def _fits(row: Row, change: MarginChange) -> bool:
    """Whether a row can be the change that is known to be ours."""
    return 2 * abs(row[1] - change.amount) <= abs(change.amount)


def _sum(rows: Sequence[Row]) -> Decimal:
    return sum((row[1] for row in rows), ZERO)


def _paid_instead(change: MarginChange, records: Records) -> list[Row]:
    """Funding that the wallet pays, but for an empty one: a row of just that amount (Bybit, Transaction Log; 2026-11-22)."""
    if change.cause is not ChangeCause.FUNDING:
        return []
    flows = (flow for flow in records.flows if flow.kind is FlowKind.FUNDING and flow.amount == change.amount)
    return [(one.at, one.amount, ChangeCause.FUNDING, one.id) for one in flows if _near(one.at, change)][:1]


def _near(at: datetime, change: MarginChange) -> bool:
    return change.since - SLACK < at <= change.at + SLACK


def guessed(change: MarginChange, rows: Sequence[MarginChange]) -> bool:
    """Whether that it was funding is only a guess so far: its record may be late."""
    return change.cause is ChangeCause.FUNDING and not any(row.record for row in rows)


def _adding_up(rows: list[Row], change: MarginChange) -> list[Row]:
    """The rows, one after the other, that make up the change; of several such stretches the one that lies best in its time."""
    sums, outside = [ZERO], [0]
    for at, amount, _, _ in rows:
        sums.append(sums[-1] + amount)
        outside.append(outside[-1] + (not change.since < at <= change.at))
    begins: dict[Decimal, int] = {}
    best: tuple[int, int, int] | None = None
    for end, total in enumerate(sums):
        start = begins.get(total - change.amount)
        if start is not None:
            found = (outside[end] - outside[start], start, end)
            best = found if best is None or found < best else best
        # Of several beginnings the latest makes the shortest stretch, with the least outside of its time.
        begins[total] = end
    return [] if best is None else rows[best[1] : best[2]]


def _with_margin(assessment: Assessment, margin: Decimal) -> Assessment:
    return assess(replace(assessment.position, isolated_margin=margin))
