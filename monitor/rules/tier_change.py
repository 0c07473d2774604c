"""Tier change: the exchange changed its maintenance tiers, or has announced it, and an open position's liquidation moves nearer.

Exchanges do this to open positions, often in a falling market. The price need not move for liquidation to come: the line does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, Judgement, Level, LifeRule, LifeSeen, Share, Verdict

ANNOUNCED = "risk_limit_changes"
"""The mark of a position whose tiers the exchange is going to change."""
THIRD = Decimal(1) / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange(LifeRule):
    """Tell when new maintenance tiers move liquidation nearer: warning, critical when by over a third of the way to it."""

    KIND: ClassVar[str] = "tier_change"
    DEFAULT: ClassVar[bool] = True
    REPEATS: ClassVar[bool] = False
    TELLS_END: ClassVar[bool] = False
    MAKES_NEAR: ClassVar[bool] = False

    at_least: Share = Decimal("0.001")
    """Told when liquidation came nearer by at least this share of the mark price."""
    lasts: timedelta = timedelta(hours=24)
    """How long the alert stays; it ends without a message."""
    clear_hold: timedelta = NO_HOLD
    """The end counts once it has lasted this long."""

    def judge(self, seen: LifeSeen, held: Level | None) -> Judgement:
        """BREACH for ``lasts`` after a change for the worse, and while one is announced."""
        moved, age = seen.tiers_moved, seen.tiers_age
        if moved is not None and age is not None and moved >= self.at_least and age < self.lasts:
            far = held is Level.CRITICAL or moved > self._distance_before(seen, moved) * THIRD
            level = Level.CRITICAL if far else Level.WARNING
            return Judgement(Verdict.BREACH, level, moved, reason="new maintenance tiers moved liquidation nearer")
        if ANNOUNCED in seen.assessment.degraded:
            return Judgement(Verdict.BREACH, Level.WARNING, reason="the exchange is going to change the maintenance tiers")
        return CLEAR

    @staticmethod
    def _distance_before(seen: LifeSeen, moved: Decimal) -> Decimal:
        """How far liquidation would be now with the tiers as they were, as a share of the mark."""
        judged = seen.assessment.judged
        left = judged.liquidation_distance if judged.headroom > 0 else None
        return moved + (left or 0)


RULE = TierChange
