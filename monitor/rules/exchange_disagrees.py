"""Exchange disagrees: our figures and the exchange's own differ for longer than a poll or two.

The rules judge the worse figure of the two in any case, so this wakes nobody by itself: it is info, told once and without an
all-clear. A passing difference (the exchange changed its tiers and ours are read again, its snapshot is of another moment) ends
within the hold. It is a warning where the difference is so large that one of the two must be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.margin.quantities import ZERO
from monitor.rules.base import CLEAR, Judgement, Level, PositionRule, Share, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeDisagrees(PositionRule):
    """Tell, as info, when the exchange's own figures differ from ours beyond the tolerance for longer than a hold."""

    KIND: ClassVar[str] = "exchange_disagrees"
    DEFAULT: ClassVar[bool] = True
    REPEATS: ClassVar[bool] = False
    TELLS_END: ClassVar[bool] = False
    MAKES_NEAR: ClassVar[bool] = False

    warning: Share | None = Decimal("0.25")
    """Warning where the exchange's requirement is so much larger or smaller than ours (as a share of ours)."""
    hold: timedelta = timedelta(minutes=2)
    """A difference counts once it has lasted this long."""

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH while the figures diverge; a warning is kept while they do."""
        if not assessment.diverges:
            return CLEAR
        gap = _gap(assessment)
        apart = self.warning is not None and gap >= self.warning
        level = Level.WARNING if apart or held is Level.WARNING else Level.INFO
        return Judgement(Verdict.BREACH, level, gap, self.warning if apart else None)


def _gap(assessment: Assessment) -> Decimal:
    """How far the requirements are apart, as a share of ours: the exchange's own, or what its liquidation price makes of it."""
    ours = assessment.ours.requirement
    stated = assessment.position.says.requirement
    if ours <= 0:
        return ZERO
    return max(abs(one - ours) / ours for one in (assessment.judged.requirement, stated or ours))


RULE = ExchangeDisagrees
