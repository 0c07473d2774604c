"""How values are written in the configuration: ``60%``, ``30s``, ``2x``, ``23:00``, names and paths.

Pydantic types. A bare number is always refused: 60 of what? Their messages never repeat the text that was given, except for
a short number that is handed back with its unit.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, PlainValidator
from pydantic_core import PydanticCustomError

from monitor.config.find import written_path
from monitor.config.suggest import NAME
from monitor.margin.quantities import dec, plain
from monitor.rules.base import RatioLine

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_BARE = re.compile(_NUMBER)
_PERCENT = re.compile(_NUMBER + r"\s?%")
_MULTIPLE = re.compile(_NUMBER + r"\s?x")
_DURATION = re.compile(_NUMBER + r"\s?(ms|s|m|h|d)")
_COUNT = re.compile(r"[1-9][0-9]{0,5}")
_CURRENCY = re.compile(r"[A-Z0-9]{1,20}")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST = timedelta(days=3660)


def complain(message: str) -> NoReturn:
    """Stop with ``message`` as the whole explanation at this place of the configuration."""
    raise PydanticCustomError("plain", "{message}", {"message": message})


def parse_share(value: object) -> Decimal:
    """``60%`` as 0.6; 0 to 100 %."""
    if isinstance(value, Decimal):
        return value
    text = _text(value)
    if found := _PERCENT.fullmatch(text):
        share = dec(found[1]).scaleb(-2)
        if share > 1:
            complain("a share lies between 0% and 100%")
        return share
    if bare := _BARE.fullmatch(text):
        complain(f"a share needs its %: write {_percent(dec(bare[1]))}")
    complain("must be a share such as 60%")


def parse_duration(value: object) -> timedelta:
    """``250ms``, ``30s``, ``5m``, ``1h``, ``1d``."""
    if isinstance(value, timedelta):
        return value
    text = _text(value)
    if found := _DURATION.fullmatch(text):
        duration = timedelta(microseconds=int(dec(found[1]) * _MICROSECONDS[found[2]]))
        if duration > _LONGEST:
            complain("longer than ten years")
        return duration
    if _BARE.fullmatch(text):
        complain(f"a duration needs its unit: write {text}s for seconds (or ms, m, h, d)")
    complain("must be a duration such as 30s or 5m")


def parse_time_span(value: object) -> timedelta:
    """A duration longer than nothing."""
    duration = parse_duration(value)
    if not duration:
        complain("must be longer than nothing, such as 30s or 5m")
    return duration


def parse_time_of_day(value: object) -> time:
    """``23:00`` of a 24 hour clock. (Unquoted too: here YAML 1.1 does not make 82,800 of it.)"""
    if isinstance(value, time):
        return value
    found = _TIME.fullmatch(_text(value))
    if found is None:
        complain('must be a time of day such as "23:00" (24 hour clock; midnight is "00:00")')
    return time(int(found[1]), int(found[2]))


def parse_amount(value: object) -> Decimal:
    """An amount of a currency that its key names: ``20``, ``0.001``."""
    if isinstance(value, Decimal):
        return value
    text = _text(value)
    if not _BARE.fullmatch(text) or not dec(text):
        complain("must be an amount above 0, such as 20, without the currency: that is the key")
    return dec(text)


def parse_price(value: object) -> Decimal:
    """A price: ``80000``, ``0.00001234``."""
    text = _text(value)
    if not _BARE.fullmatch(text) or not dec(text):
        complain("must be a price above 0, such as 80000")
    return dec(text)


def parse_count(value: object) -> int:
    """How many: ``5``."""
    text = _text(value)
    if not _COUNT.fullmatch(text):
        complain("must be a whole number above 0, such as 5")
    return int(text)


def parse_currency(value: object) -> str:
    """The name of a coin: ``USDT``."""
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        complain("a currency is written in capitals, such as USDT")
    return value


def parse_ratio_line(value: object) -> RatioLine:
    """``5%`` of the notional, or ``2x`` the maintenance rate."""
    if isinstance(value, RatioLine):
        return value
    text = _text(value)
    if found := _MULTIPLE.fullmatch(text):
        return RatioLine(value=dec(found[1]), multiple=True)
    if _PERCENT.fullmatch(text):
        return RatioLine(value=parse_share(text), multiple=False)
    if bare := _BARE.fullmatch(text):
        complain(f"write {_percent(dec(bare[1]))} (of the notional) or {text}x (times the maintenance rate)")
    complain("must be a share such as 5%, or a multiple of the maintenance rate such as 2x")


def parse_multiple(value: object) -> Decimal:
    """``2x``: so many times."""
    if isinstance(value, Decimal):
        return value
    text = _text(value)
    if found := _MULTIPLE.fullmatch(text):
        return dec(found[1])
    if _BARE.fullmatch(text):
        complain(f"write {text}x for so many times")
    complain("must be a multiple such as 2x")


def parse_name(value: object) -> str:
    """A name that the user gives."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        complain("a name is lower-case letters, digits and _, and begins with a letter")
    return value


def parse_path(value: object) -> Path:
    """A file's or folder's path, as written."""
    if isinstance(value, Path):
        return value
    path = written_path(value)
    if path is None:
        complain("must be a path")
    return path


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _percent(number: Decimal) -> str:
    """What a bare ``number`` was likely meant to be: 0.6 and 60 are both 60%."""
    return plain(number * 100 if number <= 1 else number) + "%"


Share = Annotated[Decimal, PlainValidator(parse_share)]
Duration = Annotated[timedelta, PlainValidator(parse_duration)]
TimeSpan = Annotated[timedelta, PlainValidator(parse_time_span)]
TimeOfDay = Annotated[time, PlainValidator(parse_time_of_day)]
Amount = Annotated[Decimal, PlainValidator(parse_amount)]
Amounts = dict[Annotated[str, BeforeValidator(parse_currency)], Amount]
"""By currency."""
Multiple = Annotated[Decimal, PlainValidator(parse_multiple)]
RatioOrMultiple = Annotated[RatioLine, PlainValidator(parse_ratio_line)]
Name = Annotated[str, BeforeValidator(parse_name)]
WrittenPath = Annotated[Path, PlainValidator(parse_path)]
