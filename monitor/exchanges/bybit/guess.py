"""An instrument's name from Bybit's symbol alone, for the minutes in which the list of instruments cannot be had.

The patterns are those of Bybit's own symbols (read 2026-11-22): ``BTCUSDT``, ``BTCPERP`` (USDC), ``BTC-27DEC24`` (USDC),
``BTCUSDT-27DEC24``, ``BTCUSD`` and ``BTCUSDZ24`` (inverse; dated ones end on the last Friday of the letter's month). A guess
keeps a position's identity the same over such minutes, so that it is neither "closed" nor "new".
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from monitor.exchanges.bybit.terms import unified_symbol
from monitor.margin.position import Contract, Instrument
from monitor.margin.quantities import ONE

_DATED = re.compile(r"^(?P<pair>[A-Z0-9]+)-(?P<day>\d{1,2}[A-Z]{3}\d{2})$")
_INVERSE_DATED = re.compile(r"^(?P<base>[A-Z0-9]+)USD(?P<letter>[FGHJKMNQUVXZ])(?P<year>\d{2})$")
_MONTH_LETTERS = "FGHJKMNQUVXZ"
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def guess_instrument(symbol: str, family: str) -> Instrument:
    """The instrument that ``symbol`` most likely is, within ``family`` (``usdt``, ``usdc`` or ``inverse``)."""
    if family == "inverse":
        dated = _INVERSE_DATED.match(symbol)
        base = dated["base"] if dated else symbol.removesuffix("USD")
        delivery = _last_friday(2000 + int(dated["year"]), _MONTH_LETTERS.index(dated["letter"]) + 1) if dated else 0
        return _instrument(symbol, base, "USD", base, delivery)
    coin = family.upper()
    dated = _DATED.match(symbol)
    pair = dated["pair"] if dated else symbol
    base = pair.removesuffix("PERP").removesuffix(coin) or pair
    return _instrument(symbol, base, coin, coin, _day(dated["day"]) if dated else 0)


def _instrument(symbol: str, base: str, quote: str, settle: str, delivery_ms: int) -> Instrument:
    return Instrument(
        symbol=unified_symbol(base, quote, settle, delivery_ms),
        instrument_id=symbol,
        contract=Contract.LINEAR if settle == quote else Contract.INVERSE,
        contract_size=ONE,
        settle_currency=settle,
    )


def _day(text: str) -> int:
    month = text[-5:-2]
    if month not in _MONTHS:
        return 0
    return _ms(2000 + int(text[-2:]), _MONTHS.index(month) + 1, int(text[:-5]))


def _last_friday(year: int, month: int) -> int:
    last = datetime(year, month, calendar.monthrange(year, month)[1], tzinfo=UTC)
    back = (last.weekday() - calendar.FRIDAY) % 7
    return int((last - timedelta(days=back)).timestamp() * 1000)


def _ms(year: int, month: int, day: int) -> int:
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return 0
