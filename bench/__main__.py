"""``make bench``: a table for people, and as the last line one JSON object.

Everything runs on loopback: a replay server in a process of its own stands for the exchange, a small HTTP receiver for the
phone. CPU is this process's own time, all threads: ours and ccxt's in turn, the best of several runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from bench import cycle, figures, hung, lag, latency, processes
from bench.server import Exchange


async def measured(folder: Path) -> dict[str, float | None]:
    """Every figure by its name."""
    results: dict[str, float | None] = {}
    for count in (5, 100, 500):
        with Exchange(count, folder) as exchange:
            results.update(await cycle.measure(exchange, folder / f"cycle{count}.db"))
    results.update(figures.measure())
    results.update(await latency.measure(folder / "latency.db"))
    results.update(await hung.measure(folder))
    with Exchange(5, folder) as exchange:
        results.update(processes.measure(exchange, folder))
    with Exchange(100, folder) as exchange:
        results.update(lag.measure(exchange, folder))
    return results


Reached = Callable[[dict[str, float | None], float], bool]
TARGETS: dict[str, tuple[str, Reached]] = {
    "cycle_cpu_us_per_position_500": (
        "half of ccxt_cpu_us_per_position_500",
        lambda r, v: v <= (r["ccxt_cpu_us_per_position_500"] or 0) / 2,
    ),
    "assess_and_judge_us": ("20", lambda _, v: v <= 20),
    "loop_lag_p99_seconds": ("0.05", lambda _, v: v <= 0.05),
    "resident_mib_three_exchanges": ("200", lambda _, v: v <= 200),
    "positions_cold_start_seconds": ("0.4", lambda _, v: v <= 0.4),
    "breach_to_accepted_p99_seconds": ("0.5", lambda _, v: v <= 0.5),
    "healthy_channel_delay_with_12_hung_seconds": ("0.1", lambda _, v: v <= 0.1),
}


def main() -> None:
    """Measure, print the table, print the JSON line."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measured(Path(folder)))
    table = Table(title="margincall, measured on loopback")
    for name in ("figure", "value", "target", ""):
        table.add_column(name, justify="left" if name == "figure" else "right")
    for name, value in results.items():
        text, reached = TARGETS.get(name, ("", None))
        table.add_row(
            name,
            "-" if value is None else f"{value:,.3f}",
            text,
            "" if reached is None or value is None else "ok" if reached(results, value) else "MISSED",
        )
    Console(width=120).print(table)
    print(json.dumps({name: None if value is None else round(value, 4) for name, value in results.items()}))


main()
