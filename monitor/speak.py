"""Speak or not: the last word on each step of an alert. Muted, owed, escalated; and the named reason, kept when it changes.

A mute never loses anything: a first message or a worsening that is muted is owed, and told as soon as nothing mutes it; a repeat
comes due again by itself. An all-clear in quiet hours waits for their end; one that is silenced is not told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from monitor.alerts.lifecycle import Step, code_of
from monitor.alerts.model import Alert, AlertState, Notice, NotifyReason, Ruling, Subject
from monitor.alerts.muting import MuteReason, Silence, mute_of
from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionStatus
from monitor.policy import Policy
from monitor.rules import kind_of
from monitor.rules.base import Judgement, Level, Verdict

UNCHANGED = frozenset({"deduplicated", "dead_band"})
"""Both say that an alert goes on and was told."""
NEAR_THE_END = Decimal("0.05")
"""Marks have gone that far between two polls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """What became of an alert and what is said about it. ``alert``: None when it is over; ``ended``: as it was then."""

    alert: Alert | None
    ended: Alert | None = None
    notices: tuple[Notice, ...] = ()
    ruling: Ruling | None = None


def speak(step: Step, judgement: Judgement, *, policy: Policy, silences: Iterable[Silence], now: datetime) -> Speech:
    """Decide what is said about this step; pure."""
    if step.alert is None:
        return _last_words(step, policy=policy, silences=silences, now=now)
    alert, why = step.alert, step.why
    notices: tuple[Notice, ...] = ()
    named = _unspoken(alert, judgement)
    if why is not None:
        mute = _mute(alert, policy, silences, now)
        if mute is None:
            notices = (Notice(why=why, alert=alert, at=now),)
            named = why.value
        else:
            kept = step.untold or alert
            alert = replace(kept, owed=kept.owed if why is NotifyReason.REPEAT else why)
            named = mute.value
    if not notices and why is None:
        alert, notices = _escalated(alert, policy, silences, now)
        named = NotifyReason.ESCALATED.value if notices else named
    ruling = None
    if named in UNCHANGED and alert.named in UNCHANGED:
        # A value that swings about the edge of the dead band is no news to the audit.
        named = alert.named
    if named != alert.named:
        alert = replace(alert, named=named)
        ruling = _ruling(alert, named, now)
    return Speech(alert=alert, notices=notices, ruling=ruling)


def may_be_liquidated(last: Assessment) -> bool:
    """Whether a position that is gone was so near its end when it was last read that waiting for records is too slow."""
    if last.position.status is not PositionStatus.NORMAL or last.judged.headroom <= 0:
        return True
    distance = last.judged.liquidation_distance
    return distance is not None and distance < NEAR_THE_END


def farewell(subject: Subject, policy: Policy, now: datetime) -> Notice:
    """A position that no alert was told of is no longer there, and may well have been liquidated: told before anybody knows."""
    alert = Alert(
        code=code_of(NotifyReason.GONE.value, subject, now),
        rule=NotifyReason.GONE.value,
        subject=subject,
        state=AlertState.FIRING,
        level=Level.CRITICAL,
        peak=Level.CRITICAL,
        since=now,
        state_since=now,
        level_since=now,
    )
    waits = policy.quiet_hours is not None and not policy.routing.passes_quiet(Level.CRITICAL) and policy.quiet_hours.cover(now)
    later = policy.quiet_hours.over_at(now) if waits and policy.quiet_hours is not None else None
    return Notice(why=NotifyReason.GONE, alert=alert, at=now, not_before=later, gone=True)


def _last_words(step: Step, *, policy: Policy, silences: Iterable[Silence], now: datetime) -> Speech:
    """An alert that is over: its all-clear, unless it was never told, is silenced, or is of a kind that has none."""
    ended = step.ended
    if ended is None:
        return Speech(alert=None)
    if step.why is None:
        return Speech(alert=None, ended=ended, ruling=_ruling(ended, "over_untold", now))
    if not kind_of(ended.rule).TELLS_END:
        return Speech(alert=None, ended=ended, ruling=_ruling(ended, "over", now))
    mute = _mute(ended, policy, silences, now)
    if mute is MuteReason.SILENCED:
        return Speech(alert=None, ended=ended, ruling=_ruling(ended, mute.value, now))
    waits = policy.quiet_hours.over_at(now) if mute is MuteReason.QUIET and policy.quiet_hours is not None else None
    notice = Notice(why=step.why, alert=ended, at=now, not_before=waits)
    return Speech(alert=None, ended=ended, notices=(notice,), ruling=_ruling(ended, step.why.value, now))


def _escalated(alert: Alert, policy: Policy, silences: Iterable[Silence], now: datetime) -> tuple[Alert, tuple[Notice, ...]]:
    """The alert with the escalation steps that are due now taken, and the notices to their channels."""
    due = policy.routing.escalations_due(alert, now)
    if not due or _mute(alert, policy, silences, now) is not None:
        return alert, ()
    alert = replace(alert, escalated=(*alert.escalated, *due))
    channels = tuple(dict.fromkeys(channel for step in due.values() for channel in step.channels))
    return alert, (Notice(why=NotifyReason.ESCALATED, alert=alert, at=now, channels=channels),)


def _mute(alert: Alert, policy: Policy, silences: Iterable[Silence], now: datetime) -> MuteReason | None:
    passes = policy.routing.passes_quiet(alert.level)
    return mute_of(alert, now, silences=silences, quiet_hours=policy.quiet_hours, passes_quiet=passes)


def _unspoken(alert: Alert, judgement: Judgement) -> str:
    """Why nothing is said of an alert that goes on."""
    if alert.state is not AlertState.FIRING:
        return alert.state.value
    if alert.acked_at is not None:
        return "acknowledged"
    if judgement.verdict is Verdict.DEAD_BAND:
        return "dead_band"
    return "born" if alert.born else "deduplicated"


def _ruling(alert: Alert, named: str, now: datetime) -> Ruling:
    return Ruling(
        at=now,
        code=alert.code,
        rule=alert.rule,
        subject=alert.subject,
        level=alert.level,
        named=named,
        value=alert.value,
    )
