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


def confirmed(change: MarginChange, records: Records, before: Assessment) -> tuple[MarginChange, ...]:
    """The rows of the exchange that make up the change, each as a change of its own; empty where they do not add up to it.

    What was taken for funding, and is not recorded as such, is not funding (see ``guessed``).

    The stands between them are worked out from the position ``before`` at the mark at which it was read: the exchange keeps none.
    """
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
    rows.sort(key=lambda row: row[0])
    rows = _adding_up(rows, change) or _paid_instead(change, records)
    if not rows and change.cause is ChangeCause.FUNDING and FlowKind.FUNDING in records.kept:
        # The likeliest guess, and wrong: the exchange would have recorded it.
        return (replace(change, cause=cause_elsewhere(change.since, change.at)),)
    made = []
    margin = change.before.isolated_margin
    stand = change.before
    for number, (at, amount, cause, record) in enumerate(rows, start=1):
        margin += amount
        after = change.after if number == len(rows) else replace(stand_of(_with_margin(before, margin), at=at), free=None)
        made.append(
            replace(change, at=at, since=at, amount=amount, cause=cause, before=stand, after=after, record=record or f"{number}")
        )
        stand = after
    return tuple(made)


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
