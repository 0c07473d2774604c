"""Whether an empty list of positions can be true: the margin of what vanished must have gone back to the balance.

A list that lost everything at once is what a mass liquidation looks like, and what a faulty reply looks like: exchanges have
sent empty lists for minutes in a falling market (ccxt issue 15606). The balance comes from another call and tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitor.margin.position import Position
from monitor.margin.quantities import ZERO, plain

_MOST = Decimal("0.5")
"""Share of the vanished margin: what is left of rounding or of another product is less, and the true margin moves little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What a family's balance reply tells, by settle currency.

    ``free`` can be added as margin now; ``held`` lies behind isolated positions, by the balance's own account of it.
    """

    free: Mapping[str, Decimal]
    held: Mapping[str, Decimal]


def margins_of(positions: Iterable[Position]) -> dict[str, Decimal]:
    """The isolated margin of all ``positions``, by settle currency."""
    margins: dict[str, Decimal] = {}
    for position in positions:
        currency = position.instrument.settle_currency
        margins[currency] = margins.get(currency, ZERO) + max(position.isolated_margin, ZERO)
    return margins


def still_held(lost: Mapping[str, Decimal], held: Mapping[str, Decimal]) -> str:
    """What the balance still holds of the margin of positions that are said to be gone (``1000 USDT``); empty for nothing."""
    for currency, margin in lost.items():
        left = held.get(currency, ZERO)
        if margin > 0 and left >= margin * _MOST:
            return f"{plain(left)} {currency}"
    return ""
