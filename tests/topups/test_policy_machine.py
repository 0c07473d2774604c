"""A policy in a world that changes at random: whatever happens, no cap is passed, nothing is added without need, all is named."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.margin.position import ExchangeSays, PositionStatus
from monitor.topups.amount import reached
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.plan import Approved, plan, recheck
from monitor.topups.policy import Mode, NotBeyond
from monitor.topups.refusal import RefusalReason
from monitor.topups.state import Circuit
from tests.builders import NOW
from tests.topups.planning import MEMORY, TOP_UPS, caps, intent, policy, situation

pytestmark = pytest.mark.xdist_group("policy machine")
D = Decimal
PER_ACTION, PER_POSITION, PER_DAY, ACCOUNT = D(90), D(200), D(260), D(250)
SETTLED = (
    IntentState.VERIFIED,
    IntentState.REJECTED,
    IntentState.UNKNOWN,
    IntentState.RECONCILED_NOT_APPLIED,
    IntentState.DISPUTED,
)
BETWEEN: dict[str, dict[str, Any]] = {
    "another life": {"epoch": 0},
    "cross": {"mode": "cross"},
    "poorer": {"free": D(21)},
    "failing": {"failing": True},
}
"""What may change between the plan and the send."""
GIVEN = {"i0", "i-1"}
"""What was spent before it all begins: an hour ago on another position, and yesterday in this life."""
SEEN: set[RefusalReason] = set()
STEPS: list[int] = [0]


def _sent(one: Intent) -> datetime:
    return one.submitted_at or one.planned_at


class PolicyMachine(RuleBasedStateMachine):
    """Readings, owners, exchanges and clocks do what they like; the policy is asked after each."""

    @initialize(
        partial=st.booleans(),
        dry=st.sampled_from([False, False, True]),
        skip=st.sampled_from([True, True, False]),
        elsewhere=st.sampled_from(["1", "100"]),
        earlier=st.sampled_from(["1", "1", "150"]),
    )
    def begin(self, partial, dry, skip, elsewhere, earlier):
        self.now = NOW
        self.rule = policy(
            caps=caps(per_action=PER_ACTION, per_position=PER_POSITION, per_day=PER_DAY, actions_per_day=4),
            keep_free={"USDT": D(20)},
            not_beyond=NotBeyond(price=D(75), loss=D("2.5")),
            partial=partial,
            mode=Mode.DRY_RUN if dry and not skip else Mode.AUTO,
            skip_rehearsal=skip,
        )
        self.top_ups = replace(TOP_UPS, account_caps={"main": {"USDT": ACCOUNT}})
        other = intent(0, amount=elsewhere, ago=3600, here=situation(held={"symbol": "ETH/USDT:USDT"}))
        in_this_life = intent(-1, amount=earlier, ago=90_000)
        self.memory = replace(MEMORY, intents={one.id: one for one in (other, in_this_life)})
        self.margin, self.free, self.mark, self.epoch = D(100), D(500), D(93), 1
        self.age, self.held, self.where = timedelta(), {}, {}
        self.number = 0

    def here(self):
        held = {"isolated_margin": self.margin, **self.held}
        found = situation(str(self.mark), free=str(self.free), held=held, read_at=self.now - self.age, epoch=self.epoch)
        return replace(found, **self.where)

    @rule(mark=st.one_of(st.decimals("90", "94", places=2), st.decimals("60", "110", places=2)))
    def the_price_moves(self, mark):
        self.mark = mark

    @rule(minutes=st.sampled_from([0, 1, 5, 60, 600, 1500]), age=st.sampled_from([0, 0, 0, 2, 5]))
    def time_goes_by(self, minutes, age):
        self.now += timedelta(minutes=minutes)
        self.age = timedelta(seconds=age)

    @rule(free=st.sampled_from([D("20.005"), D("20.005"), D(60), D(95), D(95), D(5000), D(5000), D(5000)]))
    def the_balance_changes(self, free):
        self.free = free

    @rule(
        held=st.sampled_from(
            [
                {}, {}, {}, {"status": PositionStatus.LIQUIDATING}, {"exchange_adds_margin": True}, {"tiers": None},
                {"says": ExchangeSays(requirement=D(40))}, {"says": ExchangeSays(requirement=D(30))}, {"contracts": D(11)},
            ]
        ),
        where=st.sampled_from([{}, {}, {}, {"mode": "cross"}, {"failing": True}, {"index_price": D(200)}, {"absences": 1}]),
    )  # fmt: skip
    def the_exchange_says_otherwise(self, held, where):
        self.held, self.where = held, where

    @rule()
    def another_life_begins(self):
        self.epoch += 1
        self.margin = D(100)

    @rule(what=st.sampled_from(["stop", "start", "pause", "resume", "break", "mend", "other", "able", "unable"]))
    def the_owner_or_the_house_decides(self, what):
        key = self.here().key
        match what:
            case "stop" | "start":
                self.memory = replace(self.memory, stopped_at=self.now if what == "stop" else None)
            case "pause" | "resume":
                self.memory = replace(self.memory, paused={"btc_guard": self.now} if what == "pause" else {})
            case "break" | "mend":
                broken = {key: Circuit(key=key, opened_at=self.now, reason="two unknown in a row")}
                self.memory = replace(self.memory, circuits=broken if what == "break" else {})
            case "other":
                self.memory = replace(self.memory, lease=self.memory.lease + 1)
            case _:
                self.top_ups = replace(self.top_ups, able=frozenset({"main"} if what == "able" else ()))

    @rule(
        asks=st.lists(
            st.tuples(
                st.sampled_from(SETTLED),
                st.sampled_from([0, 0, 1]),
                st.sampled_from(["", "", "", "", *BETWEEN]),
                st.sampled_from([1, 61, 61]),
            ),
            min_size=1,
            max_size=4,
        )
    )
    def the_policy_is_asked_and_may_act(self, asks):
        for outcome, lease, between, wait in asks:
            self._ask(outcome, lease, between)
            self.now += timedelta(seconds=wait)

    def _ask(self, outcome, lease, between):
        here, top_ups, memory = self.here(), self.top_ups, self.memory
        self._all_is_well_again()
        self.number += 1
        found = plan(here, self.rule, top_ups, memory, self.now, number=self.number)
        if not isinstance(found, Approved):
            self._note(found)
            return
        assert reached(self.rule.trigger, here.assessment.judged), "nothing was needed"
        assert found.amount <= here.free - D(20), "the reserve was touched"
        one = intent(
            self.number, amount=str(found.amount), here=here, state=IntentState.PLANNED, submitted_at=None,
            planned_at=self.now, epoch=self.epoch, lease=self.memory.lease - lease,
        )  # fmt: skip
        planned = {**self.memory.intents, one.id: one}
        changed = replace(self.here(), **BETWEEN[between]) if between else self.here()
        again = recheck(one, changed, self.rule, self.top_ups, replace(self.memory, intents=planned), self.now)
        self._note(again)
        if again is not None:
            return
        assert not between or between == "poorer", f"sent although {between}"
        sent = replace(one, state=outcome, submitted_at=self.now)
        self.memory = replace(self.memory, intents={**self.memory.intents, one.id: sent})
        if outcome is IntentState.VERIFIED:
            self.margin += sent.amount

    @precondition(lambda self: any(one.is_open for one in self.memory.intents.values()))
    @rule()
    def what_was_unknown_is_settled(self):
        settled = {
            name: replace(one, state=IntentState.RECONCILED_APPLIED) if one.is_open else one
            for name, one in self.memory.intents.items()
        }
        self.memory = replace(self.memory, intents=settled)

    def _all_is_well_again(self):
        """What stands in the way does so for one question: else nothing would ever be asked but the first guard."""
        self.held, self.where, self.age = {}, {}, timedelta()
        self.memory = replace(self.memory, stopped_at=None, paused={}, circuits={})
        self.top_ups = replace(self.top_ups, able=frozenset({"main"}))

    def _note(self, found):
        if found is not None:
            SEEN.add(found.reason)

    @invariant()
    def no_cap_is_passed(self):
        STEPS[0] += 1
        spent = [one for one in getattr(self, "memory", MEMORY).intents.values() if one.is_spent]
        assert all(one.amount <= PER_ACTION for one in spent if one.id not in GIVEN)
        for one in spent:
            since = [other for other in spent if timedelta() <= _sent(one) - _sent(other) < timedelta(hours=24)]
            assert sum(other.amount for other in since) <= min(PER_DAY, ACCOUNT)
            assert sum(other.amount for other in since if other.key == one.key) <= PER_POSITION
            assert len(since) <= 4
        for epoch in {one.epoch for one in spent}:
            assert sum(one.amount for one in spent if one.epoch == epoch and one.id != "i0") <= PER_POSITION

    @invariant()
    def at_most_one_is_on_its_way(self):
        assert sum(one.is_open for one in getattr(self, "memory", MEMORY).intents.values()) <= 1


TestPolicyMachine = PolicyMachine.TestCase
TestPolicyMachine.settings = settings(
    max_examples=280, stateful_step_count=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def test_the_machine_took_its_ten_thousand_steps_and_met_nearly_every_refusal():
    """Runs after the machine, in the order of this file. `test_plan` reaches each refusal for certain."""
    if not STEPS[0]:
        TestPolicyMachine("runTest").runTest()
    assert STEPS[0] >= 10_000
    assert len(SEEN) >= len(RefusalReason) - 5, set(RefusalReason) - SEEN
