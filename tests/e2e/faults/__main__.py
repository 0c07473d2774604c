"""``python -m tests.e2e.faults [WORD ...]``: the whole matrix, or the rows whose name holds one of the words.

Prints each cell as it ends; the last line is JSON: ``{"cells": 93, "passed": 93, "failed": []}``. Exits 0 only if none failed.
"""

import argparse
import json
import logging
import sys
import time
from pathlib import Path

from tests.e2e.faults.matrix import play_matrix
from tests.e2e.faults.table import ROWS
from tests.e2e.faults.wave import Result


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Play and tell; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.faults", description="The fault matrix.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only rows whose name holds one of these")
    parser.add_argument("--jobs", type=int, default=4, help="daemons at a time")
    parser.add_argument("--stories", type=Path, help="a folder for the whole story of each cell that fails")
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    results: list[Result] = []

    def tell(result: Result) -> None:
        results.append(result)
        cell = result.cell
        passed = "FAIL" if result.complaints else "pass"
        _say(f"{passed}  {cell.row.name:<24} {cell.exchange:<8} {result.seconds:5.1f} s  {cell.right.outcome.name.lower()}")
        for complaint in result.complaints:
            _say(f"      {complaint[:2000]}")
        if result.story and given.stories:
            given.stories.mkdir(parents=True, exist_ok=True)
            (given.stories / f"{cell.name}.txt".replace(" ", "-")).write_text(result.story)

    began = time.monotonic()
    play_matrix(
        [row for row in ROWS if not given.words or any(word in row.name for word in given.words)], jobs=given.jobs, tell=tell
    )
    failed = [result.cell.name for result in results if result.complaints]
    _say(f"{len(results)} cells in {time.monotonic() - began:.0f} s")
    _say(json.dumps({"cells": len(results), "passed": len(results) - len(failed), "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
