"""From what was told and what came to pass: shares of false alarms, alerts a day, and how long before the end each came.

An alert here is one message that says something new at its level (the first one, or a worsening to it); repeats are messages,
not alerts. It is *false* when its position, left alone, was not liquidated within 12 h, *undecided* when it was not and the
prices end before the 12 h are over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from bench.alarms.replay import Notice, Watched
from monitor.alerts.model import NotifyReason
from monitor.rules.base import Level

HORIZON = 12 * 3600
DAY = 86_400
NEWS = frozenset({NotifyReason.FIRST, NotifyReason.WORSENED})
Hours = Sequence[tuple[int, int]]
ALWAYS: Hours = ((0, 10**9),)
"""From which second to which other: where alerts, messages and time are counted."""


@dataclass(slots=True)
class Tally:
    """What one rule at one level did. ``leads``: seconds from each alert to the liquidation that followed within 12 h.

    ``unwarned``: liquidations before which the rule had told neither this level nor a worse one.
    """

    alerts: int = 0
    false: int = 0
    undecided: int = 0
    liquidations: int = 0
    unwarned: int = 0
    seconds: int = 0
    leads: list[int] = field(default_factory=list)

    @property
    def false_at_least(self) -> float | None:
        """Share of all alerts that are known to be false; None without alerts."""
        return self.false / self.alerts if self.alerts else None

    @property
    def false_at_most(self) -> float | None:
        """The same with the undecided counted as false."""
        return (self.false + self.undecided) / self.alerts if self.alerts else None

    @property
    def a_day(self) -> float:
        """Alerts per position and day watched."""
        return self.alerts * DAY / self.seconds if self.seconds else 0.0


def tally(watched: Iterable[Watched], rule: str, level: Level, hours: Hours = ALWAYS) -> Tally:
    """Count one rule's alerts of one level that were told within these hours."""
    result = Tally()
    for one in watched:
        result.seconds += overlap(one.opened, one.until, hours)
        if one.liquidated is not None and one.liquidated <= one.until and within(one.liquidated, hours):
            result.liquidations += 1
            result.unwarned += not any(_tells(notice, rule, level, worse=True) for said in one.spoken for notice in said.notices)
        for said in one.spoken:
            if within(said.second, hours) and any(_tells(notice, rule, level) for notice in said.notices):
                _count(result, said.second, one)
    return result


def _tells(notice: Notice, rule: str, level: Level, *, worse: bool = False) -> bool:
    right = notice.level >= level if worse else notice.level == level
    return right and notice.rule == rule and notice.why in NEWS


def _count(result: Tally, second: int, one: Watched) -> None:
    result.alerts += 1
    if one.liquidated is not None and one.liquidated - second <= HORIZON:
        result.leads.append(one.liquidated - second)
    elif one.known - second >= HORIZON:
        result.false += 1
    else:
        result.undecided += 1


def messages_a_day(watched: Sequence[Watched], hours: Hours = ALWAYS) -> float:
    """All messages (first, worse, repeats, all-clears) per position and day watched."""
    seconds = sum(overlap(one.opened, one.until, hours) for one in watched)
    count = sum(within(said.second, hours) for one in watched for said in one.spoken)
    return count * DAY / seconds if seconds else 0.0


def overlap(first: int, last: int, hours: Hours) -> int:
    """How many seconds of a time lie within the hours."""
    return sum(max(0, min(last, end) - max(first, begin)) for begin, end in hours)


def within(second: int, hours: Hours) -> bool:
    """Whether a moment lies within the hours."""
    return any(begin <= second < end for begin, end in hours)


def quantile(values: Sequence[int], share: float) -> int | None:
    """The nearest-rank quantile: the smallest value that at least this share of them does not exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(1, ceil(share * len(values) - 1e-9)) - 1]
