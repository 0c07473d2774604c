"""Assess: one position at one moment, in numbers that rules can judge.

    equity       = isolated margin + unrealised profit at the mark
    requirement  = what the exchange wants behind the position at the mark
    headroom     = equity - requirement                 0 = liquidation
    cushion      = headroom / the larger of what it was at entry and the requirement now

Two sets of figures are kept: ``ours``, and ``judged``, which is the worse of ours and the exchange's own where the two
disagree (design: Divergence). Rules only ever see ``judged``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.margin.divergence import worse_of
from monitor.margin.liquidation import liquidation_price
from monitor.margin.position import Position
from monitor.margin.quantities import ZERO
from monitor.margin.requirement import Terms, terms_of


class Figures(NamedTuple):
    """The margin of one position, in settle currency, price or shares (0 to 1). A tuple, since every reading makes one.

    None: ``margin_usage`` unbounded (equity <= 0), ``buffer`` unbounded (requirement <= 0), ``liquidation_price`` and
    ``liquidation_distance`` no such price, ``cushion`` no liquidation price on the adverse side while headroom > 0,
    ``effective_leverage`` unbounded (equity <= 0), ``tier`` (counted from 1) no table.
    """

    notional: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    requirement: Decimal
    maintenance_rate: Decimal
    margin_ratio: Decimal
    margin_usage: Decimal | None
    buffer: Decimal | None
    headroom: Decimal
    cushion: Decimal | None
    liquidation_price: Decimal | None
    liquidation_distance: Decimal | None
    effective_leverage: Decimal | None
    tier: int | None


class Assessment(NamedTuple):
    """A position with its figures. ``judged is ours`` unless ``diverges``; ``degraded`` names what was missing or inferred."""

    position: Position
    ours: Figures
    judged: Figures
    diverges: bool
    degraded: tuple[str, ...]


def assess(position: Position) -> Assessment:
    """The figures of a position, exact to 28 digits; pure, and cheap enough for every tick of a price stream."""
    terms = terms_of(position)
    exposure = terms.exposure
    value = exposure.value
    pnl = exposure.pnl_at(value)
    requirement = terms.requirement_in(terms.table.tiers[terms.tier_index], value)
    price = liquidation_price(terms, exposure.margin + pnl - requirement)
    ours = _figures(position, terms, pnl, requirement, price)
    judged, diverges = ours, False
    says = position.says
    if says.requirement or says.liquidation_price:
        worse = worse_of(position, terms, requirement=requirement, price=price)
        if worse is not None:
            diverges = True
            if worse != (requirement, price):
                judged = _figures(position, terms, pnl, *worse)
    return Assessment(position, ours, judged, diverges, terms.degraded)


def _figures(position: Position, terms: Terms, pnl: Decimal, requirement: Decimal, price: Decimal | None) -> Figures:
    """All figures that follow from the profit at the mark, a requirement and a liquidation price."""
    exposure = terms.exposure
    value, mark = exposure.value, exposure.mark
    equity = exposure.margin + pnl
    headroom = equity - requirement
    measure = max(_headroom_at_entry(position, terms), requirement)
    cushion: Decimal | None
    if headroom > ZERO and (price is None or measure <= ZERO):
        cushion = None
    elif measure > ZERO:
        cushion = headroom / measure
    else:
        cushion = ZERO
    is_solvent, is_required = equity > ZERO, requirement > ZERO
    usage: Decimal | None = None
    if is_solvent:
        usage = requirement / equity if is_required else ZERO
    rate, ratio = requirement / value, equity / value
    buffer = equity / requirement if is_required else None
    distance = None if price is None else abs(mark - price) / mark
    leverage = value / equity if is_solvent else None
    tier = None if position.tiers is None else terms.tier_index + 1
    # In the order of the fields: names would double what it costs to make one.
    return Figures(
        value, pnl, equity, requirement, rate, ratio, usage, buffer, headroom, cushion, price, distance, leverage, tier
    )


def _headroom_at_entry(position: Position, terms: Terms) -> Decimal:
    """What the position was given to lose: its margin less the requirement at the entry price, in settle currency.

    The margin counts as at least the entry value over the leverage setting: taking margin out does not shrink the measure.
    """
    exposure = terms.exposure
    committed = exposure.margin
    if position.leverage:
        committed = max(committed, exposure.entry_value / position.leverage)
    return committed - terms.requirement_in(terms.tier_at(exposure.entry_value), exposure.entry_value)
