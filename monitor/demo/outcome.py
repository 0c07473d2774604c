"""How it ended: each position's fate, what became of the messages, and whether the daemon's books and the exchange's agree.

Pure: the books are handed in. All seconds are those of the scenario, not of the viewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from monitor.alerts.model import NotifyReason
from monitor.demo.market import Holding
from monitor.demo.phone import Ring
from monitor.margin.quantities import plain
from monitor.rules.base import Level
from monitor.store.sent import SentMessage
from monitor.topups.ledger import Intent, IntentState

Key = tuple[str, str, str]
"""Account, unified symbol, side."""

NO_WARNING = {NotifyReason.RESOLVED, NotifyReason.GONE, NotifyReason.EVENT}
"""What tells that something is over, or has happened, warns of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What both books must agree on of an open position: contracts, and margin in settle currency."""

    contracts: Decimal
    margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one position. ``first_warning``: when the phone had the first alert of it, None if not before the end.

    ``liquidated``: when the exchange took it, or its first part; None if it survived. ``cost``: won or lost by it, in its settle
    currency; for an open one with its unrealised profit. ``topped_up``: the margin that was added to it.
    """

    holding: Holding
    liquidated: Decimal | None
    first_warning: Decimal | None
    cost: Decimal
    topped_up: Decimal = Decimal(0)

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
            "topped_up": plain(self.topped_up),
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
class TopUps:
    """The daemon's own journal: how many times it added margin, how much by currency, and how often it does not know."""

    count: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The whole result; ``problems`` in words, none when all is well. ``took``: seconds of the viewer's time."""

    scenario: str
    seconds: int
    took: float
    fates: Sequence[Fate]
    alerts: Alerts
    problems: Sequence[str]
    top_ups: TopUps

    def document(self) -> dict[str, Any]:
        """The JSON of ``margincall demo --headless --json``."""
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
            "top_ups": {
                "count": self.top_ups.count,
                "amount_by_currency": {coin: plain(amount) for coin, amount in self.top_ups.amounts.items()},
                "unknown": self.top_ups.unknown,
            },
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
        if one.message.level >= Level.WARNING and one.message.why not in NO_WARNING
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


def count_top_ups(journal: Sequence[Intent]) -> TopUps:
    """What the journal says was applied, and what it leaves open."""
    applied = [one for one in journal if one.is_spent and not (one.is_open or one.state is IntentState.DISPUTED)]
    amounts: dict[str, Decimal] = {}
    for one in applied:
        amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + one.amount
    unknown = sum(one.is_spent for one in journal) - len(applied)
    return TopUps(count=len(applied), amounts=amounts, unknown=unknown)


def unjournaled(fates: Iterable[Fate], top_ups: TopUps) -> list[str]:
    """Where the exchange's ledger of added margin and the daemon's journal differ, in words."""
    ledger: dict[str, Decimal] = {}
    for fate in fates:
        if fate.topped_up:
            ledger[fate.holding.currency] = ledger.get(fate.holding.currency, Decimal(0)) + fate.topped_up
    if ledger == dict(top_ups.amounts):
        return []
    return [f"the exchange's ledger says {_sums(ledger)} of margin was added, the daemon's journal {_sums(top_ups.amounts)}"]


def _sums(amounts: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{plain(amount)} {coin}" for coin, amount in amounts.items()) or "nothing"


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
