"""What an alert is: the life of one rule on one subject, and the notices that it gives rise to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey, KeyFacts
from monitor.rules.base import Level


class SubjectKind(StrEnum):
    """What an alert is about."""

    POSITION = "position"
    FAMILY = "family"
    ACCOUNT = "account"
    CHANNEL = "channel"
    DAEMON = "daemon"


class Subject(NamedTuple):
    """What an alert is about; fields that do not apply are empty. Two subjects are the same when all fields are."""

    kind: SubjectKind
    exchange: str = ""
    account: str = ""
    symbol: str = ""
    side: str = ""
    family: str = ""
    channel: str = ""

    @property
    def name(self) -> str:
        """One word for stores and logs: the fields joined by ``|``."""
        return "|".join(self)


def position_subject(key: PositionKey) -> Subject:
    """What alerts call this position."""
    return Subject(SubjectKind.POSITION, key.exchange, key.account, key.symbol, key.side.value)


def family_subject(key: FamilyKey) -> Subject:
    """What alerts call this family."""
    return Subject(SubjectKind.FAMILY, key.exchange, key.account, family=key.family)


def account_subject(key: FamilyKey | KeyFacts) -> Subject:
    """What alerts call the account of this family or key."""
    return Subject(SubjectKind.ACCOUNT, key.exchange, key.account)


def channel_subject(name: str) -> Subject:
    """What alerts call this channel."""
    return Subject(SubjectKind.CHANNEL, channel=name)


class AlertState(StrEnum):
    """Where an alert is in its life; see the transition table in ``lifecycle``."""

    HELD = "held"
    FIRING = "firing"
    CLEARING = "clearing"


class NotifyReason(StrEnum):
    """Why a message goes out."""

    FIRST = "first"
    WORSENED = "worsened"
    REPEAT = "repeat"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    GONE = "gone"
    STARTED = "started"
    STOPPED = "stopped"
    EVENT = "event"
    DRILL = "drill"
    DIGEST = "digest"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule on one subject, from its first breach to its all-clear.

    ``code`` is the short name a person sees (``K7Q2``). ``level`` is the level now, ``peak`` the worst it ever was,
    ``told`` the level of the last message (None: nothing sent yet). ``since``: first breach; ``state_since``: entry into this
    state; ``level_since``: entry into this level; ``told_at``: the last message; ``repeats``: how many repeats went out at
    this level. ``born``: the line was already crossed when the subject was first seen, so it does not repeat until worse.
    ``steps``: how many dead bands past its line the value lay when it was told. ``first_told_at``: the first message, or the
    last that told a worsening. ``owed``: what is to be told once nothing mutes it. ``acked_at``: somebody said "I have it".
    ``escalated``: indexes of the escalation steps taken. ``named``: the last named reason to speak or not to speak.
    """

    code: str
    rule: str
    subject: Subject
    state: AlertState
    level: Level
    peak: Level
    since: datetime
    state_since: datetime
    level_since: datetime
    told: Level | None = None
    told_at: datetime | None = None
    repeats: int = 0
    born: bool = False
    value: Decimal | None = None
    line: Decimal | None = None
    reason: str = ""
    steps: int = 0
    first_told_at: datetime | None = None
    owed: NotifyReason | None = None
    acked_at: datetime | None = None
    escalated: tuple[int, ...] = ()
    named: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A decision to speak: why, about which alert, at which level (for RESOLVED: the level that it had).

    ``channels``: of an escalation, in place of the level's. ``not_before``: an all-clear that waits for the end of quiet hours.
    ``gone``: it speaks of a life of a position that has ended, and not of another that may have begun.
    """

    why: NotifyReason
    alert: Alert
    at: datetime
    channels: tuple[str, ...] = ()
    not_before: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A named reason to speak or not to speak about an alert, kept whenever it changes: the audit of what was (not) told."""

    at: datetime
    code: str
    rule: str
    subject: Subject
    level: Level
    named: str
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for people, the same for every channel; ``code`` ties repeats and duplicates together for the reader.

    ``title`` fits 60 characters; ``body`` is plain text. ``codes``: every alert that the message speaks of.
    ``channels``: who hears of it (empty: everyone); ``not_before``: it waits until then.
    """

    id: str
    code: str
    level: Level
    why: NotifyReason
    subject: Subject
    title: str
    body: str
    at: datetime
    codes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    not_before: datetime | None = None
