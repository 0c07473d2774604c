"""Where the exchange's own figures disagree with ours, which ones are worse.

The tolerance is 1 % of our requirement; on Bybit also the fee on added margin, which its own requirement may leave out. A
liquidation price is compared in money: what the difference in price is worth to this position, less one price tick. An
exchange figure that is missing or 0 is no figure.
"""

from __future__ import annotations

from decimal import Decimal

from monitor.margin.exposure import Exposure
from monitor.margin.position import Position
from monitor.margin.quantities import ZERO
from monitor.margin.requirement import Terms

_TOLERANCE = Decimal("0.01")
# Amounts and prices of Binance and Bybit are cut at 8 decimals: a tiny inverse position is off by more than 1 % for that alone.
_GRAIN = Decimal("0.00000001")


_JUST_PASSED = Decimal("0.1")
"""Share of the mark within which a liquidation price on the wrong side of it was just passed."""


def worse_of(
    position: Position, terms: Terms, *, requirement: Decimal, price: Decimal | None
) -> tuple[Decimal, Decimal | None] | None:
    """The worse requirement (settle currency) and liquidation price of ours, as given, and the exchange's; None where they agree.

    Where the exchange's liquidation price is the nearer one, the requirement is raised until equity meets it at that price.
    A liquidation price of theirs that the mark has just passed counts too: it is the last moment before the end. One far on the
    side where the owner gains disagrees, but is never taken: the position is open, so it speaks of another state of it.
    """
    exposure = terms.exposure
    stated = position.says.requirement or ZERO
    their_price = position.says.liquidation_price or ZERO
    tolerance = max(requirement, ZERO) * _TOLERANCE + terms.fees.slack + _GRAIN
    requirement_differs = stated > 0 and abs(stated - requirement) > tolerance
    mark = position.mark_price
    pierced = their_price > 0 and abs(their_price - mark) <= mark * _JUST_PASSED
    adverse = exposure.is_adverse(their_price) or pierced
    if price is None:
        price_differs = adverse
    elif their_price > 0:
        their_value = exposure.value_at(their_price)
        gap = abs(their_value - exposure.value_at(price))
        price_differs = gap > tolerance and gap > tolerance + _worth_of_tick(position, exposure, their_price, their_value)
    else:
        price_differs = False
    if not (requirement_differs or price_differs):
        return None

    worst = max(requirement, stated)
    # For a long the higher price is the worse one, also where the mark is past ours already.
    nearer = price is None or (their_price > price if exposure.long else their_price < price)
    if adverse and nearer:
        raw = their_price - terms.shift
        if raw > 0:
            value = exposure.value_at(raw)
            worst = max(worst, requirement + terms.headroom_in(terms.tier_at(value), value))
        return worst, their_price
    return worst, price


def _worth_of_tick(position: Position, exposure: Exposure, price: Decimal, value: Decimal) -> Decimal:
    """What one price tick at ``price`` changes of the value, in settle currency."""
    return abs(exposure.value_at(price + (position.instrument.price_tick or _GRAIN)) - value)
