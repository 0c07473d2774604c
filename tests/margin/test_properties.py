"""What must hold for every position, tried on random ones."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.margin.assessment import Figures, assess
from monitor.margin.position import Position, Side
from monitor.margin.requirement import terms_of
from monitor.margin.tiers import TierTable
from monitor.margin.whatif import with_added_margin
from tests.margin.positions import d, known
from tests.margin.strategies import decimals, positions

TINY = d("1e-12")
MANY = settings(max_examples=150, deadline=None)


def at(position: Position, mark: Decimal) -> Figures:
    return assess(replace(position, mark_price=mark)).ours


def line_of(position: Position) -> Decimal | None:
    """The mark price at which headroom is 0: the liquidation price without the tick that the exchange adds to it."""
    price = assess(position).ours.liquidation_price
    return None if price is None else price - terms_of(position).shift


def some_price(position: Position) -> Decimal:
    """The same where there is one; other examples do not count."""
    price = line_of(position)
    assume(price is not None and price > 0)
    return known(price)


def tiers_of(position: Position) -> TierTable:
    assert position.tiers is not None
    return position.tiers


def toward_loss(position: Position, price: Decimal, share: Decimal) -> Decimal:
    return price * (1 - share if position.key.side is Side.LONG else 1 + share)


@MANY
@given(positions())
def test_usage_is_one_when_the_mark_is_at_the_liquidation_price(position):
    price = some_price(position)
    figures = at(position, price)
    assert abs(figures.headroom) <= TINY * figures.notional
    if figures.requirement > TINY * figures.notional:
        assert figures.margin_usage is not None
        assert abs(figures.margin_usage - 1) <= TINY * figures.notional / figures.requirement


@MANY
@given(positions(), decimals("0.000001", "0.4", 6))
def test_headroom_changes_its_sign_when_the_mark_crosses_the_liquidation_price(position, share):
    price = some_price(position)
    assert at(position, toward_loss(position, price, share)).headroom < 0
    assert at(position, toward_loss(position, price, -share)).headroom > 0


@MANY
@given(positions(covered=True))
def test_liquidation_price_is_none_when_the_margin_covers_the_whole_value(position):
    figures = assess(position).ours
    assert (figures.liquidation_price, figures.cushion) == (None, None)
    for factor in ("0.000001", "0.01", "0.5", "2", "100", "1000000"):
        assert at(position, position.mark_price * d(factor)).headroom > 0


@MANY
@given(positions(), decimals("0.0001", "0.5"))
def test_figures_worsen_when_the_mark_goes_against_the_position(position, share):
    before = assess(position).ours
    after = at(position, toward_loss(position, position.mark_price, share))
    assert after.equity < before.equity
    assert after.headroom < before.headroom
    if before.margin_usage is None:
        assert after.margin_usage is None
    if before.headroom > 0 and after.headroom > 0:
        # the same price liquidates, from wherever it is looked at
        one, other = before.liquidation_price, after.liquidation_price
        assert (one is None) == (other is None)
        assert one is None or other is None or abs(one - other) <= TINY * one


@MANY
@given(positions(), decimals("0.01", "0.99"))
def test_usage_and_cushion_worsen_when_the_mark_nears_liquidation_in_one_tier(position, share):
    """In one tier only: where a deduction ends, the requirement can fall faster than equity does."""
    table = tiers_of(position)
    position = replace(position, tiers=replace(table, tiers=(replace(table.tiers[0], cap=None),)))
    before = assess(position).ours
    assume(before.headroom > 0)
    price = some_price(position)
    after = at(position, position.mark_price + (price - position.mark_price) * share)
    assert known(before.margin_usage) < known(after.margin_usage) < 1
    assert known(before.buffer) > known(after.buffer) > 1
    assert known(before.cushion) > known(after.cushion) > 0


@MANY
@given(positions(fixed=False), st.integers(0, 3))
def test_requirement_is_continuous_when_the_mark_crosses_a_border(position, number):
    tiers = tiers_of(position).tiers
    assume(number < len(tiers) - 1)
    terms = terms_of(position)
    border = terms.exposure.price_at(known(tiers[number].cap))
    below, above = at(position, border * (1 - TINY)), at(position, border * (1 + TINY))
    assert {below.tier, above.tier} == {number + 1, number + 2}
    assert abs(below.requirement - above.requirement) <= 10 * TINY * above.notional
    assert abs(below.headroom - above.headroom) <= 10 * TINY * above.notional


@MANY
@given(positions(), decimals("0.0001", "1"))
def test_liquidation_never_comes_nearer_when_margin_is_added(position, share):
    before = line_of(position)
    added = with_added_margin(position, terms_of(position).exposure.entry_value * share)
    after = line_of(added)
    assert assess(added).ours.headroom > assess(position).ours.headroom
    if before is not None and after is not None:
        assert after < before if position.key.side is Side.LONG else after > before
    if before is None and assess(position).ours.headroom > 0:
        assert after is None


@MANY
@given(positions(at_entry=True))
def test_cushion_is_at_most_one_when_the_position_stands_at_its_entry(position):
    figures = assess(position).ours
    assert figures.unrealized_pnl == 0
    assert figures.cushion is None or figures.cushion <= 1
    assert (figures.cushion is not None and figures.cushion <= 0) == (figures.headroom <= 0)


@MANY
@given(positions())
def test_cushion_is_zero_when_the_mark_is_at_the_liquidation_price(position):
    price = some_price(position)
    figures = at(position, price)
    if figures.cushion is not None and figures.requirement > d("0.0001") * figures.notional:
        assert abs(figures.cushion) <= d("1e-8")


@MANY
@given(positions(continuous=False))
def test_liquidation_price_is_the_first_when_the_requirement_jumps_at_the_borders(position):
    """Walk from the mark the adverse way in small steps: headroom lasts up to the price, and is gone behind it."""
    figures = assess(position).ours
    assume(figures.headroom > 0)
    price = line_of(position)
    end = toward_loss(position, position.mark_price, d("0.999999")) if price is None else price
    steps = 60
    for step in range(1, steps):
        mark = position.mark_price + (end - position.mark_price) * step / steps
        assert at(position, mark).headroom > 0
    if price is not None:
        assert at(position, toward_loss(position, price, d("1e-15"))).headroom <= TINY * figures.notional
