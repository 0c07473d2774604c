"""Not guarded: a position that margincall guarded is still open but no longer isolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from monitor.margin.reading import LEFT_OUT
from monitor.rules.base import CLEAR, Judgement, Level, UnguardedRule, UnguardedSeen, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGuarded(UnguardedRule):
    """Tell, as critical, when a guarded position turns cross: its liquidation now hangs on the whole wallet."""

    KIND: ClassVar[str] = "not_guarded"
    DEFAULT: ClassVar[bool] = True

    def judge(self, seen: UnguardedSeen, held: Level | None) -> Judgement:
        """BREACH for a position that was guarded; one that never was is only counted, at start and in `positions`.

        So is one that the owner's own configuration leaves out.
        """
        del held
        if not seen.was_guarded or seen.mode == LEFT_OUT:
            return CLEAR
        return Judgement(Verdict.BREACH, Level.CRITICAL, reason=f"its margin mode is now {seen.mode}")


RULE = NotGuarded
