"""What is measured: today's default rules on price, and one change at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from monitor.alerts.lifecycle import REPEATS, Ladder, RepeatStep
from monitor.rules.base import Level, Lines, PositionRule
from monitor.rules.cushion import WITHIN, Cushion
from monitor.rules.margin_usage import MarginUsage

CUSHION, USAGE = Cushion(), MarginUsage()
TODAY = "today's defaults"
PROPOSED = "band 10 and slowed repeats"


REPEATS_SLOWED: dict[Level, Ladder] = {
    **REPEATS,
    Level.CRITICAL: (
        RepeatStep(every=timedelta(minutes=5), until=timedelta(hours=1)),
        RepeatStep(every=timedelta(minutes=30)),
    ),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """A set of rules, and how often each level repeats, under the name that the tables give it."""

    name: str
    rules: tuple[PositionRule, ...]
    repeats: Mapping[Level, Ladder] = field(default_factory=lambda: REPEATS)


def _within(factor: str) -> Lines:
    """The bounds on the distance to liquidation, all multiplied."""
    by = Decimal(factor)
    lines = (WITHIN.warning, WITHIN.critical, WITHIN.emergency)
    warning, critical, emergency = (None if line is None else line * by for line in lines)
    return Lines(warning=warning, critical=critical, emergency=emergency)


def _cushion(name: str, rule: Cushion) -> Variant:
    return Variant(name, (rule, USAGE))


VARIANTS = (
    Variant(TODAY, (CUSHION, USAGE)),
    _cushion("warning at 50 %", replace(CUSHION, warning=Decimal("0.5"))),
    _cushion("warning at 70 %", replace(CUSHION, warning=Decimal("0.7"))),
    _cushion("critical at 30 %", replace(CUSHION, critical=Decimal("0.3"))),
    _cushion("critical at 50 %", replace(CUSHION, critical=Decimal("0.5"))),
    _cushion("emergency at 20 %", replace(CUSHION, emergency=Decimal("0.2"))),
    _cushion("emergency at 30 %", replace(CUSHION, emergency=Decimal("0.3"))),
    _cushion("no `within`", replace(CUSHION, within=Lines())),
    _cushion("`within` halved", replace(CUSHION, within=_within("0.5"))),
    _cushion("`within` doubled", replace(CUSHION, within=_within("2"))),
    _cushion("dead band 2 points", replace(CUSHION, dead_band=Decimal("0.02"))),
    _cushion("dead band 10 points", replace(CUSHION, dead_band=Decimal("0.10"))),
    Variant("usage emergency at 50 %", (CUSHION, replace(USAGE, emergency=Decimal("0.5")))),
    Variant("no usage rule", (CUSHION,)),
    Variant("critical repeats slow after 1 h", (CUSHION, USAGE), REPEATS_SLOWED),
    Variant(PROPOSED, (replace(CUSHION, dead_band=Decimal("0.10")), USAGE), REPEATS_SLOWED),
)
