"""One who changes an account's margins on one machine, whatever store each of them has.

A name in Linux's abstract socket space: the kernel gives it to one process in the whole machine, whatever its user and its
private folders, and lets go of it when that ends, however it ends. Elsewhere than on Linux there is no such space, and only the
store's own lock holds.
"""

from __future__ import annotations

import hashlib
import socket
import sys
from types import TracebackType
from typing import Self

from monitor.errors import InstanceRunning


class AccountLock:
    """The right to change margins with any of ``identities`` (what tells an account: exchange, place, key); a context manager.

    Raises InstanceRunning at once while another process (or lock) holds one of them.
    """

    def __init__(self, account: str, *identities: tuple[str, ...]) -> None:
        self._account = account
        self._names = [hashlib.sha256("\n".join(identity).encode()).hexdigest()[:32] for identity in identities]
        self._held: list[socket.socket] = []

    def __enter__(self) -> Self:
        if not sys.platform.startswith("linux"):
            return self
        for name in self._names:
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._held.append(mark)
            try:
                mark.bind(f"\0margincall-{name}")
            except OSError as error:
                self._release()
                raise InstanceRunning(
                    f"another margincall on this machine changes the margins of account {self._account}",
                    hint="Only one may: stop it, or take top_up_credentials out of one of the two configurations.",
                ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._release()

    def _release(self) -> None:
        while self._held:
            self._held.pop().close()
