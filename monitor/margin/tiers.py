"""Maintenance tiers: which share of a position's size the exchange wants behind it.

A table is a ladder of tiers by size. Its *basis* says what size means: the notional in settle currency (Binance USD-M,
Bybit), the number of contracts (OKX), or the quantity of base coin (Binance COIN-M, Bybit inverse). A tier with a
*deduction* makes the requirement continuous at the borders (Binance ``cum``, Bybit ``mmDeduction``); OKX has none and its
basis does not move with the price.

A border belongs to the tier below it: size <= cap is inside (Bybit says so; on Binance both sides give the same figure;
OKX's next tier starts one contract later).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from monitor.errors import BadReading


class TierBasis(StrEnum):
    """What the floor and cap of a tier count."""

    NOTIONAL = "notional"
    CONTRACTS = "contracts"
    BASE = "base"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceTier:
    """Sizes from ``floor`` to ``cap`` (None: no end), maintenance ``rate`` (0 to 1), ``deduction`` in settle currency."""

    floor: Decimal
    cap: Decimal | None
    rate: Decimal
    deduction: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTable:
    """An instrument's ladder of tiers, lowest first, and what its floors and caps count."""

    basis: TierBasis
    tiers: tuple[MaintenanceTier, ...]

    def __post_init__(self) -> None:
        """Raises BadReading for a table that cannot be true: no tiers, out of order, or a rate outside 0 to 1."""
        if not self.tiers:
            raise BadReading("a table of maintenance tiers is empty")
        below: MaintenanceTier | None = None
        for tier in self.tiers:
            if not 0 <= tier.rate <= 1:
                raise BadReading(f"a maintenance rate of {tier.rate} is not between 0 and 1")
            if tier.cap is not None and tier.cap <= tier.floor:
                raise BadReading(f"a maintenance tier ends at {tier.cap}, before its start at {tier.floor}")
            if below is not None and (below.cap is None or tier.floor < below.cap):
                raise BadReading(f"the maintenance tier from {tier.floor} overlaps the one below it")
            below = tier

    def index_at(self, size: Decimal) -> int:
        """The index (from 0) of the tier for a size in this table's basis; the ends of the ladder stand for sizes beyond them."""
        for index, tier in enumerate(self.tiers):
            if tier.cap is None or size <= tier.cap:
                return index
        return len(self.tiers) - 1
