"""A price path: marks on an even grid of time, quick to search for the next moment that leaves a range.

Prices are floats here, because only their order matters until the product's own arithmetic sees them (``stretches``).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

BLOCK = 128


@dataclass(slots=True)
class Path:
    """``marks[i]`` holds from ``i * step`` seconds after the start until the next one. ``crash``: the seconds called crash hours.

    ``inverse``: the contract settles in the base coin.
    """

    name: str
    step: int
    marks: array[float]
    inverse: bool = False
    crash: tuple[int, int] = (0, 0)
    low: list[float] = field(init=False)
    high: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Prepares the lowest and highest mark of every block."""
        blocks = [self.marks[at : at + BLOCK] for at in range(0, len(self.marks), BLOCK)]
        self.low, self.high = [min(block) for block in blocks], [max(block) for block in blocks]

    @property
    def seconds(self) -> int:
        """How long the path is known."""
        return (len(self.marks) - 1) * self.step

    def at(self, second: int) -> float:
        """The mark at a second after the start."""
        return self.marks[second // self.step]

    def leaves(self, second: int, low: float, high: float) -> int | None:
        """The first second, from the given one on, whose mark is not in ``low <= mark < high``; None if there is none."""
        marks, index, end = self.marks, -(-second // self.step), len(self.marks)
        while index < end:
            block = index // BLOCK
            if index % BLOCK == 0 and low <= self.low[block] and self.high[block] < high:
                index += BLOCK
            elif low <= marks[index] < high:
                index += 1
            else:
                return index * self.step
        return None


def rolling_mean(prices: Sequence[float], width: int) -> list[float]:
    """The mean of each price and the ``width`` - 1 before it (fewer at the start)."""
    total, means = 0.0, []
    for index, price in enumerate(prices):
        total += price
        if index >= width:
            total -= prices[index - width]
        means.append(total / min(index + 1, width))
    return means


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a recorded series; ``second`` counts from the start of the series."""

    second: int
    open: float
    high: float
    low: float
    close: float


def walk_of(bar: Bar) -> tuple[float, float, float, float]:
    """Four prices that stand for a bar: it goes to the far end last, as a bar that closes there mostly did."""
    if bar.close >= bar.open:
        return bar.open, bar.low, bar.high, bar.close
    return bar.open, bar.high, bar.low, bar.close


def from_bars(bars: Iterable[Bar], length: int, *, step: int, closes_only: bool = False) -> array[float]:
    """Marks on a grid of ``step`` seconds: each bar of ``length`` seconds as its four prices, or as its close at its end.

    A bar without trades is left out of a series: the last price goes on.
    """
    marks: array[float] = array("d")
    for bar in bars:
        first = bar.second // step
        last = marks[-1] if marks else bar.open
        marks.extend([last] * (first - len(marks)))
        quarters = length // 4 // step
        if closes_only:
            marks.extend([last] * (length // step - 1) + [bar.close])
        else:
            for price in walk_of(bar):
                marks.extend([price] * quarters)
    return marks
