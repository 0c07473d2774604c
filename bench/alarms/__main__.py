"""``make alarms``: every table as Markdown, and as the last line one JSON object; ``--into FILE`` puts them in a document."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path

from bench.alarms import recorded
from bench.alarms.runs import run_all, tasks
from bench.alarms.shares import quantile, tally
from bench.alarms.tables import LEVELS, all_tables, watched_in


def put(text: str, tables: dict[str, str]) -> str:
    """The document with each table between its marks ``<!-- table NAME -->`` and ``<!-- end -->``; other text stays."""
    for name, table in tables.items():
        mark = re.compile(rf"(<!-- table {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = mark.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.alarms", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--walks", type=int, default=120, help="simulated paths of 72 h")
    parser.add_argument("--positions", type=int, default=20, help="positions on each walk")
    parser.add_argument("--series", type=int, default=200, help="positions on each recorded series")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--into", type=Path, help="a document whose tables are to be replaced")
    given = parser.parse_args()
    begun = time.monotonic()
    if recorded.folder() is None:
        print("The recorded series are not here (MARGINCALL_SHARED names another place): simulated walks only.\n")
    todo = list(tasks(seed=given.seed, walks=given.walks, on_walk=given.positions, on_series=given.series))
    results = run_all(todo, processes=given.processes)
    tables = all_tables(results)
    for name, table in tables.items():
        print(f"{name}\n\n{table}\n")
    if given.into is not None:
        given.into.write_text(put(given.into.read_text(), tables))
    walks = watched_in(results, "walk")
    found = {name: tally(walks, rule, level) for name, rule, level in LEVELS}
    summary = {
        "seed": given.seed,
        "positions": sum(len(next(iter(result.by_variant.values()))) for result in results),
        "seconds": round(time.monotonic() - begun),
        "false": {name: one.false_at_most for name, one in found.items()},
        "median_lead_seconds": {name: quantile(one.leads, 0.5) for name, one in found.items()},
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
