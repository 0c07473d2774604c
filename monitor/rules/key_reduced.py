"""Key reduced: the exchange took rights from a key (or its owner did). What hangs on them has stopped working."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, AccountRule, Judgement, KeySeen, Level, Verdict

HARMLESS = {"withdraw"}
"""Losing it is what `key_rights` asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReduced(AccountRule):
    """Tell, as a warning and once, that a key lost rights that it had when last seen."""

    KIND: ClassVar[str] = "key_reduced"
    DEFAULT: ClassVar[bool] = True
    TELLS_END: ClassVar[bool] = False

    lasts: timedelta = timedelta(hours=24)
    """How long the alert stays; it ends without a message."""
    clear_hold: timedelta = NO_HOLD
    """The end counts once it has lasted this long."""

    def judge(self, seen: KeySeen, held: Level | None) -> Judgement:
        """BREACH for ``lasts`` after the loss was noticed."""
        del held
        lost = [right for right in seen.lost if right not in HARMLESS]
        if not lost or seen.lost_age is None or seen.lost_age >= self.lasts:
            return CLEAR
        return Judgement(Verdict.BREACH, Level.WARNING, reason=f"the key may no longer {' or '.join(lost)}")


RULE = KeyReduced
