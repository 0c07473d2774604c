"""Which bills are of the asked side in hedge mode. Pure.

Bills of margin, funding and the insurance fund name no side, but each tells the margin of its position after it and by what that
changed: so it hangs together with a bill, or with the last reading, that has the same margin, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from monitor.exchanges.okx.records_parse import STEPS
from monitor.exchanges.records import Asked, Row
from monitor.margin.quantities import ZERO, dec_or_none


def of_leg(rows: Iterable[Row], asked: Asked) -> tuple[list[Row], bool]:
    """The bills of the asked side, and whether that is all of them: what hangs with neither side, or with both, is left out."""
    own = asked.position.key.side.value
    margins: dict[str, set[Decimal]] = {"long": set(), "short": set()}
    margins[own].add(asked.position.isolated_margin)
    if asked.inquiry.other_margin is not None:
        margins[asked.position.key.side.other.value].add(asked.inquiry.other_margin)
    mine: list[Row] = []
    sideless: list[Row] = []
    for row in rows:
        side = STEPS[row["subType"]][1] if row["subType"] in STEPS else ""
        if side:
            margins[side] |= _margins(row)
            mine += [row] if side == own else []
        else:
            sideless.append(row)
    for _ in sideless:  # one more of them finds its side in each round, or none does
        for row in sideless:
            sides = _fits(row, margins)
            if len(sides) == 1:
                margins[sides[0]] |= _margins(row)
    found = [(row, _fits(row, margins)) for row in sideless]
    return [*mine, *(row for row, sides in found if sides == [own])], all(len(sides) == 1 for _, sides in found)


def _fits(row: Row, margins: dict[str, set[Decimal]]) -> list[str]:
    """The sides that had the margin before or after a bill."""
    return [side for side, known in margins.items() if known & _margins(row)]


def _margins(row: Row) -> set[Decimal]:
    """The margin of the position before and after a bill, as far as it had any."""
    after, change = dec_or_none(row.get("posBal")), dec_or_none(row.get("posBalChg"))
    return set() if after is None or change is None else {after, after - change} - {ZERO}
