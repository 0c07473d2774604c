"""A lane: one daemon thread of one channel. A send that hangs holds up nobody else, nor the end of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")


class Lane(Generic[J, R]):
    """Does jobs one after the other in its own thread, until told to end; a job that hangs cannot be stopped, only left."""

    def __init__(self, name: str, work: Callable[[J], R]) -> None:
        self._work = work
        self._jobs: SimpleQueue[tuple[J, Future[R]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"channel {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is still there; after ``end`` this means that its last job hangs."""
        return self._thread.is_alive()

    def submit(self, job: J) -> Future[R]:
        """The coming result of ``job``."""
        future: Future[R] = Future()
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """Let the thread end once its present job returns."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, future = entry
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = self._work(job)
            except BaseException as error:  # noqa: BLE001 - the waiting side decides; a thread has nobody else to tell
                future.set_exception(error)
            else:
                future.set_result(result)
