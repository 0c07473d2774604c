"""Virtual time: an event loop that never waits. Whatever sleeps wakes at once, and the loop's clock says that it slept."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar

from monitor.clock import SystemClock

T = TypeVar("T")

START = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)


class _NeverWaits(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("nothing is scheduled and nothing is ready: this would hang for ever")
        self.loop.elapsed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only by waiting in it."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        selector = _NeverWaits()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.elapsed


class VirtualClock(SystemClock):
    """The clock of a virtual loop; ``step`` sets the machine's wall clock, which the clock follows when told to."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._set_by = self._followed = self._slept = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() + self._followed)

    def monotonic(self) -> float:
        return self._loop.time() + self._slept

    def asleep(self) -> float:
        return self._slept

    def sleep(self, seconds: float) -> None:
        """The machine is suspended for so long: no timer of the loop counts it."""
        self._slept += seconds

    def block(self, seconds: float) -> None:
        """Somebody keeps the loop from turning for so long."""
        self._loop.elapsed += seconds

    def follow(self) -> None:
        self._followed = self._set_by

    def step(self, seconds: float) -> None:
        self._set_by += seconds

    def wall(self) -> float:
        """The machine's wall clock, in seconds since the epoch."""
        return START.timestamp() + self.monotonic() + self._set_by


def run_virtually(main: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    """The result of ``main(clock)``, run in a loop of virtual time."""
    loop = VirtualLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(VirtualClock(loop)))


def datetime_of(clock: VirtualClock) -> type[datetime]:
    """A ``datetime`` class whose ``now`` is the wall clock, to be put in the place of the one that a library imported."""

    class WallDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> WallDatetime:
            return cls.fromtimestamp(clock.wall(), tz)

    return WallDatetime
