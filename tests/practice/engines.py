"""Engines with a clock that the test owns."""

from __future__ import annotations

from decimal import Decimal

from monitor.practice.engine.arithmetic import Stake
from monitor.practice.engine.contracts import CONTRACTS, Contract
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.tiers import Tier, ladder, table

START_MS = 1_760_129_100_000


class TestClock:
    """Milliseconds that move when told."""

    __test__ = False

    def __init__(self, at: int = START_MS) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at


def contract(
    exchange: str = "binance",
    *,
    inverse: bool = False,
    size: str = "1",
    tick: str = "0.1",
    lot: str = "0.001",
    tiers: tuple[Tier, ...] | None = None,
    start: str = "40000",
) -> Contract:
    """A contract of one tier of 0.5 %, or of ``tiers``."""
    return Contract(
        exchange=exchange,
        id="TEST",
        base="BTC",
        quote="USD" if inverse else "USDT",
        settle="BTC" if inverse else "USDT",
        inverse=inverse,
        size=Decimal(size),
        tick=Decimal(tick),
        lot=Decimal(lot),
        start=Decimal(start),
        tiers=tiers or ladder({"rate": "0.005"}),
    )


def stake(
    of: Contract, *, long: bool, quantity: str, entry: str, margin: str, leverage: str = "10", fee_rate: str = "0.0005"
) -> Stake:
    """A position for arithmetic."""
    return Stake(
        contract=of,
        long=long,
        quantity=Decimal(quantity),
        entry=Decimal(entry),
        margin=Decimal(margin),
        leverage=Decimal(leverage),
        fee_rate=Decimal(fee_rate),
    )


def exchange(*contracts: Contract, clock: TestClock | None = None, freeze_ms: int = 0) -> PracticeExchange:
    """An engine of ``contracts`` (default: all that it lists)."""
    return PracticeExchange(clock=clock or TestClock(), contracts=contracts or CONTRACTS, freeze_ms=freeze_ms)


LADDER = table(("1000", "0.004", 100), ("5000", "0.005", 75), ("20000", "0.01", 50), ("50000", "0.02", 25))
