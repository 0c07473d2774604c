"""A guard with fakes all round it, and what it told to whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from monitor.alerts.model import Message
from monitor.daemon.guard import Guard
from monitor.memory import Commit, Memory
from monitor.policy import Policy
from tests.builders import NOW, policy
from tests.fakes import FakeClock, FakeStore


class CountingStore(FakeStore):
    """A store that counts what it was asked to keep; ``slow`` makes each commit take a turn of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Commit] = []
        self.asked = 0
        self.busy = 0

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        self.asked += 1
        self.busy += 1
        assert self.busy == 1, "two commits at a time"
        try:
            await asyncio.sleep(0)
            await super().commit(commit, channels=channels)
        finally:
            self.busy -= 1
        self.kept.append(commit)


class Post:
    """A guard at its post. ``direct``: messages that the store did not take; ``wakes``: how often the workers were woken."""

    def __init__(self, rules: Policy | None = None, memory: Memory | None = None, **changes: Any) -> None:
        self.clock = FakeClock(NOW)
        self.store = CountingStore()
        self.direct: list[Message] = []
        self.wakes = 0
        self.guard = Guard(
            memory=memory or Memory(),
            policy=rules or policy(),
            store=changes.pop("store", self.store),
            clock=changes.pop("clock", self.clock),
            channels=["phone"],
            wake=self._wake,
            direct=self.direct.append,
            **changes,
        )

    def _wake(self) -> None:
        self.wakes += 1

    @property
    def outbox(self) -> list[str]:
        """The titles of what the store took to be sent."""
        return [message.title for commit in self.store.kept for message in commit.messages]
