"""Policy: what the owner wants, as decisions need it: rules, who hears of what and when, how often each account is polled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.alerts.lifecycle import ACK_LAPSES
from monitor.alerts.matching import Matcher
from monitor.alerts.model import Subject
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import Routing
from monitor.lives.event import EventKind
from monitor.rules.base import AccountRule, ChannelRule, FamilyRule, Level, LifeRule, PositionRule, Rule, UnguardedRule
from monitor.topups.policy import TopUps


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How often an account is polled: ``near`` once any of its positions is past its first line, else ``calm``."""

    calm: timedelta
    near: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other rules for what matches: ``rules`` is the whole set in force there."""

    match: Matcher
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the owner wants. ``watching_since``: when this run began, so that no time asleep counts as blindness.

    ``once``: a single run, which tells a failed read at once. ``overrides``: the first that matches counts. ``dust``: by settle
    currency, positions of a smaller notional are not judged. ``ack_lapses``: how long an acknowledgement lasts. ``top_ups``: the
    policies of automatic margin. ``events``: how loud what happens to a position is told, where it is not the default; None: not.
    """

    rules: Sequence[Rule]
    intervals: Mapping[str, Intervals]
    watching_since: datetime
    zone: tzinfo = UTC
    once: bool = False
    routing: Routing = field(default_factory=Routing)
    quiet_hours: QuietHours | None = None
    overrides: Sequence[Override] = ()
    dust: Mapping[str, Decimal] = field(default_factory=dict)
    ack_lapses: timedelta = ACK_LAPSES
    top_ups: TopUps = field(default_factory=TopUps)
    events: Mapping[EventKind, Level | None] = field(default_factory=dict)

    def rules_for(self, subject: Subject) -> Sequence[Rule]:
        """The rules in force for this subject."""
        for override in self.overrides:
            if override.match.matches(subject):
                return override.rules
        return self.rules

    def of_positions(self, subject: Subject | None = None) -> list[PositionRule]:
        """The rules that judge guarded positions: of all, or of this one."""
        rules = self.rules if subject is None else self.rules_for(subject)
        return [rule for rule in rules if isinstance(rule, PositionRule)]

    def of_lives(self, subject: Subject) -> list[LifeRule]:
        """The rules that look at what happened in the life of this guarded position."""
        return [rule for rule in self.rules_for(subject) if isinstance(rule, LifeRule)]

    def of_unguarded(self, subject: Subject) -> list[UnguardedRule]:
        """The rules that judge this open position when it is not isolated."""
        return [rule for rule in self.rules_for(subject) if isinstance(rule, UnguardedRule)]

    def of_families(self, subject: Subject) -> list[FamilyRule]:
        """The rules that judge the freshness of this family."""
        return [rule for rule in self.rules_for(subject) if isinstance(rule, FamilyRule)]

    def of_accounts(self, subject: Subject) -> list[AccountRule]:
        """The rules that judge the key of this account."""
        return [rule for rule in self.rules_for(subject) if isinstance(rule, AccountRule)]

    def of_channels(self, subject: Subject) -> list[ChannelRule]:
        """The rules that judge whether this channel works."""
        return [rule for rule in self.rules_for(subject) if isinstance(rule, ChannelRule)]
