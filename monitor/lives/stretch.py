"""Stretch: which fills of an exchange's records belong to a case.

A reading and the exchange's clock agree only to a second or two, so they are found by their sum: the stretch of fills that leads
from the size before to the size after.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.lives.case import Case
from monitor.lives.records import Fill
from monitor.margin.quantities import ZERO

EARLY = timedelta(seconds=2)
"""A fill may be that much older than the reading that does not show it yet."""
LATE = timedelta(seconds=1)
"""A fill may be that much younger than the reading that shows it already."""


def stretch(case: Case, fills: Sequence[Fill], *, reborn: bool = False) -> tuple[Fill, ...] | None:
    """The fills, oldest first, that lead from the size before to the size after; None where they are not all there yet.

    Which fills a reading shows is certain but for those close to it; every choice there that leads from one size to the other is
    looked at, the one that agrees best with the clocks counts, and where two agree equally and tell of other causes none does.
    None at all (``()``) is an answer where the size is the same and was so all the time.
    ``reborn``: the reading that showed the end showed another life; else nothing may be left open by the fills after the end.
    Of a birth: the fills since there was nothing.
    """
    if case.birth:
        return _agreeing(_births(case, fills))
    found: dict[int, list[tuple[Fill, ...]]] = {}
    starts, shown = _around(fills, case.since), _around(fills, case.until)
    before, sums = case.before, [ZERO]
    for fill in fills:
        sums.append(sums[-1] + fill.step)
    for start in starts:
        for last in shown:
            left = before + sums[last] - sums[start]
            fits = (left > 0 if reborn else left == 0) if case.ended else left == case.contracts
            some = _leading(case, fills, start, last) if fits and start <= last else None
            if some or (some is not None and not case.of_size):
                off = abs(start - _first_after(fills, case.since)) + abs(last - _first_after(fills, case.until))
                found.setdefault(off, []).append(some)
    return _agreeing(found)


def _births(case: Case, fills: Sequence[Fill]) -> dict[int, list[tuple[Fill, ...]]]:
    """From the first reading of a life back to where there was nothing, by how far each choice is from the clocks. What was there
    before it must have ended by then.
    """
    found: dict[int, list[tuple[Fill, ...]]] = {}
    earliest, latest = _first_after(fills, case.since - EARLY), _first_after(fills, case.until)
    starts = _around(fills, case.since)
    for last in _around(fills, case.until):
        size, start = case.contracts, last
        while size > 0 and start > earliest:
            start -= 1
            size -= fills[start].step
        if size == 0 and any(_sum(fills[first:start]) == -case.prior for first in starts if first <= start):
            found.setdefault(abs(last - latest), []).append(tuple(fills[start:last]))
    return found


def _sum(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.step for fill in fills), ZERO)


def _agreeing(found: dict[int, list[tuple[Fill, ...]]]) -> tuple[Fill, ...] | None:
    """What is nearest to the clocks, if all that is as near has the same causes."""
    if not found:
        return None
    best = found[min(found)]
    return best[0] if len({tuple(fill.cause for fill in some) for some in best}) == 1 else None


def _around(fills: Sequence[Fill], at: datetime) -> range:
    """How many of the fills a reading at this time may show: the exchange may answer late, and clocks differ."""
    return range(_first_after(fills, at - EARLY), _first_after(fills, at + LATE) + 1)


def _leading(case: Case, fills: Sequence[Fill], start: int, last: int) -> tuple[Fill, ...] | None:
    """The fills from ``start`` to the end of the life, or before ``last``; None where they close more than there was."""
    size = case.before
    end = None if case.ended else last
    for index in range(start, last):
        fill = fills[index]
        size += fill.step
        if size < 0:
            return None
        if size == 0 and end is None:
            end = index + 1
    return None if end is None else tuple(fills[start:end])


def _first_after(fills: Sequence[Fill], at: datetime) -> int:
    return next((index for index, fill in enumerate(fills) if fill.at > at), len(fills))
