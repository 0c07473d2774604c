"""A clock that runs slower while more wants to run than the machine has cores: then everything takes longer, for everybody.

It only ever gives the program more time. On an idle machine it is the monotonic clock.
"""

from __future__ import annotations

import bisect
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

LOOK_SECONDS = 0.05
SLOWEST = 5.0
_STAT = Path("/proc/stat")


def crowd() -> float:
    """How many processes want to run for each core, this one left out; 0 where the system does not tell."""
    try:
        lines = _STAT.read_text().splitlines()
    except OSError:
        return 0.0
    running = next((int(line.split()[1]) for line in lines if line.startswith("procs_running ")), 1)
    return (running - 1) / len(os.sched_getaffinity(0))


class Pace:
    """A context manager that follows the machine. ``floor``: how many times slower it runs at least."""

    def __init__(self, crowded: Callable[[], float] = crowd) -> None:
        self.floor = 1.0
        self._crowded = crowded
        self._moments: list[float] = []
        self._seconds: list[float] = []
        self._turn = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="pace", daemon=True)

    def __enter__(self) -> Self:
        self.look(time.monotonic())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def look(self, now: float) -> None:
        """From the last look until ``now`` the clock ran as slowly as the machine is crowded now."""
        with self._turn:
            self._look(now)

    def _look(self, now: float) -> None:
        if self._moments and now <= self._moments[-1]:
            return
        if self._moments:
            factor = min(max(self._crowded(), self.floor), SLOWEST)
            self._seconds.append(self._seconds[-1] + (now - self._moments[-1]) / factor)
        else:
            self._seconds.append(0.0)
        self._moments.append(now)

    def seconds(self, moment: float) -> float:
        """A monotonic moment on this clock, which never goes back: what is newer than the last look is looked at first."""
        with self._turn:
            if self._moments and not self._over.is_set():
                self._look(moment)
            return self._known(moment)

    def _known(self, moment: float) -> float:
        after = bisect.bisect_right(self._moments, moment)
        if not 0 < after < len(self._seconds):
            index = 0 if after == 0 else min(after, len(self._seconds)) - 1
            known = (self._moments[index], self._seconds[index]) if self._moments else (0.0, 0.0)
            return known[1] + (moment - known[0]) / self.floor
        begin, end = self._moments[after - 1], self._moments[after]
        share = (moment - begin) / (end - begin)
        return self._seconds[after - 1] + share * (self._seconds[after] - self._seconds[after - 1])

    def _follow(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look(time.monotonic())
