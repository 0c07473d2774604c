"""Binance's replies that change rarely: instruments, maintenance tiers, the settings of each symbol. Pure.

Sources (developers.binance.com, derivatives, read 2026-11-22): GET /fapi/v1/exchangeInfo, /dapi/v1/exchangeInfo,
/fapi/v1/leverageBracket, /dapi/v2/leverageBracket, /fapi/v1/symbolConfig.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from monitor.errors import BadQuantity, BadReading, BadReply
from monitor.margin.position import Contract, Instrument
from monitor.margin.quantities import ONE, ZERO, dec
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

NEVER_DELIVERED = 4133404800000
"""The delivery date (milliseconds) of a contract that has none."""

CurrencyCode = Callable[[str], str]

_EVEN = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """A symbol's table; ``marks`` says what was not as it should be (``tiers_rebuilt``, ``tiers_uneven``)."""

    table: TierTable
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSetting:
    """The owner's settings of one symbol: margin mode, leverage, and whether Binance adds margin by itself."""

    isolated: bool
    leverage: Decimal
    adds_margin: bool


def unified_symbol(base: str, quote: str, settle: str, delivery_ms: int | None) -> str:
    """The symbol as ccxt builds it: ``BTC/USDT:USDT``, ``BTC/USD:BTC``, with a delivery date ``BTC/USDT:USDT-250627``."""
    symbol = f"{base}/{quote}:{settle}"
    if delivery_ms is None:
        return symbol
    return f"{symbol}-{datetime.fromtimestamp(delivery_ms / 1000, UTC):%y%m%d}"


def parse_instruments(payload: Any, currency_code: CurrencyCode) -> dict[str, Instrument]:
    """The instruments of an exchangeInfo reply by Binance's symbol; a row that cannot be read is left out.

    A linear contract is one unit of its base; an inverse one names its ``contractSize`` in quote currency. Raises BadReply
    for a reply without a list of symbols.
    """
    rows = payload.get("symbols") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        raise BadReply("the list of instruments is missing")
    instruments: dict[str, Instrument] = {}
    for row in rows:
        try:
            instrument = _instrument(row, currency_code)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            continue
        instruments[instrument.instrument_id] = instrument
    return instruments


def _instrument(row: dict[str, Any], currency_code: CurrencyCode) -> Instrument:
    """One row of exchangeInfo."""
    base, quote, settle = (currency_code(row[name]) for name in ("baseAsset", "quoteAsset", "marginAsset"))
    delivery = int(row.get("deliveryDate") or NEVER_DELIVERED)
    perpetual = row.get("contractType") == "PERPETUAL" or delivery == NEVER_DELIVERED
    ticks = [entry.get("tickSize") for entry in row.get("filters", ()) if entry.get("filterType") == "PRICE_FILTER"]
    tick = dec(ticks[0]) if ticks and ticks[0] else ZERO
    return Instrument(
        symbol=unified_symbol(base, quote, settle, None if perpetual else delivery),
        instrument_id=str(row["symbol"]),
        contract=Contract.LINEAR if settle == quote else Contract.INVERSE,
        contract_size=ONE if settle == quote else dec(row["contractSize"]),
        settle_currency=settle,
        price_tick=tick if tick > 0 else None,
    )


def parse_tiers(payload: Any, basis: TierBasis) -> dict[str, Tiers]:
    """The tables of a leverageBracket reply by symbol: a list, or the bare object of one symbol.

    ``basis`` NOTIONAL reads fapi's ``notionalFloor`` and ``notionalCap``, BASE dapi's quantities of base coin. The brackets are
    already those of this account: ``notionalCoef`` is not multiplied again. A table that cannot be true (a missing floor, a
    gap) is left out, so that its positions count as without tiers. Raises BadReply for a reply of another shape.
    """
    rows = [payload] if isinstance(payload, dict) and "brackets" in payload else payload
    if not isinstance(rows, list):
        raise BadReply("the list of maintenance tiers is missing")
    tables: dict[str, Tiers] = {}
    for row in rows:
        try:
            tables[str(row["symbol"])] = _tiers(row["brackets"], basis)
        except (BadReading, BadQuantity, KeyError, TypeError, AttributeError):
            continue
    return tables


def _tiers(brackets: list[Mapping[str, Any]], basis: TierBasis) -> Tiers:
    """One symbol's table. Its deductions must follow from its rates: cum(n) = floor(n) * (rate(n) - rate(n-1)) + cum(n-1)."""
    rows = sorted(((_floor(row, basis), row) for row in brackets), key=lambda pair: pair[0])
    tiers: list[MaintenanceTier] = []
    marks: set[str] = set()
    for floor, row in rows:
        rate = dec(row["maintMarginRatio"])
        expected = tiers[-1].deduction + floor * (rate - tiers[-1].rate) if tiers else ZERO
        given = row.get("cum")
        if given is None:
            if not tiers and floor != 0:
                raise BadReading("a table of maintenance tiers begins above zero without its deduction")
            marks.add("tiers_rebuilt")
            deduction = expected
        else:
            deduction = dec(given)
            if tiers and abs(deduction - expected) > _EVEN * max(expected, ONE):
                marks.add("tiers_uneven")
        cap = dec(row["notionalCap" if basis is TierBasis.NOTIONAL else "qtyCap"])
        tiers.append(MaintenanceTier(floor=floor, cap=cap, rate=rate, deduction=deduction))
    return Tiers(table=TierTable(basis=basis, tiers=tuple(tiers)), marks=tuple(sorted(marks)))


def _floor(row: Mapping[str, Any], basis: TierBasis) -> Decimal:
    """A bracket's floor; dapi's is ``qtyFloor`` in replies and ``qtylFloor`` in the documents. Raises KeyError where missing."""
    if basis is TierBasis.NOTIONAL:
        return dec(row["notionalFloor"])
    return dec(row["qtyFloor"] if "qtyFloor" in row else row["qtylFloor"])


def parse_settings(payload: Any) -> dict[str, SymbolSetting]:
    """The settings in a symbolConfig reply by symbol; a row that cannot be read is left out. Raises BadReply without a list."""
    if not isinstance(payload, list):
        raise BadReply("the list of symbol settings is missing")
    settings: dict[str, SymbolSetting] = {}
    for row in payload:
        try:
            settings[str(row["symbol"])] = SymbolSetting(
                isolated=is_isolated(row["marginType"]),
                leverage=dec(row["leverage"]),
                adds_margin=is_true(row["isAutoAddMargin"]),
            )
        except (BadQuantity, KeyError, TypeError, AttributeError):
            continue
    return settings


def is_isolated(margin_type: str) -> bool:
    """Whether a marginType (``isolated``, ``cross``; in symbolConfig ``ISOLATED``, ``CROSSED``) is isolated."""
    return margin_type.lower() == "isolated"


def is_true(flag: Any) -> bool:
    """Binance's flags come as JSON booleans or as ``"true"``."""
    return flag is True or flag == "true"
