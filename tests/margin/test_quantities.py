from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.errors import BadQuantity
from monitor.margin.quantities import dec, dec_or_none, plain, plain_or_none


@pytest.mark.parametrize("text", ["1.50", "-3", ".5", "1e-8", 7])
def test_dec_is_exact_when_the_text_is_a_number(text):
    assert dec(text) == Decimal(text)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "-Infinity", "1,5", "x" * 100, 1.5, True, None, b"1"])
def test_dec_refuses_when_the_text_is_no_finite_number(text: Any):
    with pytest.raises(BadQuantity, match="not a") as caught:
        dec(text)
    assert len(caught.value.message) < 80


def test_dec_or_none_is_none_when_the_exchange_left_the_figure_out():
    assert dec_or_none("") is None
    assert dec_or_none(None) is None
    assert dec_or_none("0.10") == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1E+3", "1000"), ("1E-10", "0.0000000001"), ("1.500", "1.5"), ("100", "100"), ("-0.00", "0"), ("-0", "0"), ("0E-20", "0")],
)
def test_plain_has_no_exponent_when_the_number_is_any_size(text, shown):
    assert plain(Decimal(text)) == shown
    assert plain_or_none(Decimal(text)) == shown


def test_plain_or_none_stays_none_when_there_is_no_figure():
    assert plain_or_none(None) is None
