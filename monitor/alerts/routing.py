"""Routing: which channels hear of an alert, how often it repeats, whether it passes quiet hours, and who is called next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.alerts.lifecycle import REPEATS, Ladder
from monitor.alerts.matching import Matcher
from monitor.alerts.model import Alert, AlertState, Subject
from monitor.rules.base import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPolicy:
    """How one level is told. ``channels``: their names; ``repeats``: the ladder; ``passes_quiet``: told in quiet hours too."""

    channels: tuple[str, ...]
    repeats: Ladder = ()
    passes_quiet: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What matches goes to these channels instead of its level's."""

    match: Matcher
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Nobody acknowledged an alert of ``level`` or worse within ``after`` of being told: these channels hear of it too."""

    after: timedelta
    level: Level
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who hears of what. Levels without a policy go to ``everyone``."""

    everyone: tuple[str, ...] = ()
    levels: Mapping[Level, LevelPolicy] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    escalation: Sequence[EscalationStep] = ()

    def channels_for(self, level: Level, subject: Subject, rule: str = "") -> tuple[str, ...]:
        """The channels of the first route that matches, else of the level."""
        for route in self.routes:
            if route.match.matches(subject, rule):
                return route.channels
        policy = self.levels.get(level)
        return policy.channels if policy is not None else self.everyone

    def repeats_for(self, level: Level) -> Ladder:
        """How often an alert of this level repeats."""
        policy = self.levels.get(level)
        return policy.repeats if policy is not None else REPEATS[level]

    def passes_quiet(self, level: Level) -> bool:
        """Whether this level is told in quiet hours."""
        policy = self.levels.get(level)
        return policy is None or policy.passes_quiet

    def escalations_due(self, alert: Alert, now: datetime) -> dict[int, EscalationStep]:
        """The steps that are due and were not taken yet, by index; none for an alert that is acknowledged, born or not firing."""
        if alert.state is not AlertState.FIRING or alert.acked_at is not None or alert.first_told_at is None or alert.born:
            return {}
        waited = now - alert.first_told_at
        return {
            index: step
            for index, step in enumerate(self.escalation)
            if index not in alert.escalated and alert.level >= step.level and waited >= step.after
        }
