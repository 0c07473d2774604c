"""Counting requests in windows of time, as the exchanges' rate limits do."""

from __future__ import annotations

from collections import defaultdict, deque


class FixedWindow:
    """What each caller spent in the current window of ``length_ms``; windows start at multiples of their length."""

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self._spent: defaultdict[str, int] = defaultdict(int)
        self._window = -1

    def spend(self, caller: str, cost: int, at: int) -> int:
        """What ``caller`` has spent in this window, this cost included."""
        if at // self.length_ms != self._window:
            self._spent.clear()
            self._window = at // self.length_ms
        self._spent[caller] += cost
        return self._spent[caller]

    def left_ms(self, at: int) -> int:
        """Until the next window starts."""
        return self.length_ms - at % self.length_ms


class RollingWindow:
    """The times of each caller's accepted requests in the last ``length_ms``."""

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self._times: defaultdict[str, deque[int]] = defaultdict(deque)

    def take(self, caller: str, most: int, at: int) -> int | None:
        """How many more ``caller`` may send after this one; None: this one is too many."""
        times = self._times[caller]
        while times and times[0] <= at - self.length_ms:
            times.popleft()
        if len(times) >= most:
            return None
        times.append(at)
        return most - len(times)
