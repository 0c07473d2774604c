"""Figures that can be true: a finite number is not enough where a later sum or quotient would burst.

The bounds are far outside every market there is (prices from 1e-10 to 1e7, amounts to 1e13) and far inside what Decimal holds.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from monitor.errors import BadReading
from monitor.margin.quantities import dec

_LEAST = Decimal("1e-18")
_MOST = Decimal("1e18")
_MOST_OWED = -_MOST


def price(text: str | int) -> Decimal:
    """A price above 0. Raises BadQuantity for no number, BadReading for one that cannot be a price."""
    value = dec(text)
    if _LEAST <= value <= _MOST:
        return value
    raise BadReading(f"a price of {_short(value)} cannot be true")


def amount(text: str | int) -> Decimal:
    """An amount of money or contracts, of either sign. Raises BadQuantity for no number, BadReading for an absurd one."""
    value = dec(text)
    if _MOST_OWED <= value <= _MOST:
        return value
    raise BadReading(f"an amount of {_short(value)} cannot be true")


# A position's size, entry and margin stand for hours, and every poll reads them again. Typed, since True equals 1.
standing_price = lru_cache(maxsize=8192, typed=True)(price)
"""``price`` of a figure that rarely changes."""
standing_amount = lru_cache(maxsize=8192, typed=True)(amount)
"""``amount`` of a figure that rarely changes."""


def _short(value: Decimal) -> str:
    """A figure for a message, however many digits it has."""
    return f"{value:.6g}" if value.adjusted() < 30 else "more than 1e30"
