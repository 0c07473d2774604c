"""Channels of fakes, driven by a hand clock: every second of their life is one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitor.alerts.model import Alert, Message
from monitor.daemon.deliver import ChannelWorker
from monitor.errors import ChannelRefused, ChannelUnavailable
from monitor.margin.position import PositionKey
from monitor.memory import Commit
from monitor.rules.base import Level
from tests.fakes import FakeClock, FakeNotifier, FakeStore
from tests.store.store_examples import alert, key, message, subject

REFUSED = ChannelRefused("channel phone: the service answered 401 (Unauthorized)")
DOWN = ChannelUnavailable("channel phone: no connection")
MINUTE, HOUR = 60, 3600


class Stage:
    """A store, a clock, and the channels ``phone`` and ``chat``, each with its worker; ``heard``: what they said of it."""

    def __init__(self, *, fallback: bool = False, **phone: Any) -> None:
        self.clock = FakeClock()
        self.store = FakeStore()
        self.heard: list[tuple[str, str | None]] = []
        self.phone, self.chat = FakeNotifier("phone"), FakeNotifier("chat")
        self.phone_worker = ChannelWorker(self.phone, self.store, self.clock, changed=self._hear, **phone)
        self.chat_worker = ChannelWorker(self.chat, self.store, self.clock, changed=self._hear)
        if fallback:
            self.phone_worker.fall_back_to(self.chat_worker)

    async def _hear(self, name: str, error: str | None) -> None:
        self.heard.append((name, error))

    async def tell(self, *messages: Message, channels: Sequence[str] = ("phone",), alerts: Sequence[Alert] = ()) -> None:
        """Commit messages and alerts."""
        commit = Commit(at=self.clock.now(), messages=messages, alerts=tuple(alerts))
        await self.store.commit(commit, channels=channels)

    async def work(self) -> None:
        """Both workers do what they can do now."""
        await self.phone_worker.deliver_due()
        await self.chat_worker.deliver_due()

    async def pass_time(self, seconds: float, step: float = 1) -> None:
        """Let time pass, both workers at work."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(step)
            await self.work()

    def news(self, number: int, level: Level = Level.CRITICAL, **changes: Any) -> Message:
        """Message ``m<number>`` of now, about a position and an alert of its own."""
        return message(number, level, **{"subject": on(number), "code": f"C{number}", "at": self.clock.now(), **changes})


def coin(number: int) -> PositionKey:
    return key(f"C{number}/USDT:USDT")


def on(number: int) -> Any:
    return subject(coin(number))


def firing(number: int, **changes: Any) -> Alert:
    """The alert that ``Stage.news`` of this number tells of."""
    return alert(about=on(number), code=f"C{number}", **changes)


def ids(messages: Sequence[Message]) -> list[str]:
    return [each.id for each in messages]
