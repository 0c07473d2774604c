"""Money: every amount is somewhere, and moves only from one place to another.

Places are a free balance (``free/ACCOUNT``), the margin of a position (``margin/ACCOUNT/POSITION``), and the exchange's own:
``outside`` (deposits), ``market`` (the other side of every trade), ``fees``, ``funding`` and ``insurance``. What comes in from
``outside`` leaves it negative, so all places of a currency always sum to nothing.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal


class Ledger:
    """Balances by currency and place; amounts are multiples of their exchange's unit, so sums are exact."""

    def __init__(self) -> None:
        self._balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def balance(self, currency: str, place: str) -> Decimal:
        """What lies at ``place``."""
        return self._balances.get((currency, place), Decimal(0))

    def move(self, currency: str, amount: Decimal, source: str, target: str) -> None:
        """Take ``amount`` (negative: the other way) from ``source`` to ``target``."""
        self._balances[currency, source] -= amount
        self._balances[currency, target] += amount

    def total(self, currency: str) -> Decimal:
        """The sum of all places: 0, always."""
        return sum((amount for (name, _), amount in self._balances.items() if name == currency), Decimal(0))

    def currencies(self) -> list[str]:
        """Every currency that was ever moved."""
        return sorted({currency for currency, _ in self._balances})

    def places(self) -> dict[str, dict[str, Decimal]]:
        """Everything, as ``{currency: {place: amount}}`` without empty places."""
        shown: dict[str, dict[str, Decimal]] = {}
        for (currency, place), amount in sorted(self._balances.items()):
            if amount:
                shown.setdefault(currency, {})[place] = amount
        return shown
