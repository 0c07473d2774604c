"""The words of a post-mortem: sections of plain sentences, for the verb to lay out. Numbers are rounded as in alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, tzinfo
from decimal import Decimal

from monitor.alerts.rounding import digits, money_down, share_down, share_up, span
from monitor.alerts.wording import exchange_name, short_symbol
from monitor.lives.event import LifeEvent
from monitor.lives.words import breakdown_lines, title, when
from monitor.margin.quantities import ZERO
from monitor.postmortem.composed import PostMortem
from monitor.postmortem.record import Incident, IncidentKind, Point
from monitor.postmortem.saving import saving_lines, stamp
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from monitor.topups.wording import price

APPLIED = frozenset({IntentState.CONFIRMED, IntentState.VERIFIED, IntentState.RECONCILED_APPLIED})
BLIND = timedelta(seconds=30)
"""A last reading older than this is worth a word."""
_HEADS = {
    IncidentKind.LIQUIDATED: "was liquidated",
    IncidentKind.PARTLY_LIQUIDATED: "was partly liquidated",
    IncidentKind.DELEVERAGED: "was auto-deleveraged",
    IncidentKind.GONE: "is gone, closed or liquidated: no record of the exchange tells which",
    IncidentKind.CLOSED: "was closed past its emergency line",
    IncidentKind.NEAR_MISS: "was past its emergency line and came back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and its sentences."""

    head: str
    lines: tuple[str, ...]


def headline(incident: Incident) -> str:
    """``ATOM/USDT long on gamma (OKX) was liquidated``."""
    key = incident.life.key
    return f"{short_symbol(key.symbol)} {key.side.value} on {key.account} ({exchange_name(key.exchange)}) {_HEADS[incident.kind]}"


def before_timeline(told: PostMortem, zone: tzinfo) -> tuple[Section, ...]:
    """What happened, who was told, what was done."""
    return (
        Section(head="What happened", lines=tuple(_happened(told, zone))),
        Section(head="Who was told", lines=tuple(_told(told, zone))),
        Section(head="Margin added by margincall", lines=tuple(_done(told))),
    )


def after_timeline(told: PostMortem, zone: tzinfo) -> tuple[Section, ...]:
    """What would have saved it, and what is not known."""
    head = "What would have saved it" if told.record.incident.kind.took else "What it would have taken"
    saving = Section(head=head, lines=tuple(saving_lines(told, zone)))
    return saving, Section(head="What is not known", lines=tuple(_unknown(told)))


def _happened(told: PostMortem, zone: tzinfo) -> list[str]:
    lines = []
    for blow in told.blows:
        lines.append(f"{_capital(when(blow, zone))}: {_plainly(blow)}.")
        if blow.breakdown is not None:
            lines += breakdown_lines(blow.breakdown, blow)
    if told.cost is not None and len(told.blows) > 1:
        lines.append(f"All together {_signed(told.cost, told.blows[-1].currency)}.")
    near, incident = told.nearest, told.record.incident
    if not told.blows and near is not None:
        urgent = [one.at for one in told.record.points if one.level is Level.EMERGENCY]
        since = f"In an emergency from {stamp(urgent[0], told, zone)} on, " if urgent else ""
        end = "out of it" if incident.kind is IncidentKind.NEAR_MISS else "gone"
        lines.append(_capital(f"{since}{end} at {stamp(incident.at, told, zone)}."))
        lines.append(f"Nearest to the end at {stamp(near.at, told, zone)}: {figures(near)}{_away(near)}.")
    return lines


def _plainly(blow: LifeEvent) -> str:
    """The event's title without the name, which the post-mortem has at its top."""
    name = f"{short_symbol(blow.key.symbol)} {blow.key.side.value}"
    return title(blow).replace(f": {name}", "", 1).removeprefix(f"{name} ")


def _told(told: PostMortem, zone: tzinfo) -> list[str]:
    reach = told.reach
    end = "the end" if told.record.incident.kind.took else "it was nearest to the end"
    if reach.first is None:
        lines = [f"No alert reached any channel before {end}."]
    else:
        first, urgent = reach.first, reach.emergency
        where = f"{first.sending.channel} at {stamp(first.sending.settled, told, zone)}"
        lines = [f"The first alert reached {where}, {span(first.before)} before {end}."]
        if urgent is None:
            lines.append(f"No emergency reached any channel before {end}.")
        elif urgent.sending is not first.sending:
            lines.append(f"The first emergency reached {urgent.sending.channel} {span(urgent.before)} before {end}.")
    if reach.acknowledged is not None:
        lines.append(f"Acknowledged at {stamp(reach.acknowledged, told, zone)}.")
    elif reach.first is not None:
        lines.append(f"Nobody acknowledged it before {end}.")
    if reach.lost:
        channels, number = sorted({one.channel for one in reach.lost}), len(reach.lost)
        lines.append(f"{number} alert{'' if number == 1 else 's'} did not reach {', '.join(channels)} in time: see below.")
    return lines


def _done(told: PostMortem) -> list[str]:
    intents = told.record.intents
    added = [one for one in intents if one.state in APPLIED and one.amount > 0]
    refused = [one for one in told.entries if one.kind == "refused"]
    lines = []
    if added:
        total = sum((one.amount for one in added), ZERO)
        times = "once" if len(added) == 1 else f"{len(added)} times"
        lines.append(f"{digits(total)} {added[0].currency} was added, {times}.")
    if refused:
        lines.append(f"A policy was held back {'once' if len(refused) == 1 else f'{len(refused)} times'}: see below.")
    failed = [one for one in intents if one.state not in APPLIED]
    if failed:
        lines.append(f"{len(failed)} change{'' if len(failed) == 1 else 's'} did not come through or is not known: see below.")
    return lines or ["None, and no policy told that it was held back."]


def _unknown(told: PostMortem) -> list[str]:
    record = told.record
    lines = []
    last = record.last_before
    if last is None:
        lines.append("How it went: no reading of that time is kept.")
    elif told.blows and record.incident.at - last.at > BLIND:
        lines.append(f"The last {span(record.incident.at - last.at)} before the end: no reading is kept of them.")
    if told.blows and record.afterwards is None:
        lines.append("How far the mark went on after the end: nothing in that contract was read.")
    if not any(one.before.free is not None for one in record.intents):
        lines.append("How much balance was free to be added then: it is not kept.")
    if record.intents:
        lines.append("What held a policy back for moments only (its cooldown, a change under way): it is not kept.")
    degraded = sorted({name for one in told.rescues for name in one.moment.assessment.degraded})
    if degraded:
        lines.append(f"The exact requirement: {', '.join(degraded)}, so the amounts are on the safe side.")
    if any(blow.breakdown is None for blow in told.blows):
        lines.append("What it cost: the exchange's records do not tell it yet.")
    return lines


def figures(point: Point) -> str:
    """``mark 90.1, cushion 4.2 %, usage 81 %``."""
    cushion = "-" if point.cushion is None else share_down(point.cushion)
    usage = "over 100 %" if point.margin_usage is None else share_up(point.margin_usage)
    return f"mark {price(point.mark_price)}, cushion {cushion}, usage {usage}"


def _away(point: Point) -> str:
    if point.liquidation_price is None:
        return ""
    return f", liquidation {share_down(abs(point.mark_price - point.liquidation_price) / point.mark_price)} away"


def _signed(amount: Decimal, coin: str) -> str:
    return f"{'+' if amount > 0 else ''}{money_down(amount, coin)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
