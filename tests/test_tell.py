"""What a message needs from other rooms: the margin that brings a position back, and whether something else still stands."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.alerts.model import Message, NotifyReason
from monitor.alerts.remarks import shared_line
from monitor.decide import decide
from monitor.memory import Memory
from monitor.rules.base import RatioLine
from monitor.rules.cushion import Cushion
from monitor.rules.exchange_auto_add import ExchangeAutoAdd
from monitor.rules.liquidation_distance import LiquidationDistance
from monitor.rules.margin_ratio import MarginRatio
from monitor.rules.margin_usage import MarginUsage
from monitor.rules.thin_buffer import ThinBuffer
from tests.builders import COINM, USDM, at, policy, position, snapshot

D = Decimal
CALM, EMERGENCY = "100", "93"


def told(rules, *marks, **changes):
    """The messages of the last of some readings, two seconds apart."""
    memory, messages = Memory(), tuple[Message, ...]()
    for number, mark in enumerate(marks):
        when = at(20 * number)
        reading = snapshot(position(mark, **changes), when=when, free={"USDT": D("50")})
        decision = decide(reading, memory, rules, when)
        memory, messages = decision.memory, decision.commit.messages
    return messages


# At 93 equity is 30 and the requirement 9.3; x more margin: equity 30 + x.
@pytest.mark.parametrize(
    ("rule", "words"),
    [
        # (20.7 + x) / (90 + x) = 0.6: x = 83.25
        (Cushion(), "Add 83.25 USDT to be back at cushion 60 %"),
        # the mildest line that there is: (20.7 + x) / (90 + x) = 0.3: x = 6.3 / 0.7 = 9
        (Cushion(warning=None, critical=None, emergency=D("0.3")), "Add 9.00 USDT to be back at cushion 30 %"),
        # 9.3 / (30 + x) = 0.25: x = 7.2
        (MarginUsage(warning=D("0.25"), emergency=D("0.30")), "Add 7.20 USDT to be back at margin usage 25 %"),
        # liquidation at 93 x 0.9 = 83.7: 10 x 83.7 - 900 + x = 0.837 x 10 -> x = 63 + 8.37 = 71.37
        (LiquidationDistance(warning=D("0.10")), "Add 71.37 USDT to be back at liquidation distance 10 %"),
        # notional 930, of which 5 % is 46.50: x = 16.50
        (MarginRatio(critical=RatioLine(D("0.05"), multiple=False)), "Add 16.50 USDT to be back at margin ratio 5 %"),
        # the maintenance rate is 1 %: 4 x 9.3 = 37.2, x = 7.2
        (
            MarginRatio(warning=RatioLine(D(4), multiple=True), critical=RatioLine(D("3.5"), multiple=True)),
            "Add 7.20 USDT to be back at margin ratio 4x the maintenance rate",
        ),
        (ThinBuffer(warning=D(4), at_open=D(20)), "Add 7.20 USDT to be back at 4 times what the exchange wants"),
    ],
)
def test_a_message_says_how_much_margin_brings_the_position_back_over_the_mildest_line(rule, words):
    (message,) = told(policy(rule), CALM, EMERGENCY)
    assert words in message.body
    assert "50.00 USDT free" in message.body
    assert ("NOT enough" in message.body) is (D(words.split()[1]) > 50)


OTHER = "ETH/USDT:USDT"


@pytest.mark.parametrize(
    ("free", "other", "family", "said"),
    [
        # at 93 each needs 83.25, at 96 (50.4 + x) / (90 + x) = 0.6: x = 9
        ("500", "93", USDM, "1 other position needs that free balance too: 166.50 USDT in all."),
        ("90", "96", USDM, "1 other position needs that free balance too: 92.25 USDT in all, NOT enough."),
        ("500", "100", USDM, ""),  # past no line: it needs nothing
        ("500", "93", COINM, ""),  # another wallet
        (None, "93", USDM, ""),  # not known, and said so already
    ],
)
def test_a_message_says_who_else_needs_the_balance_that_is_free(free, other, family, said):
    memory, rules = Memory(), policy(Cushion())
    known = {} if free is None else {"USDT": D(free)}

    def read(when, mark):
        nonlocal memory
        near = position(other, symbol=OTHER, family=family.family)
        mine = position(mark)
        readings = [snapshot(mine, near, when=when, free=known)]
        if family != USDM:
            readings = [snapshot(near, family=family, when=when), snapshot(mine, when=when, free=known)]
        for reading in readings:
            decision = decide(reading, memory, rules, when)
            memory = decision.memory
        return decision.commit.messages

    read(at(0), CALM)
    (message,) = read(at(20), EMERGENCY)
    assert [line for line in message.body.splitlines() if "that free balance too" in line] == ([said] if said else [])


def test_several_others_are_counted():
    assert shared_line(position(), others=2, in_all=D("12.001"), free=D(13)) == (
        "2 other positions need that free balance too: 12.01 USDT in all."
    )


@pytest.mark.parametrize("rule", [MarginUsage(warning=None, emergency=None), ExchangeAutoAdd()])
def test_a_rule_without_an_answer_leaves_it_to_the_next(rule):
    (message,) = told(policy(rule, Cushion()), CALM, EMERGENCY)
    assert "to be back at cushion 60 %" in message.body


def test_no_margin_is_asked_for_when_no_rule_has_an_answer():
    (message,) = told(policy(ExchangeAutoAdd()), CALM, exchange_adds_margin=True)
    assert "Add " not in message.body


USAGE_ONLY_OVER = ("100", "91", "92")  # usage 91 %, then 46 %; the cushion stays in emergency: 0.9 / 90, 10.8 / 90


def test_the_end_of_one_alert_is_no_all_clear_while_another_rule_still_sees_a_breach():
    rules = policy(Cushion(), replace(MarginUsage(), clear_hold=at(0) - at(0)))
    (message,) = told(rules, *USAGE_ONLY_OVER)
    assert message.why is NotifyReason.RESOLVED
    assert message.title.startswith("Still EMERGENCY: BTC/USDT long")
    assert "NOT all clear" in message.body


def test_the_end_of_the_only_alert_is_an_all_clear():
    (message,) = told(policy(replace(MarginUsage(), clear_hold=at(0) - at(0))), *USAGE_ONLY_OVER)
    assert message.title.startswith("All clear: BTC/USDT long")


def test_a_position_that_has_become_dust_stands_at_nothing():
    rules = replace(policy(replace(Cushion(), clear_hold=at(0) - at(0))), dust={"USDT": D(925)})
    (message,) = told(rules, "100", "93", "92")
    assert message.title.startswith("All clear: BTC/USDT long")
