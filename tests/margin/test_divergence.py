"""Where the exchange's figures disagree with ours, the worse count.

The position: long 1 at 100 with 10 behind it, 1 %: requirement 1, liquidation at 90 / 0.99 = 90.909..., headroom 9.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.assessment import assess
from tests.margin.positions import a_position, d

OURS = d(90) / d("0.99")


@pytest.mark.parametrize(
    "given",
    [
        {"says_requirement": "1.009"},
        {"says_requirement": "0.991"},
        {"says_requirement": "0"},
        {"says_liquidation": "0"},
        {"says_liquidation": "90.915"},
        {"says_liquidation": "90.905"},
        {"says_liquidation": "91.9", "tick": "1"},
        {"says_requirement": "1.01", "says_liquidation": "90.91909090"},
    ],
)
def test_judged_is_ours_when_the_exchange_agrees_within_its_tolerance(given):
    result = assess(a_position(**given))
    assert not result.diverges
    assert result.judged is result.ours


def test_judged_requirement_is_the_exchanges_when_it_asks_for_more():
    result = assess(a_position(says_requirement="2"))
    assert result.diverges
    assert result.ours.requirement == 1
    judged = result.judged
    assert (judged.requirement, judged.headroom, judged.liquidation_price) == (d(2), d(8), OURS)
    assert (judged.margin_usage, judged.buffer, judged.maintenance_rate) == (d("0.2"), d(5), d("0.02"))
    assert judged.cushion == d(8) / 9


def test_judged_stays_ours_when_the_exchange_is_the_kinder_one():
    result = assess(a_position(says_requirement="0.5", says_liquidation="80"))
    assert result.diverges
    assert result.judged is result.ours


def test_judged_requirement_meets_equity_at_the_exchanges_price_when_that_is_nearer():
    # At 95 equity is 5 and our requirement 0.95: 4.05 more is wanted
    result = assess(a_position(says_liquidation="95"))
    assert result.diverges
    judged = result.judged
    assert judged.liquidation_price == 95
    assert judged.requirement == d("5.05")
    assert judged.headroom == d("4.95")
    assert judged.liquidation_distance == d("0.05")
    assert judged.cushion == d("4.95") / 9


def test_judged_requirement_is_the_larger_when_both_exchange_figures_are_worse():
    result = assess(a_position(says_liquidation="95", says_requirement="7"))
    assert (result.judged.requirement, result.judged.liquidation_price) == (d(7), d(95))


def test_judged_price_is_the_exchanges_when_a_shorts_is_nearer():
    # Short: ours 110 / 1.01 = 108.9; at 105 equity is 5 and our requirement 1.05
    result = assess(a_position(side="short", says_liquidation="105"))
    assert result.judged.liquidation_price == 105
    assert result.judged.requirement == 1 + d("3.95")


def test_judged_price_is_ours_when_a_shorts_is_farther():
    result = assess(a_position(side="short", says_liquidation="120"))
    assert result.diverges
    assert result.judged is result.ours


def test_judged_price_is_the_exchanges_when_we_have_none():
    # 150 cover the long; at 50 equity would be 100 and our requirement 0.5
    result = assess(a_position(margin="150", says_liquidation="50"))
    assert result.diverges
    assert result.ours.liquidation_price is None
    assert result.ours.cushion is None
    assert result.judged.liquidation_price == 50
    assert result.judged.requirement == 1 + d("99.5")
    assert result.judged.cushion == d("49.5") / 149


@pytest.mark.parametrize("stated", ["111", "250"])
def test_judged_is_ours_when_we_have_no_price_and_the_exchanges_lies_where_the_owner_gains(stated):
    result = assess(a_position(margin="150", says_liquidation=stated))
    assert not result.diverges
    assert result.judged.cushion is None


def test_judged_is_ours_when_the_exchanges_price_lies_where_the_owner_gains():
    result = assess(a_position(says_liquidation="120"))
    assert result.diverges
    assert result.judged is result.ours


def test_judged_price_is_ours_when_the_mark_is_past_ours_and_not_past_the_exchanges():
    # Margin 0.5: ours is 99.5 / 0.99 = 100.5, above the mark; theirs at 95 is the kinder one
    result = assess(a_position(margin="0.5", says_liquidation="95"))
    assert result.diverges
    assert result.judged is result.ours
    assert result.judged.headroom < 0


def test_prices_are_compared_in_coin_when_the_contract_is_inverse():
    # Inverse long 10,000 USD at 100 = 100 coins with 10, 1 %: ours 10,000 x 1.01 / 110 = 91.8181...; tolerance 0.01 coin
    given: dict[str, Any] = {"contract": "inverse", "contracts": "100", "contract_size": "100", "margin": "10"}
    # 10,000 / 91.826 = 108.9016 coin against 108.9109: 0.0093; at 91.828: 0.0116
    assert not assess(a_position(**given, says_liquidation="91.826")).diverges
    assert assess(a_position(**given, says_liquidation="91.828")).diverges


def test_requirement_agrees_when_the_exchange_cut_a_tiny_amount_at_eight_decimals():
    # 10 USD at 95,000 is 0.000105263 coin, 1 % of it 0.00000105263: printed 0.00000105, one more digit cut off 0.00000104
    given: dict[str, Any] = {"contract": "inverse", "contract_size": "10", "entry": "95000", "mark": "95000", "margin": "0.00001"}
    assert not assess(a_position(**given, says_requirement="0.00000104")).diverges
    assert assess(a_position(**given, says_requirement="0.00000108")).diverges


def test_bybit_tolerates_the_fee_on_added_margin_when_its_requirement_leaves_it_out():
    # 1 BTC at 40,000, 50x, 1 %, F 21.56: 421.56 without added margin. With 12,000 added ours is lower by
    # 12,000 x 0.00055 / 0.99945 = 6.604: more than 1 % of it (4.15), within the 6.6 that the fee on 12,000 allows besides.
    given: dict[str, Any] = {"exchange": "bybit", "entry": "40000", "mark": "40000", "leverage": "50", "fee": "0.00055"}
    assert not assess(a_position(**given, margin="12821.56", says_requirement="421.56")).diverges
    assert assess(a_position(**given, margin="821.56", says_requirement="428")).diverges


def test_okx_price_is_taken_back_one_tick_when_the_requirement_is_raised_for_it():
    # Theirs at 95.5 with a tick of 0.5 means headroom 0 at 95: equity 5, ours 0.95 + 0.0475 of fee
    result = assess(a_position(exchange="okx", fee="0.0005", tick="0.5", says_liquidation="95.5"))
    assert result.judged.requirement == d("1.05") + 5 - d("0.9975")
    assert result.judged.liquidation_price == d("95.5")


def test_okx_price_is_taken_as_it_is_when_it_is_not_even_one_tick():
    # 99.9 behind a value of 100 would be liquidated at 0.1 or below; 0.4 is less than a tick of 0.5
    result = assess(a_position(exchange="okx", fee="0", tick="0.5", margin="100", says_liquidation="0.4"))
    assert result.diverges
    assert result.judged.liquidation_price == d("0.4")
    assert result.judged.requirement == 1


JUST_PASSED = [("long", "100"), ("long", "101"), ("long", "109"), ("short", "100"), ("short", "95")]


@pytest.mark.parametrize(("side", "stated"), JUST_PASSED)
def test_judged_is_at_liquidation_when_the_mark_has_just_passed_the_exchanges_price(side, stated):
    result = assess(a_position(side=side, says_liquidation=stated))
    assert result.diverges
    assert result.judged.headroom <= 0
    assert result.judged.liquidation_price == Decimal(stated)
