"""Requests: what a person asks of the alerts: acknowledge, silence, take a silence back. Pure: memory in, changes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerts.lifecycle import code_of
from monitor.alerts.matching import Matcher
from monitor.alerts.model import Alert, Ruling, Subject, SubjectKind
from monitor.alerts.muting import Silence
from monitor.errors import NoSuchAlert
from monitor.memory import Commit, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The memory with the request granted, what changed, and what was concerned."""

    memory: Memory
    commit: Commit
    alerts: tuple[Alert, ...] = ()
    silence: Silence | None = None


def acknowledge(memory: Memory, codes: tuple[str, ...], now: datetime) -> Granted:
    """Note that somebody has it: these alerts (all that live, where none is named) stop repeating and escalating.

    Raises NoSuchAlert for a code that no living alert has; nothing is changed then.
    """
    wanted = {code.upper().lstrip("#") for code in codes}
    concerned = {key: alert for key, alert in memory.alerts.items() if not wanted or alert.code in wanted}
    missing = wanted - {alert.code for alert in concerned.values()}
    if missing:
        raise NoSuchAlert(f"no alert {', '.join(sorted(missing))} is open")
    acked = {key: replace(alert, acked_at=now, owed=None, named="acknowledged") for key, alert in concerned.items()}
    rulings = tuple(
        Ruling(
            at=now,
            code=alert.code,
            rule=alert.rule,
            subject=alert.subject,
            level=alert.level,
            named="acknowledged",
            value=alert.value,
        )
        for alert in acked.values()
    )
    return Granted(
        memory=replace(memory, alerts={**memory.alerts, **acked}),
        commit=Commit(at=now, alerts=tuple(acked.values()), rulings=rulings),
        alerts=tuple(acked.values()),
    )


def silence(
    memory: Memory, match: Matcher, lasts: timedelta, now: datetime, *, emergencies: bool = False, comment: str = ""
) -> Granted:
    """Tell nothing of what matches for so long; emergencies pass unless ``emergencies`` is said explicitly."""
    name = code_of(match.describe(), Subject(SubjectKind.DAEMON), now)
    made = Silence(id=name, match=match, since=now, until=now + lasts, emergencies=emergencies, comment=comment)
    return Granted(
        memory=replace(memory, silences={**memory.silences, name: made}),
        commit=Commit(at=now, silences=(made,)),
        silence=made,
    )


def unsilence(memory: Memory, name: str, now: datetime) -> Granted:
    """End a silence now. Raises NoSuchAlert for a name that no silence in force has."""
    found = memory.silences.get(name.upper().lstrip("#"))
    if found is None or found.until <= now:
        raise NoSuchAlert(f"no silence {name} is in force")
    over = replace(found, until=now)
    rest = {key: one for key, one in memory.silences.items() if key != over.id}
    return Granted(memory=replace(memory, silences=rest), commit=Commit(at=now, silences=(over,)), silence=over)
