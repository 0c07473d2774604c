"""Builders of what a store keeps; every argument has a usual value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.alerts.model import Alert, AlertState, Message, NotifyReason, Subject, SubjectKind
from monitor.lives.case import Case
from monitor.margin.assessment import assess
from monitor.margin.position import Contract, ExchangeSays, Instrument, Position, PositionKey, Side
from monitor.margin.reading import FamilyKey
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable
from monitor.memory import FamilyMemory, FamilyState, PositionMemory
from monitor.rules.base import Level

D = Decimal
NOW = datetime(2026, 3, 4, 5, 6, 7, 891_000, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

TIERS = TierTable(
    basis=TierBasis.NOTIONAL,
    tiers=(
        MaintenanceTier(floor=D(0), cap=D(300000), rate=D("0.004"), deduction=D(0)),
        MaintenanceTier(floor=D(300000), cap=None, rate=D("0.005"), deduction=D(300)),
    ),
)

BTC = Instrument(
    symbol="BTC/USDT:USDT",
    instrument_id="BTCUSDT",
    contract=Contract.LINEAR,
    contract_size=D(1),
    settle_currency="USDT",
    price_tick=D("0.10"),
)


def key(symbol: str = "BTC/USDT:USDT", side: Side = Side.LONG, account: str = "main") -> PositionKey:
    return PositionKey(exchange="binance", account=account, symbol=symbol, side=side)


def position(who: PositionKey | None = None, **changes: Any) -> Position:
    values: dict[str, Any] = {
        "key": who or key(),
        "family": "usdm",
        "instrument": BTC,
        "hedged": False,
        "contracts": D("0.5"),
        "entry_price": D(60000),
        "mark_price": D(59000),
        "isolated_margin": D(3000),
        "leverage": D(10),
        "tiers": TIERS,
        **changes,
    }
    return Position(**values)


def full_position(who: PositionKey | None = None) -> Position:
    """Every field with a value of its own."""
    return position(
        who,
        hedged=True,
        taker_fee_rate=D("0.00055"),
        says=ExchangeSays(liquidation_price=D("54216.8700"), requirement=D("118.00"), margin_usage=D("0.0472")),
        opened="1767323045123",
        changed="seq 42",
        exchange_adds_margin=True,
        degraded=("contract_size_inferred", "no_fee"),
    )


def memory(what: Position | None = None, **changes: Any) -> PositionMemory:
    what = what or position()
    values: dict[str, Any] = {
        "key": what.key,
        "family": what.family,
        "epoch": 1,
        "first_seen": NOW - MINUTE,
        "last_seen": NOW,
        "assessment": assess(what),
        **changes,
    }
    return PositionMemory(**values)


def family(name: str = "usdm", **changes: Any) -> FamilyMemory:
    values: dict[str, Any] = {
        "key": FamilyKey(exchange="binance", account="main", family=name),
        "state": FamilyState.OK,
        "since": NOW - MINUTE,
        "last_good": NOW,
        **changes,
    }
    return FamilyMemory(**values)


def subject(who: PositionKey | None = None) -> Subject:
    who = who or key()
    return Subject(SubjectKind.POSITION, who.exchange, who.account, who.symbol, who.side.value, "usdm")


def alert(rule: str = "cushion", about: Subject | None = None, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "code": "K7Q2",
        "rule": rule,
        "subject": about or subject(),
        "state": AlertState.FIRING,
        "level": Level.CRITICAL,
        "peak": Level.CRITICAL,
        "since": NOW,
        "state_since": NOW,
        "level_since": NOW,
        **changes,
    }
    return Alert(**values)


def message(number: int = 1, level: Level = Level.CRITICAL, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "id": f"m{number}",
        "code": "K7Q2",
        "level": level,
        "why": NotifyReason.FIRST,
        "subject": subject(),
        "title": "BTC long 12 % from liquidation",
        "body": "Add 85 USDT; 412 free.",
        "at": NOW,
        **changes,
    }
    return Message(**values)


def case(seen, **changes) -> Case:
    """A question about a life, asked a minute after its last reading."""
    values = {
        "key": seen.key,
        "epoch": seen.epoch,
        "family": seen.family,
        "assessment": seen.assessment,
        "first_seen": seen.first_seen,
        "since": seen.last_seen,
        "read_at": seen.last_seen,
        "until": NOW + MINUTE,
        "contracts": D("0.1"),
        "ended": False,
        "due": NOW + 2 * MINUTE,
    }
    return Case(**{**values, **changes})
