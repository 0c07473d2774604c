"""What is watched: in words for the message at start and the status line, and what of the memory still counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from monitor.alerts.model import Alert, Subject, SubjectKind, position_subject
from monitor.alerts.notices import Watch, status_line, where_of
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey
from monitor.memory import FamilyMemory, FamilyState, Memory, PositionMemory
from monitor.policy import Policy
from monitor.rules.base import Level


def watch_of(memory: Memory, since: datetime, expected: Iterable[FamilyKey] = ()) -> Watch:
    """What is guarded and what not: only what was in the last reading of a family that is read, since ``since`` and still."""
    families = memory.families
    read = {key for key, one in families.items() if one.fresh_since(since)}
    closed = [key for key, one in families.items() if one.state is FamilyState.NOT_OPENED]
    silent = [key for key in (*families, *expected) if key not in read and key not in closed]
    guarded = [seen.assessment for key, seen in memory.positions.items() if not seen.mode and _was_in(families, read, key, seen)]
    with_cushion = [one for one in guarded if one.judged.cushion is not None]
    return Watch(
        positions=len(guarded),
        accounts=len({key.account for key in read}),
        unguarded=Counter(other.mode for key in read for other in families[key].unguarded),
        not_opened=[where_of(key) for key in closed],
        blind=[f"{where_of(key)}: {_why_silent(families.get(key))}" for key in dict.fromkeys(silent)],
        worst=min(with_cushion, key=lambda one: one.judged.cushion or 0, default=None),
        alerts=_open_alerts(memory, {position_subject(one.position.key) for one in guarded}),
    )


def _was_in(
    families: Mapping[FamilyKey, FamilyMemory], read: Container[FamilyKey], key: PositionKey, seen: PositionMemory
) -> bool:
    """Whether the last reading of its family, which is one of ``read``, showed the position: not only an earlier run did."""
    family = FamilyKey(exchange=key.exchange, account=key.account, family=seen.family)
    last_good = families[family].last_good if family in read else None
    return last_good is not None and seen.last_seen >= last_good


def _open_alerts(memory: Memory, subjects: Container[Subject]) -> Counter[Level]:
    """How many alerts that were told still fire on these subjects, by level, the worst first."""
    levels = [one.level for one in memory.alerts.values() if one.told is not None and one.subject in subjects]
    return Counter(sorted(levels, reverse=True))


def status_of(memory: Memory, since: datetime, now: datetime) -> str:
    """The guard in one line; it is as fresh as its oldest family."""
    read = [one.last_good for one in memory.families.values() if one.last_good is not None and one.read_since(since)]
    return status_line(watch_of(memory, since), min(read, default=None), now)


def _why_silent(family: FamilyMemory | None) -> str:
    return (family.error if family is not None else "") or "no answer yet"


def pruned(memory: Memory, watched: Iterable[FamilyKey], channels: Iterable[str] = ()) -> Memory:
    """The memory without families, positions, keys, channels and alerts of what is not configured any more."""
    families, names = set(watched), set(channels)
    open_here = {
        position_subject(key)
        for key, one in memory.positions.items()
        if FamilyKey(exchange=key.exchange, account=key.account, family=one.family) in families
    }

    def is_known(subject: Subject) -> bool:
        match subject.kind:
            case SubjectKind.CHANNEL:
                return subject.channel in names
            case SubjectKind.POSITION:
                return subject in open_here
            case SubjectKind.FAMILY:
                return FamilyKey(exchange=subject.exchange, account=subject.account, family=subject.family) in families
            case _:
                return any(subject.exchange == key.exchange and subject.account == key.account for key in families)

    return replace(
        memory,
        families={key: one for key, one in memory.families.items() if key in families},
        positions={
            key: one
            for key, one in memory.positions.items()
            if FamilyKey(exchange=key.exchange, account=key.account, family=one.family) in families
        },
        alerts={(rule, subject): alert for (rule, subject), alert in memory.alerts.items() if is_known(subject)},
        channels={name: one for name, one in memory.channels.items() if name in names},
        keys={who: one for who, one in memory.keys.items() if any(who == (key.exchange, key.account) for key in families)},
    )


def adapted(memory: Memory, policy: Policy, channels: Iterable[str]) -> tuple[Memory, tuple[Alert, ...]]:
    """The memory of a run that has this policy and these channels from now on, and the alerts that are over with what was before.

    An alert of a rule that is no longer in force on its subject would stay open for ever: nobody judges it any more.
    """
    names = set(channels)

    def is_known(kind: str, subject: Subject) -> bool:
        heard = not subject.channel or subject.channel in names
        return heard and any(kind == rule.KIND for rule in policy.rules_for(subject))

    known = {key: alert for key, alert in memory.alerts.items() if is_known(*key)}
    over = tuple(alert for key, alert in memory.alerts.items() if key not in known)
    heard_of = {name: one for name, one in memory.channels.items() if name in names}
    return replace(memory, alerts=known, channels=heard_of), over
