from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given, settings

from monitor.margin.assessment import Figures, assess
from monitor.margin.position import ExchangeSays, Position
from monitor.margin.whatif import (
    margin_for_buffer,
    margin_for_cushion,
    margin_for_distance,
    margin_for_ratio,
    margin_for_usage,
    with_added_margin,
)
from tests.margin.positions import a_position, a_table, d, known
from tests.margin.strategies import decimals, positions

STEP = d("0.00000001")
SOME = settings(max_examples=120, deadline=None)


def after(position: Position, amount: Decimal | None) -> Figures:
    return assess(with_added_margin(position, known(amount))).judged


def some_margin(amount: Decimal | None) -> Decimal:
    """An answer that asks for margin; other examples do not count."""
    assume(amount)
    return known(amount)


def test_added_margin_clears_the_exchanges_figures_when_they_speak_of_the_old_margin():
    position = with_added_margin(a_position(says_liquidation="95", says_requirement="2", says_usage="0.3"), d(5))
    assert position.isolated_margin == 15
    assert position.says == ExchangeSays()


@pytest.mark.parametrize(
    "position",
    [
        a_position(tiers=None, says_liquidation="92", leverage="10"),
        a_position(tiers=None, says_requirement="2", leverage="10"),
        a_position(exchange="okx", says_requirement="1.03"),
        a_position(exchange="bybit", says_requirement="1.05"),
    ],
)
def test_added_margin_keeps_the_requirement_when_it_was_inferred(position):
    before = assess(position).ours
    figures = assess(with_added_margin(position, d(5))).ours
    assert abs(figures.requirement - before.requirement) < d("1e-24")
    assert figures.equity == before.equity + 5


def test_added_margin_clears_the_requirement_when_only_the_adapter_assumed_a_fee():
    position = a_position(exchange="okx", fee="0.0005", says_requirement="1.05", degraded=("fee_assumed",))
    assert with_added_margin(position, d(5)).says == ExchangeSays()


def test_margin_for_cushion_is_the_missing_headroom_when_the_leverage_sets_the_measure():
    # Marked at 95: headroom 5 - 0.95 = 4.05 of 9. For 60 % 5.4 is wanted: 1.35 more (the measure stays 9 up to a margin of 10,
    # then grows with it: headroom 4.05 + X >= 0.6 (9 + X) -> X = 1.35 / 0.4)
    position = a_position(mark="95", leverage="10")
    amount = margin_for_cushion(position, d("0.6"))
    assert amount == d("3.375")
    assert after(position, amount).cushion == d("0.6")


def test_margin_for_cushion_leaves_the_measure_alone_when_margin_was_taken_out():
    # Margin 6 of the 10 that 10x means: headroom 6 - 5 - 0.95 = 0.05; 40 % of 9 is 3.6: 3.55 more, margin 9.55 < 10
    assert margin_for_cushion(a_position(mark="95", margin="6", leverage="10"), d("0.4")) == d("3.55")


def test_margin_for_cushion_is_rounded_up_when_it_does_not_end():
    # Marked at 94.99: headroom 4.99 - 0.9499 = 4.0401; (0.7 x 9 - 4.0401) / 0.3 = 7.533; for 0.69: 2.1699 / 0.31 = 6.9996...
    position = a_position(mark="94.99", leverage="10")
    assert margin_for_cushion(position, d("0.7")) == d("7.533")
    assert margin_for_cushion(position, d("0.69")) == d("6.99967742")


@pytest.mark.parametrize(
    ("position", "target", "answer"),
    [
        (a_position(leverage="10"), "0.6", "0"),
        (a_position(margin="150"), "0.6", None),  # no price liquidates it: it has no cushion
        (a_position(side="short", mark="105"), "1", None),  # a loser gets near 1 and never there
        # headroom 20.2, measure 20 - 1 by leverage; 1.2 x 19 = 22.8. Above 1 this ends once the measure grows with the margin
        (a_position(side="short", mark="80", margin="1", leverage="5"), "1.2", "2.6"),
        (a_position(side="short", mark="80", margin="1", leverage="5"), "10", None),
        # headroom 1.01 of 19: the measure would have to be matched, and is
        (a_position(side="short", mark="99", margin="1", leverage="5"), "1", "17.99"),
    ],
)
def test_margin_for_cushion_says_so_when_it_is_there_or_cannot_be(position, target, answer):
    assert margin_for_cushion(position, d(target)) == (None if answer is None else d(answer))


def test_margin_for_cushion_is_the_full_cover_when_that_is_less():
    # Long 1 at 100 with 50, marked at 70: headroom 19.3 of 49; 99 % would take (48.51 - 19.3) / 0.01 = 2921,
    # but with 50 more no price above 0 liquidates it.
    position = a_position(mark="70", margin="50", leverage="2")
    assert margin_for_cushion(position, d("0.99")) == 50
    assert after(position, d(50)).cushion is None
    # and a target of 1 can be had in no other way
    assert margin_for_cushion(position, d(1)) == 50


def test_margin_for_cushion_goes_by_the_share_when_full_cover_leaves_a_price_in_a_jumping_table():
    # 90 % above 20, a credit of 10 below: 30 more would cover the value at a price of 0, yet at 100 headroom is 0 on the way.
    # Marked at 150: equity 110, requirement 135; 5 % of 135 is 6.75: 31.75 more
    table = a_table(("0", "20", "0", "10"), ("20", None, "0.9", "0"))
    position = a_position(mark="150", margin="60", tiers=table)
    assert after(position, d(30)).liquidation_price == 100
    assert margin_for_cushion(position, d("0.05")) == d("31.75")


def test_margin_for_cushion_counts_the_exchanges_figures_when_they_are_worse():
    # The exchange asks for 3 where we find 0.95: headroom 2, 60 % of 9 is 5.4: 3.4 / 0.4
    position = a_position(mark="95", leverage="10", says_requirement="3")
    assert margin_for_cushion(position, d("0.6")) == d("8.5")


@pytest.mark.parametrize(
    ("position", "target", "answer"),
    [
        (a_position(), "0.5", "0"),
        # Marked at 95: requirement 0.95, equity 5. For 10 % equity of 9.5 is wanted.
        (a_position(mark="95"), "0.1", "4.5"),
        (a_position(mark="85"), "0.5", "6.7"),  # equity -5, 0.85 / 0.5 = 1.7
        (a_position(mark="95"), "0", None),
        # nothing is required, and the debt of 5 must be paid to have any equity: one step more
        (a_position(mark="85", tiers=a_table(("0", None, "0", "1"))), "0.5", "5.00000001"),
    ],
)
def test_margin_for_usage_is_what_equity_lacks_when_usage_is_above_the_line(position, target, answer):
    amount = margin_for_usage(position, d(target))
    assert amount == (None if answer is None else d(answer))


def test_margin_for_usage_is_none_when_the_reserve_grows_as_fast_as_the_margin():
    # Bybit short: every unit added raises the reserve by f / (1 + f), so usage stays above that
    position = a_position(exchange="bybit", side="short", mark="105", leverage="10", fee="0.0006")
    assert margin_for_usage(position, d("0.0005")) is None
    amount = margin_for_usage(position, d("0.1"))
    figures = after(position, amount)
    assert figures.margin_usage is not None
    assert d("0.0999999") < figures.margin_usage <= d("0.1")


@pytest.mark.parametrize(
    ("position", "target", "answer"),
    [
        (a_position(), "0.1", "0"),  # 10 of 100: on the line
        (a_position(mark="95"), "0.1", "4.5"),  # 5 of 95; 10 % is 9.5
        (a_position(side="short", mark="104"), "0.1", "4.4"),  # 6 of 104
        (a_position(mark="85"), "0.1", "13.5"),  # equity -5, 8.5 wanted
        # inverse, 100 USD a contract at 100, marked 80: value 1.25, equity 0.3 - 0.25; a tenth is 0.125
        (a_position(contract="inverse", contract_size="100", mark="80", margin="0.3"), "0.1", "0.075"),
    ],
)
def test_margin_for_ratio_is_the_share_of_the_notional_less_the_equity(position, target, answer):
    assert margin_for_ratio(position, d(target)) == d(answer)


# 1 % up to 100, then 5 % less 4: at 120 the requirement is 2, of which the first tier knows nothing
TWO_TIERS = a_table(("0", "100", "0.01", "0"), ("100", None, "0.05", "4"))


@pytest.mark.parametrize(
    ("position", "target", "answer"),
    [
        (a_position(), "10", "0"),  # requirement 1, equity 10
        (a_position(mark="95"), "6", "0.7"),  # 6 x 0.95 = 5.7, equity 5
        (a_position(mark="95", says_requirement="3"), "2", "1"),  # the exchange wants 3: 6 less 5
        (a_position(side="short", mark="120", margin="25", tiers=TWO_TIERS), "4", "3"),  # equity 5, 4 x 2 = 8
        (a_position(tiers=a_table(("0", None, "0", "1"))), "10", "0"),  # nothing is required
        # the reserve grows by a third of what is added, and four times that is more than all of it
        (a_position(exchange="bybit", side="short", mark="105", leverage="10", fee="0.5"), "4", None),
    ],
)
def test_margin_for_buffer_is_that_many_requirements_less_the_equity(position, target, answer):
    assert margin_for_buffer(position, d(target)) == (None if answer is None else d(answer))


@pytest.mark.parametrize(
    ("position", "target", "answer"),
    [
        (a_position(), "0.05", "0"),
        (a_position(margin="150"), "0.05", None),
        # liquidation at 80: equity 10 - 20 + X = 0.8
        (a_position(), "0.2", "10.8"),
        # a short's at 130: 10 - 30 + X = 1.3
        (a_position(side="short"), "0.3", "21.3"),
        # the price of a long cannot fall by more than all of it: full cover
        (a_position(), "1", "90"),
        (a_position(), "1.5", "90"),
        # past the line: equity -5, liquidation 99 / 0.99 above the mark counts as no distance. At 76.5: 10 - 23.5 + X = 0.765
        (a_position(mark="85"), "0.1", "14.265"),
        (a_position(contract="inverse", contract_size="100", margin="0.1"), "1", None),  # the value in coin has no end
        # OKX states it one tick nearer: headroom 0 at 79.5: 10 - 20.5 + X = 0.795 (no fee)
        (a_position(exchange="okx", tick="0.5", fee="0"), "0.2", "11.295"),
        (a_position(says_requirement="3"), "0.2", "12.8"),  # 2 more than ours
    ],
)
def test_margin_for_distance_meets_the_requirement_at_the_price_when_asked(position, target, answer):
    amount = margin_for_distance(position, d(target))
    assert amount == (None if answer is None else d(answer))


def test_margin_for_distance_covers_the_dearest_tier_when_the_way_leads_through_it():
    # 90 % below 100: at 85 equity X - 5 and requirement 8.5 at the border; at 80 only 0.8 would be asked
    table = a_table(("0", "85", "0.01", "0"), ("85", None, "0.3", "0"))
    position = a_position(margin="32", tiers=table)
    amount = margin_for_distance(position, d("0.2"))
    assert amount == d("8.5")  # 0.3 x 85 = 25.5 against 32 - 15 = 17
    distance = after(position, amount).liquidation_distance
    assert distance is not None
    assert distance >= d("0.2")


@SOME
@given(positions(), decimals("0.05", "0.95", 2))
def test_cushion_is_reached_and_by_no_more_than_needed_when_that_margin_is_added(position, target):
    amount = some_margin(margin_for_cushion(position, target))
    reached = after(position, amount).cushion
    assert reached is None or reached >= target
    short = after(position, amount - 2 * STEP).cushion
    assert short is not None
    assert short < target


@SOME
@given(positions(), decimals("0.01", "0.95", 2))
def test_usage_is_reached_and_by_no_more_than_needed_when_that_margin_is_added(position, target):
    amount = some_margin(margin_for_usage(position, target))
    reached = after(position, amount).margin_usage
    assert reached is not None
    assert reached <= target
    short = after(position, amount - 2 * STEP).margin_usage
    assert short is None or short > target


@SOME
@given(positions(), decimals("0.01", "0.95", 2))
def test_distance_is_reached_and_by_no_more_than_needed_when_that_margin_is_added(position, target):
    amount = some_margin(margin_for_distance(position, target))
    figures = after(position, amount)
    assert figures.headroom > 0
    assert figures.liquidation_distance is None or figures.liquidation_distance >= target
    short = after(position, amount - 2 * STEP)
    assert short.headroom <= 0 or (short.liquidation_distance is not None and short.liquidation_distance < target)


@SOME
@given(positions(), decimals("0.01", "0.95", 2))
def test_margin_ratio_is_reached_and_by_no_more_than_needed_when_that_margin_is_added(position, target):
    amount = some_margin(margin_for_ratio(position, target))
    assert after(position, amount).margin_ratio >= target
    assert after(position, amount - 2 * STEP).margin_ratio < target


@SOME
@given(positions(), decimals("1", "9", 2))
def test_buffer_is_reached_and_by_no_more_than_needed_when_that_margin_is_added(position, target):
    amount = some_margin(margin_for_buffer(position, target))
    figures = after(position, amount)
    assert figures.equity >= target * figures.requirement
    short = after(position, amount - 2 * STEP)
    assert short.equity < target * short.requirement
