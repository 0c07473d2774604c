"""``python -m bench.memory``: is memory flat over 100,000 polls, which are 55 hours of a daemon's life?

Prints the curve of the resident memory, and as the last line one JSON object. Growth counts from the end of the warm-up, a tenth
of the polls: until then caches fill.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog

from bench.accelerated import Accelerated
from bench.server import Exchange

POLLS = 100_000
POSITIONS = 5
SAMPLES = 50
WARM_UP = 0.1
MOST_GROWTH_MIB = 5.0
MOST_MIB = 200.0


def resident_mib() -> float:
    """Of this process, by /proc."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


async def measure(polls: int, folder: Path) -> dict[str, float]:
    """Poll, and print a line of the curve now and then."""
    curve: list[tuple[int, float]] = []
    with Exchange(POSITIONS, folder) as exchange:
        async with Accelerated(exchange.endpoint, folder) as daemon:
            began = time.perf_counter()
            print(f"{'polls':>8} {'hours':>6} {'MiB':>8} {'messages':>9} {'seconds':>8}")
            for number in range(1, polls + 1):
                await daemon.poll()
                if number % (polls // SAMPLES) == 0:
                    curve.append((number, resident_mib()))
                    spent = time.perf_counter() - began
                    hours, told = number * 2 / 3600, daemon.phone.accepted
                    print(f"{number:>8} {hours:>6.1f} {curve[-1][1]:>8.2f} {told:>9} {spent:>8.1f}", flush=True)
            assert len(daemon.guard.memory.positions) == POSITIONS, "not every position was read"
            told, requests = daemon.phone.accepted, daemon.replies.requests
    warm = [mib for number, mib in curve if number >= polls * WARM_UP]
    return {
        "polls": polls,
        "positions": POSITIONS,
        "over_http": requests,
        "messages": told,
        "seconds": round(time.perf_counter() - began, 1),
        "store_mib": round((folder / "memory.db").stat().st_size / 2**20, 1),
        "resident_mib_after_warm_up": round(warm[0], 2),
        "resident_mib_at_most": round(max(warm), 2),
        "growth_mib": round(max(warm) - warm[0], 2),
    }


def main() -> None:
    """Measure; exit 1 when memory grew by more than 5 MiB, or is over 200."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--polls", type=int, default=POLLS)
    polls = max(SAMPLES, parser.parse_args().polls)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measure(polls, Path(folder)))
    flat = results["growth_mib"] <= MOST_GROWTH_MIB and results["resident_mib_at_most"] <= MOST_MIB
    print(json.dumps({**results, "flat": flat}))
    sys.exit(not flat)


if __name__ == "__main__":
    main()
