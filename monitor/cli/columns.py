"""Columns: a table that never cuts a figure. Where the terminal is narrow the columns that can wait are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

GAP = 2
"""Spaces between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``rank`` 0 is always shown; the others only where there is room, the lowest rank first."""

    name: str
    right: bool = True
    rank: int = 0


def print_rows(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> None:
    """Print ``rows``, one cell for each of ``columns``; on a terminal too narrow even for rank 0 the lines run over its edge."""
    from rich.table import Table

    widths = [max(len(column.name), *(row[place].cell_len for row in rows)) for place, column in enumerate(columns)]
    shown = fitting(columns, widths, console.width)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, GAP, 0, 0))
    for place in shown:
        column = columns[place]
        table.add_column(column.name, justify="right" if column.right else "left", no_wrap=True, min_width=widths[place])
    for row in rows:
        table.add_row(*(row[place] for place in shown))
    console.print(table, width=max(console.width, _total(widths, shown)), crop=False, soft_wrap=True)
    if left_out := [column.name for place, column in enumerate(columns) if place not in shown]:
        console.print(f"no room here for: {', '.join(left_out)}", style="dim", soft_wrap=True)


def fitting(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The places of the columns that fit into ``width``: all of rank 0, then as many others in order of rank."""
    shown = [place for place, column in enumerate(columns) if not column.rank]
    for place in sorted((place for place, column in enumerate(columns) if column.rank), key=lambda place: columns[place].rank):
        more = sorted([*shown, place])
        if _total(widths, more) > width:
            break
        shown = more
    return shown


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[place] for place in shown) + GAP * (len(shown) - 1)
