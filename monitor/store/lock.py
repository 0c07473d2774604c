"""One daemon a store: an advisory lock on ``<store>.lock`` that the kernel lets go of when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from monitor.errors import InstanceRunning
from monitor.store.connection import translated


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
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
