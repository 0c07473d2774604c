"""A post-mortem as a document."""

from __future__ import annotations

from typing import Any

from monitor.cli.documents import iso
from monitor.cli.life_documents import event_document
from monitor.margin.quantities import plain, plain_or_none
from monitor.postmortem.composed import PostMortem
from monitor.postmortem.reach import Arrival
from monitor.postmortem.record import Incident, Point
from monitor.postmortem.rescue import Rescue, Worst
from monitor.postmortem.timeline import Entry


def incident_document(incident: Incident) -> dict[str, Any]:
    """Which one it is."""
    key = incident.life.key
    return {
        "id": incident.code,
        "kind": incident.kind.value,
        "account": key.account,
        "exchange": key.exchange,
        "symbol": key.symbol,
        "side": key.side.value,
        "life": incident.life.epoch,
        "since": iso(incident.since),
        "at": iso(incident.at),
        "until": iso(incident.until),
    }


def postmortem_document(told: PostMortem) -> dict[str, Any]:
    """All that is shown of one."""
    reach = told.reach
    return {
        **incident_document(told.record.incident),
        "cost": plain_or_none(told.cost),
        "returned": plain_or_none(told.returned),
        "first_alert": _arrival(reach.first),
        "first_emergency": _arrival(reach.emergency),
        "acknowledged_at": iso(reach.acknowledged),
        "not_out_in_time": [{"channel": one.channel, "title": one.message.title, "state": one.state} for one in reach.lost],
        "nearest": None if told.nearest is None else {"at": iso(told.nearest.at), **_point(told.nearest)},
        "worst_mark": _worst(told.worst),
        "worst_mark_after": _worst(told.later),
        "emergency_line": {"figure": told.line.kind, "value": plain(told.line.value)},
        "rescues": [_rescue(one) for one in told.rescues],
        "timeline": [_entry(one) for one in told.entries],
        "events": [event_document(one) for one in told.blows],
    }


def _arrival(arrival: Arrival | None) -> dict[str, Any] | None:
    if arrival is None:
        return None
    sending = arrival.sending
    return {
        "title": sending.message.title,
        "channel": sending.channel,
        "at": iso(sending.settled),
        "seconds_before": arrival.before.total_seconds(),
    }


def _worst(worst: Worst | None) -> dict[str, Any] | None:
    if worst is None:
        return None
    return {"at": iso(worst.at), "mark_price": plain(worst.mark_price), "known": worst.known.value}


def _rescue(one: Rescue) -> dict[str, Any]:
    position, judged = one.moment.assessment.position, one.moment.assessment.judged
    return {
        "at": iso(one.moment.at),
        "mark_price": plain(position.mark_price),
        "equity": plain(judged.equity),
        "cushion": plain_or_none(judged.cushion),
        "currency": position.instrument.settle_currency,
        "to_survive": plain_or_none(one.survive),
        "to_stay_calm": plain_or_none(one.calm),
        "to_survive_after": plain_or_none(one.later_survive),
        "to_stay_calm_after": plain_or_none(one.later_calm),
        "each_percent_further": plain_or_none(one.further),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    figures = dict.fromkeys(("mark_price", "equity", "cushion", "margin_usage")) if entry.point is None else _point(entry.point)
    level = None if entry.level is None else entry.level.label
    return {"at": iso(entry.at), "kind": entry.kind, "level": level, "text": entry.text, **figures}


def _point(point: Point) -> dict[str, str | None]:
    return {
        "mark_price": plain(point.mark_price),
        "equity": plain(point.equity),
        "cushion": plain_or_none(point.cushion),
        "margin_usage": plain_or_none(point.margin_usage),
    }
