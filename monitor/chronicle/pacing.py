"""Pacing: what may happen a hundred times an hour (a bot scales in) is told at once, then in one message each five minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerts.model import Message, position_subject
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.state import LifeChanges, Spoken
from monitor.lives.words import body, changes_body, changes_title, title
from monitor.margin.position import PositionKey
from monitor.memory import Commit, Memory
from monitor.policy import Policy
from monitor.rules.base import Level
from monitor.spend.change import Change
from monitor.spend.telling import told_of
from monitor.topups.wording import Words

EVERY = timedelta(minutes=5)
"""So far apart are messages about changes of one position that need nobody."""
OFTEN = frozenset(
    {EventKind.GREW, EventKind.SHRANK, EventKind.MARGIN_ADDED, EventKind.MARGIN_REDUCED, EventKind.LEVERAGE_CHANGED}
)
CHANGES = "changes"


def held_back(spoken: dict[PositionKey, Spoken], event: LifeEvent, level: Level, now: datetime) -> bool:
    """Whether the event waits for the next message about its position; ``spoken`` is told that it does, or is told now."""
    if event.kind not in OFTEN or level > Level.INFO:
        return False
    last = spoken.get(event.key)
    if last is not None and now - last.at < EVERY:
        spoken[event.key] = replace(last, held=(*last.held, event))
        return True
    spoken[event.key] = Spoken(at=now)
    return False


def kept(events: Iterable[LifeEvent], spoken: Mapping[PositionKey, Spoken]) -> tuple[LifeEvent, ...]:
    """The events as the store keeps them: what is held back waits, so that a restart does not lose it."""
    held = {event for one in spoken.values() for event in one.held}
    return tuple(replace(event, waits=True) if event in held else event for event in events)


def caught_up(memory: Memory, policy: Policy, now: datetime) -> Change | None:
    """What waited long enough is told, all of one position in one message; None where nothing did."""
    due = {key: one for key, one in memory.lives.spoken.items() if now - one.at >= EVERY}
    if not due:
        return None
    spoken = {key: one for key, one in memory.lives.spoken.items() if key not in due}
    spoken |= {key: Spoken(at=now) for key, one in due.items() if one.held}
    messages = tuple(_message(one.held, policy, now) for one in due.values() if one.held)
    told = LifeChanges(told=tuple(event.id for one in due.values() for event in one.held))
    lives = replace(memory.lives, spoken=spoken)
    return Change(memory=replace(memory, lives=lives), commit=Commit(at=now, messages=messages, lives=told))


def _message(held: Sequence[LifeEvent], policy: Policy, now: datetime) -> Message:
    last = held[-1]
    if len(held) == 1:
        words = Words(level=Level.INFO, topic=last.kind.value, title=title(last), body=body(last, policy.zone))
    else:
        words = Words(level=Level.INFO, topic=CHANGES, title=changes_title(held), body=changes_body(held, policy.zone))
    return told_of(words, position_subject(last.key), last.at, now, policy, rule=last.kind.value)
