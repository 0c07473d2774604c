"""Numbers: the only place where text becomes a Decimal, and the only place where one becomes text again.

Everything inside margincall is ``decimal.Decimal`` in the default 28-digit context. A float never enters: it would carry
the error of its binary form into money.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from monitor.errors import BadQuantity

ZERO = Decimal(0)
ONE = Decimal(1)


def dec(text: str | int) -> Decimal:
    """The exact decimal value of ``text``.

    Accepts what exchanges send: digits with an optional sign, point and exponent, or an int. Raises BadQuantity for float,
    bool, empty text, NaN, infinity and anything else.
    """
    if type(text) is str or type(text) is int:
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise BadQuantity(f"not a number: {_shown(text)}") from None
        if value.is_finite():
            return value
    raise BadQuantity(f"not a finite number: {_shown(text)}")


def dec_or_none(text: str | int | None) -> Decimal | None:
    """``None`` where an exchange leaves a figure out (missing or ``""``), else ``dec(text)``; raises BadQuantity."""
    if text is None or text == "":
        return None
    return dec(text)


def plain(value: Decimal) -> str:
    """``value`` as text without exponent and without needless zeros behind the point; exact."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def plain_or_none(value: Decimal | None) -> str | None:
    """``plain(value)``, ``None`` staying ``None``."""
    return None if value is None else plain(value)


def _shown(text: object) -> str:
    """A short form of a foreign value for an error message."""
    shown = repr(text)
    return shown if len(shown) <= 40 else shown[:37] + "..."
