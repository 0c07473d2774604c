"""A position in *value* instead of price: two straight lines in place of eight formulas.

The value of a position is its notional in settle currency: quantity x price (linear) or quantity / price (inverse). In price
there are four kinds of position; in value there are two:

    equity(v) = margin + (v - entry value)      the owner gains when value rises: linear long, inverse short
    equity(v) = margin - (v - entry value)      the owner gains when value falls: linear short, inverse long

The requirement is a straight line in value too, within one tier (see ``requirement``), so headroom has one root a tier.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.margin.position import Contract, Position, Side

_LINEAR = Contract.LINEAR
_LONG = Side.LONG


class Exposure(NamedTuple):
    """``rising``: the owner gains when value rises. ``value`` is at the mark; ``margin`` is the isolated margin.

    Values in settle currency; ``quantity`` in base coin (linear) or quote currency (inverse).
    """

    long: bool
    linear: bool
    rising: bool
    quantity: Decimal
    mark: Decimal
    value: Decimal
    entry_value: Decimal
    margin: Decimal

    def value_at(self, price: Decimal) -> Decimal:
        """The value at a price > 0."""
        return self.quantity * price if self.linear else self.quantity / price

    def price_at(self, value: Decimal) -> Decimal:
        """The price that goes with a value > 0."""
        return value / self.quantity if self.linear else self.quantity / value

    def pnl_at(self, value: Decimal) -> Decimal:
        """Unrealised profit at a value."""
        return value - self.entry_value if self.rising else self.entry_value - value

    def is_adverse(self, price: Decimal) -> bool:
        """Whether a price lies where the owner loses: above 0 and below the mark for a long, above the mark for a short."""
        return 0 < price < self.mark if self.long else price > self.mark


def exposure_of(position: Position) -> Exposure:
    """The exposure of a position at its mark price."""
    instrument = position.instrument
    long = position.key.side is _LONG
    linear = instrument.contract is _LINEAR
    quantity = position.contracts * instrument.contract_size
    mark = position.mark_price
    if linear:
        value, entry_value = quantity * mark, quantity * position.entry_price
    else:
        value, entry_value = quantity / mark, quantity / position.entry_price
    return Exposure(long, linear, long is linear, quantity, mark, value, entry_value, position.isolated_margin)
