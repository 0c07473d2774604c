"""Unreadable: a family was read, but single positions in it cannot be: nobody guards them until they can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from monitor.rules.base import CLEAR, FamilyRule, FamilySeen, Judgement, Level, Verdict

READINGS = 2
"""So many readings must agree: a figure that is missing for a moment is nobody's news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(FamilyRule):
    """Tell, as critical, when two readings of a family agree that a position in it cannot be read, while the others can."""

    KIND: ClassVar[str] = "unreadable"
    DEFAULT: ClassVar[bool] = True
    MAKES_NEAR: ClassVar[bool] = False
    WHOLE: ClassVar[bool] = False

    def judge(self, seen: FamilySeen, held: Level | None) -> Judgement:
        """BREACH while there are such positions; UNKNOWN while the family is not read; CLEAR by a reading without any."""
        if not seen.fresh:
            return Judgement(Verdict.UNKNOWN)
        if not seen.unreadable:
            return CLEAR
        if held is None and seen.unreadable < READINGS and not seen.at_once:
            return Judgement(Verdict.UNKNOWN)
        return Judgement(Verdict.BREACH, Level.CRITICAL, reason="a position cannot be read")


RULE = Unreadable
