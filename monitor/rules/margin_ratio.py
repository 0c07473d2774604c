"""Margin ratio: equity / notional. Liquidation comes when it falls to the maintenance rate, so a line can be a multiple of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.rules.base import (
    CLEAR,
    Judgement,
    Level,
    PositionRule,
    RatioLine,
    RatioOrMultiple,
    Share,
    Verdict,
    require_order,
    steps_past,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRatio(PositionRule):
    """Tell when equity / notional is at or below a line, given as a share or a multiple of the maintenance rate."""

    KIND: ClassVar[str] = "margin_ratio"

    warning: RatioOrMultiple | None = None
    """Warning at or below this margin ratio (`5%` of the notional, or `3x` the maintenance rate)."""
    critical: RatioOrMultiple | None = None
    """Critical at or below this margin ratio."""
    emergency: RatioOrMultiple | None = None
    """Emergency at or below this margin ratio."""
    dead_band: Share = Decimal("0.20")
    """How far the ratio must rise above a line, as a share of that line, before the level is left."""

    def __post_init__(self) -> None:
        """Raises ValueError without any line, for a mix of shares and multiples, or for lines out of order."""
        named = (("warning", self.warning), ("critical", self.critical), ("emergency", self.emergency))
        given = [line for _, line in named if line is not None]
        if not given:
            raise ValueError("margin_ratio: give at least one line, such as `critical: 2x` or `critical: 5%`")
        if len({line.multiple for line in given}) > 1:
            raise ValueError("margin_ratio: write all lines as shares (5%) or all as multiples (2x)")
        require_order("margin_ratio", [(name, line and line.value) for name, line in named], lower_is_worse=True)

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH at or below a line. ``line`` in the judgement is the share of the notional that the line comes to now."""
        figures = assessment.judged
        value = figures.margin_ratio
        for level, line in (
            (Level.EMERGENCY, self.emergency),
            (Level.CRITICAL, self.critical),
            (Level.WARNING, self.warning),
        ):
            if line is None:
                continue
            share = self._share(line, figures.maintenance_rate)
            band = abs(share) * self.dead_band
            if value <= share:
                return Judgement(Verdict.BREACH, level, value, share, "", steps_past(share, value, band))
            if held is not None and level <= held and value <= share + band:
                return Judgement(Verdict.DEAD_BAND, level, value, share)
        return CLEAR

    @staticmethod
    def _share(line: RatioLine, maintenance_rate: Decimal) -> Decimal:
        """The line as a share of the notional."""
        return line.value * maintenance_rate if line.multiple else line.value


RULE = MarginRatio
