"""Maintenance tiers as the practice exchange keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

TOP = Decimal(10) ** 12
"""The cap of the last tier of a table that has no end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier: sizes above ``floor`` up to and with ``cap``, maintenance ``rate``, ``deduction``, most leverage at opening."""

    floor: Decimal
    cap: Decimal
    rate: Decimal
    deduction: Decimal
    max_leverage: int


def table(*steps: tuple[str, str, int], continuous: bool = True) -> tuple[Tier, ...]:
    """Tiers from (cap, rate, most leverage) of each.

    ``continuous``: each deduction makes the requirement meet the one of the tier below at the border between them.
    """
    tiers: list[Tier] = []
    floor = Decimal(0)
    for cap, rate, leverage in steps:
        tiers.append(Tier(floor=floor, cap=Decimal(cap), rate=Decimal(rate), deduction=Decimal(0), max_leverage=leverage))
        floor = Decimal(cap)
    return with_deductions(tiers) if continuous else tuple(tiers)


def with_deductions(tiers: Sequence[Tier]) -> tuple[Tier, ...]:
    """The same tiers with the deductions that leave no jump at a border."""
    made: list[Tier] = []
    for tier in tiers:
        below = made[-1] if made else None
        deduction = below.deduction + tier.floor * (tier.rate - below.rate) if below else Decimal(0)
        made.append(replace(tier, deduction=deduction))
    return tuple(made)


def scaled(tiers: Sequence[Tier], factor: Decimal) -> tuple[Tier, ...]:
    """The same tiers asking ``factor`` times as much, as an exchange does when it tightens a contract."""
    more = [replace(tier, rate=tier.rate * factor, deduction=tier.deduction * factor) for tier in tiers]
    return tuple(replace(tier, max_leverage=max(1, int(tier.max_leverage / factor))) for tier in more)


def tier_at(tiers: Sequence[Tier], size: Decimal) -> int:
    """The index of the tier that holds ``size``; the last one beyond the end."""
    return next((index for index, tier in enumerate(tiers) if size <= tier.cap), len(tiers) - 1)


def ladder(given: Any) -> tuple[Tier, ...]:
    """The smallest table that has a known ``{rate, deduction}``, for replies that came without one.

    A deduction needs a lower tier below it, which ends at deduction / (rate - the lower rate).
    """
    rate = Decimal(str(given["rate"])) if given else Decimal("0.005")
    deduction = Decimal(str(given.get("deduction", "0"))) if given else Decimal(0)
    leverage = max(1, int(1 / (2 * rate))) if rate else 125
    top = Tier(floor=Decimal(0), cap=TOP, rate=rate, deduction=deduction, max_leverage=leverage)
    if not deduction:
        return (top,)
    below = rate / 10
    border = deduction / (rate - below)
    first = Tier(floor=Decimal(0), cap=border, rate=below, deduction=Decimal(0), max_leverage=leverage)
    return (first, replace(top, floor=border))
