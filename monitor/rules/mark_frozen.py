"""Mark frozen: readings come, but no mark price moves any more. Such figures look like a calm market and may be an old one.

Marks of perpetual contracts move about once a second, in many decimals. A quiet contract can stand still for a while (a dated
one, a share outside its exchange's hours), so that only ALL positions of a family together, for minutes, are a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, FamilyRule, FamilySeen, Judgement, Level, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkFrozen(FamilyRule):
    """Tell, as a warning, when the mark prices of all positions of a family stand still while readings go on."""

    KIND: ClassVar[str] = "mark_frozen"
    DEFAULT: ClassVar[bool] = True
    BLINDS: ClassVar[bool] = False
    REPEATS: ClassVar[bool] = False

    after: timedelta = timedelta(minutes=5)
    """Tell when no mark price has moved for this long."""
    clear_hold: timedelta = NO_HOLD
    """The all-clear counts once it has lasted this long."""

    def __post_init__(self) -> None:
        """Raises ValueError for a time in which no price could ever move."""
        if self.after <= NO_HOLD:
            raise ValueError("mark_frozen: after must be longer than 0s")

    def judge(self, seen: FamilySeen, held: Level | None) -> Judgement:
        """BREACH while all marks stand still; CLEAR only by a reading in which one has moved, or nothing is open."""
        if held is not None and not seen.fresh:
            return Judgement(Verdict.UNKNOWN)
        if seen.marks_still is not None and seen.marks_still >= self.after:
            return Judgement(Verdict.BREACH, Level.WARNING, reason="no mark price moves")
        return CLEAR


RULE = MarkFrozen
