"""The store of a daemon that could not open its own: nothing is kept, and no margin is added, but the guard stands.

A full disk or a folder that nobody may write to is no reason to leave positions unwatched. What was kept earlier stays untouched
until a restart can open it: memories of two lives are not to be mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from monitor.alerts.model import Message
from monitor.errors import StoreUnavailable
from monitor.memory import Commit, Memory
from monitor.ports import Delivery
from monitor.topups.state import TopUpMemory


class AbsentStore:
    """The Store port of nothing: an empty memory, its kill switch thrown; all else raises StoreUnavailable with ``why``."""

    def __init__(self, why: str, now: datetime) -> None:
        self._why = f"{why}, and margincall began without its memory"
        self._now = now

    async def load(self) -> Memory:
        """Nothing, and nothing may be spent: what was is not known."""
        return Memory(top_ups=TopUpMemory(stopped_at=self._now))

    async def bans(self) -> dict[str, datetime]:
        """None is known."""
        return {}

    async def close(self) -> None:
        """Nothing is open."""

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """Refused."""
        self._refuse(commit, channels)

    async def submit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """Refused."""
        self._refuse(commit, channels)

    async def claim(
        self, channel: str, now: datetime, *, lease: timedelta, limit: int = 20, urgent: bool = False
    ) -> Sequence[Delivery]:
        """Refused."""
        self._refuse(channel, now, lease, limit, urgent)

    async def release(self, channel: str, now: datetime) -> Sequence[Delivery]:
        """Refused."""
        self._refuse(channel, now)

    async def fold(self, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
        """Refused."""
        self._refuse(deliveries, summary, now)

    async def divert(self, channel: str, fallback: str, now: datetime) -> int:
        """Refused."""
        self._refuse(channel, fallback, now)

    async def retire(self, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
        """Refused."""
        self._refuse(channel, heir, now)

    async def accepted(self, channel: str, since: datetime) -> int:
        """Refused."""
        self._refuse(channel, since)

    async def settle(
        self, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None = None, detail: str = ""
    ) -> None:
        """Refused."""
        self._refuse(delivery, outcome, now, retry_at, detail)

    async def next_due(self, channel: str) -> datetime | None:
        """Refused."""
        self._refuse(channel)

    async def keep_ban(self, scope: str, until: datetime) -> None:
        """Refused."""
        self._refuse(scope, until)

    async def note(self, name: str) -> str | None:
        """Refused."""
        self._refuse(name)

    async def keep_note(self, name: str, text: str) -> None:
        """Refused."""
        self._refuse(name, text)

    async def thin(self, now: datetime) -> bool:
        """Refused."""
        self._refuse(now)

    async def back_up(self, now: datetime) -> None:
        """Refused."""
        self._refuse(now)

    def _refuse(self, *_: object) -> NoReturn:
        raise StoreUnavailable(self._why)
