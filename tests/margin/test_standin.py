"""A position whose tiers could not be had gets the worst figure that can be argued for, and is marked."""

from __future__ import annotations

import pytest

from monitor.margin.assessment import assess
from tests.margin.positions import a_position, d


def figures_of(**given):
    result = assess(a_position(tiers=None, **given))
    assert result.degraded == ("no_tiers",)
    assert result.ours.tier is None
    return result.ours


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx"])
def test_requirement_is_the_exchanges_own_when_it_gives_one(exchange):
    figures = figures_of(exchange=exchange, fee="0.0005", leverage="10", says_requirement="2", says_liquidation="95")
    assert figures.requirement == 2
    # 2 % of the value at any price: P = 90 / 0.98
    assert figures.liquidation_price == d(90) / d("0.98")


def test_requirement_comes_from_the_exchanges_liquidation_price_when_it_gives_only_that():
    # At 92 equity is 10 - 8 = 2: a rate of 2 / 92
    figures = figures_of(says_liquidation="92", leverage="10")
    assert figures.maintenance_rate == d(2) / d(92)
    assert figures.liquidation_price is not None
    assert abs(figures.liquidation_price - 92) < d("1e-20")


def test_requirement_meets_the_exchanges_liquidation_price_when_that_has_a_tick_in_it():
    # OKX's 92.1 with a tick of 0.1 means 92
    figures = figures_of(exchange="okx", tick="0.1", says_liquidation="92.1")
    assert figures.maintenance_rate == d(2) / d(92)
    assert figures.liquidation_price is not None
    assert abs(figures.liquidation_price - d("92.1")) < d("1e-20")


@pytest.mark.parametrize(
    "stated",
    [
        None,
        "0",
        "101",  # on the side where a long gains
        "85",  # equity is below 0 there
        "0.00000001",  # not even one tick from 0
    ],
)
def test_requirement_is_the_worst_that_the_leverage_allows_when_no_price_tells_it(stated):
    # 0.9 / 20 = 4.5 % of 100
    figures = figures_of(exchange="okx", tick="0.1", leverage="20", says_liquidation=stated)
    assert figures.requirement == d("4.5")


@pytest.mark.parametrize("leverage", [None, "0"])
def test_requirement_is_half_the_value_when_nothing_tells_it(leverage):
    assert figures_of(leverage=leverage).requirement == 50


def test_requirement_is_at_most_the_value_when_the_exchange_says_more():
    result = assess(a_position(tiers=None, says_requirement="150"))
    assert result.ours.requirement == 100
    assert result.judged.requirement == 150
    assert result.diverges


def test_requirement_comes_from_the_liquidation_price_when_an_inverse_short_has_no_tiers():
    # 1,000 USD at 100 = 10 coins, 5 coins behind: at 160 the value is 6.25 and equity 5 - 3.75 = 1.25: 20 %
    figures = figures_of(
        contract="inverse", side="short", contracts="10", contract_size="100", margin="5", says_liquidation="160"
    )
    assert figures.maintenance_rate == d("0.2")
    assert figures.liquidation_price == 160
