"""Verdicts by price, worked out once: ``assess`` and ``judge`` of the product, asked where the answer changes.

Nothing but the mark moves here (no funding, no top-ups), so a position's figures depend on the mark alone, and get worse
steadily on the way to liquidation. Between two prices at which a rule says the same, it says the same all the way: a bisection
on the grid of marks finds every price at which it changes its mind, exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from bench.alarms.book import TICK, Shape, position_of
from monitor.margin.assessment import Assessment, assess
from monitor.rules.base import Judgement, Level, PositionRule

LOWEST, HIGHEST = TICK // 100, TICK * 5
"""Marks from 1 % of the entry to five times the entry."""


def tick_of(mark: float, entry: float) -> int:
    """A mark on the grid."""
    return min(max(round(mark / entry * TICK), LOWEST), HIGHEST)


def assessment_at(shape: Shape, tick: int) -> Assessment:
    """The product's own figures of this shape at a mark."""
    return assess(position_of(shape, Decimal(tick) / TICK))


@dataclass(frozen=True, slots=True)
class Stretches:
    """``changes``: the ticks at which the next judgement begins; ``judgements``: one more than changes, lowest price first."""

    changes: tuple[int, ...]
    judgements: tuple[Judgement, ...]

    def judged(self, tick: int) -> Judgement:
        """The judgement at a mark: its verdict and level hold there, its figures are those of one mark of the stretch."""
        return self.judgements[bisect_right(self.changes, tick)]

    def around(self, tick: int) -> tuple[int, int]:
        """From (inclusive) which tick to which (exclusive) the verdict stays as it is at this one."""
        index = bisect_right(self.changes, tick)
        low = self.changes[index - 1] if index else LOWEST
        return low, self.changes[index] if index < len(self.changes) else HIGHEST + 1


@cache
def stretches(shape: Shape, rule: PositionRule, held: Level | None) -> Stretches:
    """Every stretch of marks of a rule with an alert at the level ``held``."""
    changes: list[int] = []
    found: list[Judgement] = []

    def search(low: int, at_low: Judgement, high: int, at_high: Judgement) -> None:
        if at_low[:2] == at_high[:2]:
            return
        if high - low == 1:
            changes.append(high)
            found.append(at_high)
            return
        middle = (low + high) // 2
        at_middle = judge(middle)
        search(low, at_low, middle, at_middle)
        search(middle, at_middle, high, at_high)

    def judge(tick: int) -> Judgement:
        return rule.judge(assessment_at(shape, tick), held)

    lowest, entry, highest = judge(LOWEST), judge(TICK), judge(HIGHEST)
    search(LOWEST, lowest, TICK, entry)
    search(TICK, entry, HIGHEST, highest)
    return Stretches(tuple(changes), (lowest, *found))


@cache
def liquidated_at(shape: Shape) -> int:
    """The tick of liquidation: a long is gone at or below it, a short at or above it."""
    return _edge(lambda tick: assessment_at(shape, tick).ours.headroom <= 0, shape)


def _edge(gone: Callable[[int], bool], shape: Shape) -> int:
    alive, dead = TICK, LOWEST if shape.long else HIGHEST
    if not gone(dead):
        return 0 if shape.long else HIGHEST * 2
    while abs(alive - dead) > 1:
        middle = (alive + dead) // 2
        alive, dead = (alive, middle) if gone(middle) else (middle, dead)
    return dead
