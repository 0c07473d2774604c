"""Whether a policy could act is known before its trigger is reached; what passes by itself, or was meant, is no reason.

The position of 10 at 100 with 100 of margin: at a mark of m the headroom is 9.9 m - 900, the cushion a share of 90. The trigger
(30 %, headroom 27) lies 6.37 % down, at 93.63: headroom 26.937. The target: 26.937 + x = 60 % of (90 + x), x = 67.6575: 67.66.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.margin.position import ExchangeSays, PositionStatus, Side
from monitor.topups.inert import why_inert
from monitor.topups.ledger import IntentState
from monitor.topups.policy import Grain, Mode, NotBeyond
from monitor.topups.state import Circuit
from tests.builders import NOW
from tests.topups.planning import MEMORY, TOP_UPS, D, caps, intent, policy, remembering, situation

CALM = situation("100")


def why(here=CALM, rule=None, top_ups=TOP_UPS, memory=MEMORY):
    return why_inert(here, rule or policy(), top_ups, memory, NOW)


def because(*args, **kwargs):
    """The reason alone."""
    name, _, reason = (why(*args, **kwargs) or "").partition(" long: ")
    assert name == "btc_guard could not act on BTC/USDT"
    return reason


def test_a_policy_that_could_act_is_not_inert():
    assert why() == ""
    assert why(situation("100", free="67.66")) == ""


def test_a_policy_is_inert_when_the_balance_cannot_give_the_first_action():
    assert why(situation("100", free="67.65")) == "btc_guard could not act on BTC/USDT long: needs 67.66 USDT, 67.65 free"
    assert because(situation("100", free=None)) == "the free balance is not known"
    kept = policy(keep_free={"USDT": D(980)})
    assert because(rule=kept) == "needs 67.66 USDT, 1,000 free, of which 980 are kept"
    assert why(situation("100", free="10"), policy(partial=True)) == ""


def test_a_short_is_asked_at_a_higher_price():
    short = situation("100", held={"side": Side.SHORT}, free="1")
    # headroom 1100 - 10.1 m is 27 at 106.24 (6.24 % up): 26.976 + x = 60 % of (90 + x)
    assert why(short) == "btc_guard could not act on BTC/USDT short: needs 67.56 USDT, 1 free"


def test_a_policy_is_inert_when_a_cap_is_too_small_or_used_up():
    assert because(rule=policy(caps=caps(per_action="20"))) == "needs 67.66 USDT; the cap per action is 20 USDT"
    used = because(rule=policy(caps=caps(per_day="40")), memory=remembering(intent(amount="30")))
    assert used == "needs 67.66 USDT; the cap per day is 40 USDT, of which 30 are used"
    assert "1 of 1 actions today" in because(rule=policy(caps=caps(actions_per_day=1)), memory=remembering(intent()))


def test_a_policy_is_inert_when_the_exchange_accepts_no_amount_so_small():
    coarse = replace(TOP_UPS, grains={"binance": {"": Grain(step=D(1), least=D(15))}})
    assert because(situation("100", free="10"), policy(partial=True), coarse) == "10 USDT is less than the exchange accepts"


def test_a_policy_is_inert_when_its_account_or_its_position_does_not_let_it():
    assert because(top_ups=replace(TOP_UPS, able=frozenset())) == "the account main has no top_up_credentials"
    assert because(top_ups=replace(TOP_UPS, unfit={"main": "its top-up key may withdraw"})) == "its top-up key may withdraw"
    adds = situation("100", held={"exchange_adds_margin": True})
    assert because(adds) == "the exchange's own automatic margin is on: two would add"
    circuit = Circuit(key=CALM.key, opened_at=NOW, reason="two unclear answers in a row")
    assert because(memory=replace(MEMORY, circuits={CALM.key: circuit})) == "two unclear answers in a row"


def test_a_policy_is_inert_when_its_bound_is_passed_before_its_trigger():
    bound = policy(not_beyond=NotBeyond(price=D(95)))
    assert because(rule=bound) == "its bound (not_beyond) is passed before its trigger, which is at a mark of about 93.63"
    assert why(rule=policy(not_beyond=NotBeyond(price=D(90)))) == ""


def test_what_passes_by_itself_or_was_meant_is_no_reason():
    old = replace(CALM, read_at=NOW - timedelta(minutes=1), failing=True, absences=1, index_price=D(50))
    assert why(old) == ""
    assert why(situation("100", held={"says": ExchangeSays(requirement=D(20))})) == ""
    assert why(memory=remembering(intent(ago=1))) == ""
    assert why(memory=replace(MEMORY, stopped_at=NOW, paused={"btc_guard": NOW})) == ""


def test_only_an_armed_policy_can_be_inert():
    poor = situation("100", free="1")
    assert why(poor)
    assert why(poor, policy(mode=Mode.OFF)) == ""
    assert why(poor, policy(mode=Mode.DRY_RUN)) == ""
    assert why(poor, policy(skip_rehearsal=False)) == ""


def test_nothing_is_said_where_no_price_reaches_the_trigger():
    assert why(situation("100", held={"isolated_margin": D(2000)}, free="1")) == ""


@pytest.mark.parametrize(
    ("here", "memory"),
    [
        (situation("93", free="1"), MEMORY),
        (situation("100", free="1"), remembering(intent(state=IntentState.UNKNOWN))),
        (situation("100", free="1", held={"status": PositionStatus.LIQUIDATING}), MEMORY),
    ],
)
def test_it_cannot_be_said_while_something_is_going_on(here, memory):
    assert why(here, memory=memory) is None


def test_a_change_on_another_position_is_no_hindrance():
    other = intent(state=IntentState.UNKNOWN, key=replace(CALM.key, symbol="ETH/USDT:USDT"))
    assert why(memory=remembering(other)) == ""
