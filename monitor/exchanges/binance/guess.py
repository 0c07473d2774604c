"""What a position's own row tells of its instrument, for when Binance's list of instruments could not be had. Pure.

The symbol must come out as from the list: a position's identity may not depend on which of the two was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from monitor.errors import BadReading
from monitor.exchanges.binance.terms import CurrencyCode, unified_symbol
from monitor.margin.position import Contract, Instrument
from monitor.margin.quantities import ONE, ZERO, dec, dec_or_none

_LINEAR_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD1", "BNFCR", "BTC", "ETH", "USD")
_BTC_DOLLARS, _DOLLARS = Decimal(100), Decimal(10)
_NEARLY = Decimal("0.01")
_DATED = re.compile(r"_(\d{6})$")


def guess_linear(row: Mapping[str, Any], currency_code: CurrencyCode) -> Instrument:
    """The instrument of a USD-M row. Raises BadReading where even its currencies cannot be told."""
    name, delivery = _parted(str(row["symbol"]))
    margin_asset = row.get("marginAsset")
    quotes = (str(margin_asset), *_LINEAR_QUOTES) if margin_asset else _LINEAR_QUOTES
    for quote in quotes:
        if name.endswith(quote) and name != quote:
            base, settle = currency_code(name.removesuffix(quote)), currency_code(quote)
            return Instrument(
                symbol=unified_symbol(base, settle, settle, delivery),
                instrument_id=str(row["symbol"]),
                contract=Contract.LINEAR,
                contract_size=ONE,
                settle_currency=settle,
            )
    raise BadReading(f"{row['symbol']} is not in the list of instruments, and its name does not tell its currencies")


def guess_inverse(row: Mapping[str, Any], currency_code: CurrencyCode) -> Instrument:
    """The instrument of a COIN-M row; its contract size follows from its notional: n * mark / contracts.

    In a row without one (the documented example) it follows from the profit, else it is the usual one: 100 dollars for BTC, 10
    for other coins (FAQ a4470430e3164c13932be8967961aede, read 2026-11-22). Raises BadReading or BadQuantity where it cannot be
    told.
    """
    name, delivery = _parted(str(row["symbol"]).removesuffix("_PERP"))
    notional, contracts = dec_or_none(row.get("notionalValue")), dec(row["positionAmt"])
    if not name.endswith("USD") or name == "USD" or not contracts:
        raise BadReading(f"{row['symbol']} is not in the list of instruments, and its contract size cannot be told")
    if notional:
        size = abs(notional * dec(row["markPrice"]) / contracts).quantize(ONE, rounding=ROUND_HALF_EVEN)
    else:
        size = _size_by_profit(row, contracts) or (_BTC_DOLLARS if name == "BTCUSD" else _DOLLARS)
    if size < 1:
        raise BadReading(f"{row['symbol']} is not in the list of instruments, and its contract size comes out as nothing")
    base = currency_code(name.removesuffix("USD"))
    return Instrument(
        symbol=unified_symbol(base, currency_code("USD"), base, delivery),
        instrument_id=str(row["symbol"]),
        contract=Contract.INVERSE,
        contract_size=size,
        settle_currency=base,
    )


def _size_by_profit(row: Mapping[str, Any], contracts: Decimal) -> Decimal | None:
    """The size behind the row's profit, where that comes near a whole number of dollars: a small profit tells nothing."""
    entry, mark, profit = dec_or_none(row.get("entryPrice")), dec(row["markPrice"]), dec_or_none(row.get("unRealizedProfit"))
    if not entry or not mark or not profit or entry == mark:
        return None
    size = profit / (contracts * (1 / entry - 1 / mark))
    whole = size.quantize(ONE, rounding=ROUND_HALF_EVEN)
    return whole if whole >= 1 and abs(whole - size) <= _NEARLY * size else None


def _parted(name: str) -> tuple[str, int | None]:
    """A symbol without its delivery date, and that date in milliseconds (``BTCUSDT_250627``)."""
    dated = _DATED.search(name)
    if dated is None:
        return name, None
    day = datetime.strptime(dated[1], "%y%m%d").replace(tzinfo=UTC)
    return name[: dated.start()], int(day.timestamp() * 1000)


def implied_entry(row: Mapping[str, Any], instrument: Instrument, *, mark: Decimal, amount: Decimal) -> Decimal:
    """The entry price behind the row's profit, for a row whose entryPrice is 0 (the documented hedge example has one).

    Linear: profit = amount x (mark - entry). Inverse: profit = amount x size x (1/entry - 1/mark). Raises BadReading where the
    profit does not lead to a price, KeyError where it is missing, BadQuantity where it is no number.
    """
    profit = dec(row["unRealizedProfit"])
    quantity = amount * instrument.contract_size
    if instrument.contract is Contract.LINEAR:
        entry = mark - profit / quantity
    else:
        inverse = 1 / mark + profit / quantity
        entry = 1 / inverse if inverse > 0 else ZERO
    if entry <= 0:
        raise BadReading("an entry price of 0 cannot be true, and its profit leads to no other")
    return entry
