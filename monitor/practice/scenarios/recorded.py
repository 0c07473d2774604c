"""A recorded series as a scenario."""

from __future__ import annotations

import csv
from collections import deque
from decimal import Decimal
from pathlib import Path

from monitor.practice.scenarios import EVERYTHING_ELSE, Curve, Scenario


def from_csv(path: Path, *, base: str = EVERYTHING_ELSE, mean_seconds: int = 15) -> Scenario:
    """A CSV with columns ``ts_ms`` (start of a bar) and ``close``; trades become a stand-in for the mark by their rolling mean.

    ``base``: only this coin moves (default: all move alike). Raises ValueError for a file without those columns or rows.
    """
    with path.open(newline="") as file:
        rows = [
            (int(row["ts_ms"]), Decimal(row["close"])) for row in csv.DictReader(file) if row.get("ts_ms") and row.get("close")
        ]
    if not rows:
        raise ValueError(f"{path.name} has no rows with ts_ms and close")
    begin = rows[0][0]
    points: list[tuple[Decimal, Decimal]] = []
    window: deque[tuple[int, Decimal]] = deque()
    for at, close in rows:
        window.append((at, close))
        while window[0][0] <= at - 1000 * mean_seconds:
            window.popleft()
        mean = sum((price for _, price in window), Decimal(0)) / len(window)
        points.append((Decimal(at - begin) / 1000, mean))
    first = points[0][1]
    curve = Curve(tuple((second, price / first) for second, price in points))
    flat = Curve(((Decimal(0), Decimal(1)),))
    return Scenario(
        name=path.stem,
        seconds=int(points[-1][0]) + 1,
        curves={EVERYTHING_ELSE: curve} if base == EVERYTHING_ELSE else {base: curve, EVERYTHING_ELSE: flat},
        noise=Decimal(0),
    )
