"""The outbox of FakeStore: the rules of the real one, said in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.errors import StoreFault
from monitor.memory import Commit
from monitor.ports import Delivery
from monitor.rules.base import Level

HOUR = timedelta(hours=1)
FIRST_NEWS = {NotifyReason.FIRST, NotifyReason.WORSENED, NotifyReason.ESCALATED, NotifyReason.EVENT}
OPEN = {"waiting", "sending"}


@dataclass(slots=True)
class Kept:
    """One delivery; ``instead``: the message that superseded it."""

    delivery: Delivery
    state: str
    due: datetime
    since: datetime
    touched: datetime
    instead: Message | None = None

    @property
    def message(self) -> Message:
        return self.delivery.message


class FakeOutbox:
    """``fires`` and ``is_open`` tell whether an alert fires on a subject, and whether that position is open."""

    def __init__(self, fires: Callable[[Subject], bool], is_open: Callable[[Subject], bool]) -> None:
        self.rows: list[Kept] = []
        self._fires = fires
        self._is_open = is_open

    def check(self, messages: Sequence[Message]) -> None:
        known = {kept.message.id for kept in self.rows}
        ids = [message.id for message in messages]
        if len(set(ids)) < len(ids) or known & set(ids):
            raise StoreFault("a message with this id is there already")

    def keep(self, commit: Commit, channels: Sequence[str]) -> None:
        at = commit.at
        addressed = [(message, channel) for message in commit.messages for channel in message.channels or channels]
        for message, channel in addressed:
            for kept in self._of(channel, "waiting"):
                elsewhen = not at - timedelta(seconds=10) <= kept.since <= at
                if (kept.delivery.attempt or elsewhen) and replaces(message, kept.message):
                    kept.state, kept.touched, kept.instead = "superseded", at, message
        for message, channel in addressed:
            self.add(message, channel, at, max(at, message.not_before or at))

    def add(self, message: Message, channel: str, at: datetime, due: datetime) -> None:
        delivery = Delivery(id=len(self.rows) + 1, channel=channel, message=message, attempt=0)
        self.rows.append(Kept(delivery=delivery, state="waiting", due=due, since=due, touched=at))

    def claim(self, channel: str, now: datetime, lease: timedelta, limit: int, *, urgent: bool) -> Sequence[Delivery]:
        self._expire(channel, now)
        stepped_back = now + timedelta(seconds=5)
        due = [kept for kept in self._of(channel) if kept.due <= now or kept.touched > stepped_back]
        if urgent:
            due = [kept for kept in due if kept.message.level >= Level.CRITICAL and kept.message.why in FIRST_NEWS]
        due.sort(key=lambda kept: (-kept.message.level, kept.message.at, kept.delivery.id))
        for kept in due[:limit]:
            missed = self._missed(kept)
            kept.delivery = replace(
                kept.delivery,
                attempt=kept.delivery.attempt + 1,
                missed=len(missed),
                missed_since=min((one.message.at for one in missed), default=None),
            )
            kept.state, kept.due, kept.touched = "sending", now + lease, now
        return [kept.delivery for kept in due[:limit]]

    def settle(self, delivery: Delivery, outcome: str, now: datetime, retry_at: datetime | None) -> None:
        if outcome not in {"accepted", "retry", "dead"}:
            raise StoreFault(f"a delivery cannot end as {outcome!r}")
        for kept in self._of(delivery.channel):
            if kept.delivery.id == delivery.id:
                mine = kept.state == "sending" and kept.delivery.attempt == delivery.attempt
                if outcome == "accepted" or (outcome == "dead" and mine):
                    kept.state, kept.touched = outcome, now
                elif mine:
                    kept.state, kept.due, kept.touched = "waiting", retry_at or now, now
                    self._overtake(kept)

    def next_due(self, channel: str) -> datetime | None:
        return min((kept.due for kept in self._of(channel)), default=None)

    def release(self, channel: str, now: datetime) -> Sequence[Delivery]:
        self._expire(channel, now)
        released = [kept for kept in self._of(channel, "waiting") if kept.since <= now]
        for kept in released:
            kept.due = kept.touched = now
        return [replace(kept.delivery, missed=0, missed_since=None) for kept in released]

    def fold(self, deliveries: Sequence[Delivery], summary: Message, now: datetime) -> None:
        self.check([summary])
        ids = {one.id for one in deliveries}
        for kept in self.rows:
            if kept.delivery.id in ids and kept.state == "waiting":
                kept.state, kept.touched, kept.instead = "superseded", now, summary
        for channel in {one.channel for one in deliveries}:
            self.add(summary, channel, now, now)

    def retire(self, channel: str, heir: str | None, now: datetime) -> Sequence[Message]:
        self._expire(channel, now)
        left = list(self._of(channel))
        there = {kept.message.id for kept in self.rows if kept.delivery.channel == heir}
        for kept in left:
            kept.state, kept.touched = "dead", now
            if heir is not None and kept.message.id not in there:
                self.add(kept.message, heir, now, max(kept.since, now))
        return [kept.message for kept in left]

    def divert(self, channel: str, fallback: str, now: datetime) -> int:
        there = {kept.message.id for kept in self.rows if kept.delivery.channel == fallback}
        urgent = [
            kept.message
            for kept in self._of(channel)
            if kept.message.level >= Level.CRITICAL and kept.since <= now and kept.message.id not in there
        ]
        for message in urgent:
            self.add(message, fallback, now, now)
        return len(urgent)

    def accepted(self, channel: str, since: datetime) -> int:
        return sum(kept.delivery.channel == channel and kept.state == "accepted" and kept.touched > since for kept in self.rows)

    def _of(self, channel: str, *states: str) -> Iterable[Kept]:
        return [kept for kept in self.rows if kept.delivery.channel == channel and kept.state in (states or OPEN)]

    def _expire(self, channel: str, now: datetime) -> None:
        for kept in self._of(channel):
            if kept.due <= now and kept.since < now - HOUR and not self._is_still_true(kept.message):
                kept.state, kept.touched = "expired", now

    def _is_still_true(self, message: Message) -> bool:
        if message.why is NotifyReason.RESOLVED:
            return message.subject.kind is SubjectKind.POSITION and not self._is_open(message.subject)
        return message.level >= Level.CRITICAL and self._fires(message.subject)

    def _missed(self, kept: Kept) -> list[Kept]:
        """Those before it on its subject and channel that never arrived, back to the last that did."""
        missed: list[Kept] = []
        for other in self.rows[: kept.delivery.id - 1]:
            if other.delivery.channel != kept.delivery.channel or other.message.subject != kept.message.subject:
                continue
            if other.state == "accepted":
                missed = []
            elif other.state in {"superseded", "expired", "dead"} and not _is_summed_up(other):
                missed.append(other)
        return [] if kept.message.subject.kind is SubjectKind.DAEMON else missed

    def _overtake(self, kept: Kept) -> None:
        for newer in reversed(self.rows[kept.delivery.id :]):
            if (
                newer.delivery.channel == kept.delivery.channel
                and newer.state in {*OPEN, "accepted"}
                and replaces(newer.message, kept.message)
            ):
                kept.state, kept.instead = "superseded", newer.message
                return


def replaces(newer: Message, older: Message) -> bool:
    """Whether the newer message makes the older one superfluous."""
    if newer.subject != older.subject or older.subject.kind is SubjectKind.DAEMON:
        return False
    if older.code == newer.code or older.code in newer.codes:
        return True
    return newer.why is not NotifyReason.RESOLVED and older.level <= newer.level


def _is_summed_up(kept: Kept) -> bool:
    return kept.instead is not None and kept.instead.why is NotifyReason.SUMMARY
