"""Which part of a fill belongs to the side that is asked about, where an instrument has one position of either side.

One fill can close a long and open a short. What it closed and what it opened are told apart by the size before it, which is known
at one moment: when the position was last read. A fee is shared by contracts; the profit is the closed part's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitor.lives.records import Fill
from monitor.margin.position import Position
from monitor.margin.quantities import ZERO


def on_side(fills: Sequence[Fill], position: Position, sized: datetime) -> list[Fill]:
    """The parts of ``fills``, oldest first, on the side of ``position``, whose size holds those until ``sized`` (our time).

    ``closes`` of a fill given here says only that it goes against that side.
    """
    size = position.contracts - sum((fill.step for fill in fills if fill.at <= sized), ZERO)
    mine: list[Fill] = []
    for fill in fills:
        before, size = size, size + fill.step
        change = max(size, ZERO) - max(before, ZERO)
        if change:
            mine.append(part(fill, abs(change)))
    return mine


def part(fill: Fill, contracts: Decimal) -> Fill:
    """So many contracts of a fill, the rest of which is another side's: what closes has the profit, the fee is shared."""
    if contracts == fill.contracts:
        return fill
    return replace(
        fill,
        contracts=contracts,
        profit=fill.profit if fill.closes or fill.profit is None else ZERO,
        fee=None if fill.fee is None else _share(fill, contracts),
        insurance=fill.insurance if fill.closes else None,
        margin_change=None,
    )


def _share(fill: Fill, contracts: Decimal) -> Decimal:
    """The fee of a part: rounded for what closed, the exact rest for what opened, so that both make the whole."""
    fee = fill.fee or ZERO
    closed = contracts if fill.closes else fill.contracts - contracts
    share = (fee * closed / fill.contracts).quantize(fee)
    return share if fill.closes else fee - share
