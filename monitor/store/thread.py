"""The store's one thread: SQLite's calls wait for the disk, and the event loop must not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from monitor.errors import StoreUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class StoreThread:
    """Runs functions one after the other in a thread of its own.

    A caller that is cancelled does not stop what has begun: a transaction ends whole either way.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._open = True

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``function``, run in the thread; raises what it raises, or StoreUnavailable after ``close``."""
        if not self._open:
            raise StoreUnavailable("the store is closed")
        return await asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    async def close(self, last: Callable[[], None]) -> None:
        """Run ``last`` after everything that was handed in before, then end; may be called twice."""
        if self._open:
            self._open = False
            done = self._pool.submit(last)
            self._pool.shutdown(wait=False)
            await asyncio.wrap_future(done)
