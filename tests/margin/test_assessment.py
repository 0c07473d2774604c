from __future__ import annotations

import pytest

from monitor.margin.assessment import Figures, assess
from tests.margin.positions import a_position, a_table, d


def figures_of(**given) -> Figures:
    return assess(a_position(**given)).ours


def test_figures_are_exact_when_a_linear_long_has_lost():
    # Long 2 at 100 with 40, marked at 95, 1 %: value 190, pnl -10, equity 30, requirement 1.9; liquidation 160 / 1.98
    figures = figures_of(contracts="2", margin="40", mark="95", leverage="5")
    assert figures == Figures(
        notional=d(190),
        unrealized_pnl=d(-10),
        equity=d(30),
        requirement=d("1.9"),
        maintenance_rate=d("0.01"),
        margin_ratio=d(30) / d(190),
        margin_usage=d("1.9") / d(30),
        buffer=d(30) / d("1.9"),
        headroom=d("28.1"),
        cushion=d("28.1") / d(38),  # at entry 40 - 2
        liquidation_price=d(160) / d("0.99") / 2,
        liquidation_distance=(d(95) - d(160) / d("0.99") / 2) / 95,
        effective_leverage=d(190) / d(30),
        tier=1,
    )


def test_figures_are_exact_when_an_inverse_short_has_gained():
    # Short 10 x 100 USD at 100 with 1 coin, marked at 80, 1 %: value 12.5, pnl 2.5, equity 3.5, requirement 0.125
    figures = figures_of(contract="inverse", side="short", contracts="10", contract_size="100", margin="1", mark="80")
    assert figures.notional == d("12.5")
    assert figures.unrealized_pnl == d("2.5")
    assert figures.equity == d("3.5")
    assert figures.requirement == d("0.125")
    assert figures.headroom == d("3.375")
    assert figures.cushion == d("3.375") / d("0.9")  # at entry 1 - 0.1: above 1 in profit
    assert figures.liquidation_price == 1000 / (9 / d("0.99"))


def test_judged_is_ours_when_the_exchange_says_nothing():
    result = assess(a_position())
    assert result.judged is result.ours
    assert not result.diverges
    assert result.degraded == ()


def test_cushion_is_one_when_the_position_was_just_opened():
    assert figures_of(leverage="10").cushion == 1


def test_cushion_keeps_its_measure_when_margin_was_taken_out_in_profit():
    # Opened with 10 (10x), marked at 120, 15 taken out: margin -5, equity 15, requirement 1.2, headroom 13.8; measure 10 - 1
    figures = figures_of(mark="120", margin="-5", leverage="10")
    assert figures.cushion == d("13.8") / 9


def test_cushion_measures_todays_margin_when_the_leverage_is_not_known():
    # The same without leverage: -5 - 1 is below the requirement of 1.2, which then is the measure
    assert figures_of(mark="120", margin="-5").cushion == d("13.8") / d("1.2")


def test_cushion_counts_added_margin_when_it_covers_a_deep_loss():
    # Long 1 at 100, marked at 60, 45 behind it by now: equity 5, requirement 0.6; measure 45 - 1
    figures = figures_of(mark="60", margin="45", leverage="10")
    assert figures.cushion == d("4.4") / 44
    assert figures.liquidation_price == 55 / d("0.99")


def test_cushion_is_zero_when_headroom_is():
    # Long 1 at 100 with 1 at its entry: equity 1, requirement 1
    figures = figures_of(margin="1")
    assert figures.headroom == 0
    assert figures.cushion == 0
    assert figures.margin_usage == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"margin": "150"}, "a long with more margin than value"),
        (
            {"contract": "inverse", "side": "short", "contract_size": "100", "margin": "1"},
            "an inverse short whose coin is all there",
        ),
    ],
)
def test_cushion_and_distance_are_none_when_no_price_liquidates(given, why):
    figures = figures_of(**given)
    assert figures.headroom > 0, why
    assert figures.liquidation_price is None
    assert figures.liquidation_distance is None
    assert figures.cushion is None


def test_cushion_is_below_zero_when_equity_is_negative_at_every_price():
    # Inverse long of 100 USD at 100 owing 1.5 coins: it has no liquidation price and must never look clear
    figures = figures_of(contract="inverse", contract_size="100", margin="-1.5")
    assert figures.liquidation_price is None
    assert figures.cushion is not None
    assert figures.cushion < 0
    assert figures.margin_usage is None


@pytest.mark.parametrize("margin", ["5", "4"])
def test_usage_is_unbounded_when_equity_is_gone(margin):
    # Long 1 at 100 marked at 95: equity 0 or -1
    figures = figures_of(mark="95", margin=margin)
    assert figures.margin_usage is None
    assert figures.effective_leverage is None
    assert figures.buffer is not None
    assert figures.buffer <= 0
    assert figures.cushion is not None
    assert figures.cushion < 0


def test_usage_is_zero_when_nothing_is_required():
    # Only the tier in force is known: 1.5 % of 100 less 50
    figures = figures_of(tiers=a_table(("5000", None, "0.015", "50")))
    assert figures.requirement == d("-48.5")
    assert figures.margin_usage == 0
    assert figures.buffer is None


def test_cushion_is_none_when_there_is_headroom_but_nothing_to_measure_it_by():
    # requirement 0 - 5, margin -5, marked at 120: headroom 20, measure max(-5 + 5, -5) = 0
    assert figures_of(mark="120", margin="-5", tiers=a_table(("0", None, "0", "5"))).cushion is None


def test_cushion_is_zero_when_there_is_neither_headroom_nor_a_measure():
    # requirement 0 - 5, margin -6: headroom -6 + 5 - 10, measure max(-6 + 5, -5) = -1
    assert figures_of(mark="90", margin="-6", tiers=a_table(("0", None, "0", "5"))).cushion == 0


def test_tier_is_the_one_at_the_mark_when_entry_lay_in_another():
    table = a_table(("0", "100", "0.01", "0"), ("100", None, "0.02", "1"))
    figures = figures_of(mark="110", tiers=table)
    assert figures.tier == 2
    assert figures.requirement == d("1.2")
    assert figures.cushion == d("18.8") / 9  # at entry 10 - 1 in tier 1
