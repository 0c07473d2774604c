"""In-memory stand-ins for the ports. They pass the same behaviour suites as the real adapters (tests/store, tests/notify)."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.alerts.model import Alert, AlertState, Message, Subject, position_subject
from monitor.alerts.muting import Silence
from monitor.errors import ChannelUnavailable, ExchangeFault, NotifyFault, StoreFault, StoreUnavailable, TopUpsStopped
from monitor.lives.records import Inquiry, Records
from monitor.margin.position import Position, PositionKey
from monitor.margin.reading import FamilyKey, FamilyReading, FamilySnapshot, KeyFacts
from monitor.memory import ChannelMemory, Commit, FamilyMemory, KeyMemory, Memory, PositionMemory
from monitor.ports import CheckLine, Delivery
from tests.fake_journal import FakeJournal
from tests.fake_outbox import FakeOutbox

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeClock:
    """Time that moves only when told to; ``step`` moves the wall clock alone, ``sleep`` passes while the machine sleeps."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._monotonic = 1000.0
        self._asleep = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def asleep(self) -> float:
        return self._asleep

    def sleep(self, seconds: float) -> None:
        """The machine is suspended for so long."""
        self.advance(seconds)
        self._asleep += seconds

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
        self.expected: list[Position] = []
        self.lines: tuple[CheckLine, ...] = ()
        self.inspected: list[bool] = []
        self.key: KeyFacts | None = None
        self.inquiries: list[Inquiry] = []
        self.closed = False
        self._records: deque[Records | ExchangeFault] = deque()
        self._coming: dict[str, deque[FamilyReading]] = {}

    def bring(self, *readings: FamilyReading) -> None:
        """What the next polls of each reading's family bring, in order."""
        for reading in readings:
            self._coming.setdefault(reading.key.family, deque()).append(reading)

    def tell(self, *answers: Records | ExchangeFault) -> None:
        """What the next inquiries bring, in order; the last one stays, and before the first there is nothing on record."""
        self._records.extend(answers)

    async def fetch_records(self, inquiry: Inquiry) -> Records:
        self.inquiries.append(inquiry)
        if not self._records:
            return Records(at=inquiry.until)
        answer = self._records.popleft() if len(self._records) > 1 else self._records[0]
        if isinstance(answer, ExchangeFault):
            raise answer
        return answer

    async def fetch_family(self, family: str) -> FamilyReading:
        self.asked.append(family)
        coming = self._coming.get(family)
        if not coming:
            key = FamilyKey(exchange=self.exchange, account=self.account, family=family)
            return FamilySnapshot(key=key, at=START, positions=())
        return coming.popleft() if len(coming) > 1 else coming[0]

    def expect(self, positions: Collection[Position]) -> None:
        self.expected.extend(positions)

    def refresh_terms(self, instrument_ids: Collection[str]) -> None:
        self.refreshed.extend(instrument_ids)

    async def fetch_key(self) -> KeyFacts | None:
        return self.key

    async def inspect(self, *, polled: bool = False) -> Sequence[CheckLine]:
        self.inspected.append(polled)
        return self.lines

    async def close(self) -> None:
        self.closed = True


class FakeNotifier:
    """A channel that keeps what it accepted; ``then`` makes the next sends fail, ``usually`` is how later ones end."""

    def __init__(self, name: str = "phone") -> None:
        self.name = name
        self.accepted: list[Message] = []
        self.tried: list[Message] = []
        self.usually: NotifyFault | None = None
        self._next: deque[NotifyFault | None] = deque()
        self._closed = False

    def then(self, *faults: NotifyFault | None) -> None:
        """How the next sends end; None accepts."""
        self._next.extend(faults)

    async def send(self, message: Message) -> None:
        if self._closed:
            raise ChannelUnavailable(f"channel {self.name}: closed")
        self.tried.append(message)
        fault = self._next.popleft() if self._next else self.usually
        if fault is not None:
            raise fault
        self.accepted.append(message)

    async def close(self) -> None:
        self._closed = True


class FakeStore:
    """Keeps everything in memory; ``fault``, while set, is what every method raises; ``stop_file``: the STOP file is there."""

    def __init__(self) -> None:
        self.fault: StoreFault | None = None
        self.readings: list[PositionMemory] = []
        self._families: dict[FamilyKey, FamilyMemory] = {}
        self._positions: dict[PositionKey, PositionMemory] = {}
        self._epochs: dict[PositionKey, int] = {}
        self._alerts: dict[tuple[str, Subject], Alert] = {}
        self._silences: dict[str, Silence] = {}
        self._channels: dict[str, ChannelMemory] = {}
        self._keys: dict[tuple[str, str], KeyMemory] = {}
        self._outbox = FakeOutbox(self._fires, self._is_open)
        self.journal = FakeJournal()
        self._bans: dict[str, datetime] = {}
        self._notes: dict[str, str] = {}
        self.backed_up: list[datetime] = []
        self.stop_file = False
        self._closed = False

    async def load(self) -> Memory:
        self._check()
        return Memory(
            families=dict(self._families),
            positions=dict(self._positions),
            alerts=dict(self._alerts),
            epochs=dict(self._epochs),
            silences=dict(self._silences),
            channels=dict(self._channels),
            keys=dict(self._keys),
            top_ups=self.journal.load(),
        )

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        self._check()
        self._outbox.check(commit.messages)
        self.journal.check(commit)
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
        self._silences.update({silence.id: silence for silence in commit.silences})
        self._channels.update({channel.name: channel for channel in commit.channels})
        self._keys.update({(key.facts.exchange, key.facts.account): key for key in commit.keys})
        self.journal.keep(commit)
        self._outbox.keep(commit, channels)

    async def submit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        self._check()
        if self.stop_file or self.journal.stopped_at is not None:
            raise TopUpsStopped("the kill switch is thrown")
        await self.commit(commit, channels=channels)

    async def note(self, name: str) -> str | None:
        self._check()
        return self._notes.get(name)

    async def keep_note(self, name: str, text: str) -> None:
        self._check()
        self._notes[name] = text

    async def thin(self, now: datetime) -> bool:
        del now
        self._check()
        return False

    async def back_up(self, now: datetime) -> None:
        self._check()
        self.backed_up.append(now)

    async def claim(
        self, channel: str, now: datetime, *, lease: timedelta, limit: int = 20, urgent: bool = False
    ) -> Sequence[Delivery]:
        self._check()
        return self._outbox.claim(channel, now, lease, limit, urgent=urgent)

    async def settle(
        self, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None = None, detail: str = ""
    ) -> None:
        self._check()
        self._outbox.settle(delivery, outcome, now, retry_at)

    async def next_due(self, channel: str) -> datetime | None:
        self._check()
        return self._outbox.next_due(channel)

    async def release(self, channel: str, now: datetime) -> Sequence[Delivery]:
        self._check()
        return self._outbox.release(channel, now)

    async def fold(self, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
        self._check()
        self._outbox.fold(deliveries, summary, now)

    async def retire(self, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
        self._check()
        return self._outbox.retire(channel, heir, now)

    async def divert(self, channel: str, fallback: str, now: datetime) -> int:
        self._check()
        return self._outbox.divert(channel, fallback, now)

    async def accepted(self, channel: str, since: datetime) -> int:
        self._check()
        return self._outbox.accepted(channel, since)

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

    def _fires(self, subject: Subject) -> bool:
        return any(alert.subject == subject and alert.state is not AlertState.HELD for alert in self._alerts.values())

    def _is_open(self, subject: Subject) -> bool:
        return any(position_subject(key)[1:5] == subject[1:5] for key in self._positions)
