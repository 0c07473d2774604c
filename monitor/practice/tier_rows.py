"""Tier tables for replies that came without one: the smallest ladder that has the one rate and deduction that are known."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TOP = Decimal(10) ** 12


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRow:
    """One tier of a reply: sizes from ``floor`` to ``cap``, maintenance ``rate``, ``deduction``, most leverage."""

    floor: Decimal
    cap: Decimal
    rate: Decimal
    deduction: Decimal

    @property
    def max_leverage(self) -> int:
        """Twice the maintenance rate is asked at opening, as the exchanges' lower tiers do."""
        return max(1, int(1 / (2 * self.rate))) if self.rate else 125


def ladder(given: Any) -> list[TierRow]:
    """``{rate, deduction}`` as tiers without a jump.

    A deduction needs a lower tier below it, which ends at deduction / (rate - the lower rate).
    """
    rate = Decimal(str(given["rate"])) if given else Decimal("0.005")
    deduction = Decimal(str(given.get("deduction", "0"))) if given else Decimal(0)
    if not deduction:
        return [TierRow(floor=Decimal(0), cap=TOP, rate=rate, deduction=Decimal(0))]
    below = rate / 10
    border = deduction / (rate - below)
    return [
        TierRow(floor=Decimal(0), cap=border, rate=below, deduction=Decimal(0)),
        TierRow(floor=border, cap=TOP, rate=rate, deduction=deduction),
    ]
