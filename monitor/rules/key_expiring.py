"""Key expiring: an API key that is about to end. Without it the guard is blind, so it is told long before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, NO_HOLD, AccountRule, Judgement, KeySeen, Level, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyExpiring(AccountRule):
    """Tell before an account's key expires (Bybit ends keys without an IP address after about 90 days)."""

    KIND: ClassVar[str] = "key_expiring"
    DEFAULT: ClassVar[bool] = True

    info: timedelta = timedelta(days=14)
    """Info so long before the key expires."""
    warning: timedelta = timedelta(days=7)
    """Warning so long before."""
    critical: timedelta = timedelta(days=1)
    """Critical so long before."""
    clear_hold: timedelta = NO_HOLD
    """The all-clear counts once it has lasted this long."""

    def __post_init__(self) -> None:
        """Raises ValueError for times out of order."""
        if not self.info > self.warning > self.critical:
            raise ValueError("key_expiring: the lines must come in the order info, warning, critical, each later than the last")

    def judge(self, seen: KeySeen, held: Level | None) -> Judgement:
        """BREACH from ``info`` before the end on; CLEAR where the key does not expire or nobody says."""
        del held
        end = seen.facts.expires_at
        if end is None:
            return CLEAR
        left = end - seen.now
        for level, line in ((Level.CRITICAL, self.critical), (Level.WARNING, self.warning), (Level.INFO, self.info)):
            if left <= line:
                return Judgement(Verdict.BREACH, level, reason=f"the key expires at {end:%Y-%m-%d %H:%M} UTC")
        return CLEAR


RULE = KeyExpiring
