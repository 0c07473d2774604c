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

from monitor.margin.position import Position


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
