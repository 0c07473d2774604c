"""Single sentences: a stop before the end, what a rule saw, the way back, where the exchange disagrees."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Alert, AlertState, position_subject
from monitor.alerts.remarks import disagreement, rescue_line, rule_line, said_in_title, stop_line
from monitor.margin.assessment import assess
from monitor.margin.position import ExchangeSays, Side
from monitor.margin.whatif import liquidation_after, margin_for_cushion
from monitor.rules.base import Level
from tests.builders import NOW, key, position

D = Decimal


def with_stops(*prices: str, known: bool = True, **changes):
    return assess(replace(position("95", **changes), stops=tuple(map(D, prices)) if known else None))


@pytest.mark.parametrize(
    ("prices", "line"),
    [
        # liquidation at 90.909
        (["92.57"], "A stop rests at 92.57, before liquidation."),
        (["90", "91.5"], "A stop rests at 91.5, before liquidation."),
        (["90"], "The stop at 90 comes only AFTER liquidation."),
        ([], "No stop rests before liquidation."),
    ],
)
def test_stop_line_tells_whether_a_longs_stop_comes_first(prices, line):
    assert stop_line(with_stops(*prices)) == line


def test_stop_line_tells_whether_a_shorts_stop_comes_first():
    # 1100 / 10.1 = 108.911
    assert stop_line(with_stops("108", side=Side.SHORT)) == "A stop rests at 108, before liquidation."
    assert stop_line(with_stops("109", "110", side=Side.SHORT)) == "The stop at 109 comes only AFTER liquidation."


def test_stop_line_is_empty_when_nothing_is_known_or_it_is_too_late():
    assert stop_line(with_stops(known=False)) == ""
    assert stop_line(assess(replace(position("90"), stops=()))) == ""
    assert stop_line(assess(replace(position("95", isolated_margin=D(2000)), stops=()))) == ""


def test_a_stops_price_is_never_rounded_to_the_safer_side():
    # six digits, or the tick of 0.1 where that is finer: a long's stop comes no earlier than it is
    assert stop_line(with_stops("92.12345678")) == "A stop rests at 92.1234, before liquidation."
    assert stop_line(with_stops("108.12345678", side=Side.SHORT)) == "A stop rests at 108.124, before liquidation."


def alert(rule: str, value: str | None, line: str | None = None, reason: str = "", level: Level = Level.WARNING) -> Alert:
    subject = position_subject(key())
    return Alert(
        code=code_of(rule, subject, NOW),
        rule=rule,
        subject=subject,
        state=AlertState.FIRING,
        level=level,
        peak=level,
        since=NOW,
        state_since=NOW,
        level_since=NOW,
        value=None if value is None else D(value),
        line=None if line is None else D(line),
        reason=reason,
    )


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (alert("cushion", "0.2399", "0.6"), "Cushion 23 % (warning line 60 %)."),
        (alert("margin_usage", "0.811", "0.8"), "Margin usage 82 % (warning line 80 %)."),
        (alert("margin_usage", None), ""),
        (alert("thin_buffer", "2.49", "3"), "Equity is 2.4 times what the exchange wants (wanted: 3 times)."),
        (alert("thin_buffer", "2.49"), "Equity is 2.4 times what the exchange wants."),
        (alert("tier_change", "0.0101", reason="new tiers moved it"), "New tiers moved it by 1.1 % of the price."),
        (alert("tier_change", None, reason="they will change"), "They will change: liquidation may move nearer."),
        (alert("exchange_disagrees", "0.3"), ""),
        (alert("top_up_inert", None, reason="btc_guard could not act"), "btc_guard could not act."),
        (
            alert("exchange_auto_add", None),
            (
                "The exchange adds margin to it by itself, so that a loss can take the whole free balance. "
                "Switch that off on the exchange's own page if you do not want it."
            ),
        ),
    ],
)
def test_rule_line_says_what_a_rule_saw(told, line):
    assert rule_line(told) == line


def test_said_in_title_leads_with_what_is_not_about_the_end():
    near = ["cushion 23 %, liq 2 % away", "liq 2 % away"]
    assert said_in_title("cushion", near) == near
    assert said_in_title("exchange_auto_add", near) == ["- the exchange adds margin itself", "- auto-margin is on"]
    assert said_in_title("tier_change", near[1:]) == ["new tiers, liq 2 % away", "liq 2 % away"]


@pytest.mark.parametrize(
    ("says", "parts"),
    [
        (ExchangeSays(requirement=D("10.501")), "it wants 10.51 USDT, we compute 10.00 USDT"),
        (ExchangeSays(liquidation_price=D(93)), "its liquidation price is 93, ours 90.9091"),
    ],
)
def test_disagreement_names_both_figures(says, parts):
    text = disagreement(assess(position(says=says)), "USDT")
    assert text == f"The exchange's own figures differ from ours: {parts}. The worse counts."


def test_disagreement_says_when_no_price_liquidates_by_us():
    covered = position(isolated_margin=D(2000), says=ExchangeSays(liquidation_price=D(20)))
    assert "its liquidation price is 20, ours none" in disagreement(assess(covered), "USDT")


@pytest.mark.parametrize(
    ("then", "free", "line"),
    [
        ("82.005", "4120.119", " (liquidation then 82.005), or reduce the position; 4,120.11 USDT free."),
        ("82.00512", None, " (liquidation then 82.0052), or reduce the position. Free balance not known."),
        (None, "1", ", or reduce the position; 1.00 USDT free (NOT enough)."),
    ],
)  # fmt: skip
def test_rescue_line_says_what_the_addition_makes_of_the_liquidation_price(then, free, line):
    told = rescue_line(
        position(),
        amount=D("832.501"),
        goal="x",
        then=None if then is None else D(then),
        free=None if free is None else D(free),
    )
    assert told == f"Add 832.51 USDT to be back at x{line}"


def test_liquidation_after_is_the_price_once_the_margin_is_there():
    now = assess(position("93"))
    amount = margin_for_cushion(now.position, D("0.6"))
    assert amount == D("83.25")
    # margin 183.25 instead of 100: the end is where 9.9 m is 1000 less that
    assert liquidation_after(now, amount) == D("816.75") / D("9.9")


def test_liquidation_after_keeps_what_the_exchange_is_nearer_by():
    now = assess(position("95", says=ExchangeSays(liquidation_price=D(93))))
    assert now.judged.liquidation_price == 93
    # ours goes from 900 / 9.9 to 800 / 9.9; theirs is as much nearer as it is now
    after = liquidation_after(now, D(100))
    assert after is not None
    assert abs(after - (D(93) - D(100) / D("9.9"))) < D("1e-20")


def test_liquidation_after_is_none_when_no_price_liquidates_then():
    assert liquidation_after(assess(position()), D(1000)) is None
    assert liquidation_after(assess(position(isolated_margin=D(2000))), D(1)) is None
