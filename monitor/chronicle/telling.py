"""Telling: events become messages, routed by their kind, quiet at night and silenced as alerts of their level would be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerts.model import Message, Subject, SubjectKind, position_subject
from monitor.alerts.wording import short_symbol
from monitor.chronicle.pacing import held_back
from monitor.lives.case import Case
from monitor.lives.event import LEVELS, EventKind, LifeEvent
from monitor.lives.state import LifeChanges, Spoken
from monitor.lives.words import body, meanwhile, title
from monitor.margin.position import PositionKey
from monitor.memory import Commit, Memory
from monitor.policy import Policy
from monitor.rules.base import Level
from monitor.spend.change import Change
from monitor.spend.telling import told_of
from monitor.topups.wording import Words

TOLD_BY_OTHERS = frozenset({"top_up", "by_hand", "fill", "leverage", "funding"})
"""Causes of a change of margin that are told as automatic margin, with what caused them, or not worth a message."""
MEANWHILE = "meanwhile"
SUMMED_UP = timedelta(minutes=1)
"""So long after the first reading what happened meanwhile is told, whether all of it is explained or not."""
WORTH_A_WORD = timedelta(hours=1)
"""After such a time it is told too that nothing happened."""


def level_of(event: LifeEvent, policy: Policy) -> Level | None:
    """How loud it is told; None: it is kept, and not told."""
    if event.cause in TOLD_BY_OTHERS:
        return None
    return policy.events[event.kind] if event.kind in policy.events else LEVELS[event.kind]


def told_alone(
    events: Iterable[LifeEvent], policy: Policy, memory: Memory, now: datetime
) -> tuple[tuple[Message, ...], Mapping[PositionKey, Spoken]]:
    """A message for each event that is told, unless somebody asked for silence; what is critical is told all the same. And of
    which positions changes were told lately: what comes too soon after one waits there.
    """
    messages = []
    spoken = dict(memory.lives.spoken)
    for event in events:
        level = level_of(event, policy)
        subject = position_subject(event.key)
        if level is None or (level < Level.CRITICAL and _silenced(subject, event, memory, now)):
            continue
        if held_back(spoken, event, level, now):
            continue
        words = Words(level=level, topic=event.kind.value, title=title(event), body=body(event, policy.zone))
        messages.append(told_of(words, subject, event.at, now, policy, rule=event.kind.value))
    return tuple(messages), spoken


def _silenced(subject: Subject, event: LifeEvent, memory: Memory, now: datetime) -> bool:
    return any(
        silence.since <= now < silence.until and silence.match.matches(subject, event.kind.value)
        for silence in memory.silences.values()
    )


def summed_up(memory: Memory, policy: Policy, now: datetime) -> Change | None:
    """What happened while nothing watched, and what an earlier run held back, in one message: once it is explained, or the
    patience is over; None: not now.
    """
    lives = memory.lives
    if lives.away is None and not lives.waiting:
        return None
    watching = policy.watching_since if lives.away is None else lives.away[1]
    pending = [one for one in lives.cases.values() if one.away and not one.told]
    if (pending or _unread(memory, policy)) and now - watching < SUMMED_UP:
        return None
    told = [one for one in lives.waiting if level_of(one, policy) is not None or _told_by_a_rule(one, policy)]
    unexplained = [one for one in pending if one.ended]
    after = {**lives.cases, **{one.id: replace(one, away=False, told=one.ended) for one in pending}}
    changes = LifeChanges(told=tuple(one.id for one in lives.waiting), cases=tuple(after[one.id] for one in pending))
    messages: tuple[Message, ...] = ()
    if told or unexplained or (lives.away is not None and lives.away[1] - lives.away[0] >= WORTH_A_WORD):
        levels = [level_of(one, policy) or Level.INFO for one in told] + [Level.CRITICAL for _ in unexplained]
        first, text = meanwhile(told, lives.away, [_name(one) for one in unexplained], policy.zone)
        words = Words(level=max(levels, default=Level.INFO), topic=MEANWHILE, title=first, body=text)
        messages = (told_of(words, Subject(SubjectKind.DAEMON), watching, now, policy, rule=MEANWHILE),)
    return Change(
        memory=replace(memory, lives=replace(lives, cases=after, waiting=(), away=None)),
        commit=Commit(at=now, messages=messages, lives=changes),
    )


def _told_by_a_rule(event: LifeEvent, policy: Policy) -> bool:
    """Whether it has no message of its own, since a rule tells it; it happened all the same."""
    return event.kind in {EventKind.NOT_ISOLATED, EventKind.TIERS_CHANGED} and event.kind not in policy.events


def _unread(memory: Memory, policy: Policy) -> bool:
    """Whether a family that an earlier run read was not read by this one yet: it may have more to tell."""
    families = memory.families.values()
    return any(one.last_good is not None and not one.read_since(policy.watching_since) for one in families)


def _name(case: Case) -> str:
    return f"{short_symbol(case.key.symbol)} {case.key.side.value} on {case.key.account}"
