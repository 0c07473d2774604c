"""What a policy does about a position: the amount that reaches its target, and each refusal by its name."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.assessment import assess
from monitor.margin.position import Contract, ExchangeSays, PositionStatus, Side
from monitor.margin.whatif import with_added_margin
from monitor.topups.ledger import IntentState
from monitor.topups.plan import Approved, plan, recheck
from monitor.topups.policy import Line, Measure, Mode, NotBeyond
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit
from tests.builders import NOW
from tests.topups.planning import MEMORY, TOP_UPS, caps, intent, policy, remembering, situation

D = Decimal
R = RefusalReason
KEY = situation().key


def planned(what=None, here=None, memory=MEMORY, top_ups=TOP_UPS, now=NOW, number=0):
    return plan(here or situation(), what or policy(), top_ups, memory, now, number=number)


def why(*arguments, **named):
    found = planned(*arguments, **named)
    assert isinstance(found, Refusal), found
    return found.reason


def test_the_amount_lands_on_the_target_when_the_trigger_is_reached():
    found = planned()
    # cushion 60 %: headroom 20.7 + X = 0.6 x (100 + X - 10 at entry), since today's margin measures: X = 33.3 / 0.4
    assert (found.amount, found.why, found.partial) == (D("83.25"), "cushion 30 %", False)
    assert assess(with_added_margin(situation().assessment.position, found.amount)).judged.cushion == D("0.6")


def test_the_amount_is_rounded_up_to_what_the_exchange_accepts():
    # usage 20 %: 9.3 / (30 + X) = 0.2, X = 16.5; distance 5 %: to a liquidation price of 88.35, which 25.335 more give
    assert planned(policy(target=Line(measure=Measure.MARGIN_USAGE, value=D("0.2")))).amount == D("16.5")
    distance = planned(policy(target=Line(measure=Measure.LIQUIDATION_DISTANCE, value=D("0.05"))))
    assert distance.amount == D("25.34")


def test_a_fixed_step_is_added_as_it_is():
    assert planned(policy(target=None, step={"USDT": D(50)})).amount == 50
    assert why(policy(target=None, step={"BTC": D(1)})) is R.CANNOT_HELP


@pytest.mark.parametrize(
    ("trigger", "reached"),
    [
        (Line(measure=Measure.CUSHION, value=D("0.23")), True),
        (Line(measure=Measure.CUSHION, value=D("0.22")), False),
        (Line(measure=Measure.MARGIN_USAGE, value=D("0.31")), True),
        (Line(measure=Measure.MARGIN_USAGE, value=D("0.32")), False),
        (Line(measure=Measure.LIQUIDATION_DISTANCE, value=D("0.0225")), True),
        (Line(measure=Measure.LIQUIDATION_DISTANCE, value=D("0.0224")), False),
    ],
)
def test_nothing_is_planned_before_the_trigger_is_reached(trigger, reached):
    # at 93: cushion 23 %, usage 9.3 / 30 = 31 %, distance (93 - 90.909) / 93 = 2.248 %
    target = replace(
        trigger,
        value=D("0.1")
        if trigger.measure is Measure.MARGIN_USAGE
        else D("0.6")
        if trigger.measure is Measure.CUSHION
        else D("0.05"),
    )
    assert (planned(policy(trigger=trigger, target=target)) is not None) is reached


def test_a_position_past_its_end_has_reached_every_trigger():
    gone = situation("90")
    for measure in Measure:
        line = Line(measure=measure, value=D("0.5"))
        target = Line(measure=measure, value=D("0.2") if measure is Measure.MARGIN_USAGE else D("0.6"))
        assert isinstance(planned(policy(trigger=line, target=target), gone), Approved)


def test_a_policy_that_is_off_does_nothing():
    assert planned(policy(mode=Mode.OFF)) is None


def test_a_rehearsal_says_what_it_would_have_done():
    found = planned(policy(mode=Mode.DRY_RUN))
    assert (found.reason, found.detail) == (R.DRY_RUN, "would add 83.25 USDT")
    assert why(policy(skip_rehearsal=False)) is R.DRY_RUN


REFUSALS: list[tuple[RefusalReason, dict[str, Any]]] = [
        (R.DISABLED, {"top_ups": replace(TOP_UPS, able=frozenset())}),
        (R.STOPPED, {"memory": replace(MEMORY, stopped_at=NOW)}),
        (R.STOPPED, {"memory": replace(MEMORY, paused={"btc_guard": NOW})}),
        (R.CIRCUIT_OPEN, {"memory": replace(MEMORY, circuits={KEY: Circuit(key=KEY, opened_at=NOW, reason="x")})}),
        (R.NOT_ISOLATED, {"here": situation(mode="cross")}),
        (R.LIQUIDATING, {"here": situation(held={"status": PositionStatus.LIQUIDATING})}),
        (R.LIQUIDATING, {"here": situation(held={"status": PositionStatus.DELEVERAGING})}),
        (R.EXCHANGE_AUTO_ADD, {"here": situation(held={"exchange_adds_margin": True})}),
        (R.STALE_DATA, {"here": situation(failing=True)}),
        (R.STALE_DATA, {"here": situation(absences=1)}),
        (R.STALE_DATA, {"now": NOW + timedelta(seconds=3.1)}),
        (R.STALE_DATA, {"now": NOW - timedelta(seconds=3.1)}),
        (R.SUSPICIOUS_DATA, {"here": situation(held={"tiers": None})}),
        (R.SUSPICIOUS_DATA, {"here": situation(index_price=D(99))}),
        (R.DIVERGENT_DATA, {"here": situation(held={"says": ExchangeSays(requirement=D(12))})}),
        (R.IN_FLIGHT, {"memory": remembering(intent(state=IntentState.UNKNOWN))}),
        (R.IN_FLIGHT, {"memory": remembering(intent(state=IntentState.CONFIRMED))}),
        (R.COOLDOWN, {"memory": remembering(intent(ago=59))}),
        (R.PRICE_BOUND, {"what": policy(not_beyond=NotBeyond(price=D("93.1")))}),
        (R.PRICE_BOUND, {"what": policy(not_beyond=NotBeyond(loss=D("0.69")))}),
        (R.CAP_ACTION, {"what": policy(caps=caps(per_action="83.24"))}),
        (R.CAP_ACTION, {"what": policy(caps=replace(caps(), per_action={}))}),
        (R.CAP_POSITION, {"what": policy(caps=caps(per_position="93")), "memory": remembering(intent(amount="10"))}),
        (R.CAP_DAY, {"what": policy(caps=caps(per_day="93")), "memory": remembering(intent(amount="10", epoch=7))}),
        (R.CAP_DAY, {"what": policy(caps=caps(actions_per_day=1)), "memory": remembering(intent())}),
        (R.CAP_DAY, {"top_ups": replace(TOP_UPS, account_caps={"main": {"USDT": D(80)}})}),
        (R.RESERVE, {"what": policy(keep_free={"USDT": D(917)})}),
        (R.INSUFFICIENT_BALANCE, {"here": situation(free="83.24")}),
        (R.INSUFFICIENT_BALANCE, {"here": situation(free=None)}),
        (R.BELOW_MINIMUM, {"what": policy(partial=True), "here": situation(free="0.009")}),
        (R.CANNOT_HELP, {"what": policy(target=None, step={"USDT": D("0.5")})}),
        (R.CANNOT_HELP, {"what": policy(target=None, step={"USDT": D(50)}), "here": situation("80")}),
        (R.CANNOT_HELP, {"what": policy(partial=True), "here": situation(free="0.5")}),
    ]  # fmt: skip


@pytest.mark.parametrize(("reason", "changes"), REFUSALS)
def test_each_refusal_has_its_name(reason, changes):
    assert why(**changes) is reason


def test_every_refusal_is_reached():
    """The other three are reached by `test_everything_is_asked_again_before_the_send` and the rehearsals."""
    elsewhere = {R.DRY_RUN, R.POSITION_CHANGED, R.OTHER_INSTANCE}
    assert {reason for reason, _ in REFUSALS} | elsewhere == set(R)


@pytest.mark.parametrize(
    ("memory", "now"),
    [
        (remembering(intent(ago=60)), NOW),
        (remembering(intent(ago=10, state=IntentState.REJECTED)), NOW),
        (remembering(intent(ago=10, state=IntentState.ABANDONED, submitted_at=None)), NOW),
        (remembering(intent(ago=10, state=IntentState.RECONCILED_NOT_APPLIED)), NOW),
        (MEMORY, NOW + timedelta(seconds=3)),
    ],
)
def test_what_did_not_happen_or_is_long_past_stands_in_no_way(memory, now):
    assert isinstance(planned(memory=memory, now=now), Approved)


@pytest.mark.parametrize("bound", [NotBeyond(price=D(93)), NotBeyond(loss=D("0.7")), NotBeyond()])
def test_a_bound_that_is_just_reached_is_not_passed(bound):
    # the loss is 70 of the 100 that were ever put in
    assert isinstance(planned(policy(not_beyond=bound)), Approved)


def test_the_loss_is_measured_against_all_that_was_ever_put_in():
    # 20 were added and 50 have been eaten since: what stands behind it says 70, what was put in 120
    here = situation("93", held={"isolated_margin": D(70)})
    assert why(policy(not_beyond=NotBeyond(loss=D("0.6"))), here) is R.PRICE_BOUND
    with_more = remembering(intent(amount="20"))
    assert isinstance(planned(policy(not_beyond=NotBeyond(loss=D("0.6"))), here, with_more), Approved)
    # without a leverage setting nobody knows what it was opened with
    odd = situation("93", held={"isolated_margin": D(-1), "leverage": None})
    assert why(policy(not_beyond=NotBeyond(loss=D("0.9"))), odd) is R.PRICE_BOUND


def test_a_short_is_not_helped_above_its_bound():
    # a short of 10 at 100 with 100 of margin: at 107 equity 30, requirement 10.7
    short = situation("107", held={"side": Side.SHORT})
    assert why(policy(not_beyond=NotBeyond(price=D(106))), short) is R.PRICE_BOUND
    assert isinstance(planned(policy(not_beyond=NotBeyond(price=D(107))), short), Approved)


def test_a_position_counts_per_epoch_and_per_day_whichever_is_more():
    rule = policy(caps=caps(per_position="100"))
    of_this_life = remembering(intent(1, amount="10", ago=200_000), intent(2, amount="10", ago=100_000))
    assert why(rule, memory=of_this_life) is R.CAP_POSITION
    of_an_earlier_life = remembering(intent(1, amount="20", ago=3600, epoch=0))
    assert why(rule, memory=of_an_earlier_life) is R.CAP_POSITION
    long_ago = remembering(intent(1, amount="20", ago=100_000, epoch=0))
    assert isinstance(planned(rule, memory=long_ago), Approved)


def test_what_nobody_knows_counts_as_spent_and_a_persons_own_does_not():
    rule = policy(caps=caps(per_day="90"))
    assert why(rule, memory=remembering(intent(state=IntentState.DISPUTED))) is R.CAP_DAY
    assert isinstance(planned(rule, memory=remembering(intent(policy=""))), Approved)


def test_less_is_added_when_the_owner_says_so_and_it_still_buys_time():
    rule = policy(partial=True)
    found = planned(rule, situation(free="40"))
    assert (found.amount, found.partial) == (D(40), True)
    # 5 lift the liquidation price from 90.909 to 90.404: half a percent of the mark, but not past the trigger
    assert planned(rule, situation(free="5")).amount == 5
    capped = planned(policy(partial=True, caps=caps(per_action="30")))
    assert (capped.amount, capped.partial) == (D(30), True)


def test_a_cap_and_not_the_balance_is_named_when_it_is_the_tighter():
    assert why(policy(caps=caps(per_action="50")), situation(free="60")) is R.CAP_ACTION
    assert why(policy(caps=caps(per_action="60")), situation(free="50")) is R.INSUFFICIENT_BALANCE


def test_the_tail_marks_the_amount_and_never_passes_a_cap():
    # a thousandth of 83.25 is 0.08: up to eight steps of a cent
    assert planned(number=5).amount == D("83.30")
    assert planned(number=9).amount == D("83.25")
    assert planned(policy(caps=caps(per_action="83.26")), number=5).amount in {D("83.25"), D("83.26")}


def test_everything_is_asked_again_before_the_send():
    sent = intent(9, amount="83.25", ago=1, state=IntentState.PLANNED, submitted_at=None)
    memory = remembering(sent)

    def again(what=None, here=None, memory=memory, top_ups=TOP_UPS, now=NOW, one=sent):
        found = recheck(one, here or situation(), what or policy(), top_ups, memory, now)
        return None if found is None else found.reason

    assert again() is None
    assert again(here=situation(index_price=D("93.5"))) is None
    assert again(here=situation(index_price=D(120))) is R.SUSPICIOUS_DATA
    assert again(one=replace(sent, lease=2)) is R.OTHER_INSTANCE
    assert again(here=situation(epoch=2)) is R.POSITION_CHANGED
    assert again(here=situation(held={"contracts": D(9)})) is R.POSITION_CHANGED
    assert again(here=situation("97")) is R.POSITION_CHANGED
    assert again(now=NOW + timedelta(seconds=4)) is R.STALE_DATA
    assert again(policy(mode=Mode.DRY_RUN)) is R.DRY_RUN
    assert again(policy(mode=Mode.OFF)) is R.DISABLED
    assert again(policy(skip_rehearsal=False)) is R.DRY_RUN
    assert again(policy(caps=caps(per_day="80"))) is R.CAP_DAY
    assert again(here=situation(free="50")) is R.INSUFFICIENT_BALANCE
    assert again(policy(keep_free={"USDT": D(950)})) is R.RESERVE
    assert again(one=replace(sent, amount=D("0.01"))) is R.CANNOT_HELP
    assert again(memory=remembering(sent, intent(3, state=IntentState.UNKNOWN))) is R.IN_FLIGHT


def test_an_inverse_position_is_helped_in_its_own_coin():
    linear = situation().assessment.position.instrument
    held = {
        "instrument": replace(linear, contract=Contract.INVERSE, contract_size=D(100), settle_currency="BTC"),
        "contracts": D(100), "entry_price": D(100000), "isolated_margin": D("0.01"),
    }  # fmt: skip
    here = situation("93000", held=held)
    rich = replace(here, free=D(1))
    in_coin = {"BTC": D("0.1")}
    rule = policy(caps=replace(caps(), per_action=in_coin, per_position=in_coin, per_day=in_coin))
    fine = replace(
        TOP_UPS, grains={"binance": {"BTC": replace(TOP_UPS.grains["binance"][""], step=D("0.0001"), least=D("0.0001"))}}
    )
    found = planned(rule, rich, top_ups=fine)
    assert isinstance(found, Approved)
    assert found.amount == found.amount.quantize(D("0.0001"))
    cushion = assess(with_added_margin(rich.assessment.position, found.amount)).judged.cushion
    assert cushion is not None
    assert cushion >= D("0.6")
