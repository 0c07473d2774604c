"""Liquidation distance: how far the mark price is from the liquidation price, as a share of the mark price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.margin.quantities import ZERO
from monitor.rules.base import CLEAR, Judgement, Level, PositionRule, Share, judge_lines, require_order


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationDistance(PositionRule):
    """Tell when the liquidation price is at most a share of the mark price away. Off unless configured."""

    KIND: ClassVar[str] = "liquidation_distance"

    warning: Share | None = None
    """Warning at or below this distance."""
    critical: Share | None = None
    """Critical at or below this distance."""
    emergency: Share | None = None
    """Emergency at or below this distance."""
    dead_band: Share = Decimal("0.015")
    """How far the distance must rise above a line before the level is left."""

    def __post_init__(self) -> None:
        """Raises ValueError without any line, or for lines out of order."""
        lines = (("warning", self.warning), ("critical", self.critical), ("emergency", self.emergency))
        if all(line is None for _, line in lines):
            raise ValueError("liquidation_distance: give at least one line, such as `warning: 15%`")
        require_order("liquidation_distance", lines, lower_is_worse=True)

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH at or below a line; CLEAR where no liquidation price exists; with headroom <= 0 it counts as 0."""
        figures = assessment.judged
        value = ZERO if figures.headroom <= 0 else figures.liquidation_distance
        if value is None:
            return CLEAR
        lines = ((Level.EMERGENCY, self.emergency), (Level.CRITICAL, self.critical), (Level.WARNING, self.warning))
        return judge_lines(value, lines, self.dead_band, held, lower_is_worse=True)


RULE = LiquidationDistance
