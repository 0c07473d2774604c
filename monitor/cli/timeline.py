"""The timeline of a post-mortem as text: a curve of the cushion, and one line for each thing that happened."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal

from monitor.alerts.rounding import share_down, share_up
from monitor.postmortem.composed import PostMortem
from monitor.postmortem.record import Point
from monitor.postmortem.saving import stamp
from monitor.postmortem.timeline import Entry
from monitor.topups.wording import price

BLOCKS = "▁▂▃▄▅▆▇█"
INDENT = "  "
LEAST_WORDS = 30
"""So many columns are left for the words at least; the figures give way."""
FULL = Decimal(1)


def curve_lines(told: PostMortem, width: int, zone: tzinfo) -> Iterator[str]:
    """The least cushion in each stretch of time, from the first reading to the last; nothing without two readings of it."""
    points = [point for point in told.record.points if point.cushion is not None]
    if len(points) < 2 or points[0].at == points[-1].at:
        return
    head, tail = f"{INDENT}cushion ", f" {_share(points[0])} to {_share(points[-1])}"
    cells = width - len(head) - len(tail)
    yield f"{head}{curve(points, cells)}{tail}"
    begin, end = (stamp(one.at, told, zone) for one in (points[0], points[-1]))
    yield f"{' ' * len(head)}{begin}{end.rjust(cells - len(begin))}"


def curve(points: Sequence[Point], cells: int) -> str:
    """Blocks from 0 to 100 % of cushion; a stretch without a reading is blank."""
    begin, whole = points[0].at, points[-1].at - points[0].at
    least: dict[int, Decimal] = {}
    for point in points:
        cell = min(int((point.at - begin) * cells // whole) if whole > timedelta(0) else 0, cells - 1)
        cushion = FULL if point.cushion is None else point.cushion
        least[cell] = min(least.get(cell, cushion), cushion)
    return "".join(_block(least.get(cell)) for cell in range(cells))


def _block(cushion: Decimal | None) -> str:
    if cushion is None:
        return " "
    height = (min(max(cushion, Decimal(0)), FULL) * (len(BLOCKS) - 1)).to_integral_value(rounding=ROUND_FLOOR)
    return BLOCKS[int(height)]


def timeline_lines(told: PostMortem, width: int, zone: tzinfo) -> Iterator[str]:
    """A table: time, mark, cushion, usage, and what; long words are wrapped under themselves."""
    rows = [(_figures(entry), entry) for entry in told.entries]
    names = ("mark", "cushion", "usage")
    widths = [max([len(name), *(len(figures[place]) for figures, _ in rows)]) for place, name in enumerate(names)]
    shown = len(names)
    clock = len(stamp(told.record.incident.until, told, zone))
    while shown and _begin(clock, widths[:shown]) > width - LEAST_WORDS:
        shown -= 1
    begin = _begin(clock, widths[:shown])
    heads = "".join(f"  {name:>{widths[place]}}" for place, name in enumerate(names[:shown]))
    yield f"{INDENT}{'time':<{clock}}{heads}  what (and who took it)"
    for figures, entry in rows:
        cells = "".join(f"  {figures[place]:>{widths[place]}}" for place in range(shown))
        words = textwrap.wrap(entry.text, width - begin)
        yield f"{INDENT}{stamp(entry.at, told, zone)}{cells}  {words[0]}"
        for more in words[1:]:
            yield f"{' ' * begin}{more}"


def _begin(clock: int, widths: Sequence[int]) -> int:
    return len(INDENT) + clock + sum(width + 2 for width in widths) + 2


def _figures(entry: Entry) -> tuple[str, str, str]:
    point = entry.point
    if point is None:
        return "", "", ""
    usage = "over 100 %" if point.margin_usage is None else share_up(point.margin_usage)
    return price(point.mark_price), _share(point), usage


def _share(point: Point) -> str:
    return "-" if point.cushion is None else share_down(point.cushion)
