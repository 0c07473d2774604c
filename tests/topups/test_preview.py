"""What the budget could still do, and what a policy would do on the way down."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.margin.position import Side
from monitor.topups.policy import Mode
from monitor.topups.preview import cost_at_trigger, drop_to_trigger, forecast, last_stand
from monitor.topups.refusal import RefusalReason
from monitor.topups.state import Circuit
from tests.builders import NOW
from tests.topups.planning import MEMORY, TOP_UPS, caps, intent, policy, remembering, situation

D = Decimal
R = RefusalReason
KEY = situation().key


def ahead(what=None, here=None, drop="0.1", memory=MEMORY):
    return forecast(here or situation("100"), what or policy(), TOP_UPS, memory, NOW, drop=D(drop))


def standing(here=None, rule=None, memory=MEMORY):
    found = last_stand(here or situation(), rule or policy(), TOP_UPS, memory, NOW)
    assert found is not None
    return found


def test_the_last_stand_is_what_the_whole_budget_makes_of_the_liquidation_price():
    # 100 more behind 10 coins: (100 x 10 - 200) / (10 x 0.99) = 80.8
    found = standing(rule=policy(caps=caps(per_position="100")))
    assert found.budget == 100
    assert round(found.liquidation_price or D(0), 1) == D("80.8")


def test_the_budget_is_what_is_left_of_caps_and_balance():
    used = remembering(intent(amount="30"))
    rule = policy(caps=caps(per_position="100"))
    assert standing(situation(), rule, used).budget == 70
    # one of five actions is done: four of 10 each are left of the 70
    assert standing(situation(), policy(caps=caps(per_action="10", per_position="100")), used).budget == 40
    unbounded = policy(caps=caps(per_action="10", per_position="100", actions_per_day=None))
    assert standing(situation(), unbounded, used).budget == 70
    assert standing(situation(free="50"), rule, used).budget == 50
    assert standing(situation(free="50"), replace(rule, keep_free={"USDT": D(45)}), used).budget == 5
    assert standing(situation(free=None), rule, used).budget == 0
    assert last_stand(situation(), policy(mode=Mode.OFF), TOP_UPS, used, NOW) is None


@pytest.mark.parametrize(
    ("reason", "rule", "memory", "top_ups", "held"),
    [
        (R.STOPPED, {}, {"stopped_at": NOW}, {}, {}),
        (R.STOPPED, {}, {"paused": {"btc_guard": NOW}}, {}, {}),
        (R.CIRCUIT_OPEN, {}, {"circuits": {KEY: Circuit(key=KEY, opened_at=NOW, reason="two unknown in a row")}}, {}, {}),
        (R.DRY_RUN, {"mode": Mode.DRY_RUN}, {}, {}, {}),
        (R.DRY_RUN, {"skip_rehearsal": False}, {}, {}, {}),
        (R.DISABLED, {}, {}, {"able": frozenset()}, {}),
        (R.DISABLED, {}, {}, {"unfit": {"main": "its key may withdraw"}}, {}),
        (R.DISABLED, {}, {}, {"acts": False}, {}),
        (R.EXCHANGE_AUTO_ADD, {}, {}, {}, {"exchange_adds_margin": True}),
    ],
)
def test_a_budget_that_will_not_be_spent_as_things_are_is_none(reason, rule, memory, top_ups, held):
    here = situation(held=held)
    found = last_stand(here, policy(**rule), replace(TOP_UPS, **top_ups), replace(MEMORY, **memory), NOW)
    assert found is not None
    assert found.held is not None
    assert (found.held.reason, found.budget) == (reason, 0)
    assert found.liquidation_price == here.assessment.judged.liquidation_price


def test_a_fall_shows_each_add_what_it_costs_and_that_it_saves():
    found = ahead(policy(mode=Mode.DRY_RUN, skip_rehearsal=False))
    # 10 % down the position would be past its end at 90.909; the trigger (cushion 30 %) is reached at 93.64
    ((mark, amount),) = found.adds
    assert (mark, found.survives, found.spent) == (D("93.6"), True, amount)
    assert found.after.mark_price == 90
    assert found.before.isolated_margin == 100
    assert found.after.isolated_margin == 100 + amount


def test_a_fall_without_enough_shows_why_and_that_it_does_not_save():
    found = ahead(here=situation("100", free="10"))
    assert (found.adds, found.survives, found.refusal.reason) == ((), False, RefusalReason.INSUFFICIENT_BALANCE)


def test_a_calm_way_costs_nothing_and_a_short_fears_a_rise():
    assert ahead(drop="0.01").adds == ()
    short = situation("100", held={"side": Side.SHORT})
    assert ahead(here=short, drop="0.08").adds[0][0] > 100
    assert ahead(here=situation("100", free=None)).refusal.reason is RefusalReason.INSUFFICIENT_BALANCE


def test_the_cost_of_one_action_is_known_while_all_is_calm():
    # cushion 30 %: headroom 100 - 10 x (100 - mark) - mark / 10 = 27 at a mark of 93.64, that is 6.37 % down
    assert drop_to_trigger(situation("100"), policy()) == D("0.0637")
    assert len(cost_at_trigger(situation("100"), policy(), TOP_UPS, NOW).adds) == 1
    covered = situation("100", held={"isolated_margin": D(2000)})
    assert drop_to_trigger(covered, policy()) == 1
