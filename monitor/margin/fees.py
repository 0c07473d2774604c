"""What each exchange adds to the maintenance tier, and where its liquidation price stands (all read 2026-11-22).

- Binance: nothing. FAQ b3c689c1f50a44cabb3a84e663b81d93 (USD-M), ceccfcfb4e3a45e3b48b0b1bb1a8ae46 (COIN-M).
- OKX: its liquidation fee, the account's own taker rate, on the whole value; and its ``liqPx`` stands one tick nearer to
  the mark than the price at which its ratio is 1 (docs-v5 "Get positions"; true of ten real positions out of ten).
- Bybit: a reserve for the fee of closing at the bankruptcy price, which is fixed at entry: F = entry value x (1 -/+ 1/leverage)
  x f, minus where the owner gains when value rises. ``positionIM`` = entry value / leverage + F + A; the added margin A moves
  the bankruptcy price and with it the reserve: F - A f/(1-f) where the owner gains when value rises, F + A f/(1+f) where he
  gains when it falls. Equity = requirement then gives exactly the published liquidation prices (help centre, "The New Margin
  Calculation" 2025-09-18 and "Liquidation Price Calculation under Isolated Mode (UTA)" 2026-05-27).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.margin.exposure import Exposure
from monitor.margin.position import Position
from monitor.margin.quantities import ONE, ZERO
from monitor.margin.tiers import MaintenanceTier

FEE_INFERRED = "fee_inferred"
"""Degraded: a fee term was taken from the exchange's own requirement."""
FEE_ASSUMED = "fee_assumed"
"""Degraded: a fee term is not known at all; OKX's regular taker rate, or no reserve on Bybit, stands in."""

_OKX_REGULAR_FEE = Decimal("0.0005")


class FeeTerms(NamedTuple):
    """What an exchange adds to the tier: ``extra_rate`` on the value, and a ``reserve`` (settle currency).

    ``slope``: change of the reserve per unit of added margin. ``slack``: how far the exchange's own requirement may be from ours
    because it leaves that change out. ``note``: a degraded mark, or "".
    """

    extra_rate: Decimal = ZERO
    reserve: Decimal = ZERO
    slope: Decimal = ZERO
    slack: Decimal = ZERO
    note: str = ""


NO_FEES = FeeTerms()
WITH_FEES = frozenset({"bybit", "okx"})
"""The exchanges on which liquidation depends on the account's taker fee."""


def fees_of(position: Position, exposure: Exposure, tier: MaintenanceTier) -> FeeTerms:
    """The fee terms of a position, ``tier`` being the one at the mark."""
    exchange = position.key.exchange
    if exchange == "bybit":
        return _bybit_fees(position, exposure, tier)
    if exchange == "okx":
        return _okx_fees(position, exposure, tier)
    return NO_FEES


def shift_of(position: Position, exposure: Exposure) -> Decimal:
    """What the exchange adds to the price at which headroom is 0 when it states a liquidation price."""
    tick = position.instrument.price_tick
    if position.key.exchange != "okx" or tick is None:
        return ZERO
    return tick if exposure.long else -tick


def _bybit_fees(position: Position, exposure: Exposure, tier: MaintenanceTier) -> FeeTerms:
    """The reserve for the close fee, with what added margin changes of it; else what the exchange's requirement leaves for it."""
    fee = position.taker_fee_rate
    if fee is None or not position.leverage:
        stated = position.says.requirement
        if not stated:
            return FeeTerms(note=FEE_ASSUMED)
        bare = exposure.value * tier.rate - tier.deduction
        return FeeTerms(reserve=max(stated - bare, ZERO), note=FEE_INFERRED)
    committed = exposure.entry_value / position.leverage
    if exposure.rising:
        reserve = (exposure.entry_value - committed) * fee
        slope = -fee / (ONE - fee)
    else:
        reserve = (exposure.entry_value + committed) * fee
        slope = fee / (ONE + fee)
    added = exposure.margin - committed - reserve
    return FeeTerms(ZERO, reserve + added * slope, slope, abs(added) * fee)


def _okx_fees(position: Position, exposure: Exposure, tier: MaintenanceTier) -> FeeTerms:
    """The liquidation fee rate; where the account's rate is not known, the exchange's requirement tells it."""
    fee = position.taker_fee_rate
    if fee is not None:
        return FeeTerms(fee)
    stated = position.says.requirement
    if stated:
        fee = stated / exposure.value - tier.rate
        if fee > 0:
            return FeeTerms(fee, note=FEE_INFERRED)
    return FeeTerms(_OKX_REGULAR_FEE, note=FEE_ASSUMED)
