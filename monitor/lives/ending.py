"""Ending: from the fills of a case to what happened: who caused them, when, what they cost, and what came back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, groupby

from monitor.lives.case import Case
from monitor.lives.event import Breakdown, EventKind
from monitor.lives.records import Fill, FillCause, Flow, FlowKind, Records
from monitor.margin.quantities import ZERO
from monitor.topups.watch import LATE

SLACK = timedelta(seconds=5)
"""Flows so near a reading are placed by the margin that they left; rows of the insurance fund may be that much early."""
SETTLED_BY = timedelta(minutes=1)
"""The insurance fund's rows follow the fill so soon; what comes later is of another liquidation."""
_JUST = timedelta(microseconds=1)
OF_MARGINS = "margin changes"
"""How what is missing of margin changes begins: an ending does not hang on it."""
_ENDS = {
    FillCause.TRADE: EventKind.CLOSED,
    FillCause.REDUCTION: EventKind.LIQUIDATED,
    FillCause.LIQUIDATION: EventKind.LIQUIDATED,
    FillCause.DELEVERAGED: EventKind.DELEVERAGED,
    FillCause.DELIVERED: EventKind.DELIVERED,
    FillCause.SETTLED: EventKind.SETTLED,
}
_PARTS = {
    **_ENDS,
    FillCause.TRADE: EventKind.SHRANK,
    FillCause.REDUCTION: EventKind.PARTLY_LIQUIDATED,
    FillCause.LIQUIDATION: EventKind.PARTLY_LIQUIDATED,
}
_MARGIN_FLOWS = {FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of fills with one cause. ``left``: contracts after it; ``ended``: none are. ``breakdown``: of what was closed, if
    anything was. ``opened``: so many contracts were opened, at ``price`` on average and for ``fee``; None where not recorded.
    """

    kind: EventKind
    at: datetime
    before: Decimal
    left: Decimal
    ended: bool
    breakdown: Breakdown | None
    opened: Decimal = ZERO
    price: Decimal | None = None
    fee: Decimal | None = None


def parts(case: Case, fills: Sequence[Fill], records: Records, *, others: Decimal) -> tuple[Part, ...]:
    """What a stretch of fills was, each cause by itself, in order; ``others``: the margin behind other positions now."""
    found: list[Part] = []
    size, done = case.before, 0
    groups = _groups(case, fills)
    insured = _insurance_group(groups)
    for number, (cause, group) in enumerate(groups):
        before, first, done = size, done, done + len(group)
        size += sum((fill.step for fill in group), ZERO)
        ended = case.ended and number == len(groups) - 1
        if size == before and not ended:
            continue  # bought and sold again: the position is as it was
        told = None
        if any(fill.closes for fill in group):
            flows = _insurance_rows(case, records, fills[-1].at) if number == insured else []
            told = replace(
                _broken_down(case, group, records, insurance=flows, ended=ended, whole=fills, others=others),
                margin=_margin_before(case, fills[:first], group[-1].at, records),
            )
        if size > before:
            found.append(_risen(case, group, before, size, told))
        else:
            kind = _PARTS[cause] if size else _ENDS[cause]
            found.append(Part(kind=kind, at=group[-1].at, before=before, left=size, ended=ended, breakdown=told))
    return tuple(found)


def _groups(case: Case, fills: Sequence[Fill]) -> list[tuple[FillCause, list[Fill]]]:
    """The fills by cause. What its owner closed and opened again while nothing watched is two groups; who does so time and again
    trades, and then only all of it together counts.
    """
    sizes = list(accumulate((fill.step for fill in fills), initial=case.before))
    empty = [number for number, size in enumerate(sizes) if not size and 0 < number < len(fills)]
    apart = empty[0] if case.away and len(empty) == 1 else 0
    keyed = [((fill.cause, number < apart), fill) for number, fill in enumerate(fills)]
    return [(cause, [fill for _, fill in group]) for (cause, _), group in groupby(keyed, key=lambda one: one[0])]


def _risen(case: Case, group: Sequence[Fill], before: Decimal, size: Decimal, told: Breakdown | None) -> Part:
    """What was opened, from its first fill on, or became larger with the last one."""
    opening = [fill for fill in group if not fill.closes]
    kind = EventKind.GREW if before else case.birth or EventKind.OPENED
    return Part(
        kind=kind,
        at=group[-1].at if kind is EventKind.GREW else group[0].at,
        before=before,
        left=size,
        ended=False,
        breakdown=told,
        opened=sum((fill.contracts for fill in opening), ZERO),
        price=_average(opening, inverse=case.assessment.position.instrument.contract.value == "inverse"),
        fee=_total(fill.fee for fill in opening),
    )


def _margin_before(case: Case, earlier: Sequence[Fill], until: datetime, records: Records) -> Decimal | None:
    """The isolated margin behind a part: as last read, with what came and went until then; None where an earlier part of the
    same stretch changed it by nobody knows how much, and in the reading in which a life was first seen.
    """
    changed = _total(fill.margin_change for fill in earlier)
    if changed is None or case.birth:
        return None
    since = [flow for flow in _between(records, _read_after(case, records), until) if flow.in_margin]
    return case.assessment.position.isolated_margin + changed + sum((flow.amount for flow in since), ZERO)


def _insurance_group(groups: Sequence[tuple[FillCause, list[Fill]]]) -> int:
    """The last group that the insurance fund had to do with; rows of its own are that group's."""
    forced = [n for n, (cause, _) in enumerate(groups) if cause in {FillCause.LIQUIDATION, FillCause.REDUCTION}]
    return forced[-1] if forced else len(groups) - 1


def _broken_down(
    case: Case,
    group: Sequence[Fill],
    records: Records,
    *,
    insurance: Sequence[Flow],
    ended: bool,
    whole: Sequence[Fill],
    others: Decimal,
) -> Breakdown:
    position = case.assessment.position
    closing = [fill for fill in group if fill.closes]
    contracts = sum((fill.contracts for fill in closing), ZERO)
    profit, fees = _total(fill.profit for fill in group), _total(fill.fee for fill in group)
    insured = _insured([*(fill.insurance for fill in group), *(flow.amount for flow in insurance)])
    return Breakdown(
        contracts=contracts,
        entry_price=position.entry_price,
        exit_price=_average(closing, inverse=position.instrument.contract.value == "inverse"),
        trigger_price=next((fill.trigger_price for fill in group if fill.trigger_price is not None), None),
        profit=profit,
        fees=fees,
        insurance=insured,
        funding=_funding(records, whole[-1].at) if ended else None,
        whole_life=_paid_in_all(records) is not None,
        returned=_returned(case, whole, records) if ended else None,
        observed=_observed(case, records, whole[-1].at, others) if ended else None,
        missing=tuple(one for one in records.missing if not one.startswith(OF_MARGINS)),
    )


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum; None where one of them is not known."""
    total = ZERO
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def _insured(amounts: Sequence[Decimal | None]) -> Decimal | None:
    """What the insurance fund took or gave; None where no record speaks of it at all."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if known else None


def _average(fills: Sequence[Fill], *, inverse: bool) -> Decimal | None:
    """The average price: by contracts, or of an inverse contract by what they are worth in coin."""
    if any(not fill.price for fill in fills):
        return None
    size = sum((fill.contracts for fill in fills), ZERO)
    if len({fill.price for fill in fills}) == 1:
        return fills[0].price
    if inverse:
        return size / sum((fill.contracts / fill.price for fill in fills if fill.price), ZERO)
    return sum((fill.contracts * fill.price for fill in fills if fill.price), ZERO) / size


def _funding(records: Records, end: datetime) -> Decimal | None:
    """Over the whole life until its last fill: the exchange's own sum where it keeps one, else its rows; None where they are not
    all there. What is booked later is of another life, but for that of the full hour before the end.
    """
    if (paid := _paid_in_all(records)) is not None:
        return paid
    if FlowKind.FUNDING not in records.kept:
        return None
    rows = [flow for flow in records.flows if flow.kind is FlowKind.FUNDING and _due(flow.at) <= end]
    return sum((flow.amount for flow in rows), ZERO)


def _paid_in_all(records: Records) -> Decimal | None:
    """The exchange's own sum of the funding of the whole life, where it is one of a life that is over."""
    return records.totals.funding if records.totals is not None and records.totals.final else None


def _due(at: datetime) -> datetime:
    """When funding that was booked at this time was due: on the full hour, where that is not long ago."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if at - hour <= LATE else at


def _returned(case: Case, fills: Sequence[Fill], records: Records) -> Decimal | None:
    """What must have come back: the margin, what was added since, and all that the closing made of it."""
    moved = _total(amount for fill in fills for amount in (fill.profit, ZERO if fill.fee_elsewhere else fill.fee))
    if moved is None:
        return None
    position = case.assessment.position
    end = fills[-1].at
    taken = _insured([fill.insurance for fill in fills]) or ZERO
    flows = [flow for flow in _between(records, _read_after(case, records), end) if flow.in_margin]
    flows += _insurance_rows(case, records, end)
    return position.isolated_margin + moved + taken + sum((flow.amount for flow in flows), ZERO)


def _observed(case: Case, records: Records, end: datetime, others: Decimal) -> Decimal | None:
    """What the balance shows: how much more lies there than before, but for what else is known to have moved it: what was put
    into the margin since, and funding that the wallet paid. None where it is not known, or other positions moved it too.
    """
    if case.free is None or records.free is None or others != case.others:
        return None
    read_after = _read_after(case, records)
    put_in = sum((flow.amount for flow in _between(records, read_after, end) if flow.kind in _MARGIN_FLOWS), ZERO)
    paid = [flow.amount for flow in _between(records, case.free_at or case.since, records.at) if not flow.in_margin]
    return records.free - case.free + put_in - sum(paid, ZERO)


def _read_after(case: Case, records: Records) -> datetime:
    """The moment as of which the margin was read: flows up to it are in it. The clocks agree only to a fraction of a second, so a
    flow near the reading is placed by the margin that it left, where the exchange records that.
    """
    margin, moment = case.assessment.position.isolated_margin, case.since
    for flow in records.flows:
        if flow.margin_after is None or abs(flow.at - case.since) > SLACK:
            continue
        if flow.margin_after == margin:
            moment = max(moment, flow.at)
        elif flow.margin_after - flow.amount == margin and flow.at <= moment:
            moment = flow.at - _JUST
    return moment


def _between(records: Records, since: datetime, end: datetime) -> list[Flow]:
    """The flows of that time, but for rows of the insurance fund."""
    return [flow for flow in records.flows if since < flow.at <= end and flow.kind is not FlowKind.INSURANCE]


def _insurance_rows(case: Case, records: Records, end: datetime) -> list[Flow]:
    """What the insurance fund took or gave beside the fills, in the time of the case and until shortly after its last one."""
    rows = [flow for flow in records.flows if flow.kind is FlowKind.INSURANCE]
    return [flow for flow in rows if case.since - SLACK < flow.at <= end + SETTLED_BY]
