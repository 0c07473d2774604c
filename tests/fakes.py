"""In-memory stand-ins for the ports. They pass the same behaviour suites as the real adapters (tests/store, tests/notify)."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from monitor.alerts.model import Alert, Message, Subject
from monitor.errors import ChannelUnavailable, NotifyFault, StoreFault, StoreUnavailable
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey, FamilyReading, FamilySnapshot
from monitor.memory import Commit, FamilyMemory, Memory, PositionMemory
from monitor.ports import CheckLine, Delivery

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeClock:
    """Time that moves only when told to; ``step`` moves the wall clock alone."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self._now += timedelta(seconds=seconds)


class FakeExchange:
    """One account whose readings are given by ``bring``; the last one of a family stays, an unknown family is empty."""

    def __init__(self, account: str = "main", exchange: str = "binance", families: tuple[str, ...] = ("usdm",)) -> None:
        self.account = account
        self.exchange = exchange
        self.families = families
        self.asked: list[str] = []
        self.refreshed: list[str] = []
        self.lines: tuple[CheckLine, ...] = ()
        self.closed = False
        self._coming: dict[str, deque[FamilyReading]] = {}

    def bring(self, *readings: FamilyReading) -> None:
        """What the next polls of each reading's family bring, in order."""
        for reading in readings:
            self._coming.setdefault(reading.key.family, deque()).append(reading)

    async def fetch_family(self, family: str) -> FamilyReading:
        self.asked.append(family)
        coming = self._coming.get(family)
        if not coming:
            key = FamilyKey(exchange=self.exchange, account=self.account, family=family)
            return FamilySnapshot(key=key, at=START, positions=())
        return coming.popleft() if len(coming) > 1 else coming[0]

    def refresh_terms(self, instrument_ids: Collection[str]) -> None:
        self.refreshed.extend(instrument_ids)

    async def inspect(self) -> Sequence[CheckLine]:
        return self.lines

    async def close(self) -> None:
        self.closed = True


class FakeNotifier:
    """A channel that keeps what it accepted; ``then`` makes the next sends fail."""

    def __init__(self, name: str = "phone") -> None:
        self.name = name
        self.accepted: list[Message] = []
        self._next: deque[NotifyFault | None] = deque()
        self._closed = False

    def then(self, *faults: NotifyFault | None) -> None:
        """How the next sends end; None accepts."""
        self._next.extend(faults)

    async def send(self, message: Message) -> None:
        if self._closed:
            raise ChannelUnavailable(f"channel {self.name}: closed")
        fault = self._next.popleft() if self._next else None
        if fault is not None:
            raise fault
        self.accepted.append(message)

    async def close(self) -> None:
        self._closed = True


@dataclass(slots=True)
class _Kept:
    delivery: Delivery
    state: str
    due: datetime
    touched: datetime


class FakeStore:
    """Keeps everything in memory; ``fault``, while set, is what every method raises."""

    def __init__(self) -> None:
        self.fault: StoreFault | None = None
        self.readings: list[PositionMemory] = []
        self._families: dict[FamilyKey, FamilyMemory] = {}
        self._positions: dict[PositionKey, PositionMemory] = {}
        self._epochs: dict[PositionKey, int] = {}
        self._alerts: dict[tuple[str, Subject], Alert] = {}
        self._outbox: list[_Kept] = []
        self._bans: dict[str, datetime] = {}
        self._closed = False

    async def load(self) -> Memory:
        self._check()
        return Memory(
            families=dict(self._families), positions=dict(self._positions), alerts=dict(self._alerts), epochs=dict(self._epochs)
        )

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        self._check()
        known = {kept.delivery.message.id for kept in self._outbox}
        ids = [message.id for message in commit.messages]
        if len(set(ids)) < len(ids) or known & set(ids):
            raise StoreFault("a message with this id is there already")
        for family in commit.families:
            self._families[family.key] = replace(family, free={})
        for memory in commit.closed:
            self._live(memory)
            self._positions.pop(memory.key, None)
        for memory in (*commit.readings, *commit.positions):
            self._live(memory)
            self._positions[memory.key] = memory
        self.readings.extend(commit.readings)
        for alert in commit.alerts_ended:
            self._alerts.pop((alert.rule, alert.subject), None)
        for alert in commit.alerts:
            self._alerts[alert.rule, alert.subject] = alert
        for message in commit.messages:
            for channel in channels:
                delivery = Delivery(id=len(self._outbox) + 1, channel=channel, message=message, attempt=0)
                self._outbox.append(_Kept(delivery=delivery, state="waiting", due=commit.at, touched=commit.at))

    async def claim(self, channel: str, now: datetime, *, lease: timedelta, limit: int = 20) -> Sequence[Delivery]:
        self._check()
        stepped_back = now + timedelta(seconds=5)
        due = [kept for kept in self._open(channel) if kept.due <= now or kept.touched > stepped_back]
        due.sort(key=lambda kept: (-kept.delivery.message.level, kept.delivery.message.at, kept.delivery.id))
        for kept in due[:limit]:
            kept.delivery = replace(kept.delivery, attempt=kept.delivery.attempt + 1)
            kept.state, kept.due, kept.touched = "sending", now + lease, now
        return [kept.delivery for kept in due[:limit]]

    async def settle(
        self, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None = None, detail: str = ""
    ) -> None:
        self._check()
        if outcome not in {"accepted", "retry", "dead"}:
            raise StoreFault(f"a delivery cannot end as {outcome!r}")
        for kept in self._open(delivery.channel):
            if kept.delivery.id == delivery.id:
                mine = kept.state == "sending" and kept.delivery.attempt == delivery.attempt
                if outcome == "accepted" or (outcome == "dead" and mine):
                    kept.state, kept.touched = outcome, now
                elif mine:
                    kept.state, kept.due, kept.touched = "waiting", retry_at or now, now

    async def next_due(self, channel: str) -> datetime | None:
        self._check()
        return min((kept.due for kept in self._open(channel)), default=None)

    async def bans(self) -> dict[str, datetime]:
        self._check()
        return dict(self._bans)

    async def keep_ban(self, scope: str, until: datetime) -> None:
        self._check()
        self._bans[scope] = until

    async def close(self) -> None:
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self.fault is not None:
            raise self.fault

    def _live(self, memory: PositionMemory) -> None:
        self._epochs[memory.key] = max(memory.epoch, self._epochs.get(memory.key, 0))

    def _open(self, channel: str) -> Iterable[_Kept]:
        return [kept for kept in self._outbox if kept.delivery.channel == channel and kept.state in {"waiting", "sending"}]
