"""All input and output of margincall on one page: the clock, the exchanges, the channels, the store.

Adapters under ``exchanges/``, ``notify/`` and ``store/`` implement these; ``app.py`` puts them together; tests have fakes
of each that pass the same behaviour suites.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from monitor.alerts.model import Message
from monitor.lives.records import Inquiry, Records
from monitor.margin.assessment import Assessment
from monitor.margin.position import Position
from monitor.margin.reading import FamilyReading, KeyFacts
from monitor.memory import Commit, Memory
from monitor.topups.evidence import Evidence
from monitor.topups.ledger import Intent


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, and go on while the machine sleeps."""
        ...

    def asleep(self) -> float:
        """For how many of the monotonic seconds the machine slept (suspend); only differences count."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One line of `margincall check`: ``status`` is ok, warn or fail; ``text`` says what; ``advice`` what to do about it.

    ``known``: the question had an answer; without one nothing is said about what was asked.
    """

    status: str
    topic: str
    text: str
    advice: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """How a store's file is. ``schema``: its number, of which the program knows up to ``newest``; ``size``: bytes, side files
    included; ``whole``: SQLite's own check found no damage, None where it did not end in time; ``sqlite``: the library's version;
    ``made_at``: None where not known; ``copied_at``: when the newest daily copy was made, None without one.
    """

    schema: int
    newest: int
    size: int
    whole: bool | None
    sqlite: tuple[int, ...]
    made_at: datetime | None = None
    copied_at: datetime | None = None


class Exchange(Protocol):
    """One account on one exchange, read only."""

    account: str
    exchange: str
    families: tuple[str, ...]

    async def fetch_family(self, family: str) -> FamilyReading:
        """Every open position of one family, read now; ends within 5 seconds, and within 10 on the very first call.

        Never raises but for cancellation: what went wrong is a FamilyFailure. Safe to call for several families at once.
        """
        ...

    def expect(self, positions: Collection[Position]) -> None:
        """These were open when an earlier run last looked: a first list without any of them must prove itself too."""
        ...

    def refresh_terms(self, instrument_ids: Collection[str]) -> None:
        """Ask that the maintenance tiers of these instruments be read again soon; at most every 10 minutes each."""
        ...

    async def fetch_key(self) -> KeyFacts | None:
        """What the account's key may do; None where the exchange does not say or could not be asked. Never in a poll's way.

        Never raises but for cancellation.
        """
        ...

    async def fetch_records(self, inquiry: Inquiry) -> Records:
        """What the exchange's own records tell of one position; ends within 20 seconds, and never stands in a poll's way.

        Raises ExchangeFault where what is essential (the fills) could not be read.
        """
        ...

    async def inspect(self, *, polled: bool = False) -> Sequence[CheckLine]:
        """What `check` tells of this account: connection, clock, the key, margin and position mode, what is guarded and what not.

        ``polled``: leave out what is guarded, as beside a daemon that polls it anyway. May take as long as a slow exchange does.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection, within a second."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginReceipt:
    """A margin change that the exchange confirmed. ``amount`` as it echoed it, below 0 for taken out."""

    at: datetime
    amount: Decimal
    isolated_margin: Decimal | None = None
    liquidation_price: Decimal | None = None


class MarginWriter(Protocol):
    """One account's way to change margins, with the credential that may: the only writes in the whole program."""

    account: str
    exchange: str
    window: timedelta
    """For so long after it was signed the exchange may still accept a request."""

    async def change_margin(self, intent: Intent) -> MarginReceipt:
        """Send the intent, once, on a connection of its own; ends within 6 seconds.

        Raises WriteNotSent or WriteRefused where it is certain that nothing has changed, else OutcomeUnknown. Whatever else
        comes out of it (CancelledError too) is to be taken for OutcomeUnknown.
        """
        ...

    async def fetch_evidence(self, intent: Intent) -> Evidence:
        """One look at what the exchange shows of an intent. Raises ExchangeFault where it cannot be read in full."""
        ...

    async def fetch_index_price(self, position: Position) -> Decimal | None:
        """The index price that the mark should be near; None where the exchange has none. Raises ExchangeFault."""
        ...

    async def fetch_key(self) -> KeyFacts | None:
        """What the credential may do; None where the exchange does not say or could not be asked.

        ``trade`` in its rights: it may change margins. ``transfer``: it may move money between accounts by a right that was
        granted by itself (OKX has none: there trading includes it).
        """
        ...

    async def close(self) -> None:
        """Let go of every connection, within a second."""
        ...


class Notifier(Protocol):
    """One channel to people."""

    name: str

    async def send(self, message: Message) -> None:
        """Hand the message to the service; returns once the service accepted it.

        Raises ChannelUnavailable (try later) or ChannelRefused (a person must mend the channel). Takes at most 30 seconds.
        """
        ...

    async def close(self) -> None:
        """Stop at once; a send that hangs is left behind."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way to one channel; ``attempt`` counts from 1.

    ``missed``: how many earlier alerts on its subject never reached the channel since it last accepted one, the oldest of
    them from ``missed_since``.
    """

    id: int
    channel: str
    message: Message
    attempt: int
    missed: int = 0
    missed_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReading:
    """One assessment as kept, rebuilt from the stored inputs; ``at`` is when it was read."""

    at: datetime
    epoch: int
    assessment: Assessment


class Store(Protocol):
    """What must survive a restart. Every method is one transaction; a failure raises StoreFault and changes nothing."""

    async def load(self) -> Memory:
        """The memory as of the last commit: families, positions with their last assessment, alerts."""
        ...

    async def commit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """Keep what one decision changed; each message of it becomes one pending delivery for each of ``channels``."""
        ...

    async def submit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        """Keep a commit whose intents are SUBMITTING, synced to the disk, unless the kill switch is thrown at that moment.

        Both are one transaction. Raises TopUpsStopped for a stop in the store or a file ``STOP`` beside it; then, as after any
        StoreFault, nothing has changed and nothing may be sent.

        A caller that stops waiting (a deadline) must send nothing either, but the commit may still have been kept: the intent
        is REJECTED then as certainly not sent, a move that fits both, and never ABANDONED.
        """
        ...

    async def claim(
        self, channel: str, now: datetime, *, lease: timedelta, limit: int = 20, urgent: bool = False
    ) -> Sequence[Delivery]:
        """Deliveries of ``channel`` that are due, worst level first, then oldest; nobody else gets them until ``now + lease``.

        What is too old to be of use expires first: after an hour, but for a critical or worse while an alert fires on its
        subject, and for the news that a position is gone. ``urgent``: only the first news of a critical or worse.
        """
        ...

    async def release(self, channel: str, now: datetime) -> Sequence[Delivery]:
        """Everything that waits for another try on ``channel`` is due now; returns it. What has its own later time stays."""
        ...

    async def fold(self, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
        """``summary``, for the channel of these waiting ``deliveries``, is sent in place of them."""
        ...

    async def divert(self, channel: str, fallback: str, now: datetime) -> int:
        """Each critical or worse that ``channel`` has not accepted also goes to ``fallback``, once; how many now do."""
        ...

    async def retire(self, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
        """``channel`` is configured no more: what waits for it goes to ``heir``, or nowhere; what that was, oldest first."""
        ...

    async def accepted(self, channel: str, since: datetime) -> int:
        """How many messages ``channel`` accepted after ``since``."""
        ...

    async def settle(
        self, delivery: Delivery, outcome: str, now: datetime, *, retry_at: datetime | None = None, detail: str = ""
    ) -> None:
        """Record how a claimed delivery ended: ``accepted``, ``retry`` (with ``retry_at``) or ``dead``."""
        ...

    async def next_due(self, channel: str) -> datetime | None:
        """When the next unsettled delivery of ``channel`` is due, None when there is none."""
        ...

    async def bans(self) -> dict[str, datetime]:
        """For each pacing scope (``binance``, ``bybit|main``), the time before which nothing may be sent."""
        ...

    async def keep_ban(self, scope: str, until: datetime) -> None:
        """Remember over restarts that nothing may be sent in ``scope`` before ``until``."""
        ...

    async def note(self, name: str) -> str | None:
        """What was last kept under ``name``, None if nothing ever was."""
        ...

    async def keep_note(self, name: str, text: str) -> None:
        """Keep ``text`` under ``name``, over restarts, in the place of what was there."""
        ...

    async def thin(self, now: datetime) -> bool:
        """Thin a slice of old history: all of a week, then one reading a minute for 90 days, then one an hour; is there more?"""
        ...

    async def back_up(self, now: datetime) -> None:
        """Make today's copy, unless there is one; whatever else the store does goes on meanwhile."""
        ...

    async def close(self) -> None:
        """Write out and let go of the file."""
        ...
