"""Thin buffer: equity below so many times the requirement. Traders who live with isolated margin keep 2 to 5 times."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.margin.quantities import ONE
from monitor.rules.base import CLEAR, Judgement, Level, Multiple, PositionRule, Share, Verdict, require_order, steps_past


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinBuffer(PositionRule):
    """Tell when equity is below a multiple of the requirement, when first seen or at any time. Off unless configured."""

    KIND: ClassVar[str] = "thin_buffer"

    at_open: Multiple | None = None
    """Warning, once in a position's life, when it is first seen with a buffer below this; over once it is back above."""
    warning: Multiple | None = None
    """Warning below this buffer at any time (`2x`: equity is twice the requirement; 1x is liquidation)."""
    critical: Multiple | None = None
    """Critical below this buffer at any time."""
    emergency: Multiple | None = None
    """Emergency below this buffer at any time."""
    dead_band: Share = Decimal("0.10")
    """How far the buffer must rise above a line, as a share of that line, before the level is left."""

    def __post_init__(self) -> None:
        """Raises ValueError without any line, for lines out of order, or for one at or below liquidation."""
        lines = (("at_open", self.at_open), ("warning", self.warning), ("critical", self.critical), ("emergency", self.emergency))
        given = [line for _, line in lines if line is not None]
        if not given:
            raise ValueError("thin_buffer: give at least one line, such as `at_open: 3x` or `warning: 2x`")
        if min(given) <= ONE:
            raise ValueError("thin_buffer: every line must lie above 1x, which is liquidation")
        require_order("thin_buffer", lines, lower_is_worse=True)

    def judge_first(self, assessment: Assessment) -> Judgement:
        """As ``judge``, and BREACH below ``at_open`` too."""
        judgement, value = self.judge(assessment, None), assessment.judged.buffer
        if judgement is CLEAR and self.at_open is not None and value is not None and value < self.at_open:
            return Judgement(Verdict.BREACH, Level.WARNING, value, self.at_open)
        return judgement

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH below a line; DEAD_BAND near a held one, for a warning also below ``at_open``; CLEAR without a requirement."""
        value = assessment.judged.buffer
        if value is None:
            return CLEAR
        for level, line in ((Level.EMERGENCY, self.emergency), (Level.CRITICAL, self.critical), (Level.WARNING, self.warning)):
            if line is None:
                continue
            band = line * self.dead_band
            if value < line:
                # One step more than at_open's: falling to the line is worse than having been opened thin.
                return Judgement(Verdict.BREACH, level, value, line, "", 1 + steps_past(line, value, band))
            if held is not None and level <= held and value <= line + band:
                return Judgement(Verdict.DEAD_BAND, level, value, line)
        if held is not None and self.at_open is not None and value <= self.at_open * (ONE + self.dead_band):
            return Judgement(Verdict.DEAD_BAND, Level.WARNING, value, self.at_open)
        return CLEAR


RULE = ThinBuffer
