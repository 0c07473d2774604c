"""Bybit's and OKX's own terms, against the numbers that they publish."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.assessment import Assessment, assess
from tests.margin.positions import a_position, a_table, d


def bybit(*, entry: str, leverage: str, added: str, fee: str = "0.00055", side: str = "long", **given: Any) -> Assessment:
    """A Bybit position whose margin is the exchange's positionIM: entry value / leverage + F + what was added."""
    contract = given.get("contract", "linear")
    quantity = d(given.get("contracts", "1"))
    entry_value = quantity * d(entry) if contract == "linear" else quantity / d(entry)
    sign = -1 if (side == "long") == (contract == "linear") else 1
    reserve = entry_value * (1 + sign / d(leverage)) * d(fee)
    margin: Decimal = entry_value / d(leverage) + reserve + d(added)
    table = a_table(("0", None, given.pop("rate", "0.005"), "0"))
    mark = given.pop("mark", entry)
    return assess(
        a_position(
            exchange="bybit",
            side=side,
            entry=entry,
            mark=mark,
            margin=str(margin),
            leverage=leverage,
            fee=fee,
            tiers=table,
            **given,
        )
    )


def test_bybit_requirement_holds_the_close_fee_when_nothing_was_added():
    # Official example: 40,000 at 50x: 40,000 x 0.5 % + 40,000 x 0.98 x 0.055 % = 200 + 21.56
    figures = bybit(entry="40000", leverage="50", added="0").ours
    assert figures.requirement == d("221.56")
    assert figures.equity == d("821.56")


@pytest.mark.parametrize(
    ("given", "published"),
    [
        ({"entry": "40000", "leverage": "50", "added": "3000"}, "36380.2503"),
        ({"entry": "20000", "leverage": "50", "added": "0"}, "19698.4925"),
        ({"entry": "20000", "leverage": "50", "added": "3000", "side": "short"}, "23281.9412"),
        ({"entry": "20000", "leverage": "50", "added": "-200"}, "19899.6081"),
        ({"contracts": "5", "entry": "8000", "leverage": "10", "added": "0"}, "7236.1809"),
        ({"contracts": "5", "entry": "8000", "leverage": "10", "added": "4000"}, "6431.7183"),
        ({"entry": "10", "leverage": "5", "added": "0", "rate": "0.01"}, "8.0808"),
        ({"entry": "10", "leverage": "5", "added": "0", "rate": "0.01", "side": "short"}, "11.8812"),
    ],
)
def test_bybit_liquidation_price_is_the_published_one_when_margin_was_added_or_taken(given, published):
    price = bybit(**given).ours.liquidation_price
    assert price is not None
    assert abs(price - d(published)) < d("0.0001")


def test_bybit_liquidation_price_is_none_when_a_long_has_no_leverage():
    # 1x: E Q - E Q / L = 0
    assert bybit(entry="10", leverage="1", added="0", rate="0.01").ours.liquidation_price is None


def test_bybit_inverse_long_follows_the_published_formula_when_margin_was_added():
    # 200 USD at 1812.7, 12x, 0.01 ETH added, 0.5 %, f 0.06 %: Q (1 + m) / (Q/E + Q/E/L + A/(1+f))
    # = 201 / (0.110332653... + 0.009194387... + 0.009994003...) = 1551.87...
    value = d(200) / d("1812.7")
    published = d(201) / (value + value / 12 + d("0.01") / d("1.0006"))
    figures = bybit(contract="inverse", contracts="200", entry="1812.7", leverage="12", added="0.01", fee="0.0006").ours
    assert figures.liquidation_price is not None
    assert abs(figures.liquidation_price - published) < d("1e-20")
    assert d("1551.8") < published < d("1551.9")


def test_bybit_inverse_short_follows_the_published_formula_when_margin_was_added():
    # The published formula is Q (1 - m) / (Q/E - Q/E/L - A/(1-f)); 200 USD at 2,000 are 0.1 coin
    value = d(200) / d(2000)
    published = d(199) / (value - value / 10 - d("0.01") / d("0.9994"))
    figures = bybit(
        contract="inverse", side="short", contracts="200", entry="2000", leverage="10", added="0.01", fee="0.0006"
    ).ours
    assert figures.liquidation_price is not None
    assert abs(figures.liquidation_price - published) < d("1e-20")


def test_bybit_reserve_comes_from_its_own_requirement_when_the_leverage_is_not_known():
    # 100 x 1 % = 1; it says 1.05, so 0.05 is the reserve
    result = assess(a_position(exchange="bybit", fee="0.00055", says_requirement="1.05"))
    assert result.ours.requirement == d("1.05")
    assert result.degraded == ("fee_inferred",)


def test_bybit_reserve_is_not_negative_when_its_own_requirement_is_below_the_tier():
    result = assess(a_position(exchange="bybit", leverage="10", says_requirement="0.5"))
    assert result.ours.requirement == 1
    assert result.judged.requirement == 1
    assert result.diverges


def test_bybit_reserve_is_nothing_when_no_figure_tells_it():
    result = assess(a_position(exchange="bybit", leverage="10"))
    assert result.ours.requirement == 1
    assert result.degraded == ("fee_assumed",)


def test_okx_requirement_holds_the_liquidation_fee_when_the_rate_is_known():
    result = assess(a_position(exchange="okx", fee="0.0003"))
    assert result.ours.requirement == d("1.03")
    assert result.degraded == ()


def test_okx_fee_comes_from_its_own_requirement_when_the_rate_is_not_known():
    result = assess(a_position(exchange="okx", says_requirement="1.03"))
    assert result.ours.requirement == d("1.03")
    assert result.degraded == ("fee_inferred",)


@pytest.mark.parametrize("stated", [None, "0", "1", "0.9"])
def test_okx_fee_is_the_regular_one_when_nothing_tells_it(stated):
    result = assess(a_position(exchange="okx", says_requirement=stated))
    assert result.ours.requirement == d("1.05")
    assert result.degraded == ("fee_assumed",)


def test_degraded_names_a_mark_once_when_the_position_has_it_already():
    result = assess(a_position(exchange="okx", degraded=("fee_assumed", "contract_size_inferred")))
    assert result.degraded == ("fee_assumed", "contract_size_inferred")


def test_binance_requirement_is_the_tier_alone_when_a_fee_is_given():
    assert assess(a_position(fee="0.0005", leverage="10", tick="0.1")).ours.requirement == 1
