from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.margin.position import PositionStatus
from monitor.rules.base import CLEAR, Judgement, Level, Lines, RatioLine, Verdict
from monitor.rules.cushion import Cushion
from monitor.rules.liquidation_distance import LiquidationDistance
from monitor.rules.margin_ratio import MarginRatio
from monitor.rules.margin_usage import MarginUsage
from tests.builders import assessment

W, C, E = Level.WARNING, Level.CRITICAL, Level.EMERGENCY


def outcome(judgement: Judgement) -> tuple[Verdict, Level | None]:
    return judgement.verdict, judgement.level


@pytest.mark.parametrize(
    ("cushion", "distance", "held", "expected"),
    [
        ("0.61", "0.05", None, (Verdict.CLEAR, None)),
        ("0.60", "0.05", None, (Verdict.BREACH, W)),  # at the line counts
        ("0.40", "0.05", None, (Verdict.BREACH, C)),
        ("0.25", "0.05", None, (Verdict.BREACH, E)),
        ("-0.2", "0.05", None, (Verdict.BREACH, E)),
        # within: 60 % of a cushion 30 % of the price away leaves a 1.5x position in peace
        ("0.60", "0.30", None, (Verdict.CLEAR, None)),
        # 30 % cushion 20 % away: critical needs 15 %, the warning's 25 % is met
        ("0.30", "0.20", None, (Verdict.BREACH, W)),
        # the dead band: 5 points over the line of the level held
        ("0.64", "0.05", W, (Verdict.DEAD_BAND, W)),
        ("0.65", "0.05", W, (Verdict.DEAD_BAND, W)),
        ("0.651", "0.05", W, (Verdict.CLEAR, None)),
        ("0.44", "0.05", C, (Verdict.DEAD_BAND, C)),
        ("0.44", "0.05", W, (Verdict.BREACH, W)),
        ("0.44", "0.05", E, (Verdict.DEAD_BAND, C)),
        ("0.46", "0.05", E, (Verdict.BREACH, W)),
        # the dead band of `within`: 2 points of price
        ("0.60", "0.26", W, (Verdict.DEAD_BAND, W)),
        ("0.60", "0.28", W, (Verdict.CLEAR, None)),
        ("0.60", "0.26", None, (Verdict.CLEAR, None)),
    ],
)
def test_cushion_gives_the_level_when_at_or_below_a_line_and_near(cushion, distance, held, expected):
    assert outcome(Cushion().judge(assessment(cushion=cushion, liquidation_distance=distance), held)) == expected


def test_cushion_is_clear_when_no_price_liquidates():
    seen = assessment(cushion=None, liquidation_price=None, liquidation_distance=None)
    assert Cushion().judge(seen, None) is CLEAR
    assert Cushion().judge(seen, E) is CLEAR


def test_cushion_is_an_emergency_when_past_liquidation_however_far_the_mark_gapped():
    # the mark gapped 30 % past the liquidation price: the distance reads 0.30 and must not excuse it
    seen = assessment(cushion="-3", headroom="-300", liquidation_distance="0.30")
    assert outcome(Cushion().judge(seen, None)) == (Verdict.BREACH, E)


def test_cushion_is_an_emergency_when_nothing_is_left_and_no_price_would_liquidate():
    seen = assessment(cushion="-1", headroom="-5", liquidation_price=None, liquidation_distance=None)
    assert outcome(Cushion().judge(seen, None)) == (Verdict.BREACH, E)


def test_cushion_judges_only_the_lines_that_are_given():
    rule = Cushion(warning=None, critical=None, within=Lines())
    assert outcome(rule.judge(assessment(cushion="0.3", liquidation_distance="0.9"), None)) == (Verdict.CLEAR, None)
    assert outcome(rule.judge(assessment(cushion="0.2", liquidation_distance="0.9"), None)) == (Verdict.BREACH, E)


def test_cushion_counts_whole_dead_bands_past_the_line():
    # emergency line 25 %, band 5 points: 25 % is 0 steps, 14.9 % is 2
    assert Cushion().judge(assessment(cushion="0.25"), None).steps == 0
    assert Cushion().judge(assessment(cushion="0.149"), None).steps == 2


@pytest.mark.parametrize(
    ("usage", "held", "expected"),
    [
        ("0.79", None, (Verdict.CLEAR, None)),
        ("0.80", None, (Verdict.BREACH, E)),
        ("0.76", E, (Verdict.DEAD_BAND, E)),
        ("0.74", E, (Verdict.CLEAR, None)),
        (None, None, (Verdict.BREACH, E)),
    ],
)
def test_margin_usage_breaches_when_at_or_above_a_line_or_unbounded(usage, held, expected):
    assert outcome(MarginUsage().judge(assessment(margin_usage=usage), held)) == expected


def test_margin_usage_orders_its_levels():
    rule = MarginUsage(warning=Decimal("0.5"), critical=Decimal("0.7"))
    assert outcome(rule.judge(assessment(margin_usage="0.6"), None)) == (Verdict.BREACH, W)
    assert outcome(rule.judge(assessment(margin_usage="0.7"), None)) == (Verdict.BREACH, C)
    assert outcome(rule.judge(assessment(margin_usage="0.66"), C)) == (Verdict.DEAD_BAND, C)


def test_liquidation_distance_breaches_when_near_and_counts_past_liquidation_as_zero():
    rule = LiquidationDistance(warning=Decimal("0.15"), critical=Decimal("0.08"))
    assert outcome(rule.judge(assessment(liquidation_distance="0.16"), None)) == (Verdict.CLEAR, None)
    assert outcome(rule.judge(assessment(liquidation_distance="0.15"), None)) == (Verdict.BREACH, W)
    assert outcome(rule.judge(assessment(liquidation_distance="0.16"), W)) == (Verdict.DEAD_BAND, W)
    assert outcome(rule.judge(assessment(liquidation_distance="0.30", headroom="-1"), None)) == (Verdict.BREACH, C)
    nothing = assessment(liquidation_price=None, liquidation_distance=None)
    assert rule.judge(nothing, W) is CLEAR


def test_margin_ratio_takes_shares_and_multiples_of_the_maintenance_rate():
    # maintenance rate 1 %: 2x is 2 % of the notional
    multiple = MarginRatio(critical=RatioLine(Decimal(2), multiple=True))
    assert outcome(multiple.judge(assessment(margin_ratio="0.021"), None)) == (Verdict.CLEAR, None)
    assert outcome(multiple.judge(assessment(margin_ratio="0.02"), None)) == (Verdict.BREACH, C)
    assert multiple.judge(assessment(margin_ratio="0.02"), None).line == Decimal("0.02")
    assert outcome(multiple.judge(assessment(margin_ratio="0.024"), C)) == (Verdict.DEAD_BAND, C)  # 20 % of the line
    share = MarginRatio(warning=RatioLine(Decimal("0.05"), multiple=False))
    assert outcome(share.judge(assessment(margin_ratio="0.05"), None)) == (Verdict.BREACH, W)
    assert outcome(share.judge(assessment(margin_ratio="-0.4"), None)) == (Verdict.BREACH, W)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Cushion(warning=Decimal("0.3"), critical=Decimal("0.4")),
        lambda: MarginUsage(warning=Decimal("0.9")),
        LiquidationDistance,
        lambda: LiquidationDistance(warning=Decimal("0.05"), critical=Decimal("0.08")),
        MarginRatio,
        lambda: MarginRatio(warning=RatioLine(Decimal(2), multiple=True), critical=RatioLine(Decimal("0.01"), multiple=False)),
        lambda: MarginRatio(warning=RatioLine(Decimal(2), multiple=True), critical=RatioLine(Decimal(3), multiple=True)),
    ],
)
def test_rules_refuse_lines_that_make_no_sense(make):
    with pytest.raises(ValueError, match=r"line|lines"):
        make()


def test_cushion_is_an_emergency_while_the_exchange_liquidates_whatever_the_figures():
    seen = assessment(cushion="0.9")
    liquidating = seen._replace(position=replace(seen.position, status=PositionStatus.LIQUIDATING))
    judgement = Cushion().judge(liquidating, None)
    assert outcome(judgement) == (Verdict.BREACH, E)
    assert "liquidating" in judgement.reason


def test_cushion_refuses_bounds_that_widen_for_a_worse_level():
    with pytest.raises(ValueError, match="within"):
        Cushion(within=Lines(warning=Decimal("0.10"), critical=Decimal("0.20")))
