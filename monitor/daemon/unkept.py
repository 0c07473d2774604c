"""Unkept: the commits that the store did not take, until it does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import fields, replace

from monitor.errors import StoreCorrupt, StoreUnavailable
from monitor.memory import Commit
from monitor.ports import Store

BACKLOG = 1000
"""How many commits wait for a store that fails; then the oldest are lost."""
_PARTS = tuple(part.name for part in fields(Commit) if part.name != "at")


class Unkept:
    """What waits, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Commit] = deque(maxlen=BACKLOG)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, commit: Commit) -> None:
        """Hold what is not a message: those go out directly."""
        rest = replace(commit, messages=())
        if holds_anything(rest):
            self._waiting.append(rest)

    async def keep(self, store: Store, channels: Sequence[str]) -> int:
        """Hand it to the store; one that it refuses for good is left out, not in the way: how many were.

        Raises StoreUnavailable or StoreCorrupt; then what is left goes on waiting.
        """
        refused = 0
        while self._waiting:
            try:
                await store.commit(self._waiting[0], channels=channels)
            except (StoreUnavailable, StoreCorrupt):
                raise
            except Exception:  # noqa: BLE001 - told when it was first refused
                refused += 1
            self._waiting.popleft()
        return refused


def holds_anything(commit: Commit) -> bool:
    """Whether there is anything in it to keep."""
    return any(getattr(commit, part) for part in _PARTS)
