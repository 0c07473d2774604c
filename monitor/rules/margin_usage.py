"""Margin usage: requirement / equity, 100 % is liquidation. A late signal, kept as a last word beside the cushion."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.rules.base import CLEAR, Judgement, Level, PositionRule, Share, Verdict, judge_lines, require_order

UNBOUNDED_STEPS = 1_000_000
"""Worse than any usage that has a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginUsage(PositionRule):
    """Tell when the margin usage is at or above a line. At maximum leverage most positions are born above 50 %."""

    KIND: ClassVar[str] = "margin_usage"
    DEFAULT: ClassVar[bool] = True

    warning: Share | None = None
    """Warning at or above this usage."""
    critical: Share | None = None
    """Critical at or above this usage."""
    emergency: Share | None = Decimal("0.80")
    """Emergency at or above this usage."""
    dead_band: Share = Decimal("0.05")
    """How far the usage must fall below a line before the level is left."""

    def __post_init__(self) -> None:
        """Raises ValueError for lines out of order."""
        lines = (("warning", self.warning), ("critical", self.critical), ("emergency", self.emergency))
        require_order("margin_usage", lines, lower_is_worse=False)

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH at or above a line; an unbounded usage (equity <= 0) breaches every level."""
        value = assessment.judged.margin_usage
        if value is None:
            return Judgement(Verdict.BREACH, Level.EMERGENCY, None, None, "the equity is gone", UNBOUNDED_STEPS)
        milder = self.critical if self.warning is None else self.warning
        mildest = self.emergency if milder is None else milder
        if held is None and mildest is not None and value < mildest:
            return CLEAR
        return judge_lines(value, self._lines(), self.dead_band, held, lower_is_worse=False)

    def _lines(self) -> tuple[tuple[Level, Decimal | None], ...]:
        return ((Level.EMERGENCY, self.emergency), (Level.CRITICAL, self.critical), (Level.WARNING, self.warning))


RULE = MarginUsage
