"""Timeline: what happened, was told, done and held back, in order, each with the figures that were read last before it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.rounding import digits, share_down, span
from monitor.alerts.wording import short_symbol
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.words import title
from monitor.postmortem.record import Incident, IncidentKind, Point, Record, Sending, safety
from monitor.rules.base import Level
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.refusal import RefusalReason

AT_ONCE = timedelta(seconds=1)
LONG = 6
"""A gap of more than such a part of the whole is long."""
BESIDE = timedelta(seconds=5)
"""A reading shows what a blow did to the margin that long after it at most."""
HELD_BACK = {
    "silenced": "not told: silenced",
    "quiet": "not told yet: quiet hours",
    "born": "not repeated: the line was already crossed when it was first seen",
    "over_untold": "over before it was told: too short",
    "acknowledged": 'acknowledged: somebody said "I have it"',
}
"""Rulings that tell why a person heard nothing more; the others are the usual course."""
_CUSHION = re.compile(r"cushion [-0-9.,]+ %, ")
"""What the figures beside an alert tell already."""
_OURS = {"top_up", "by_hand"}
BLOWS = {EventKind.LIQUIDATED, EventKind.PARTLY_LIQUIDATED, EventKind.DELEVERAGED, EventKind.GONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. ``kind``: reading, told, repeated, refused, held_back, added, event, blow. ``point``: the reading at that time or
    before; None: none.
    """

    at: datetime
    kind: str
    text: str
    level: Level | None = None
    point: Point | None = None


def timeline(record: Record) -> tuple[Entry, ...]:
    """All of it, oldest first."""
    entries = [*_readings(record), *_told(record), *_held_back(record), *_added(record), *_events(record)]
    entries.sort(key=lambda one: one.at)
    times = [point.at for point in record.points]
    shown = list(_folded(entries))
    shown = sorted([*shown, *_between(shown, record, times)], key=lambda one: one.at)
    return tuple(_beside(one, record, times) for one in shown)


def _between(entries: Sequence[Entry], record: Record, times: Sequence[datetime]) -> Iterator[Entry]:
    """Where long nothing is told, the reading nearest to the end in that time."""
    if not times:
        return
    long = (times[-1] - times[0]) / LONG
    for one, other in pairwise(entry.at for entry in entries):
        first, last = bisect_right(times, one), bisect_left(times, other)
        if other - one > long and first < last:
            yield Entry(at=min(record.points[first:last], key=safety).at, kind="reading", text="the worst in between")


def _beside(entry: Entry, record: Record, times: Sequence[datetime]) -> Entry:
    """The entry with what was read last before it; not once the position is gone, nor beside what took it."""
    incident = record.incident
    place = bisect_right(times, entry.at)
    over = incident.kind is not IncidentKind.NEAR_MISS and entry.at > incident.until
    if not place or over or entry.kind == "blow":
        return entry
    return replace(entry, point=record.points[place - 1])


def _readings(record: Record) -> Iterator[Entry]:
    """The first reading, and the last before the first blow, or of a near miss the nearest to the end."""
    if not record.points:
        return
    first, last = record.points[0], record.last_before
    born = any(event.kind is EventKind.FOUND for event in record.events)
    yield Entry(at=first.at, kind="reading", text="margincall saw it first" if born else "before the first alert")
    if last is not None and last is not first:
        text = "the last reading before the end" if record.incident.kind.took else "nearest to the end"
        yield Entry(at=last.at, kind="reading", text=text)


def _told(record: Record) -> Iterator[Entry]:
    """Each message with what became of it at each channel; what the journal tells of an added margin is told there."""
    by_message: defaultdict[str, list[Sending]] = defaultdict(list)
    messages: dict[str, Message] = {}
    for one in record.sendings:
        by_message[one.message.id].append(one)
        messages[one.message.id] = one.message
    for name, message in messages.items():
        topic = _topic(message) if message.why is NotifyReason.EVENT else ""
        if topic in set(IntentState):
            continue
        became = "; ".join(_became(one) for one in by_message[name])
        kind = "refused" if topic in set(RefusalReason) else "repeated" if message.why is NotifyReason.REPEAT else "told"
        yield Entry(at=message.at, kind=kind, text=f"{_said(message, record.incident, topic)} ({became})", level=message.level)


def _topic(message: Message) -> str:
    """What an event's message is about, from its name: ``CODE-rule-topic-time``."""
    return message.id.split("-")[-2] if message.id.count("-") > 1 else ""


def _said(message: Message, incident: Incident, topic: str) -> str:
    """The title without the position's name, which every line of this timeline shares; of a refusal its numbers too."""
    policy, _, reason = message.body.partition("\n")[0].partition(", but adds nothing: ")
    if topic in set(RefusalReason) and reason:
        return f"{policy.partition(' is triggered')[0]} adds nothing: {reason.removesuffix('.')}"
    name = f"{short_symbol(incident.life.key.symbol)} {incident.life.key.side.value}"
    after = message.why in {NotifyReason.EVENT, NotifyReason.GONE} and topic not in set(RefusalReason)
    text = message.title
    for joint in (f"{name} ", f": {name}", f" to {name}", f" on {name}", f" for {name}"):
        if joint in text:
            text = text.replace(joint, "", 1)
            break
    return f"told: {text}" if after else _CUSHION.sub("", text)


def _became(sending: Sending) -> str:
    took = sending.settled - sending.message.at
    if sending.state == "accepted":
        return sending.channel if took < AT_ONCE else f"{sending.channel} after {span(took)}"
    why = f", {sending.detail}" if sending.detail and sending.state in {"dead", "waiting"} else ""
    return f"{sending.channel}: {sending.state}{why}"


def _held_back(record: Record) -> Iterator[Entry]:
    """Why somebody heard nothing, each reason once for an alert's level."""
    known: set[tuple[str, str, Level]] = set()
    for ruling in record.rulings:
        why, name = HELD_BACK.get(ruling.named), (ruling.code, ruling.named, ruling.level)
        if why is not None and name not in known:
            known.add(name)
            yield Entry(at=ruling.at, kind="held_back", text=f"{ruling.level.label} #{ruling.code}: {why}", level=ruling.level)


def _added(record: Record) -> Iterator[Entry]:
    for intent in record.intents:
        yield Entry(at=intent.submitted_at or intent.planned_at, kind="added", text=_intent_text(intent))


def _intent_text(intent: Intent) -> str:
    verb = "adds" if intent.amount > 0 else "takes out"
    who = intent.policy or "you"
    moved = ""
    if intent.after is not None and intent.before.cushion is not None and intent.after.cushion is not None:
        moved = f", cushion {share_down(intent.before.cushion)} to {share_down(intent.after.cushion)}"
    elif intent.detail:
        moved = f", {intent.detail}"
    return f"{who} {verb} {digits(abs(intent.amount))} {intent.currency}: {intent.state.value}{moved}"


def _events(record: Record) -> Iterator[Entry]:
    """What is not told elsewhere: a change of margin by a blow is part of the blow."""
    blows = [event.at for event in record.events if event.kind in BLOWS]
    for event in record.events:
        by_blow = event.cause == "fill" and any(abs(event.at - at) <= BESIDE for at in blows)
        if event.cause in _OURS or event.kind is EventKind.FOUND or by_blow:
            continue
        yield Entry(at=event.at, kind="blow" if event.kind in BLOWS else "event", text=_event_text(event))


def _folded(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Repeats that follow one another as one line."""
    for kind, group in groupby(entries, key=lambda one: one.kind):
        some = list(group)
        if kind != "repeated" or len(some) == 1:
            yield from some
            continue
        yield replace(some[0], text=f"{some[0].text}, and {len(some) - 1} more in {span(some[-1].at - some[0].at)}")


def _event_text(event: LifeEvent) -> str:
    name = f"{short_symbol(event.key.symbol)} {event.key.side.value}"
    text = title(event).replace(f": {name}", "", 1).removeprefix(f"{name}: ").removeprefix(f"{name} ")
    apart = timedelta(0) if event.since is None else event.at - event.since
    return text if apart < AT_ONCE else f"{text} (within {span(apart)} before)"
