"""The life of an alert, as one table.

    state     | BREACH                                 | DEAD_BAND        | CLEAR                    | UNKNOWN, or no verdict
    ----------+----------------------------------------+------------------+--------------------------+-----------------------
    (none)    | hold 0: FIRING, FIRST; else HELD       | nothing          | nothing                  | nothing
    HELD      | held long enough: FIRING, FIRST        | nothing          | over, never told         | held long enough: FIRST
    FIRING    | worse: WORSENED; same: REPEAT when due | stay; REPEAT due | clear_hold 0: over,      | stay; REPEAT when due
              |                                        |                  | RESOLVED; else CLEARING  |
    CLEARING  | FIRING again; worse: WORSENED          | FIRING again     | cleared long enough:     | stay
              |                                        |                  | over, RESOLVED           |

Two verdicts on one subject never cancel each other: each rule has its own alert. UNKNOWN (stale, suspicious, failed) never
resolves anything. A level that gets milder is followed silently; when it worsens again that is told again. An alert that was
*born* with its subject (the line was already crossed when the position was first seen) is told once and repeats only after it
worsened: by a level, or by a whole dead band past what was told.

An *acknowledged* alert neither repeats nor escalates. The acknowledgement lapses after a set time, when the alert worsens, and
when it cleared and came back. What a mute kept back is *owed*: it is told once nothing mutes it (see ``speak``). After a time in
which no daemon ran, a repeat is owed of every alert that was told, is not acknowledged and is still not clear: a born one too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerts.model import Alert, AlertState, NotifyReason, Subject
from monitor.rules.base import Judgement, Level, Rule, Verdict

CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
NO_VERDICT = Judgement(Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatStep:
    """Repeat ``every`` so often while the alert is younger than ``until`` (None: for as long as it lasts)."""

    every: timedelta
    until: timedelta | None = None


Ladder = Sequence[RepeatStep]

ACK_LAPSES = timedelta(hours=4)

REPEATS: dict[Level, Ladder] = {
    Level.INFO: (),
    Level.WARNING: (RepeatStep(every=timedelta(minutes=30)),),
    Level.CRITICAL: (RepeatStep(every=timedelta(minutes=5)),),
    Level.EMERGENCY: (
        RepeatStep(every=timedelta(minutes=1), until=timedelta(minutes=10)),
        RepeatStep(every=timedelta(minutes=5), until=timedelta(hours=1)),
        RepeatStep(every=timedelta(minutes=30)),
    ),
}
"""How often an unanswered alert repeats; slower with time, so that days at a line do not empty a service's quota."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of an alert.

    ``alert``: None when there is none (any more); as it is once told, where ``why`` says that it is to be told. ``untold``: as it
    is if it is not told after all. ``ended``: the alert that is over.
    """

    alert: Alert | None
    why: NotifyReason | None = None
    untold: Alert | None = None
    ended: Alert | None = None


NOTHING = Step(alert=None)


def code_of(rule: str, subject: Subject, since: datetime) -> str:
    """The alert's four-character name, the same after a restart: no vowels, nothing that reads like something else."""
    digest = hashlib.blake2b(f"{rule}|{subject.name}|{since.isoformat()}".encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big")
    letters = []
    for _ in range(4):
        number, rest = divmod(number, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[rest])
    return "".join(letters)


def advance(
    alert: Alert | None,
    judgement: Judgement,
    *,
    rule: Rule,
    subject: Subject,
    now: datetime,
    born: bool = False,
    repeats: Ladder = (),
    ack_lapses: timedelta = ACK_LAPSES,
) -> Step:
    """One step of the table above.

    ``born``: the subject itself is seen for the first time with this judgement. ``repeats``: the ladder of the alert's level.
    ``ack_lapses``: how long an acknowledgement lasts.
    """
    if alert is None:
        return _begin(judgement, rule=rule, subject=subject, now=now, born=born)
    if alert.state is AlertState.HELD:
        return _held(alert, judgement, rule=rule, now=now)
    if alert.state is AlertState.CLEARING:
        return _clearing(alert, judgement, rule=rule, now=now)
    if alert.acked_at is not None and now - alert.acked_at >= ack_lapses:
        alert = _lapsed(alert)
    return _firing(alert, judgement, rule=rule, now=now, repeats=repeats)


def end(alert: Alert) -> Step:
    """The subject itself is gone: whatever was told gets its all-clear, which says so."""
    return Step(alert=None, why=NotifyReason.RESOLVED if alert.told is not None else None, ended=alert)


def owed_again(alert: Alert) -> Alert:
    """The alert with one repeat owed, where it was told, nobody acknowledged it, and nothing else is owed."""
    if alert.told is None or alert.acked_at is not None or alert.owed is not None:
        return alert
    return replace(alert, owed=NotifyReason.REPEAT)


def repeat_due(alert: Alert, ladder: Ladder) -> datetime | None:
    """When this alert is to be repeated, None for never."""
    if alert.born or alert.told_at is None or alert.acked_at is not None:
        return None
    age = alert.told_at - alert.level_since
    for step in ladder:
        if step.until is None or age < step.until:
            return alert.told_at + step.every
    return None


def _begin(judgement: Judgement, *, rule: Rule, subject: Subject, now: datetime, born: bool) -> Step:
    if judgement.verdict is not Verdict.BREACH or judgement.level is None:
        return NOTHING
    alert = Alert(
        code=code_of(rule.KIND, subject, now),
        rule=rule.KIND,
        subject=subject,
        state=AlertState.HELD,
        level=judgement.level,
        peak=judgement.level,
        since=now,
        state_since=now,
        level_since=now,
        born=born,
        value=judgement.value,
        line=judgement.line,
        reason=judgement.reason,
        steps=judgement.steps,
    )
    return Step(alert=alert) if rule.hold else _fire(alert, now, NotifyReason.FIRST)


def _held(alert: Alert, judgement: Judgement, *, rule: Rule, now: datetime) -> Step:
    if judgement.verdict in {Verdict.CLEAR, Verdict.DEAD_BAND}:
        return NOTHING
    if judgement.verdict is Verdict.BREACH:
        alert = _follow(alert, judgement, now)
    if now - alert.state_since >= rule.hold:
        return _fire(alert, now, NotifyReason.FIRST)
    return Step(alert=alert)


def _firing(alert: Alert, judgement: Judgement, *, rule: Rule, now: datetime, repeats: Ladder) -> Step:
    if judgement.verdict is Verdict.CLEAR:
        if rule.clear_hold:
            return Step(alert=replace(alert, state=AlertState.CLEARING, state_since=now))
        return end(alert)
    if judgement.verdict is not Verdict.UNKNOWN:
        if _worsened(alert, judgement):
            return _fire(_follow(alert, judgement, now), now, NotifyReason.WORSENED)
        alert = _follow(alert, judgement, now)
    if alert.owed is not None:
        return _fire(alert, now, alert.owed)
    due = repeat_due(alert, repeats)
    if due is not None and now >= due:
        return _fire(alert, now, NotifyReason.REPEAT)
    return Step(alert=alert)


def _clearing(alert: Alert, judgement: Judgement, *, rule: Rule, now: datetime) -> Step:
    if judgement.verdict is Verdict.UNKNOWN:
        return Step(alert=alert)
    if judgement.verdict is Verdict.CLEAR:
        return end(alert) if now - alert.state_since >= rule.clear_hold else Step(alert=alert)
    worsened = _worsened(alert, judgement)
    alert = _follow(replace(_lapsed(alert), state=AlertState.FIRING, state_since=now), judgement, now)
    return _fire(alert, now, NotifyReason.WORSENED) if worsened else Step(alert=alert)


def _lapsed(alert: Alert) -> Alert:
    """The alert without its acknowledgement; one that was had before it was ever told is owed its first message now."""
    owed = NotifyReason.FIRST if alert.told is None else alert.owed
    return replace(alert, acked_at=None, owed=owed)


def _worsened(alert: Alert, judgement: Judgement) -> bool:
    """Whether this is worse than what was last known: a higher level, or for a born alert a whole dead band further."""
    if judgement.verdict is not Verdict.BREACH or judgement.level is None:
        return False
    return judgement.level > alert.level or (alert.born and judgement.level == alert.level and judgement.steps > alert.steps)


def _follow(alert: Alert, judgement: Judgement, now: datetime) -> Alert:
    """The alert with the judgement's level and figures; ``steps`` stays at what was told, unless the level changed."""
    level = judgement.level if judgement.level is not None else alert.level
    changed = level != alert.level
    return replace(
        alert,
        level=level,
        peak=max(level, alert.peak),
        level_since=now if changed else alert.level_since,
        repeats=0 if changed else alert.repeats,
        value=judgement.value,
        line=judgement.line if judgement.line is not None else alert.line,
        reason=judgement.reason,
        steps=judgement.steps if changed else alert.steps,
    )


def _fire(alert: Alert, now: datetime, why: NotifyReason) -> Step:
    """The alert as it is once told of, and as it is if it is not."""
    since = alert.state_since if alert.state is AlertState.FIRING else now
    untold = replace(alert, state=AlertState.FIRING, state_since=since)
    if why is NotifyReason.WORSENED:
        untold = replace(untold, acked_at=None, escalated=())
    told = replace(
        untold,
        told=alert.level,
        told_at=now,
        first_told_at=now if why is not NotifyReason.REPEAT or alert.first_told_at is None else alert.first_told_at,
        repeats=alert.repeats + 1 if why is NotifyReason.REPEAT else 0,
        born=alert.born and why is not NotifyReason.WORSENED,
        owed=None,
    )
    return Step(alert=told, why=why, untold=untold)
