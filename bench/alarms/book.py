"""The positions: random in market, side, leverage, size and time of entry, with maintenance tiers as Binance has them.

Prices count from the entry (the entry is 1): the figures of a position do not depend on the unit of price, so positions of the
same shape share their verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from itertools import accumulate, pairwise
from random import Random

from monitor.margin.position import Contract, Instrument, Position, PositionKey, Side
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

LEVERAGES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20)
BANDS = ((2, 4), (5, 8), (10, 20))
OPEN_FEE = Decimal("0.0005")
"""The opening fee is taken out of the isolated wallet."""
TICK = 100_000_000
"""Marks are judged on a grid of one hundred-millionth of the entry price."""

# Floors and rates of BTC, XRP and AAVE on Binance USD-M (2026-09), up to 2 %; the deductions follow from them.
# COIN-M: floors in base coin, rates as the smaller coins have.
TABLES: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "large": ((0, 300_000, 800_000, 3_000_000), ("0.004", "0.005", "0.0065", "0.01")),
    "middle": ((0, 40_000, 80_000, 150_000), ("0.005", "0.006", "0.01", "0.0125")),
    "small": ((0, 50_000, 150_000), ("0.01", "0.015", "0.02")),
    "coin": ((0, 1_000, 5_000), ("0.01", "0.015", "0.02")),
}
SIZES = {"large": (30_000, 500_000), "middle": (5_000, 60_000), "small": (5_000, 200_000), "coin": (300, 8_000)}


@dataclass(frozen=True, slots=True)
class Shape:
    """All that decides a position's figures at a price relative to its entry; ``value`` in settle currency at entry."""

    table: str
    value: int
    side: Side
    leverage: int

    @property
    def long(self) -> bool:
        """Whether a fall hurts."""
        return self.side is Side.LONG


@dataclass(frozen=True, slots=True)
class Entry:
    """A position opened at a second of a path, and the second of the monitor's first poll after it."""

    shape: Shape
    second: int
    first_poll: int


def tiers_of(name: str) -> TierTable:
    """The tier table of that name; each deduction makes the requirement continuous at its floor."""
    floors, rates = TABLES[name]
    shares = [Decimal(rate) for rate in rates]
    jumps = [floor * (above - below) for floor, (below, above) in zip(floors[1:], pairwise(shares), strict=True)]
    deductions = [Decimal(0), *accumulate(jumps)]
    caps = [*(Decimal(floor) for floor in floors[1:]), None]
    return TierTable(
        basis=TierBasis.BASE if name == "coin" else TierBasis.NOTIONAL,
        tiers=tuple(
            MaintenanceTier(floor=Decimal(floor), cap=cap, rate=rate, deduction=deduction)
            for floor, cap, rate, deduction in zip(floors, caps, shares, deductions, strict=True)
        ),
    )


def position_of(shape: Shape, mark: Decimal) -> Position:
    """The position at a mark counted in entry prices. Inverse: one contract is one entry price's worth of quote currency."""
    return replace(_at_entry(shape), mark_price=mark)


@cache
def _at_entry(shape: Shape) -> Position:
    inverse = shape.table == "coin"
    symbol = "COIN/USD:COIN" if inverse else "COIN/USDT:USDT"
    value = Decimal(shape.value)
    return Position(
        key=PositionKey(exchange="binance", account="main", symbol=symbol, side=shape.side),
        family="coinm" if inverse else "usdm",
        instrument=Instrument(
            symbol=symbol,
            instrument_id="COINUSD_PERP" if inverse else "COINUSDT",
            contract=Contract.INVERSE if inverse else Contract.LINEAR,
            contract_size=Decimal(1),
            settle_currency="COIN" if inverse else "USDT",
        ),
        hedged=False,
        contracts=value,
        entry_price=Decimal(1),
        mark_price=Decimal(1),
        isolated_margin=value / shape.leverage - value * OPEN_FEE,
        leverage=Decimal(shape.leverage),
        tiers=tiers_of(shape.table),
    )


def entries(
    rng: Random,
    count: int,
    *,
    inverse: bool,
    first: int,
    last: int,
    step: int,
    calm: int,
    leverages: Sequence[int] = LEVERAGES,
) -> list[Entry]:
    """So many random positions, opened on a grid of ``step`` seconds from ``first`` to ``last``; the first poll within ``calm``.

    On a grid coarser than ``calm`` the first poll is at the next step.
    """
    made = []
    for _ in range(count):
        table = "coin" if inverse else rng.choice(("large", "middle", "small"))
        shape = Shape(table, rng.choice(SIZES[table]), rng.choice((Side.LONG, Side.SHORT)), rng.choice(leverages))
        second = rng.randrange(first, last + 1) // step * step
        made.append(Entry(shape, second, second + rng.randrange(0, max(calm, step), step) + step))
    return made
