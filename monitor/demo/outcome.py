"""How it ended: each position's fate, what became of the messages, and whether the daemon's books and the exchange's agree.

Pure: the books are handed in. All seconds are those of the scenario, not of the viewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.alerts.model import NotifyReason
from monitor.demo.market import Holding
from monitor.demo.phone import Ring
from monitor.margin.quantities import plain
from monitor.rules.base import Level
from monitor.store.sent import SentMessage

Key = tuple[str, str, str]
"""Account, unified symbol, side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What both books must agree on of an open position: contracts, and margin in settle currency."""

    contracts: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one position. ``first_warning``: when the phone had the first alert of it, None if not before the end.

    ``liquidated``: when the exchange took it, or its first part; None if it survived. ``cost``: won or lost by it, in its settle
    currency; for an open one with its unrealised profit.
    """

    holding: Holding
    liquidated: Decimal | None
    first_warning: Decimal | None
    cost: Decimal

    @property
    def lead(self) -> Decimal | None:
        """Seconds from the first warning to the liquidation; None without either."""
        return None if self.liquidated is None or self.first_warning is None else self.liquidated - self.first_warning

    def document(self) -> dict[str, Any]:
        """As in the JSON of ``margincall demo --json``."""
        return {
            "account": self.holding.account,
            "exchange": self.holding.exchange,
            "symbol": self.holding.symbol,
            "side": self.holding.side,
            "outcome": "survived" if self.liquidated is None else "liquidated",
            "first_warning_seconds": _whole(self.first_warning),
            "liquidated_seconds": _whole(self.liquidated),
            "lead_seconds": _whole(self.lead),
            "topped_up": "0",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Messages: ``raised`` by the daemon (one for each channel), ``delivered`` of these to the phone at least once, ``lost``
    the others; ``duplicated``: arrivals beyond the first of the same message; ``strange``: arrivals that nobody raised.
    """

    raised: int
    delivered: int
    lost: int
    duplicated: int
    strange: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The whole result; ``problems`` in words, none when all is well. ``took``: seconds of the viewer's time."""

    scenario: str
    seconds: int
    took: float
    fates: Sequence[Fate]
    alerts: Alerts
    problems: Sequence[str]

    def document(self) -> dict[str, Any]:
        """The JSON of ``margincall demo --headless --json``. The daemon adds no margin by itself, so there are no top-ups."""
        alerts = self.alerts
        return {
            "scenario": self.scenario,
            "seconds": self.seconds,
            "positions": [fate.document() for fate in self.fates],
            "alerts": {
                "raised": alerts.raised,
                "delivered": alerts.delivered,
                "lost": alerts.lost,
                "duplicated": alerts.duplicated,
            },
            "top_ups": {"count": 0, "amount_by_currency": {}, "unknown": 0},
        }


def count_alerts(sent: Sequence[SentMessage], rings: Sequence[Ring]) -> Alerts:
    """Hold the outbox against the phone. A message is known by its title and text, which carry its code and its moment."""
    raised = Counter((one.message.title, one.message.body.strip()) for one in sent)
    arrived = Counter((ring.title, ring.text.strip()) for ring in rings)
    delivered = sum(min(count, arrived[name]) for name, count in raised.items())
    return Alerts(
        raised=len(sent),
        delivered=delivered,
        lost=len(sent) - delivered,
        duplicated=sum(max(0, arrived[name] - count) for name, count in raised.items()),
        strange=sum(count for name, count in arrived.items() if name not in raised),
    )


def first_warnings(sent: Sequence[SentMessage], rings: Sequence[Ring]) -> dict[Key, Decimal]:
    """When the phone had the first alert of each position (all-clears and the news that it is gone are none)."""
    subjects = {
        (one.message.title, one.message.body.strip()): one.message.subject
        for one in sent
        if one.message.level >= Level.WARNING and one.message.why is not NotifyReason.RESOLVED
    }
    first: dict[Key, Decimal] = {}
    for ring in rings:
        subject = subjects.get((ring.title, ring.text.strip()))
        if subject is not None and subject.symbol:
            first.setdefault((subject.account, subject.symbol, subject.side), ring.second)
    return first


def disagreements(exchange: Mapping[Key, Size], daemon: Mapping[Key, Size]) -> list[str]:
    """Where the two books differ, in words."""
    found = [f"{_name(key)} is open on the exchange and not in the daemon's books" for key in exchange if key not in daemon]
    found += [f"{_name(key)} is in the daemon's books and not open on the exchange" for key in daemon if key not in exchange]
    for key in exchange:
        theirs, ours = exchange[key], daemon.get(key)
        if ours is not None and ours.contracts != theirs.contracts:
            found.append(
                f"{_name(key)}: {plain(theirs.contracts)} contracts on the exchange, {plain(ours.contracts)} in the books"
            )
        if ours is not None and ours.margin != theirs.margin:
            found.append(f"{_name(key)}: margin {plain(theirs.margin)} on the exchange, {plain(ours.margin)} in the books")
    return found


def untold(urgent: Iterable[Key], sent: Sequence[SentMessage]) -> list[str]:
    """Positions that were past the emergency line for more than a moment and of which no emergency was told."""
    told = {
        (one.message.subject.account, one.message.subject.symbol, one.message.subject.side)
        for one in sent
        if one.message.level >= Level.EMERGENCY
    }
    return [f"{_name(key)} was past the emergency line and no emergency was told" for key in urgent if key not in told]


def message_problems(alerts: Alerts) -> list[str]:
    """What is wrong with the messages, in words."""
    found = []
    if alerts.lost:
        found.append(f"{alerts.lost} of {alerts.raised} messages never reached the phone")
    if alerts.duplicated:
        found.append(f"{alerts.duplicated} messages reached the phone more than once")
    if alerts.strange:
        found.append(f"{alerts.strange} messages reached the phone that are not in the daemon's books")
    return found


def _name(key: Key) -> str:
    account, symbol, side = key
    return f"{symbol} {side} on {account}"


def _whole(seconds: Decimal | None) -> int | None:
    return None if seconds is None else int(seconds)
