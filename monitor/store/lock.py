"""One daemon a store: an advisory lock on ``<store>.lock`` that the kernel lets go of when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.errors import InstanceRunning
from monitor.store.connection import translated

TRIES = 5
LOOK_SECONDS = 0.03


def is_held(store: Path) -> bool:
    """Whether a process holds the lock of this store now; by the lock itself, since process ids are used again."""
    try:
        handle = os.open(f"{store}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class InstanceLock:
    """The right to run on a store; a context manager, held from ``acquire`` to ``release``.

    The file stays behind: removing it would let two processes hold "the" lock on two files of the same name.
    """

    def __init__(self, store: Path) -> None:
        self.path = Path(f"{store}.lock")
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise at once: InstanceRunning while another process (or lock) holds it, or StoreUnavailable."""
        with translated(self.path):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._lock(handle)
            except BlockingIOError as error:
                holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
                os.close(handle)
                who = f" (process {holder})" if holder.isdigit() else ""
                raise InstanceRunning(f"another margincall{who} is running on this store: {self.path}") from error
            except BaseException:
                os.close(handle)
                raise
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        self._handle = handle

    @staticmethod
    def _lock(handle: int) -> None:
        """Take it, with a few tries: somebody may be looking whether it is held (see ``is_held``), for a moment."""
        for attempt in range(TRIES):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == TRIES - 1:
                    raise
                time.sleep(LOOK_SECONDS)
            else:
                return

    def release(self) -> None:
        """Let go; may be called twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
