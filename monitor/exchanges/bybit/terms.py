"""What Bybit says of a contract beside the position itself: instruments, maintenance tiers, fees, free balance. Pure.

Sources: bybit-exchange/docs v5/market/instrument.mdx, v5/market/risk-limit.mdx, v5/account/fee-rate.mdx and
v5/account/wallet-balance.mdx; the deduction rule from the announcement "margin parameters". Read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from monitor.errors import BadQuantity, BadReading
from monitor.margin.position import Contract, Instrument, PositionKey
from monitor.margin.quantities import ONE, ZERO, dec, dec_or_none
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

TAKER_FEE_RATE = Decimal("0.00055")
"""The public taker rate of the lowest fee level for derivatives, where the account's own cannot be had."""

UNREADABLE = (BadQuantity, BadReading, KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
_UNIFIED_NAMES = {"XBT": "BTC", "BCHSV": "BSV"}
_PERCENT = Decimal(100)
_ROUNDING = Decimal("1e-6")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that is known of one symbol; ``degraded`` names what had to be guessed or is missing."""

    instrument: Instrument
    long_key: PositionKey
    short_key: PositionKey
    tiers: TierTable | None
    taker_fee_rate: Decimal
    highest_price: Decimal | None = None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One row of instruments-info: the instrument and the highest price that can be quoted."""

    instrument: Instrument
    highest_price: Decimal | None


def parse_instruments(rows: Iterable[Mapping[str, Any]], category: str) -> dict[str, Listing]:
    """The instruments of one ``category`` by Bybit's symbol; a row that cannot be read is left out."""
    listings: dict[str, Listing] = {}
    for row in rows:
        try:
            listing = _listing(row, category)
        except UNREADABLE:
            continue
        listings[listing.instrument.instrument_id] = listing
    return listings


def parse_tiers(rows: Iterable[Mapping[str, Any]], *, symbol: str, category: str) -> tuple[TierTable, bool]:
    """The ladder of ``symbol`` from risk-limit rows, and whether its deductions had to be rebuilt.

    Limits count settle currency (linear) or base coin (inverse); a value on a limit is inside it. Rates come as shares or as
    percents: initial margin x highest leverage tells which. ``deduction(n) = deduction(n-1) + limit(n-1) x (rate(n) -
    rate(n-1))``; where the reply leaves deductions out, or they contradict this rule, they are rebuilt from it. Raises
    BadReading for a ladder that cannot be true.
    """
    try:
        steps = sorted(
            (
                (dec(row["riskLimitValue"]), _rate(row), dec_or_none(row.get("mmDeduction")))
                for row in rows
                if row["symbol"] == symbol
            ),
            key=lambda step: step[0],
        )
    except UNREADABLE as error:
        raise BadReading(f"Bybit's risk limits of {symbol} cannot be read") from error
    tiers: list[MaintenanceTier] = []
    rebuilt = False
    for limit, rate, given in steps:
        below = tiers[-1] if tiers else None
        floor = ZERO if below is None or below.cap is None else below.cap
        expected = ZERO if below is None else below.deduction + floor * (rate - below.rate)
        deduction = expected
        if given is None:
            rebuilt = rebuilt or below is not None
        elif abs(given - expected) <= _ROUNDING * max(limit * rate, ONE):
            deduction = given
        else:
            rebuilt = True
        tiers.append(MaintenanceTier(floor=floor, cap=limit, rate=rate, deduction=deduction))
    basis = TierBasis.BASE if category == "inverse" else TierBasis.NOTIONAL
    return TierTable(basis=basis, tiers=tuple(tiers)), rebuilt


def parse_fee_rates(rows: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """The account's taker rate by symbol, from ``/v5/account/fee-rate``; rows without a rate are left out."""
    rates: dict[str, Decimal] = {}
    for row in rows:
        try:
            rate = dec(row["takerFeeRate"])
        except UNREADABLE:
            continue
        if 0 <= rate < 1:
            rates[row.get("symbol") or ""] = rate
    return rates


def parse_free(accounts: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What can still be put behind positions, by coin, from ``/v5/account/wallet-balance`` of the unified account.

    Wallet balance less what positions and orders hold, what is locked, the bonus, and borrowed coins (which the wallet balance
    includes since 2025-09-16). Each coin stands for itself in isolated mode.
    """
    free: dict[str, Decimal] = {}
    for account in accounts:
        for coin in account.get("coin") or ():
            try:
                left = dec(coin["walletBalance"] or 0)
                for held in ("totalPositionIM", "totalOrderIM", "locked", "bonus", "spotBorrow"):
                    left -= dec(coin.get(held) or 0)
                free[_unified(coin["coin"])] = max(left, ZERO)
            except UNREADABLE:
                continue
    return free


def parse_held(accounts: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """The margin of positions by coin: ``totalPositionIM`` of ``/v5/account/wallet-balance``, with the reserved closing fees."""
    held: dict[str, Decimal] = {}
    for account in accounts:
        for coin in account.get("coin") or ():
            try:
                held[_unified(coin["coin"])] = dec(coin.get("totalPositionIM") or 0)
            except UNREADABLE:
                continue
    return held


def unified_symbol(base: str, quote: str, settle: str, delivery_ms: int = 0) -> str:
    """The symbol as ccxt builds it (``fetch_future_markets``): dated contracts end in ``-YYMMDD``."""
    expiry = f"-{datetime.fromtimestamp(delivery_ms / 1000, UTC):%y%m%d}" if delivery_ms else ""
    return f"{_unified(base)}/{_unified(quote)}:{_unified(settle)}{expiry}"


def _listing(row: Mapping[str, Any], category: str) -> Listing:
    base, quote, kind = row["baseCoin"], row["quoteCoin"], row.get("contractType", "")
    linear = category == "linear"
    settle = row.get("settleCoin") or (quote if linear else base)
    if settle == "USD" and kind == "LinearPerpetual":
        settle = "USDC"
    # A perpetual's deliveryTime is the day of its delisting and no part of its name.
    delivery = 0 if kind.endswith("Perpetual") else int(row.get("deliveryTime") or 0)
    prices = row.get("priceFilter") or {}
    return Listing(
        instrument=Instrument(
            symbol=unified_symbol(base, quote, settle, delivery),
            instrument_id=row["symbol"],
            contract=Contract.LINEAR if linear else Contract.INVERSE,
            contract_size=ONE,
            settle_currency=_unified(settle),
            price_tick=dec_or_none(prices.get("tickSize")),
        ),
        highest_price=dec_or_none(prices.get("maxPrice")),
    )


def _rate(row: Mapping[str, Any]) -> Decimal:
    rate = dec(row["maintenanceMargin"])
    check = dec(row["initialMargin"]) * dec(row["maxLeverage"])
    if Decimal("0.5") <= check <= Decimal(2):
        return rate
    if Decimal(50) <= check <= Decimal(200):
        return rate / _PERCENT
    raise BadQuantity("initial margin and highest leverage do not belong together")


def _unified(coin: str) -> str:
    return _UNIFIED_NAMES.get(coin.upper(), coin.upper())
