"""Muting: why something is not told now. Being muted never ends an alert: what is owed is told when the mute ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from monitor.alerts.matching import Matcher
from monitor.alerts.model import Alert
from monitor.rules.base import Level


class MuteReason(StrEnum):
    """Why something that is worth telling is not told."""

    SILENCED = "silenced"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What a person asked not to hear about until ``until``. Emergencies pass unless ``emergencies`` was said explicitly."""

    id: str
    match: Matcher
    since: datetime
    until: datetime
    emergencies: bool = False
    comment: str = ""

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether this alert is silenced at ``now``."""
        if now >= self.until or (alert.level >= Level.EMERGENCY and not self.emergencies):
            return False
        return self.match.matches(alert.subject, alert.rule, alert.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours of the day, by the wall clock of ``zone``, in which only the urgent is told; past midnight if ``end`` is earlier."""

    begin: time
    end: time
    zone: tzinfo

    def cover(self, now: datetime) -> bool:
        """Whether ``now`` lies in them. Summer time needs no care: the wall clock there and then decides."""
        here = now.astimezone(self.zone).time().replace(tzinfo=None)
        if self.begin <= self.end:
            return self.begin <= here < self.end
        return here >= self.begin or here < self.end

    def over_at(self, now: datetime) -> datetime:
        """When the quiet hours around ``now`` end; ``now`` itself outside them.

        A wall-clock time that summer time skips is taken as the first moment after it.
        """
        if not self.cover(now):
            return now
        here = now.astimezone(self.zone)
        day = here.date() if here.time().replace(tzinfo=None) < self.end else here.date() + timedelta(days=1)
        return datetime.combine(day, self.end, tzinfo=self.zone).astimezone(now.tzinfo)


def mute_of(
    alert: Alert, now: datetime, *, silences: Iterable[Silence], quiet_hours: QuietHours | None, passes_quiet: bool
) -> MuteReason | None:
    """Why this alert is not told at ``now``; None when it is. ``passes_quiet``: its level passes quiet hours."""
    if any(silence.covers(alert, now) for silence in silences):
        return MuteReason.SILENCED
    if quiet_hours is not None and not passes_quiet and quiet_hours.cover(now):
        return MuteReason.QUIET
    return None
