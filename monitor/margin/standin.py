"""A stand-in for a tier table that could not be had: one rate for the whole requirement, never kinder than the real table.

In this order: what the exchange's own requirement is of the value; what equity would be of the value at the exchange's own
liquidation price; 0.9 / leverage; one half.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.margin.exposure import Exposure
from monitor.margin.position import Position
from monitor.margin.quantities import ONE, ZERO
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

NO_TIERS = "no_tiers"
"""Degraded: there is no tier table; a stand-in rate was used."""

# In the 7,276 published tiers of Binance USD-M (2026-09) rate x highest leverage is never above 0.9, and no rate is above 0.5.
_RATE_TIMES_LEVERAGE = Decimal("0.9")
_RATE_OF_LAST_RESORT = Decimal("0.5")


def stand_in_table(position: Position, exposure: Exposure, shift: Decimal) -> TierTable:
    """One tier for every size; ``shift`` is what the exchange's liquidation price is off the price where headroom is 0."""
    rate = _implied_rate(position, exposure, shift)
    if rate is None:
        rate = _RATE_TIMES_LEVERAGE / position.leverage if position.leverage else _RATE_OF_LAST_RESORT
    tier = MaintenanceTier(floor=ZERO, cap=None, rate=min(rate, ONE), deduction=ZERO)
    return TierTable(basis=TierBasis.NOTIONAL, tiers=(tier,))


def _implied_rate(position: Position, exposure: Exposure, shift: Decimal) -> Decimal | None:
    """The rate that the exchange's own figures speak of; None where they give none that can be true."""
    says = position.says
    if says.requirement and says.requirement > 0:
        return says.requirement / exposure.value
    price = says.liquidation_price
    if not price or not exposure.is_adverse(price) or price <= shift:
        return None
    value = exposure.value_at(price - shift)
    rate = (exposure.margin + exposure.pnl_at(value)) / value
    return rate if rate > 0 else None
