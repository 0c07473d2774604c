"""Policy: what the owner wants, as decisions need it: the rules in force, how often each account is polled, the time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from monitor.alerts.lifecycle import REPEATS, Ladder
from monitor.rules.base import FamilyRule, Level, PositionRule, Rule, UnguardedRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often an account is polled: ``near`` once any of its positions is past its first line, else ``calm``."""

    calm: timedelta
    near: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the owner wants. ``watching_since``: when this run began, so that no time asleep counts as blindness.

    ``once``: a single run, which tells a failed read at once.
    """

    rules: Sequence[Rule]
    intervals: Mapping[str, Intervals]
    watching_since: datetime
    zone: tzinfo = UTC
    once: bool = False
    repeats: Mapping[Level, Ladder] = field(default_factory=lambda: REPEATS)

    def of_positions(self) -> list[PositionRule]:
        """The rules that judge guarded positions."""
        return [rule for rule in self.rules if isinstance(rule, PositionRule)]

    def of_unguarded(self) -> list[UnguardedRule]:
        """The rules that judge open positions that are not isolated."""
        return [rule for rule in self.rules if isinstance(rule, UnguardedRule)]

    def of_families(self) -> list[FamilyRule]:
        """The rules that judge the freshness of families."""
        return [rule for rule in self.rules if isinstance(rule, FamilyRule)]
