"""Cushion: how much of the room between entry and liquidation is left. The figure that warns early enough.

The requirement is about 1 % of the notional, so usage reaches 50 % only about 1 % of price before the end. The cushion falls
evenly from 1 at entry to 0 at liquidation: on the one-second prices of 10 October 2025, over 18 liquidated positions of 3x to
20x, 60 % came at least 100 seconds before liquidation, 40 % at least 15 and 25 % at least 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionStatus
from monitor.rules.base import (
    CLEAR,
    Judgement,
    Level,
    Lines,
    PositionRule,
    Share,
    Verdict,
    require_order,
    steps_past,
)

WITHIN = Lines(warning=Decimal("0.25"), critical=Decimal("0.15"), emergency=Decimal("0.10"))
WITHIN_BAND = Decimal("0.02")
"""Once held, a level stays until liquidation is this much of the price farther than its ``within``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cushion(PositionRule):
    """Tell when the cushion (headroom now against headroom at entry; 0 % is liquidation) is at or below a line."""

    KIND: ClassVar[str] = "cushion"
    DEFAULT: ClassVar[bool] = True

    warning: Share | None = Decimal("0.60")
    """Warning at or below this cushion."""
    critical: Share | None = Decimal("0.40")
    """Critical at or below this cushion."""
    emergency: Share | None = Decimal("0.25")
    """Emergency at or below this cushion."""
    within: Lines = field(default=WITHIN)
    """A level counts only while liquidation is nearer than this share of the price; a level left out always counts."""
    dead_band: Share = Decimal("0.05")
    """How far the cushion must rise above a line before the level is left."""

    def __post_init__(self) -> None:
        """Raises ValueError for lines out of order."""
        lines = (("warning", self.warning), ("critical", self.critical), ("emergency", self.emergency))
        require_order("cushion", lines, lower_is_worse=True)
        bounds = (("warning", self.within.warning), ("critical", self.within.critical), ("emergency", self.within.emergency))
        given = [(name, bound) for name, bound in bounds if bound is not None]
        if any(worse > milder for (_, milder), (_, worse) in pairwise(given)):
            raise ValueError("cushion: within must not be wider for a worse level")

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH at or below a line and within its distance, or while the exchange liquidates; CLEAR where no price threatens."""
        figures = assessment.judged
        value = figures.cushion
        if assessment.position.status is PositionStatus.LIQUIDATING:
            return Judgement(Verdict.BREACH, Level.EMERGENCY, value, None, "the exchange is liquidating it")
        if value is None:
            return CLEAR
        if held is None and self.warning is not None and value > self.warning:
            return CLEAR
        distance = figures.liquidation_distance
        gone = figures.headroom <= 0 or distance is None
        for level, line, within in (
            (Level.EMERGENCY, self.emergency, self.within.emergency),
            (Level.CRITICAL, self.critical, self.within.critical),
            (Level.WARNING, self.warning, self.within.warning),
        ):
            if line is None:
                continue
            near = gone or within is None or (distance is not None and distance <= within)
            if value <= line and near:
                return Judgement(Verdict.BREACH, level, value, line, "", steps_past(line, value, self.dead_band))
            if held is not None and level <= held and value <= line + self.dead_band:
                still_near = near or (within is not None and distance is not None and distance <= within + WITHIN_BAND)
                if still_near:
                    return Judgement(Verdict.DEAD_BAND, level, value, line)
        return CLEAR


RULE = Cushion
