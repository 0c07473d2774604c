"""The rehearsal's clock belongs to what the policy may do: more restarts it, less does not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.alerts.matching import Matcher
from monitor.topups.policy import Line, Measure, Mode, NotBeyond
from monitor.topups.rehearsal import begins_anew, begun, content_of, rehearsing
from monitor.topups.state import Rehearsal
from tests.builders import NOW
from tests.topups.planning import MEMORY, caps, policy

D = Decimal
RULE = policy(
    skip_rehearsal=False,
    caps=caps(per_action="100", per_position="300", per_day="500", actions_per_day=5),
    keep_free={"USDT": D(200)},
    not_beyond=NotBeyond(price=D(80), loss=D("0.8")),
)


def line(value, measure=Measure.CUSHION):
    return Line(measure=measure, value=D(value))


def remembering(rule, since=NOW):
    rehearsal = Rehearsal(policy=rule.name, content=content_of(rule), since=since)
    return replace(MEMORY, rehearsals={rule.name: rehearsal})


def test_a_policy_moves_money_only_after_its_time():
    memory = remembering(RULE)
    assert rehearsing(RULE, memory, NOW + timedelta(hours=24) - timedelta(seconds=1))
    assert not rehearsing(RULE, memory, NOW + timedelta(hours=24))
    assert rehearsing(RULE, MEMORY, NOW)
    assert not rehearsing(replace(RULE, skip_rehearsal=True), MEMORY, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"match": Matcher(side=("long",))},
        {"trigger": line("0.35")},
        {"trigger": line("0.3", Measure.LIQUIDATION_DISTANCE)},
        {"target": line("0.65")},
        {"target": line("0.6", Measure.LIQUIDATION_DISTANCE)},
        {"target": None, "step": {"USDT": D(50)}},
        {"caps": replace(RULE.caps, per_action={"USDT": D(101)})},
        {"caps": replace(RULE.caps, per_position={"USDT": D(301)})},
        {"caps": replace(RULE.caps, per_day={"USDT": D(501)})},
        {"caps": replace(RULE.caps, per_day={"USDT": D(500), "USDC": D(1)})},
        {"caps": replace(RULE.caps, actions_per_day=6)},
        {"caps": replace(RULE.caps, actions_per_day=None)},
        {"keep_free": {"USDT": D(199)}},
        {"keep_free": {}},
        {"cooldown": timedelta(seconds=59)},
        {"not_beyond": NotBeyond(price=D(79), loss=D("0.8"))},
        {"not_beyond": NotBeyond(price=D(80), loss=D("0.81"))},
        {"not_beyond": NotBeyond(price=D(80))},
        {"partial": True},
    ],
)
def test_what_may_do_more_begins_anew(changes):
    changed = replace(RULE, **changes)
    memory = remembering(RULE, since=NOW - timedelta(days=2))
    assert rehearsing(changed, memory, NOW)
    assert begun(changed, memory, NOW) == Rehearsal(policy=RULE.name, content=content_of(changed), since=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"trigger": line("0.25")},
        {"target": line("0.5")},
        {"caps": replace(RULE.caps, per_action={"USDT": D(99)}, actions_per_day=4)},
        {"caps": replace(RULE.caps, per_day={})},
        {"keep_free": {"USDT": D(300), "USDC": D(5)}},
        {"cooldown": timedelta(minutes=5)},
        {"not_beyond": NotBeyond(price=D(80), loss=D("0.5"))},
    ],
)
def test_what_may_do_less_goes_on(changes):
    narrower = replace(RULE, **changes)
    memory = remembering(RULE, since=NOW - timedelta(days=2))
    assert not rehearsing(narrower, memory, NOW)
    known = begun(narrower, memory, NOW)
    assert known is not None
    assert known.since == NOW - timedelta(days=2)
    # and back again is more than the narrower one
    assert begins_anew(content_of(narrower), RULE)


def test_usage_is_danger_when_it_is_high():
    usage = replace(RULE, trigger=line("0.5", Measure.MARGIN_USAGE), target=line("0.2", Measure.MARGIN_USAGE))
    assert begins_anew(content_of(usage), replace(usage, trigger=line("0.4", Measure.MARGIN_USAGE)))
    assert begins_anew(content_of(usage), replace(usage, target=line("0.1", Measure.MARGIN_USAGE)))
    assert not begins_anew(content_of(usage), replace(usage, trigger=line("0.6", Measure.MARGIN_USAGE)))


def test_a_step_begins_anew_when_it_grows_and_not_when_it_shrinks():
    step = replace(RULE, target=None, step={"USDT": D(50)})
    assert begins_anew(content_of(step), replace(step, step={"USDT": D(51)}))
    assert not begins_anew(content_of(step), replace(step, step={"USDT": D(49)}))
    assert begins_anew(content_of(step), RULE)


def test_nothing_is_remembered_anew_while_all_is_as_it_was():
    assert begun(RULE, remembering(RULE), NOW) is None
    assert begun(replace(RULE, mode=Mode.DRY_RUN), remembering(RULE), NOW) is None
    assert begun(replace(RULE, mode=Mode.OFF), MEMORY, NOW) is None
    assert begun(RULE, MEMORY, NOW) == Rehearsal(policy=RULE.name, content=content_of(RULE), since=NOW)
