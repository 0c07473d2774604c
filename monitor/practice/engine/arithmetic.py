"""The practice exchange's own arithmetic: profit, equity, and prices found by halving an interval.

It shares nothing with the guard's: where the guard solves an equation for each tier, this searches for the price at which
two amounts meet. A mistake in either shows as a difference between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from monitor.practice.engine.contracts import Contract

NOTHING = Decimal(0)
_FAR = Decimal(10) ** 9
_CLOSE = Decimal("1e-15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """A position as arithmetic sees it: ``quantity`` > 0 contracts; ``margin`` without unrealised profit, in settle currency."""

    contract: Contract
    long: bool
    quantity: Decimal
    entry: Decimal
    margin: Decimal
    leverage: Decimal
    fee_rate: Decimal

    def value(self, price: Decimal) -> Decimal:
        """What the position is worth at ``price``, in settle currency."""
        return self.contract.value(self.quantity, price)

    def profit(self, price: Decimal) -> Decimal:
        """What closing at ``price`` would win: the value's rise for a linear long, its fall for an inverse one."""
        rise = self.value(price) - self.value(self.entry)
        return rise if self.long is not self.contract.inverse else -rise

    def equity(self, price: Decimal) -> Decimal:
        """Margin with the unrealised profit at ``price``."""
        return self.margin + self.profit(price)


def crossing(gap: Callable[[Decimal], Decimal], *, near: Decimal, rising: bool) -> Decimal | None:
    """The price > 0 at which ``gap`` changes sign, to 15 digits; None where that is not within a factor of 1e9 of ``near``.

    ``gap`` must never turn: rising says that it grows with the price (a long), else it shrinks (a short).
    """
    low = high = near
    while (gap(low) > 0) is rising:
        low /= 2
        if low * _FAR < near:
            return None
    while (gap(high) > 0) is not rising:
        high *= 2
        if high > near * _FAR:
            return None
    while high - low > high * _CLOSE:
        middle = (low + high) / 2
        if (gap(middle) > 0) is rising:
            high = middle
        else:
            low = middle
    return (low + high) / 2
