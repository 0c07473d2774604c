"""Channel broken: a channel does not take messages. Whoever relies on it must hear of it another way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from monitor.rules.base import CLEAR, ChannelRule, ChannelSeen, Judgement, Level, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBroken(ChannelRule):
    """Tell the other channels, once, as critical, when one is refused (401, 404) or cannot be reached for 10 minutes."""

    KIND: ClassVar[str] = "channel_broken"
    DEFAULT: ClassVar[bool] = True
    REPEATS: ClassVar[bool] = False

    clear_hold: timedelta = timedelta(minutes=1)
    """It counts as working again once it has worked this long."""

    def judge(self, seen: ChannelSeen, held: Level | None) -> Judgement:
        """BREACH while it is broken."""
        del held
        return Judgement(Verdict.BREACH, Level.CRITICAL, reason=seen.error) if seen.broken else CLEAR


RULE = ChannelBroken
