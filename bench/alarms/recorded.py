"""The recorded series that lie beside the project, found as the tests find them; none of it is part of the project."""

from __future__ import annotations

import csv
import os
from array import array
from dataclasses import replace
from pathlib import Path as File

from bench.alarms.prices import Bar, Path, from_bars, rolling_mean

DAY = 86_400
CRASH = (20 * 3600 + 45 * 60, 22 * 3600 + 15 * 60)
MARK_SECONDS = 15
FINE = "_2045-2215_1s"


def folder() -> File | None:
    """The folder of recorded series (``MARGINCALL_SHARED``/market, else beside the project); None where there is none."""
    found = File(os.environ.get("MARGINCALL_SHARED", File(__file__).parents[3] / "shared")) / "market"
    return found if found.is_dir() else None


def bars(file: File, *, start: int | None = None) -> list[Bar]:
    """The bars of a CSV file (ts_ms: UTC open of the bar); their seconds count from ``start`` (UTC seconds) or the first bar."""
    with file.open(newline="") as text:
        rows = list(csv.DictReader(text))
    begin = int(rows[0]["ts_ms"]) // 1000 if start is None else start
    return [
        Bar(
            int(row["ts_ms"]) // 1000 - begin,
            float(row["open"]),
            float(row["high"]),
            float(row["low"]),
            float(row["close"]),
        )
        for row in rows
    ]


def day(file: File) -> Path:
    """The whole of 2025-10-10 of one market.

    Minute bars as four prices, 15 s apart. Where the crash hours are recorded second by second, they replace the bars as the
    15-second mean of the last trade, which stands in for the mark; then the grid is one second.
    """
    midnight = _first(file) // DAY * DAY
    minutes = bars(file, start=midnight)
    name = file.stem.replace("_2025-10-10", "").replace("_1m", "")
    inverse = "delivery" in name
    fine = file.with_name(file.name.replace("_1m", FINE))
    if not fine.exists():
        return Path(name, 15, from_bars(minutes, 60, step=15), inverse, CRASH)
    marks = from_bars(minutes, 60, step=1)
    seconds = second_marks(fine, midnight)
    marks[CRASH[0] : CRASH[1]] = array("d", seconds)
    return Path(name, 1, marks, inverse, CRASH)


def second_marks(fine: File, midnight: int) -> list[float]:
    """The stand-in for the mark at each second of the crash hours: the 15-second mean of the last trade."""
    trades: list[float] = []
    for bar in bars(fine, start=midnight):
        trades.extend([trades[-1] if trades else bar.open] * (bar.second - CRASH[0] - len(trades)))
        trades.append(bar.close)
    trades.extend([trades[-1]] * (CRASH[1] - CRASH[0] - len(trades)))
    return rolling_mean(trades, MARK_SECONDS)


def minutes_only(file: File, *, closes_only: bool) -> Path:
    """The crash hours of one market as its minute bars of last trades show them: four prices a bar, or the close alone."""
    path = day(file)
    midnight = _first(file) // DAY * DAY
    kept = [bar for bar in bars(file, start=midnight) if CRASH[0] <= bar.second < CRASH[1]]
    kept = [replace(bar, second=bar.second - CRASH[0]) for bar in kept]
    marks = from_bars(kept, 60, step=15, closes_only=closes_only)
    return Path(path.name, 15, marks, path.inverse, (0, CRASH[1] - CRASH[0]))


def crash_hours(path: Path) -> Path:
    """The crash hours alone."""
    first, last = path.crash
    return Path(path.name, path.step, path.marks[first // path.step : last // path.step], path.inverse, (0, last - first))


def true_marks(file: File, length: int) -> Path:
    """A series of true marks in bars of ``length`` seconds, four prices a bar."""
    return Path(file.stem.rpartition("_20")[0].rpartition("_20")[0], length // 4, from_bars(bars(file), length, step=length // 4))


def _first(file: File) -> int:
    """The time of the first bar, in UTC seconds."""
    with file.open(newline="") as text:
        return int(next(csv.DictReader(text))["ts_ms"]) // 1000
