"""What the exchange wants behind a position, as a function of its value (see ``exposure``).

    requirement(v) = v x (tier rate + extra rate) - tier deduction + reserve

The tier is the exchange's table at that value; extra rate and reserve are the exchange's fee terms (see ``fees``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.margin.exposure import Exposure, exposure_of
from monitor.margin.fees import NO_FEES, FeeTerms, fees_of, shift_of
from monitor.margin.position import Position
from monitor.margin.standin import NO_TIERS, stand_in_table
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

_CONTRACTS = TierBasis.CONTRACTS
_BASE = TierBasis.BASE


class Terms(NamedTuple):
    """Everything that decides a position's requirement at any price.

    ``tier_index`` (from 0): the tier at the mark. ``fixed_size``: the size that picks the tier where it does not move with the
    price (contracts; base coin of a linear contract), else None: then the value itself picks it. ``shift`` is added to the price
    at which headroom is 0 to give the liquidation price that the exchange states. ``degraded``: the position's marks and ours.
    """

    exposure: Exposure
    table: TierTable
    tier_index: int
    fixed_size: Decimal | None
    fees: FeeTerms
    shift: Decimal
    degraded: tuple[str, ...]

    def tier_at(self, value: Decimal) -> MaintenanceTier:
        """The tier that holds at a value."""
        return self.table.tiers[self.tier_index if self.fixed_size is not None else self.table.index_at(value)]

    def requirement_in(self, tier: MaintenanceTier, value: Decimal) -> Decimal:
        """The requirement at a value by a given tier, in settle currency."""
        return value * (tier.rate + self.fees.extra_rate) - tier.deduction + self.fees.reserve

    def headroom_in(self, tier: MaintenanceTier, value: Decimal) -> Decimal:
        """Equity less requirement at a value by a given tier, in settle currency."""
        return self.exposure.margin + self.exposure.pnl_at(value) - self.requirement_in(tier, value)


def terms_of(position: Position) -> Terms:
    """The terms of a position; what had to be inferred for them is named in ``degraded``."""
    exposure = exposure_of(position)
    shift = shift_of(position, exposure)
    table = position.tiers
    if table is None:
        table = stand_in_table(position, exposure, shift)
        # The stand-in rate speaks of the whole requirement: no fee terms on top.
        return Terms(exposure, table, 0, None, NO_FEES, shift, _marked(position.degraded, NO_TIERS))
    fixed_size: Decimal | None = None
    if table.basis is _CONTRACTS:
        fixed_size = position.contracts
    elif table.basis is _BASE and exposure.linear:
        fixed_size = exposure.quantity
    index = table.index_at(exposure.value if fixed_size is None else fixed_size)
    fees = fees_of(position, exposure, table.tiers[index])
    return Terms(exposure, table, index, fixed_size, fees, shift, _marked(position.degraded, fees.note))


def _marked(degraded: tuple[str, ...], note: str) -> tuple[str, ...]:
    """``degraded`` with ``note``, where there is one, in it once."""
    return (*degraded, note) if note and note not in degraded else degraded
