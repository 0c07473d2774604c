"""``python -m tests.e2e.chaos --runs 200 --seed 1``: kill the real daemon at every crash point, and count what its channels got.

The last line is JSON: ``{"runs": 200, "kills": 260, "raised": 900, "lost": 0, "duplicated_max_per_kill": 1}``. Exits 0 only if
nothing was lost and no kill led to more than one duplicate on a channel.
"""

import argparse
import json
import logging
import sys
import time
from collections import Counter

from tests.e2e.chaos.play import Result, plans, play


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(result: Result) -> None:
    plan = result.plan
    where = ", ".join(result.deaths)
    verdict = "FAIL" if result.lost or result.twice_per_kill > 1 else "pass"
    _say(f"{verdict}  run {plan.number:<4} {result.seconds:5.1f} s  raised {result.raised:<3} twice {result.twice}  {where}")
    for text in result.lost:
        _say(f"      lost: {text}")


def main() -> int:
    """Play and tell; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.chaos", description="The daemon, killed at every crash point.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3, help="daemons at a time")
    given = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    began = time.monotonic()
    results = play(plans(given.runs, given.seed), jobs=given.jobs, tell=_tell)
    points = Counter(death.partition(":")[0] for result in results for death in result.deaths)
    _say(f"{len(points)} crash points, the rarest {min(points.values(), default=0)} times; {time.monotonic() - began:.0f} s")
    lost = sum(len(result.lost) for result in results)
    twice = max((result.twice_per_kill for result in results), default=0)
    figures = {"runs": len(results), "kills": points.total(), "raised": sum(result.raised for result in results)}
    _say(json.dumps({**figures, "lost": lost, "duplicated_max_per_kill": twice}))
    return 1 if lost or twice > 1 or len(results) < given.runs else 0


if __name__ == "__main__":
    sys.exit(main())
