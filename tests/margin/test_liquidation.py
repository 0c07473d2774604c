from __future__ import annotations

import pytest

from monitor.margin.assessment import assess
from monitor.margin.tiers import TierBasis, TierTable
from tests.margin.positions import a_position, a_table, d

# 0.4 % to 50,000, 0.5 % less 50 to 250,000, 1 % less 1,300 above: continuous at the borders.
LADDER = a_table(("0", "50000", "0.004", "0"), ("50000", "250000", "0.005", "50"), ("250000", None, "0.01", "1300"))
# No deductions: at 1,000 the requirement jumps from 10 to 50.
STEP = a_table(("0", "1000", "0.01", "0"), ("1000", None, "0.05", "0"))


def price_of(**given):
    return assess(a_position(**given)).ours.liquidation_price


def test_liquidation_price_uses_the_tier_that_holds_there_when_the_mark_is_in_a_higher_tier():
    # Long 1 at 300,000 with 60,000: P (1 - 0.005) = 300,000 - 60,000 - 50 -> 239,950 / 0.995 = 241,155.7...; in tier 2 there
    price = price_of(entry="300000", mark="300000", margin="60000", tiers=LADDER)
    assert price == d("239950") / d("0.995")


def test_liquidation_price_uses_the_tier_that_holds_there_when_a_short_grows_into_a_higher_tier():
    # Short 1 at 40,000 with 300,000: tier 3 holds at (340,000 + 1,300) / 1.01 = 337,920.79...
    price = price_of(side="short", entry="40000", mark="40000", margin="300000", tiers=LADDER)
    assert price == d("341300") / d("1.01")


def test_liquidation_price_is_found_two_tiers_down_when_the_margin_is_large():
    # Long 1 at 300,000 with 270,000: tier 1 holds at 30,000 / 0.996
    price = price_of(entry="300000", mark="300000", margin="270000", tiers=LADDER)
    assert price == d("30000") / d("0.996")


def test_liquidation_price_goes_with_the_coin_when_an_inverse_table_counts_base():
    # Inverse long 1,000 x 100 USD at 10,000 (10 BTC) with 2 BTC; tier 2 from 11 BTC: v = (10 + 2 + 0.11) / 1.01 = 11.99 BTC
    table = a_table(("0", "11", "0", "0"), ("11", None, "0.01", "0.11"), basis=TierBasis.BASE)
    given = {"contract": "inverse", "contracts": "1000", "contract_size": "100", "entry": "10000", "mark": "10000"}
    assert price_of(**given, margin="2", tiers=table) == d("100000") / (d("12.11") / d("1.01"))


@pytest.mark.parametrize("basis", [TierBasis.CONTRACTS, TierBasis.BASE])
def test_liquidation_price_stays_in_its_tier_when_the_size_does_not_move_with_the_price(basis):
    # Long 2 contracts x 1 at 100: tier 2 by contracts and by base coin at every price.
    table = TierTable(basis=basis, tiers=a_table(("0", "1", "0.01", "0"), ("1", None, "0.02", "0")).tiers)
    figures = assess(a_position(contracts="2", margin="20", tiers=table)).ours
    assert figures.tier == 2
    assert figures.liquidation_price == d("180") / d("0.98") / 2


def test_liquidation_price_belongs_to_the_next_tier_when_the_size_lies_in_an_okx_gap():
    table = a_table(("0", "500", "0.01", "0"), ("501", "900", "0.02", "0"), basis=TierBasis.CONTRACTS)
    figures = assess(a_position(exchange="okx", contracts="500.5", margin="5005", fee="0", tiers=table)).ours
    assert figures.tier == 2
    assert figures.requirement == d("50050") * d("0.02")


def test_liquidation_price_is_the_border_when_the_requirement_jumps_over_the_equity_there():
    # Short 1 at 900 with 120: at 1,000 equity is 20, above the 10 of tier 1 and below the 50 of tier 2.
    assert price_of(side="short", entry="900", mark="900", margin="120", tiers=STEP) == 1000


def test_liquidation_price_is_the_first_when_a_falling_price_meets_two():
    # Long 1 at 1,100 with 120: 980 / 0.95 = 1,031.58 is in tier 2 and 980 / 0.99 = 989.90 in tier 1
    assert price_of(entry="1100", mark="1100", margin="120", tiers=STEP) == d("980") / d("0.95")


def test_liquidation_price_is_the_lower_one_when_the_mark_lies_between_two():
    # The same position marked at 995: in tier 1, equity 15 over 9.95, the next price met is 989.90.
    assert price_of(entry="1100", mark="995", margin="120", tiers=STEP) == d("980") / d("0.99")


def test_liquidation_price_is_the_border_when_a_falling_price_leaves_a_kinder_tier():
    # Long 1 at 1,100 with 110.5, 10 % below 1,000 and nothing above: at 1,000 equity of 10.5 meets 0 above and 100 below
    table = a_table(("0", "1000", "0.1", "0"), ("1000", None, "0", "0"))
    assert price_of(entry="1100", mark="1100", margin="110.5", tiers=table) == 1000


def test_liquidation_price_lies_on_the_other_side_when_the_position_is_past_it():
    # Long 1 at 100 with 1: at the mark of 90 equity is -9; headroom is 0 at 99 / 0.99 = 100.
    figures = assess(a_position(mark="90", margin="1")).ours
    assert figures.headroom < 0
    assert figures.liquidation_price == 100


def test_liquidation_price_is_the_border_when_a_position_past_it_is_saved_by_a_jump():
    # Short 1 at 900 with 120, marked at 1,010: equity 10 of 50.5 wanted; just below 1,000 it is 20 of 10.
    assert price_of(side="short", entry="900", mark="1010", margin="120", tiers=STEP) == 1000


def test_liquidation_price_is_in_the_lower_tier_when_a_short_past_it_comes_back():
    # Short 1 at 40,000 with 30,000, marked at 300,000: in tier 2 (70,000 + 50) / 1.005 = 69,701.49
    assert price_of(side="short", entry="40000", mark="300000", margin="30000", tiers=LADDER) == d("70050") / d("1.005")


def test_liquidation_price_is_in_the_higher_tier_when_a_long_past_it_would_rise():
    # Long 1 at 300,000 with 10,000, marked at 40,000: 288,700 / 0.99 in tier 3
    assert price_of(entry="300000", mark="40000", margin="10000", tiers=LADDER) == d("288700") / d("0.99")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"margin": "100"}, "a long whose margin covers its whole value"),
        ({"margin": "150"}, "a long with more than that"),
        ({"contract": "inverse", "side": "short", "contract_size": "100", "margin": "1"}, "a fully covered inverse short"),
        (
            {"contract": "inverse", "side": "long", "contract_size": "100", "margin": "-1.5"},
            "an inverse long in debt at any price",
        ),
        ({"margin": "10", "tiers": a_table(("0", None, "1", "0"))}, "a requirement that is never below the value"),
        ({"side": "short", "margin": "-200", "tiers": LADDER}, "a short in debt at any price"),
        ({"entry": "300000", "mark": "300000", "margin": "300000", "tiers": LADDER}, "a covered long, down the whole ladder"),
    ],
)
def test_liquidation_price_is_none_when_no_price_has_it(given, why):
    assert price_of(**given) is None, why


def test_liquidation_price_moves_one_tick_to_the_mark_when_the_exchange_is_okx():
    # 90 / (0.99 - 0.0005) = 90.9550...; a long's stands one tick higher, a short's 110 / 1.0105 one tick lower
    long = price_of(exchange="okx", fee="0.0005", tick="0.1")
    short = price_of(exchange="okx", side="short", fee="0.0005", tick="0.1")
    assert long == d("90") / d("0.9895") + d("0.1")
    assert short == d("110") / d("1.0105") - d("0.1")


def test_liquidation_price_has_no_shift_when_the_tick_is_not_known():
    assert price_of(exchange="okx", fee="0.0005") == d("90") / d("0.9895")
