"""Top-up inert: a policy that is to add margin could not. Better known while all is calm than at its trigger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, Judgement, Level, LifeRule, LifeSeen, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpInert(LifeRule):
    """Tell, as a warning and once, that the `auto` policy of a position could not act now: balance, caps, key, bounds."""

    KIND: ClassVar[str] = "top_up_inert"
    DEFAULT: ClassVar[bool] = True
    REPEATS: ClassVar[bool] = False
    MAKES_NEAR: ClassVar[bool] = False

    hold: timedelta = timedelta(minutes=2)
    """A breach counts once it has lasted this long: an order that rests for a moment also takes from the free balance."""
    clear_hold: timedelta = NO_HOLD
    """The all-clear counts once it has lasted this long."""

    def judge(self, seen: LifeSeen, held: Level | None) -> Judgement:
        """BREACH while the policy in charge could not act; UNKNOWN where it was not asked this time."""
        del held
        if seen.inert is None:
            return Judgement(Verdict.UNKNOWN)
        return Judgement(Verdict.BREACH, Level.WARNING, reason=seen.inert) if seen.inert else CLEAR


RULE = TopUpInert
