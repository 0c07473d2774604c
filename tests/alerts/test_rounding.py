"""What a person reads, read back: never safer than the exact figure, and never far from it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.rounding import (
    digits,
    line_share,
    liquidation_price,
    mark_price,
    money_down,
    money_up,
    share_down,
    share_up,
    span,
    stop_price,
)
from monitor.margin.position import Side
from tests.builders import position

D = Decimal
shares = st.decimals(min_value=-50, max_value=1000, places=12)
money = st.decimals(min_value=-(10**9), max_value=10**12, places=10)
prices = st.builds(lambda figure, exponent: D(figure).scaleb(exponent), st.integers(1, 10**9), st.integers(-14, 4))
ticks = st.sampled_from([None, D("0.1"), D("0.01"), D("0.5"), D("0.00000001"), D("0.000001"), D(1), D(5), D(0)])
sides = st.sampled_from(Side)
coins = st.sampled_from(["USDT", "USDC", "USD", "BTC", "ETH", "SHIB"])


def read(text):
    """The number that a person reads in a text such as ``1,234.5 USDT`` or ``8.3 %``."""
    return D(text.split(" ")[0].replace(",", ""))


def of(side, tick):
    base = position(side=side)
    return replace(base, instrument=replace(base.instrument, price_tick=tick))


@given(shares)
def test_a_share_is_never_shown_better_than_it_is(share):
    down, up = read(share_down(share)) / 100, read(share_up(share)) / 100
    assert down <= share <= up
    step = D("0.001") if abs(share) < D("0.1") else D("0.01")
    assert share - down <= step
    assert up - share <= step


@given(money, coins)
def test_money_is_never_shown_better_than_it_is(amount, coin):
    down, up = money_down(amount, coin), money_up(amount, coin)
    assert read(down) <= amount <= read(up)
    step = D("0.01") if coin.startswith("USD") else D("0.000001")
    assert read(up) - read(down) <= step
    assert down.endswith(f" {coin}")


@given(prices, ticks, sides)
def test_a_price_is_never_shown_safer_than_it_is_and_keeps_six_digits(price, tick, side):
    shown_end, shown_stop = read(liquidation_price(price, of(side, tick))), read(stop_price(price, of(side, tick)))
    shown_mark = read(mark_price(replace(of(side, tick), mark_price=price)))
    if side is Side.LONG:  # safe is a low liquidation price, a high mark, a stop that comes early
        assert shown_mark <= price <= shown_end
        assert shown_stop <= price
    else:
        assert shown_end <= price <= shown_mark
        assert price <= shown_stop
    for shown in (shown_end, shown_mark, shown_stop):
        assert abs(shown - price) <= price * D("0.00001")


@given(st.decimals(min_value=0, max_value=10**12, places=8))
def test_a_figure_is_shown_exactly_when_nothing_is_to_be_rounded(value):
    assert D(digits(value).replace(",", "")) == value


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=900)))
def test_a_span_is_true_to_a_part_in_sixty(duration):
    units = {"s": 1, "min": 60, "h": 3600, "days": 86_400}
    words = span(duration).split(" ")
    shown = sum(int(number) * units[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert 0 <= duration.total_seconds() - shown < max(1, min(3600, shown / 2 + 1))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"), (0, "0 s"), (119.9, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (7260, "2 h 1 min"),
        (172_799, "47 h 59 min"), (172_800, "2 days"), (180_000, "2 days 2 h"),
    ],
)  # fmt: skip
def test_spans_are_short(seconds, shown):
    assert span(timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("price", "tick", "side", "end", "mark"),
    [
        ("0.00001304", "0.00000001", Side.LONG, "0.00001304", "0.00001304"),
        ("0.000013048765", "0.00000001", Side.LONG, "0.0000130488", "0.0000130487"),
        ("0.000013048765", "0.00000001", Side.SHORT, "0.0000130487", "0.0000130488"),
        ("90361.4457831", "0.1", Side.LONG, "90,361.5", "90,361.4"),
        ("90361.4457831", None, Side.SHORT, "90,361.4", "90,361.5"),
        ("1234567.89", "0.5", Side.LONG, "1,234,568", "1,234,567.5"),
        ("123456789.4", "1", Side.LONG, "123,456,790", "123,456,789"),
        ("3.14159265", "0.5", Side.SHORT, "3.14159", "3.1416"),
    ],
)
def test_prices_tiny_and_huge_are_readable(price, tick, side, end, mark):
    about = of(side, None if tick is None else D(tick))
    assert liquidation_price(D(price), about) == end
    assert mark_price(replace(about, mark_price=D(price))) == mark


@pytest.mark.parametrize(
    ("amount", "coin", "down", "up"),
    [
        ("1234567.891", "USDT", "1,234,567.89 USDT", "1,234,567.90 USDT"),
        ("0.00031416", "BTC", "0.000314 BTC", "0.000315 BTC"),
        ("0.0000004", "BTC", "0.000000 BTC", "0.000001 BTC"),
        ("-0.001", "USDC", "-0.01 USDC", "-0.00 USDC"),
        ("12345678.5", "DOGE", "12,345,678.500000 DOGE", "12,345,678.500000 DOGE"),
    ],
)
def test_amounts_of_dollars_have_cents_and_those_of_coins_six_places(amount, coin, down, up):
    assert money_down(D(amount), coin) == down
    assert money_up(D(amount), coin) == up


@pytest.mark.parametrize(
    ("line", "shown"),
    [("0.6", "60 %"), ("0.025", "2.5 %"), ("1", "100 %"), ("10", "1,000 %"), ("0.00123", "0.123 %"), ("0", "0 %")],
)
def test_a_configured_line_is_shown_as_it_is_written(line, shown):
    assert line_share(D(line)) == shown


def test_a_computed_line_is_shown_to_a_hundredth_of_a_percent():
    assert line_share(2 * D("0.0040617283950617")) == "0.81 %"


@pytest.mark.parametrize(
    ("share", "shown"), [("0.0834", "8.4 %"), ("0.09995", "10.0 %"), ("0.31", "31 %"), ("0.3101", "32 %"), ("27.4", "2,740 %")]
)
def test_a_share_has_a_decimal_only_below_ten_percent(share, shown):
    assert share_up(D(share)) == shown
