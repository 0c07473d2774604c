"""Rules about what the exchange does: it disagrees, it adds margin, it changes its tiers."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.margin.position import ExchangeSays
from monitor.rules.base import CLEAR, Level, LifeSeen, Verdict
from monitor.rules.exchange_auto_add import ExchangeAutoAdd
from monitor.rules.exchange_disagrees import ExchangeDisagrees
from monitor.rules.tier_change import ANNOUNCED, TierChange
from tests.builders import assessment, position

D = Decimal
HOUR = timedelta(hours=1)


def disagreeing(stated: str | None, judged: str = "10"):
    """Our requirement is 10."""
    seen = assessment()
    says = ExchangeSays(requirement=None if stated is None else D(stated))
    return seen._replace(position=position(says=says), judged=seen.judged._replace(requirement=D(judged)), diverges=True)


@pytest.mark.parametrize(
    ("stated", "judged", "held", "level"),
    [
        ("10.5", "10.5", None, Level.INFO),  # 5 %
        ("12.5", "12.5", None, Level.WARNING),  # 25 %
        ("7.5", "10", None, Level.WARNING),  # lower than ours: one of the two is wrong
        (None, "13", None, Level.WARNING),  # only its liquidation price differs
        (None, "10", None, Level.INFO),
        ("10.5", "10.5", Level.WARNING, Level.WARNING),  # a warning stays one while they differ
    ],
)
def test_exchange_disagrees_is_info_and_a_warning_when_far_apart(stated, judged, held, level):
    judgement = ExchangeDisagrees().judge(disagreeing(stated, judged), held)
    assert (judgement.verdict, judgement.level) == (Verdict.BREACH, level)


def test_exchange_disagrees_is_clear_when_the_figures_agree():
    assert ExchangeDisagrees().judge(assessment(), Level.WARNING) is CLEAR


def test_exchange_disagrees_never_warns_when_told_so_or_without_a_requirement_of_ours():
    assert ExchangeDisagrees(warning=None).judge(disagreeing("99", "99"), None).level is Level.INFO
    nothing = disagreeing("5", "5")
    nothing = nothing._replace(ours=nothing.ours._replace(requirement=D(0)))
    assert ExchangeDisagrees().judge(nothing, None).level is Level.INFO


def test_exchange_auto_add_is_info_while_it_is_on():
    on = assessment()._replace(position=position(exchange_adds_margin=True))
    assert ExchangeAutoAdd().judge(on, None).level is Level.INFO
    assert ExchangeAutoAdd().judge(assessment(), Level.INFO) is CLEAR


def life(moved: str | None, hours: float = 0, **figures) -> LifeSeen:
    return LifeSeen(
        assessment=assessment(**figures),
        tiers_moved=None if moved is None else D(moved),
        tiers_age=None if moved is None else hours * HOUR,
    )


@pytest.mark.parametrize(
    ("moved", "hours", "distance", "level"),
    [
        ("0.0009", 0, "0.10", None),  # below a thousandth of the price
        ("0.01", 0, "0.10", Level.WARNING),
        ("0.05", 0, "0.10", Level.WARNING),  # 0.05 of the 0.15 there was: a third exactly
        ("0.051", 0, "0.10", Level.CRITICAL),
        ("0.01", 23.9, "0.10", Level.WARNING),
        ("0.01", 24, "0.10", None),
        ("-0.05", 0, "0.10", None),  # farther
        ("0.01", 0, None, Level.CRITICAL),  # nothing is left of the way
        (None, 0, "0.10", None),
    ],
)
def test_tier_change_tells_how_much_nearer_liquidation_came(moved, hours, distance, level):
    judgement = TierChange().judge(life(moved, hours, liquidation_distance=distance), None)
    assert judgement.level is level
    if level is not None:
        assert judgement.value == D(moved)


def test_tier_change_is_critical_when_the_new_tiers_liquidate():
    seen = life("0.02", headroom="-1", liquidation_distance="0.30")
    assert TierChange().judge(seen, None).level is Level.CRITICAL


def test_tier_change_stays_critical_when_the_price_moved_away():
    assert TierChange().judge(life("0.01"), Level.CRITICAL).level is Level.CRITICAL


def test_tier_change_is_a_warning_when_announced():
    seen = assessment()
    announced = LifeSeen(assessment=seen._replace(degraded=("no_fee", ANNOUNCED)))
    judgement = TierChange().judge(announced, None)
    assert (judgement.verdict, judgement.level, judgement.value) == (Verdict.BREACH, Level.WARNING, None)
    assert TierChange().judge(LifeSeen(assessment=seen), Level.WARNING) is CLEAR
