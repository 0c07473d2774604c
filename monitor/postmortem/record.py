"""Record: everything that the store still has of one stretch in the life of a position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.alerts.model import Alert, Message, Ruling
from monitor.lives.event import LifeEvent
from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionKey
from monitor.rules.base import Level
from monitor.topups.ledger import Intent


class IncidentKind(StrEnum):
    """What it was. ``gone``: the position ended, and no record tells how; ``near_miss``: it was past an
    emergency line and came back; ``closed``: it was past one when it was closed.
    """

    LIQUIDATED = "liquidated"
    PARTLY_LIQUIDATED = "partly_liquidated"
    DELEVERAGED = "deleveraged"
    GONE = "gone"
    NEAR_MISS = "near_miss"
    CLOSED = "closed"

    @property
    def took(self) -> bool:
        """Whether the exchange took something, or may have."""
        return self not in {IncidentKind.NEAR_MISS, IncidentKind.CLOSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of a position; ``closed`` is None while it is open."""

    key: PositionKey
    epoch: int
    first_seen: datetime
    closed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAlert:
    """An alert as it was last kept; ``ended`` is None while it lives."""

    alert: Alert
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What became of a message at one channel: ``state`` as in the outbox, since ``settled``."""

    message: Message
    channel: str
    state: str
    settled: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The judged figures of one reading; None as in `margin.assessment.Figures`. ``level``: the worst that fired then."""

    at: datetime
    mark_price: Decimal
    equity: Decimal
    margin_usage: Decimal | None
    cushion: Decimal | None
    liquidation_price: Decimal | None
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One liquidation or near miss. ``code``: the name that people give it. ``since``: when the first alert of it began;
    ``at``: the first blow, or the return from the emergency; ``until``: the last of it.
    """

    code: str
    kind: IncidentKind
    life: Life
    since: datetime
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A position as it was read at ``at``."""

    at: datetime
    assessment: Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All of one incident, each oldest first. ``sendings``: also those about its account, the channels and the daemon.
    ``afterwards``: the worst mark that was read of the same contract in the day after it, on any account, and when; None where
    none was.
    """

    incident: Incident
    points: tuple[Point, ...] = ()
    events: tuple[LifeEvent, ...] = ()
    alerts: tuple[PastAlert, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    sendings: tuple[Sending, ...] = ()
    intents: tuple[Intent, ...] = ()
    afterwards: tuple[datetime, Decimal] | None = None

    @property
    def climax(self) -> datetime:
        """What messages should come before: the first blow, or of a near miss the reading nearest to the end."""
        nearest = self.nearest
        return self.incident.at if self.incident.kind.took or nearest is None else nearest.at

    @property
    def nearest(self) -> Point | None:
        """The reading with the least cushion, else with the highest usage; an unbounded usage is the worst. None without any."""
        return min(self.points, key=safety, default=None)

    @property
    def last_before(self) -> Point | None:
        """The last reading before the first blow; where nothing was taken the nearest to the end. None without any."""
        if not self.incident.kind.took:
            return self.nearest
        return next((one for one in reversed(self.points) if one.at <= self.incident.at), None)


def safety(point: Point) -> tuple[bool, Decimal, bool, Decimal]:
    """Less is nearer to the end: by the cushion, without one by the usage, which is worst where it is unbounded."""
    cushion, usage = point.cushion, point.margin_usage
    return cushion is None, cushion or Decimal(0), usage is not None, -(usage or Decimal(0))
