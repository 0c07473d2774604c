"""Key rights: a key that can do harm in the wrong hands. To guard, reading is enough, from one address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, AccountRule, Judgement, KeySeen, Level, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRights(AccountRule):
    """Tell, once, of a key that may withdraw (warning), or that is bound to no IP address (info)."""

    KIND: ClassVar[str] = "key_rights"
    DEFAULT: ClassVar[bool] = True

    clear_hold: timedelta = NO_HOLD
    """The all-clear counts once it has lasted this long."""

    def judge(self, seen: KeySeen, held: Level | None) -> Judgement:
        """BREACH while the key may withdraw or can be used from anywhere; not known counts as bound."""
        del held
        reasons = []
        if seen.facts.may_withdraw:
            reasons.append("the key may withdraw")
        if seen.facts.ip_bound is False:
            reasons.append("the key is bound to no IP address")
        if not reasons:
            return CLEAR
        level = Level.WARNING if seen.facts.may_withdraw else Level.INFO
        return Judgement(Verdict.BREACH, level, reason="; ".join(reasons))


RULE = KeyRights
