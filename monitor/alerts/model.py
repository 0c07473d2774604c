"""What an alert is: the life of one rule on one subject, and the notices that it gives rise to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from monitor.rules.base import Level


class SubjectKind(StrEnum):
    """What an alert is about."""

    POSITION = "position"
    FAMILY = "family"
    DAEMON = "daemon"


class Subject(NamedTuple):
    """What an alert is about; fields that do not apply are empty. Two subjects are the same when all fields are."""

    kind: SubjectKind
    exchange: str = ""
    account: str = ""
    symbol: str = ""
    side: str = ""
    family: str = ""

    @property
    def name(self) -> str:
        """One word for stores and logs: the fields joined by ``|``."""
        return "|".join(self)

    @classmethod
    def parse(cls, name: str) -> Subject:
        """The subject whose ``name`` this is."""
        kind, *rest = name.split("|")
        return cls(SubjectKind(kind), *rest)


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
    RESOLVED = "resolved"
    STARTED = "started"
    STOPPED = "stopped"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One rule on one subject, from its first breach to its all-clear.

    ``code`` is the short name a person sees (``K7Q2``). ``level`` is the level now, ``peak`` the worst it ever was,
    ``told`` the level of the last message (None: nothing sent yet). ``since``: first breach; ``state_since``: entry into this
    state; ``level_since``: entry into this level; ``told_at``: the last message; ``repeats``: how many repeats went out at
    this level. ``born``: the line was already crossed when the subject was first seen, so it does not repeat until worse.
    ``steps``: how many dead bands past its line the value lay when it was told.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A decision to speak: why, about which alert, at which level (for RESOLVED: the level that it had)."""

    why: NotifyReason
    alert: Alert
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for people, the same for every channel; ``code`` ties repeats and duplicates together for the reader.

    ``title`` fits 60 characters; ``body`` is plain text. ``codes``: every alert that the message speaks of.
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
