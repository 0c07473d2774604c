"""Builders of positions for the tests of the arithmetic: one call, everything that a test does not speak of has a plain value."""

from __future__ import annotations

from decimal import Decimal

from monitor.margin.position import Contract, ExchangeSays, Instrument, Position, PositionKey, Side
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable


def d(text: str | int) -> Decimal:
    return Decimal(text)


def some(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def a_table(*rows: tuple[str, str | None, str, str], basis: TierBasis = TierBasis.NOTIONAL) -> TierTable:
    """A table from rows of floor, cap, rate, deduction."""
    return TierTable(
        basis=basis,
        tiers=tuple(
            MaintenanceTier(floor=d(floor), cap=some(cap), rate=d(rate), deduction=d(deduction))
            for floor, cap, rate, deduction in rows
        ),
    )


def known(value: Decimal | None) -> Decimal:
    """A figure that must be there."""
    assert value is not None
    return value


ONE_PERCENT = a_table(("0", None, "0.01", "0"))


def a_position(
    *,
    exchange: str = "binance",
    contract: str = "linear",
    side: str = "long",
    contracts: str = "1",
    contract_size: str = "1",
    entry: str = "100",
    mark: str = "100",
    margin: str = "10",
    leverage: str | None = None,
    fee: str | None = None,
    tick: str | None = None,
    tiers: TierTable | None = ONE_PERCENT,
    says_liquidation: str | None = None,
    says_requirement: str | None = None,
    says_usage: str | None = None,
    degraded: tuple[str, ...] = (),
) -> Position:
    """A position of one unit at 100 with 10 behind it, unless told otherwise."""
    return Position(
        key=PositionKey(exchange=exchange, account="main", symbol="BTC/USDT:USDT", side=Side(side)),
        family="usdm",
        instrument=Instrument(
            symbol="BTC/USDT:USDT",
            instrument_id="BTCUSDT",
            contract=Contract(contract),
            contract_size=d(contract_size),
            settle_currency="USDT",
            price_tick=some(tick),
        ),
        hedged=False,
        contracts=d(contracts),
        entry_price=d(entry),
        mark_price=d(mark),
        isolated_margin=d(margin),
        leverage=some(leverage),
        taker_fee_rate=some(fee),
        tiers=tiers,
        says=ExchangeSays(
            liquidation_price=some(says_liquidation),
            requirement=some(says_requirement),
            margin_usage=some(says_usage),
        ),
        degraded=degraded,
    )
