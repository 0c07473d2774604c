"""Symbols as people type them, in the form that messages show, and as they are kept."""

from __future__ import annotations


def unified(typed: str) -> str:
    """The kept form of what messages and `positions` shorten: ``BTC/USDT`` is ``BTC/USDT:USDT``, ``BTC/USD`` is ``BTC/USD:BTC``.

    An expiry moves to the end: ``BTC/USDT-261225`` is ``BTC/USDT:USDT-261225``. Anything else, a pattern too, stays as it is.
    """
    base, slash, quote = typed.partition("/")
    if not slash or not quote or set(typed) & set(":*?"):
        return typed
    coin, dash, expiry = quote.partition("-")
    return f"{base}/{coin}:{base if coin == 'USD' else coin}{dash}{expiry}"
