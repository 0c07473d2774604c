"""Discipline: the settings of who hears of what, and when, as decisions need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import EscalationStep, LevelPolicy, Route, Routing
from monitor.config.levels import DEFAULTS
from monitor.config.rules import RULES
from monitor.config.settings import Settings
from monitor.policy import Override
from monitor.rules.base import Level
from monitor.topups.policy import Grain, TopUps

DIGEST_CHANNELS = ("chat",)


def routing(settings: Settings) -> Routing:
    """Who hears of what."""
    return Routing(
        everyone=tuple(settings.channels),
        levels={level: _level(settings, level) for level in Level},
        routes=tuple(Route(match=route.match.matcher(), channels=route.channels) for route in settings.routes),
        escalation=tuple(
            EscalationStep(after=step.after, level=Level[step.level.upper()], channels=step.channels)
            for step in settings.escalation
        ),
    )


def _level(settings: Settings, level: Level) -> LevelPolicy:
    written, default = settings.levels.written(level), DEFAULTS[level]
    return LevelPolicy(
        channels=written.channels or standing_in(default.channels, settings),
        repeats=default.repeats if written.repeat is None else written.repeat,
        passes_quiet=default.passes_quiet if written.quiet_hours is None else written.quiet_hours == "pass",
    )


def standing_in(default: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The channels of a default; where one of them is missing, all that there are, so that no level reaches fewer than a milder.

    A channel that is only there for an escalation, or in the place of another, keeps to that.
    """
    if all(name in settings.channels for name in default):
        return tuple(default)
    busy = {name for step in settings.escalation for name in step.channels}
    busy |= {one.fallback for one in settings.channels.values() if one.fallback is not None}
    free = tuple(name for name in settings.channels if name not in busy or name in default)
    return free or tuple(settings.channels)


def digest_channels(settings: Settings) -> tuple[str, ...]:
    """Who gets the digest; nobody without one."""
    if settings.digest is None:
        return ()
    return settings.digest.channels or standing_in(DIGEST_CHANNELS, settings)


def quiet_hours(settings: Settings) -> QuietHours | None:
    """The quiet hours, by the wall clock of the configured time zone."""
    hours = settings.quiet_hours
    return None if hours is None else QuietHours(begin=hours.begin, end=hours.end, zone=settings.timezone)


def overrides(settings: Settings) -> tuple[Override, ...]:
    """Each override with the whole set of rules in force there: its own, over the rules in force everywhere else."""
    return tuple(Override(match=one.match.matcher(), rules=RULES.over(settings.rules, one.rules)) for one in settings.overrides)


def dust(settings: Settings) -> Mapping[str, Decimal]:
    """By settle currency, the notional below which a position is not judged."""
    return settings.ignore.notional_below


def top_ups(settings: Settings, grains: Mapping[str, Mapping[str, Grain]]) -> TopUps:
    """The policies of automatic margin, their caps, and the accounts that have a key for it; ``grains``: by exchange."""
    return TopUps(
        policies=tuple(one.policy() for one in settings.top_ups),
        account_caps={name: caps.per_day for name, caps in settings.top_up_account_caps.items()},
        able=frozenset(name for name, account in settings.accounts.items() if account.top_up_credentials is not None),
        grains=grains,
    )
