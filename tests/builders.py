"""Builders of plain values for tests: a healthy default, and only what a test is about is named."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.margin.assessment import Assessment, Figures
from monitor.margin.position import Contract, Instrument, Position, PositionKey, Side
from monitor.margin.reading import FamilyFailure, FamilyKey, FamilySnapshot
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable
from monitor.policy import Intervals, Policy
from monitor.rules import discover

NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
USDM = FamilyKey(exchange="binance", account="main", family="usdm")
COINM = FamilyKey(exchange="binance", account="main", family="coinm")


def at(seconds: float) -> datetime:
    """So many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def key(symbol: str = "BTC/USDT:USDT", side: Side = Side.LONG, account: str = "main") -> PositionKey:
    """A position's identity."""
    return PositionKey(exchange="binance", account=account, symbol=symbol, side=side)


def one_tier(rate: str = "0.01") -> TierTable:
    """One tier for every size."""
    tier = MaintenanceTier(floor=Decimal(0), cap=None, rate=Decimal(rate), deduction=Decimal(0))
    return TierTable(basis=TierBasis.NOTIONAL, tiers=(tier,))


def position(mark: str = "100", **changes: Any) -> Position:
    """A 10x long of 10 coins at 100, margin 100, one tier of 1 %: requirement 10 at entry, cushion 1, liquidation 90.909."""
    symbol = changes.pop("symbol", "BTC/USDT:USDT")
    side = changes.pop("side", Side.LONG)
    values: dict[str, Any] = {
        "key": key(symbol, side),
        "family": "usdm",
        "instrument": Instrument(
            symbol=symbol,
            instrument_id=symbol.partition(":")[0].replace("/", ""),
            contract=Contract.LINEAR,
            contract_size=Decimal(1),
            settle_currency="USDT",
            price_tick=Decimal("0.1"),
        ),
        "hedged": False,
        "contracts": Decimal(10),
        "entry_price": Decimal(100),
        "mark_price": Decimal(mark),
        "isolated_margin": Decimal(100),
        "leverage": Decimal(10),
        "tiers": one_tier(),
    }
    return Position(**{**values, **changes})


def assessment(**changes: Any) -> Assessment:
    """Figures as a rule sees them, without any arithmetic: healthy unless said otherwise."""
    values: dict[str, Any] = {
        "notional": Decimal(1000),
        "unrealized_pnl": Decimal(0),
        "equity": Decimal(100),
        "requirement": Decimal(10),
        "maintenance_rate": Decimal("0.01"),
        "margin_ratio": Decimal("0.1"),
        "margin_usage": Decimal("0.1"),
        "buffer": Decimal(10),
        "headroom": Decimal(90),
        "cushion": Decimal(1),
        "liquidation_price": Decimal("90.9"),
        "liquidation_distance": Decimal("0.09"),
        "effective_leverage": Decimal(10),
        "tier": 1,
    }
    figures = Figures(**{**values, **{name: Decimal(v) if isinstance(v, str) else v for name, v in changes.items()}})
    return Assessment(position=position(), ours=figures, judged=figures, diverges=False, degraded=())


def snapshot(*positions: Position, when: datetime = NOW, **changes: Any) -> FamilySnapshot:
    """A good reading of the USD-M family."""
    return FamilySnapshot(key=changes.pop("family", USDM), at=when, positions=positions, **changes)


def failure(when: datetime = NOW, message: str = "no reply within 5 s", family: FamilyKey = USDM) -> FamilyFailure:
    """A poll that brought nothing."""
    return FamilyFailure(key=family, at=when, cause="timed_out", message=message, hint="Check the network.")


def policy(*rules: Any, since: datetime = NOW, once: bool = False, calm: float = 10, near: float = 2) -> Policy:
    """The default rules, or those given, for the account ``main``."""
    kinds = discover()
    default = [kind() for kind in kinds.values() if kind.DEFAULT]
    return Policy(
        rules=rules or default,
        intervals={"main": Intervals(calm=timedelta(seconds=calm), near=timedelta(seconds=near))},
        watching_since=since,
        once=once,
    )
