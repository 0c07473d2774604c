"""A practice server in a thread of its own, for callers that have no event loop or must not share theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from monitor.practice.call import Source
from monitor.practice.server import PracticeServer

Result = TypeVar("Result")


class ServerThread:
    """``with ServerThread(source) as server:`` serves until the block ends; ``server.url`` is ready inside it."""

    def __init__(self, source: Source, *, port: int = 0, token: str = "practice") -> None:  # noqa: S107 - guards loopback only
        self.server = PracticeServer(source, port=port, token=token)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="practice-exchange", daemon=True)

    @property
    def url(self) -> str:
        """What goes into ``endpoint:`` of an account."""
        return self.server.url

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def call(self, action: Callable[[], Result]) -> Result:
        """Do ``action`` in the server's thread and give its result: engine and faults are only to be touched there."""

        async def do() -> Result:
            return action()

        return asyncio.run_coroutine_threadsafe(do(), self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self.server.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
