"""Binance's position and balance rows into our words. Pure.

Sources (developers.binance.com, derivatives, read 2026-11-22): GET /fapi/v3/positionRisk (v2 has more fields),
/dapi/v1/positionRisk, /fapi/v3/balance, /dapi/v1/balance. Proved on recorded rows: isolatedMargin = isolatedWallet +
unRealizedProfit, to the last digit, linear and inverse.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from monitor.errors import BadQuantity, BadReading, BadReply
from monitor.exchanges import figures
from monitor.exchanges.binance.guess import guess_inverse, guess_linear, implied_entry
from monitor.exchanges.binance.terms import CurrencyCode, SymbolSetting, Tiers, is_isolated, is_true
from monitor.exchanges.shelf import UNREADABLE
from monitor.margin.position import Contract, ExchangeSays, Instrument, Position, PositionKey, Side
from monitor.margin.quantities import ONE, ZERO, dec, dec_or_none
from monitor.margin.reading import FamilyKey, Unguarded

_SIDES = {"LONG": Side.LONG, "SHORT": Side.SHORT}
_NOTHING = {None, "", "0", 0}
_NOT_ZERO = frozenset("123456789")


def open_rows(payload: Any) -> list[dict[str, Any]]:
    """The rows of a positionRisk reply that hold a position: also symbols with nothing but orders, or flat, are in it.

    Raises BadReply for anything but a list of rows with symbol and amount.
    """
    if not isinstance(payload, list):
        raise BadReply("the list of positions is missing")
    try:
        held = [row for row in payload if not _is_zero(row["positionAmt"])]
        nameless = any(not isinstance(row["symbol"], str) for row in held)
    except (KeyError, TypeError):
        raise BadReply("a position has no symbol or no amount") from None
    if nameless:
        raise BadReply("a position's symbol is not text")
    return held


def tells_no_mode(row: Mapping[str, Any]) -> bool:
    """Whether a row leaves open if it is isolated: v3 has no marginType, and a wallet of 0 does not tell."""
    return "marginType" not in row and not _has_wallet(row)


def row_isolated(row: Mapping[str, Any], setting: SymbolSetting | None) -> bool:
    """Whether a position is isolated: by its own row where that tells, else by the symbol's setting.

    Raises BadReading where nothing tells.
    """
    if "marginType" in row:
        return is_isolated(row["marginType"])
    if _has_wallet(row):
        return True
    if setting is None and "isolatedWallet" not in row and "isolatedMargin" not in row:
        raise BadReading("nothing tells whether it is isolated")
    return setting is not None and setting.isolated


def parse_position(
    row: Mapping[str, Any],
    *,
    key: FamilyKey,
    contract: Contract,
    instrument: Instrument | None,
    tiers: Tiers | None,
    setting: SymbolSetting | None,
    currency_code: CurrencyCode,
) -> Position | Unguarded:
    """One open row of positionRisk, with what is known of its symbol (None for what could not be had).

    Raises BadReading, naming the symbol, for figures that are missing or cannot be true.
    """
    try:
        amount = figures.standing_amount(row["positionAmt"])
        side = _SIDES.get(row["positionSide"]) or (Side.LONG if amount > 0 else Side.SHORT)
        if (amount > 0) is not (side is Side.LONG):
            raise BadReading(f"a {side} position of {amount}")  # noqa: TRY301 - every refusal gets the symbol's name below
        if not row_isolated(row, setting):
            symbol = _symbol_of(row, contract, instrument, currency_code)
            return Unguarded(symbol=symbol, side=side, mode="cross", instrument_id=row["symbol"])
        known = instrument or _guessed(row, contract, currency_code)
        degraded: tuple[str, ...] = tiers.marks if tiers else ("no_tiers",)
        if instrument is None:
            degraded += ("no_instrument",) if contract is Contract.LINEAR else ("contract_size_inferred",)
        return _position(
            row, key=key, instrument=known, tiers=tiers, setting=setting, amount=amount, side=side, degraded=degraded
        )
    except KeyError as error:
        raise BadReading(f"{row['symbol']}: {error.args[0]} is missing") from error
    except (BadQuantity, BadReading) as error:
        raise BadReading(f"{row['symbol']}: {error.message}") from error


def _position(
    row: Mapping[str, Any],
    *,
    key: FamilyKey,
    instrument: Instrument,
    tiers: Tiers | None,
    setting: SymbolSetting | None,
    amount: Decimal,
    side: Side,
    degraded: tuple[str, ...],
) -> Position:
    """An isolated row. Raises BadReading, BadQuantity or KeyError."""
    equity = dec_or_none(row.get("isolatedMargin"))
    wallet = row.get("isolatedWallet")
    if wallet is None or wallet == "":
        wallet = str(dec(row["isolatedMargin"]) - dec(row["unRealizedProfit"]))
    leverage = _leverage(row, setting)
    if leverage is None:
        leverage = _implied_leverage(row)
        degraded += ("no_leverage",) if leverage is None else ("leverage_inferred",)
    entry, mark = row["entryPrice"], figures.price(row["markPrice"])
    if _is_zero(entry):
        entry_price = implied_entry(row, instrument, mark=mark, amount=amount)
        degraded += ("entry_inferred",)
    else:
        entry_price = figures.standing_price(entry)
    updated = row.get("updateTime")
    return Position(
        key=_position_key(key.exchange, key.account, instrument.symbol, side is Side.LONG),
        family=key.family,
        instrument=instrument,
        hedged=row["positionSide"] in _SIDES,
        contracts=abs(amount),
        entry_price=entry_price,
        mark_price=mark,
        isolated_margin=figures.standing_amount(wallet),
        leverage=leverage,
        tiers=tiers.table if tiers else None,
        says=_says(row, equity),
        changed="" if updated in _NOTHING else str(updated),
        exchange_adds_margin=_adds_margin(row, setting),
        degraded=degraded,
    )


@functools.lru_cache(maxsize=4096)
def _position_key(exchange: str, account: str, symbol: str, is_long: bool) -> PositionKey:  # noqa: FBT001 - for the cache
    """The same key object for every poll of a position."""
    return PositionKey(exchange=exchange, account=account, symbol=symbol, side=Side.LONG if is_long else Side.SHORT)


def _says(row: Mapping[str, Any], equity: Decimal | None) -> ExchangeSays:
    """Binance's own figures; it calls requirement / isolatedMargin the margin ratio. A price of 0 is none."""
    price = dec_or_none(row.get("liquidationPrice"))
    requirement = dec_or_none(row.get("maintMargin"))
    known = requirement if requirement is not None and requirement > ZERO else None
    usage = known / equity if known is not None and equity is not None and equity > ZERO else None
    return ExchangeSays(price if price is not None and price > ZERO else None, known, usage)


def _leverage(row: Mapping[str, Any], setting: SymbolSetting | None) -> Decimal | None:
    """The leverage setting: the row's own (v2, dapi), else symbolConfig's."""
    own = dec_or_none(row.get("leverage"))
    if own is not None and own > 0:
        return own
    return setting.leverage if setting is not None and setting.leverage > 0 else None


def _implied_leverage(row: Mapping[str, Any]) -> Decimal | None:
    """The leverage behind positionInitialMargin, which is the notional at the mark divided by it."""
    notional, margin = dec_or_none(row.get("notional")), dec_or_none(row.get("positionInitialMargin"))
    if not notional or margin is None or margin <= 0:
        return None
    return max(ONE, abs(notional / margin).quantize(ONE, rounding=ROUND_HALF_EVEN))


def leverage_moved(row: Mapping[str, Any], setting: SymbolSetting | None) -> bool:
    """Whether a row without a leverage of its own (v3) was margined at another one than the setting read last says.

    UNVERIFIED that positionInitialMargin is the notional at the mark divided by the leverage for every symbol (Position
    Information V3, read 2026-11-22): a setting that was just read counts, whatever the row says.
    """
    if setting is None or row.get("leverage"):
        return False
    try:
        implied = _implied_leverage(row)
    except (BadQuantity, *UNREADABLE):
        return False  # told when the row is parsed
    return implied is not None and implied != setting.leverage


def _adds_margin(row: Mapping[str, Any], setting: SymbolSetting | None) -> bool:
    """Whether Binance tops the position up by itself."""
    if "isAutoAddMargin" in row:
        return is_true(row["isAutoAddMargin"])
    return setting is not None and setting.adds_margin


def _symbol_of(row: Mapping[str, Any], contract: Contract, instrument: Instrument | None, currency_code: CurrencyCode) -> str:
    """The unified symbol of a row of which nothing else is needed; Binance's own where no other can be told."""
    try:
        return (instrument or _guessed(row, contract, currency_code)).symbol
    except (BadQuantity, BadReading, KeyError):
        return str(row["symbol"])


def _guessed(row: Mapping[str, Any], contract: Contract, currency_code: CurrencyCode) -> Instrument:
    """The instrument by the row alone."""
    return (guess_linear if contract is Contract.LINEAR else guess_inverse)(row, currency_code)


def _has_wallet(row: Mapping[str, Any]) -> bool:
    """Whether isolatedWallet or isolatedMargin is not zero, which only an isolated position's are."""
    for name in ("isolatedWallet", "isolatedMargin"):
        figure = row.get(name)
        if figure not in _NOTHING and not _is_zero(figure):
            return True
    return False


def _is_zero(figure: Any) -> bool:
    """Whether a figure is 0, told from its text because every row of every poll is asked; what is no number is not 0."""
    text = str(figure)
    if text[:1] in _NOT_ZERO:
        return False
    digits = text.strip("-0.")
    return "0" in text and (not digits or digits[0] in "eE")


def parse_free(payload: Any, currency_code: CurrencyCode) -> dict[str, Decimal]:
    """What is available by currency in a balance reply. Raises BadReply for another shape, BadQuantity for no number."""
    if not isinstance(payload, list):
        raise BadReply("the list of balances is missing")
    return {currency_code(row["asset"]): max(ZERO, dec(row["availableBalance"])) for row in payload}


def parse_held(payload: Any, currency_code: CurrencyCode) -> dict[str, Decimal]:
    """What lies in isolated wallets by currency: ``balance`` (the whole wallet) less ``crossWalletBalance``.

    Rows without these figures are left out. Source: fapi/v3/balance, dapi/v1/balance.
    """
    rows = [row for row in payload if {"asset", "balance", "crossWalletBalance"} <= row.keys()]
    return {currency_code(row["asset"]): dec(row["balance"]) - dec(row["crossWalletBalance"]) for row in rows}
