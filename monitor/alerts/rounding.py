"""Numbers for people: rounded so that nothing ever looks safer than it is.

This is one of the three places where rounding happens (the others: amounts sent, metrics). What is good when large (cushion,
distance, equity, free balance) is rounded down; what is good when small (usage, requirement, margin to add) is rounded up.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from monitor.margin.position import Position, Side
from monitor.margin.quantities import plain

DOLLARS = {"USDT", "USDC", "USD", "BUSD", "FDUSD", "USDE", "BFUSD"}
CENT = Decimal("0.01")
COIN = Decimal("0.000001")
SIGNIFICANT = 6


def share_down(value: Decimal) -> str:
    """``0.0834`` as ``8.3 %``: never more than it is."""
    return _share(value, ROUND_FLOOR)


def share_up(value: Decimal) -> str:
    """``0.0834`` as ``8.4 %``: never less than it is."""
    return _share(value, ROUND_CEILING)


def line_share(value: Decimal) -> str:
    """A line as it is configured: ``0.6`` as ``60 %``; a computed one (a multiple of a rate) to a hundredth of a percent."""
    percent = value * 100
    shown = percent.normalize() if percent == round(percent, 4) else round(percent, 2)
    return f"{_thousands(shown)} %"


def money_down(value: Decimal, currency: str) -> str:
    """An amount that is good when large, with its currency."""
    return _money(value, currency, ROUND_FLOOR)


def money_up(value: Decimal, currency: str) -> str:
    """An amount that is good when small, with its currency."""
    return _money(value, currency, ROUND_CEILING)


def digits(value: Decimal) -> str:
    """A figure exactly as it is, with a comma every three digits before the point."""
    whole, point, rest = plain(value).partition(".")
    return f"{_thousands(Decimal(whole))}{point}{rest}"


def mark_price(position: Position) -> str:
    """The mark price, to the tick where it is known; rounded towards liquidation."""
    return _price(position.mark_price, position, ROUND_FLOOR if position.key.side is Side.LONG else ROUND_CEILING)


def liquidation_price(price: Decimal, position: Position) -> str:
    """A liquidation price, rounded to the side on which it comes earlier."""
    return _price(price, position, ROUND_CEILING if position.key.side is Side.LONG else ROUND_FLOOR)


def stop_price(price: Decimal, position: Position) -> str:
    """The trigger price of a stop, rounded to the side on which it comes later."""
    return _price(price, position, ROUND_FLOOR if position.key.side is Side.LONG else ROUND_CEILING)


def span(duration: timedelta) -> str:
    """A duration in sensible units: ``4 s``, ``12 min``, ``3 h 20 min``, ``2 days 5 h``."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    hours, minutes = divmod(seconds // 60, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"


def _share(value: Decimal, rounding: str) -> str:
    percent = value * 100
    step = Decimal("0.1") if abs(percent) < 10 else Decimal(1)
    return f"{_thousands(percent.quantize(step, rounding=rounding))} %"


def _money(value: Decimal, currency: str, rounding: str) -> str:
    step = CENT if currency in DOLLARS else COIN
    return f"{_thousands(value.quantize(step, rounding=rounding))} {currency}"


def _price(price: Decimal, position: Position, rounding: str) -> str:
    """To the tick, or to six digits where that is finer: a price is never rounded away."""
    tick = position.instrument.price_tick
    finest = Decimal(1).scaleb(price.adjusted() - SIGNIFICANT + 1)
    step = finest if tick is None or tick <= 0 else min(tick, finest)
    return _thousands(((price / step).to_integral_value(rounding=rounding) * step).normalize())


def _thousands(value: Decimal) -> str:
    """Plain digits with a comma every three before the point."""
    return f"{value:,f}"
