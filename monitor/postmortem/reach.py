"""Reach: when alerts came out at a channel's service, how long before the end, and whether anybody said "I have it"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.alerts.model import NotifyReason, position_subject
from monitor.postmortem.record import Record, Sending
from monitor.rules.base import Level

ACCEPTED = "accepted"
ACKNOWLEDGED = "acknowledged"
_ALERTS = {NotifyReason.FIRST, NotifyReason.WORSENED, NotifyReason.REPEAT, NotifyReason.ESCALATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The first alert at a level or worse that a channel's service took; ``before``: so long before the climax."""

    sending: Sending
    before: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """``first``, ``emergency``: the first alert, and the first emergency, that came out before the climax; None: none did.
    ``acknowledged``: when somebody first said "I have it" before it. ``lost``: alerts that a channel did not send in time.
    """

    first: Arrival | None
    emergency: Arrival | None
    acknowledged: datetime | None
    lost: tuple[Sending, ...]


def reach(record: Record) -> Reach:
    """What came out of the alerts of this record."""
    end = record.climax
    about = position_subject(record.incident.life.key)
    sendings = [one for one in record.sendings if one.message.subject == about]
    alerts = [one for one in sendings if one.message.why in _ALERTS and one.message.at <= end]
    out = sorted((one for one in alerts if one.state == ACCEPTED and one.settled <= end), key=lambda one: one.settled)
    acknowledged = [one.at for one in record.rulings if one.named == ACKNOWLEDGED and one.at <= end]
    return Reach(
        first=_first(out, Level.INFO, end),
        emergency=_first(out, Level.EMERGENCY, end),
        acknowledged=min(acknowledged, default=None),
        lost=tuple(one for one in alerts if one.state != ACCEPTED or one.settled > end),
    )


def _first(out: Sequence[Sending], level: Level, end: datetime) -> Arrival | None:
    found = next((one for one in out if one.message.level >= level), None)
    return None if found is None else Arrival(sending=found, before=end - found.settled)
