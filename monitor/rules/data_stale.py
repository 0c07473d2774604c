"""Data stale: no valid reading of a family for too long. Being blind is an alert, never an "all is well"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, FamilyRule, FamilySeen, Judgement, Level, Verdict

POLLS = 3
CALM = timedelta(seconds=30)
NEAR = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStale(FamilyRule):
    """Tell, as critical, when a family was not read for max(3 polls, 30 s), or 10 s with a position past its first line."""

    KIND: ClassVar[str] = "data_stale"
    DEFAULT: ClassVar[bool] = True

    after: timedelta | None = None
    """Tell after this time without a valid reading, in place of the rule above."""
    clear_hold: timedelta = NO_HOLD
    """The all-clear counts once it has lasted this long."""

    def __post_init__(self) -> None:
        """Raises ValueError for a time in which no poll could ever answer."""
        if self.after is not None and self.after <= NO_HOLD:
            raise ValueError("data_stale: after must be longer than 0s")

    def limit(self, interval: timedelta, *, near: bool) -> timedelta:
        """How old the last valid reading may be before the family counts as blind."""
        if self.after is not None:
            return self.after
        return max(POLLS * interval, NEAR if near else CALM)

    def judge(self, seen: FamilySeen, held: Level | None) -> Judgement:
        """BREACH when the last snapshot is older than the limit, or at once in a single run; CLEAR only by a new one.

        A snapshot that came older than half the limit ends nothing: one that takes as long again comes too late, and every
        slow answer would be told twice, as its end and as its return.
        """
        limit = self.limit(seen.interval, near=seen.near)
        if seen.age > limit or (seen.at_once and seen.failed):
            return Judgement(Verdict.BREACH, Level.CRITICAL, reason=seen.error or "no answer yet")
        if held is not None and not (seen.fresh and seen.age <= limit / 2):
            return Judgement(Verdict.UNKNOWN)
        return CLEAR


RULE = DataStale
