"""Assess: one position at one moment, in numbers that rules can judge.

    equity       = isolated margin + unrealised profit at the mark
    requirement  = what the exchange wants behind the position at the mark
    headroom     = equity - requirement                 0 = liquidation
    cushion      = headroom / the larger of what it was at entry and the requirement now

Two sets of figures are kept: ``ours``, and ``judged``, which is the worse of ours and the exchange's own where the two
disagree (design: Divergence). Rules only ever see ``judged``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from monitor.margin.divergence import worse_of
from monitor.margin.liquidation import liquidation_price
from monitor.margin.position import Position
from monitor.margin.quantities import ZERO
from monitor.margin.requirement import Terms, terms_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The margin of one position, in settle currency, price or shares (0 to 1).

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
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
    equity = exposure.margin + exposure.pnl_at(exposure.value)
    requirement = terms.requirement_in(terms.table.tiers[terms.tier_index], exposure.value)
    price = liquidation_price(terms, equity - requirement)
    ours = _figures(position, terms, equity, requirement, price)
    judged, diverges = ours, False
    says = position.says
    if says.requirement or says.liquidation_price:
        worse = worse_of(position, terms, requirement=requirement, price=price)
        if worse is not None:
            diverges = True
            if worse != (requirement, price):
                judged = _figures(position, terms, equity, *worse)
    return Assessment(position=position, ours=ours, judged=judged, diverges=diverges, degraded=terms.degraded)


def _figures(position: Position, terms: Terms, equity: Decimal, requirement: Decimal, price: Decimal | None) -> Figures:
    """All figures that follow from a requirement and a liquidation price."""
    exposure = terms.exposure
    value = exposure.value
    headroom = equity - requirement
    measure = max(_headroom_at_entry(position, terms), requirement)
    cushion: Decimal | None
    if headroom > 0 and (price is None or measure <= 0):
        cushion = None
    elif measure > 0:
        cushion = headroom / measure
    else:
        cushion = ZERO
    usage: Decimal | None
    if equity <= 0:
        usage = None
    elif requirement > 0:
        usage = requirement / equity
    else:
        usage = ZERO
    return Figures(
        notional=value,
        unrealized_pnl=exposure.pnl_at(value),
        equity=equity,
        requirement=requirement,
        maintenance_rate=requirement / value,
        margin_ratio=equity / value,
        margin_usage=usage,
        buffer=equity / requirement if requirement > 0 else None,
        headroom=headroom,
        cushion=cushion,
        liquidation_price=price,
        liquidation_distance=None if price is None else abs(exposure.mark - price) / exposure.mark,
        effective_leverage=value / equity if equity > 0 else None,
        tier=None if position.tiers is None else terms.tier_index + 1,
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
