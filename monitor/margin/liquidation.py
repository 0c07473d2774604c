"""The price at which headroom is 0: piecewise, by the tier that holds AT that price.

Within one tier headroom is a straight line in value (see ``exposure``), so it has one root. The walk starts in the tier at
the mark and goes, tier by tier, the way that leads to liquidation: the adverse way while there is headroom, the other way
where the position is already past the line. A root counts when its tier holds there. Where the requirement jumps at a border
(a table without deductions), headroom can change its sign without a root: then the border is the answer. So the result is
always the first that the price reaches, also where a jumping table has several.

Solved for price, the roots are the published formulas (Binance FAQ b3c689c1f50a44cabb3a84e663b81d93 and
ceccfcfb4e3a45e3b48b0b1bb1a8ae46, Bybit "Liquidation Price Calculation under Isolated Mode (UTA)", OKX "Tiered maintenance
margin ratio"; read 2026-11-22):

    linear long   (qE - M - D + R) / (q (1 - m))        inverse long   q (1 + m) / (q/E + M + D - R)
    linear short  (qE + M + D - R) / (q (1 + m))        inverse short  q (1 - m) / (q/E - M - D + R)
"""

from __future__ import annotations

from decimal import Decimal
from typing import cast

from monitor.margin.quantities import ONE
from monitor.margin.requirement import Terms
from monitor.margin.tiers import MaintenanceTier


def liquidation_price(terms: Terms, headroom: Decimal) -> Decimal | None:
    """The mark price of liquidation as the exchange states it; None where no price liquidates, or where every price does.

    ``headroom`` is the position's headroom at the mark (settle currency): its sign says on which side to look.
    """
    value = _liquidation_value(terms, headroom)
    return None if value is None else terms.exposure.price_at(value) + terms.shift


def _liquidation_value(terms: Terms, headroom: Decimal) -> Decimal | None:
    """The value nearest to the mark, on the way to liquidation, at which headroom is 0 or changes its sign."""
    tiers = terms.table.tiers
    index = terms.tier_index
    root = _root(terms, tiers[index])
    if terms.fixed_size is not None:
        return root
    healthy = headroom > 0
    shrinking = terms.exposure.rising is healthy
    last = len(tiers) - 1
    while True:
        if shrinking:
            if index == 0:
                return root
            index -= 1
            border = cast("Decimal", tiers[index].cap)  # only the last tier of a table may have no cap
            if root is not None and root > border:
                return root
        else:
            if index == last:
                return root
            border = cast("Decimal", tiers[index].cap)
            if root is not None and root <= border:
                return root
            index += 1
        tier = tiers[index]
        if (terms.headroom_in(tier, border) > 0) is not healthy:
            return border
        root = _root(terms, tier)


def _root(terms: Terms, tier: MaintenanceTier) -> Decimal | None:
    """The value at which headroom would be 0 if this tier held everywhere; None where there is no such value > 0."""
    exposure = terms.exposure
    rate = tier.rate + terms.fees.extra_rate
    losable = tier.deduction - terms.fees.reserve + exposure.margin
    if exposure.rising:
        share = ONE - rate
        if share <= 0:
            return None
        value = (exposure.entry_value - losable) / share
    else:
        value = (exposure.entry_value + losable) / (ONE + rate)
    return value if value > 0 else None
