"""Telling: words about a margin become a message, routed and kept quiet at night as an alert of its level would be."""

from __future__ import annotations

from datetime import datetime

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Message, NotifyReason, Subject, position_subject
from monitor.margin.position import PositionKey
from monitor.policy import Policy
from monitor.topups.wording import Words

RULE = "top_up"
"""What routes call these messages."""


def told(words: Words, key: PositionKey, since: datetime, now: datetime, policy: Policy | None) -> Message:
    """One message; all about the same thing, begun at ``since``, share its code. No policy: everyone hears of it, at once."""
    return told_of(words, position_subject(key), since, now, policy)


def told_of(
    words: Words, subject: Subject, since: datetime, now: datetime, policy: Policy | None, *, rule: str = RULE
) -> Message:
    """As ``told``, of any subject; ``rule``: what routes call it."""
    code = code_of(rule, subject, since)
    channels: tuple[str, ...] = ()
    later = None
    if policy is not None:
        channels = policy.routing.channels_for(words.level, subject, rule)
        quiet = policy.quiet_hours
        if quiet is not None and not policy.routing.passes_quiet(words.level) and quiet.cover(now):
            later = quiet.over_at(now)
    return Message(
        id=f"{code}-{rule}-{words.topic}-{int(now.timestamp() * 1000)}",
        code=code,
        level=words.level,
        why=NotifyReason.EVENT,
        subject=subject,
        title=words.title,
        body=f"{words.body}\n#{code}",
        at=now,
        codes=(code,),
        channels=channels,
        not_before=later,
    )
