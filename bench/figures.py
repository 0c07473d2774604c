"""Assess and judge: microseconds a position, nothing else in the way."""

from __future__ import annotations

import time
import timeit
from decimal import Decimal
from statistics import median

from monitor.margin.assessment import assess
from monitor.margin.position import Contract, ExchangeSays, Instrument, Position, PositionKey, Side
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable
from monitor.rules import discover
from monitor.rules.base import PositionRule

NUMBER = 2000


def position() -> Position:
    """A 10x long in the second of three tiers, with the exchange's own figures beside it."""
    floors = (Decimal(0), Decimal(500), Decimal(50_000))
    rates = (Decimal("0.005"), Decimal("0.01"), Decimal("0.02"))
    deductions = (Decimal(0), Decimal("2.5"), Decimal("502.5"))
    caps = (Decimal(500), Decimal(50_000), None)
    tiers = tuple(
        MaintenanceTier(floor=floor, cap=cap, rate=rate, deduction=deduction)
        for floor, cap, rate, deduction in zip(floors, caps, rates, deductions, strict=True)
    )
    symbol = "BTC/USDT:USDT"
    return Position(
        key=PositionKey(exchange="binance", account="main", symbol=symbol, side=Side.LONG),
        family="usdm",
        instrument=Instrument(
            symbol=symbol,
            instrument_id="BTCUSDT",
            contract=Contract.LINEAR,
            contract_size=Decimal(1),
            settle_currency="USDT",
            price_tick=Decimal("0.1"),
        ),
        hedged=False,
        contracts=Decimal(10),
        entry_price=Decimal("101.2345"),
        mark_price=Decimal("100.98765432"),
        isolated_margin=Decimal("101.2345"),
        leverage=Decimal(10),
        tiers=TierTable(basis=TierBasis.NOTIONAL, tiers=tiers),
        says=ExchangeSays(requirement=Decimal("7.59876543"), liquidation_price=Decimal("91.77")),
    )


def measure() -> dict[str, float | None]:
    """Of the processor's time, as the cycle is measured: the median of fifteen rounds, so that neighbours count little."""
    seen = position()
    rules = [kind() for kind in discover().values() if issubclass(kind, PositionRule) and kind.DEFAULT]

    def work() -> None:
        assessment = assess(seen)
        for rule in rules:
            rule.judge(assessment, None)

    return {"assess_and_judge_us": median(timeit.repeat(work, timer=time.process_time, number=NUMBER, repeat=15)) / NUMBER * 1e6}
