"""Exchange auto-add: the exchange puts margin behind the position by itself. Two actors then move the same figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from monitor.margin.assessment import Assessment
from monitor.rules.base import CLEAR, Judgement, Level, PositionRule, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAutoAdd(PositionRule):
    """Tell, as info and once, that the exchange's own automatic margin is on: a loss can then take the whole free balance."""

    KIND: ClassVar[str] = "exchange_auto_add"
    DEFAULT: ClassVar[bool] = True
    REPEATS: ClassVar[bool] = False
    TELLS_END: ClassVar[bool] = False
    MAKES_NEAR: ClassVar[bool] = False

    def judge(self, assessment: Assessment, held: Level | None) -> Judgement:
        """BREACH while it is on."""
        del held
        if not assessment.position.exchange_adds_margin:
            return CLEAR
        return Judgement(Verdict.BREACH, Level.INFO, reason="the exchange adds margin by itself")


RULE = ExchangeAutoAdd
