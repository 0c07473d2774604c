"""The words about delivery itself: a channel that broke, what could not be delivered, and what is told after an outage.

After an outage a person gets at most one message for each subject that is still bad, and one summary of all the rest: a storm
of what is over and told twice would hide what matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Message, Notice, NotifyReason, Subject, SubjectKind, channel_subject
from monitor.alerts.rounding import span
from monitor.alerts.wording import fit
from monitor.rules.base import Level

STORM = 5
"""More messages than this at once are a storm."""
SHOWN = 20
"""Lines of a summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStory:
    """What a message about a channel needs. ``error``: why it is broken; ``others``: the channels that hear of it."""

    error: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What waited for a channel, sorted out: ``kept`` goes as it is, ``folded`` is told by ``summary`` instead."""

    kept: tuple[Message, ...]
    folded: tuple[Message, ...] = ()
    summary: Message | None = None


def channel_title(lead: Notice, story: ChannelStory) -> str:
    """The one line about a channel that broke or works again."""
    name = lead.alert.subject.channel
    if lead.why is NotifyReason.RESOLVED:
        return fit(f"{name} works again")
    return fit(f"{name} is broken; alerts go to {_and(story.others)}")


def channel_body(lead: Notice, story: ChannelStory, now: datetime, zone: tzinfo) -> str:
    """Why a channel is broken, since when, where alerts go meanwhile; or that it works again."""
    alert = lead.alert
    name = alert.subject.channel
    if lead.why is NotifyReason.RESOLVED:
        lines = [f"The channel {name} takes messages again; it was broken for {span(now - alert.since)}."]
    else:
        cause = story.error or alert.reason or "it takes no messages"
        lines = [
            f"{name} is broken: {cause}; alerts go to {_and(story.others)}.",
            f"Since {_clock_time(alert.since, zone)}. It is tried on; mend it, then `margincall test-alert {name}`.",
        ]
    return "\n".join([*lines, f"#{alert.code}"])


def with_missed(message: Message, missed: int, since: datetime | None, zone: tzinfo) -> Message:
    """The message with a line about earlier ones on the same subject that never arrived, before its last line, the codes."""
    if not missed or since is None:
        return message
    what = "1 earlier alert" if missed == 1 else f"{missed} earlier alerts"
    *facts, codes = message.body.split("\n")
    line = f"{what} could not be delivered since {_clock_time(since, zone)}."
    return replace(message, body="\n".join([*facts, line, codes]))


def sort_out(waiting: Sequence[Message], told: Message | None, channel: str, now: datetime, zone: tzinfo) -> Backlog:
    """What of a channel's backlog is still sent as it is, now that it works again.

    ``told``: the message that it just accepted. Up to ``STORM`` messages all go. Of more, the most urgent one of each subject
    goes if it is critical or worse and not an all-clear; an all-clear that came after it takes its place in the summary.
    """
    if len(waiting) <= STORM:
        return Backlog(kept=tuple(waiting))
    best: dict[Subject, Message] = {}
    for message in waiting:
        known = best.get(message.subject)
        if known is None or (message.level, message.at) > (known.level, known.at):
            best[message.subject] = message
    over = {(one.subject, one.code): one.at for one in waiting if one.why is NotifyReason.RESOLVED}
    kept = tuple(
        one
        for subject, one in best.items()
        if one.level >= Level.CRITICAL
        and one.why is not NotifyReason.RESOLVED
        and over.get((subject, one.code), one.at) <= one.at
        and (told is None or told.subject != subject)
    )
    folded = tuple(one for one in waiting if one not in kept and one.why is not NotifyReason.SUMMARY)
    kept += tuple(one for one in waiting if one.why is NotifyReason.SUMMARY)
    if not folded:
        return Backlog(kept=kept)
    return Backlog(kept=kept, folded=folded, summary=_summary(folded, channel, now, zone))


def _summary(folded: Sequence[Message], channel: str, now: datetime, zone: tzinfo) -> Message:
    """One message in place of many: the last word on each subject, newest first."""
    last: dict[Subject, Message] = {}
    for message in sorted(folded, key=lambda one: one.at):
        last[message.subject] = message
    newest = sorted(last.values(), key=lambda one: (one.level, one.at), reverse=True)
    first = min(one.at for one in folded)
    lines = [f"{channel} could not be reached from {_clock_time(first, zone)}. The last word on each, besides what comes alone:"]
    lines.extend(f"{_clock_time(one.at, zone)} {one.title}" for one in newest[:SHOWN])
    if len(newest) > SHOWN:
        lines.append(f"and {len(newest) - SHOWN} more")
    subject = Subject(SubjectKind.DAEMON)
    code = code_of(NotifyReason.SUMMARY.value, channel_subject(channel), now)
    return Message(
        id=f"{code}-{NotifyReason.SUMMARY.value}-{channel}-{int(now.timestamp() * 1000)}",
        code=code,
        level=min(Level.WARNING, max(one.level for one in folded)),
        why=NotifyReason.SUMMARY,
        subject=subject,
        title=fit(f"{len(folded)} messages that {channel} could not take"),
        body="\n".join([*lines, f"#{code}"]),
        at=now,
        codes=(code,),
        channels=(channel,),
    )


def _and(names: Sequence[str]) -> str:
    """``chat``, ``chat and mail``, ``chat, mail and partner``."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _clock_time(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"
