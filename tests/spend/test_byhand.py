"""A person's own change: what it would do, what speaks against it, and that it is sent by the same guards."""

from dataclasses import replace

import pytest

from monitor.errors import TopUpRefused
from monitor.margin.position import ExchangeSays, PositionStatus
from monitor.rules.cushion import Cushion
from monitor.spend import begin, order, pause, propose, resume, start, stop
from monitor.topups.ledger import IntentState
from monitor.topups.refusal import RefusalReason
from monitor.topups.state import Circuit
from tests.builders import NOW, at, key
from tests.spend.test_readings import after
from tests.spend.world import NOBODY, POLICY, WINDOW, D, intent, read, remembering, sent

S = IntentState
R = RefusalReason
LINES = replace(NOBODY, rules=[Cushion()])


def refused(memory, amount="10", now=NOW, policy=NOBODY):
    with pytest.raises(TopUpRefused) as caught:
        propose(memory, policy, key(), D(amount), now)
    return caught.value.message


def test_a_proposal_shows_before_and_after():
    proposal = propose(remembering(), NOBODY, key(), D(50), at(5))
    assert (proposal.epoch, proposal.amount, proposal.currency, proposal.warnings) == (1, D(50), "USDT", ())
    assert (proposal.before.isolated_margin, proposal.after.isolated_margin) == (D(100), D(150))
    # equity 30 before, 80 after; 50 of 1000 leave the free balance
    assert (proposal.before.equity, proposal.after.equity, proposal.after.free) == (D(30), D(80), D(950))


def test_a_reduction_warns_when_it_crosses_a_line_or_a_policy_would_undo_it():
    memory = read(remembering(), when=NOW, mark="100")
    # cushion 1 at 100; without 50 of the margin equity 50, headroom 40 of 90: 44 %
    warned = propose(memory, LINES, key(), D(-50), NOW).warnings
    assert any("cushion would be warning" in one for one in warned)
    assert propose(memory, LINES, key(), D(-1), NOW).warnings == ()
    assert "may add margin again" in propose(memory, POLICY, key(), D(-1), NOW).warnings[0]
    assert propose(memory, POLICY, key(), D(1), NOW).warnings == ()


def test_what_the_exchange_says_otherwise_or_does_itself_is_warned_of():
    memory = after(remembering(), 0, NOBODY, exchange_adds_margin=True, says=ExchangeSays(requirement=D(15))).memory
    warned = propose(memory, NOBODY, key(), D(10), NOW).warnings
    assert len(warned) == 2


def test_a_reduction_is_refused_when_it_would_liquidate():
    # equity 30 at 93, requirement 9.3: 20.7 above it
    assert "liquidate" in refused(remembering(), "-20.7")
    assert propose(remembering(), NOBODY, key(), D("-20.69"), NOW).after.cushion is not None
    # the exchange wants 15: only 15 above that
    says = after(remembering(), 0, NOBODY, says=ExchangeSays(requirement=D(15))).memory
    assert "liquidate" in refused(says, "-15")


def test_a_change_is_refused_with_its_cause():
    memory = remembering()
    assert "no such position" in refused(replace(memory, positions={}))
    unable = replace(NOBODY, top_ups=replace(NOBODY.top_ups, able=frozenset()))
    assert "top_up_credentials" in refused(memory, policy=unable)
    assert "stopped" in refused(stop(memory, NOW).memory)
    assert "could not be read" in refused(memory, now=at(31))
    assert "could not be read" in refused(replace(memory, families={}))
    assert "multiples" in refused(memory, "0")
    assert "multiples" in refused(memory, "1.001")
    assert "needs 1,000.01 USDT" in refused(memory, "1000.01")
    liquidating = after(memory, 0, NOBODY, status=PositionStatus.LIQUIDATING).memory
    assert "liquidating" in refused(liquidating)
    seen = memory.positions[key()]
    assert "cross" in refused(replace(memory, positions={key(): replace(seen, mode="cross")}))
    assert "SUBMITTING" in refused(remembering(sent(state=S.SUBMITTING)))
    assert "a moment ago" in refused(remembering(sent(ago=9)))
    assert propose(remembering(sent(ago=10)), NOBODY, key(), D(1), NOW)


def test_any_amount_is_taken_when_the_exchanges_grain_is_not_known():
    nothing = replace(NOBODY, top_ups=replace(NOBODY.top_ups, grains={}))
    assert propose(remembering(), nothing, key(), D("1.001"), NOW)


def test_an_order_is_a_planned_intent_of_no_policy():
    memory = remembering()
    proposal = propose(memory, NOBODY, key(), D(50), NOW)
    change = order(memory, NOBODY, proposal, at(1))
    assert change.intent is not None
    assert (change.intent.state, change.intent.policy, change.intent.amount) == (S.PLANNED, "", D(50))
    assert change.commit.top_ups.intents == (change.intent,)
    resized = after(memory, 1, NOBODY, contracts=D(9)).memory
    with pytest.raises(TopUpRefused, match="changed since"):
        order(resized, NOBODY, proposal, at(1))


def submitted(memory, now=NOW):
    change = begin(memory, NOBODY, "i1", now, index_price=None, window=WINDOW)
    assert change.intent is not None
    return change


def test_an_order_is_sent_by_the_same_guards():
    memory = remembering(intent(policy=""))
    assert submitted(memory, at(3)).intent.state is S.SUBMITTING
    late = submitted(memory, at(4))
    assert (late.intent.state, late.commit.messages, late.commit.top_ups.refusals) == (S.ABANDONED, (), ())
    assert "could not be read" in late.intent.detail
    assert "another run" in submitted(remembering(intent(policy="", lease=2))).intent.detail
    assert "position changed" in submitted(remembering(intent(policy="", epoch=2))).intent.detail


def test_a_policy_is_paused_and_resumed_by_its_name():
    paused = pause(remembering(), POLICY, "btc_guard", NOW)
    assert paused.commit.top_ups.paused == {"btc_guard": NOW}
    assert not pause(paused.memory, POLICY, "btc_guard", at(5)).commit.top_ups
    assert [one.reason for one in after(paused.memory).commit.top_ups.refusals] == [R.STOPPED]
    resumed = resume(paused.memory, POLICY, "btc_guard", at(9))
    assert resumed.memory.top_ups.paused == {}
    assert not resume(resumed.memory, POLICY, "btc_guard", at(10)).commit.top_ups
    for name, said in (("btc_gard", "did you mean btc_guard"), ("zzz", "no policy is called zzz")):
        with pytest.raises(TopUpRefused, match=said):
            pause(remembering(), POLICY, name, NOW)


def test_a_circuit_is_closed_when_its_policy_is_resumed():
    here, other = key(), key("ETH/USDT:USDT")
    circuits = {one: Circuit(key=one, opened_at=NOW, reason="x") for one in (here, other)}
    memory = remembering(circuits=circuits)
    assert [one.reason for one in after(memory).commit.top_ups.refusals] == [R.CIRCUIT_OPEN]
    assert after(memory).commit.messages == ()
    only = replace(POLICY.top_ups.policies[0], match=replace(POLICY.top_ups.policies[0].match, symbol=("BTC/*",)))
    narrow = replace(POLICY, top_ups=replace(POLICY.top_ups, policies=(only,)))
    resumed = resume(memory, narrow, "btc_guard", NOW)
    assert resumed.commit.top_ups.ended_circuits == (here,)
    assert set(resumed.memory.top_ups.circuits) == {other}


def test_the_kill_switch_is_thrown_once_and_released():
    stopped = stop(remembering(), NOW)
    assert (stopped.commit.top_ups.stopped, stopped.memory.top_ups.stopped_at) == (True, NOW)
    assert stop(stopped.memory, at(5)).memory.top_ups.stopped_at == NOW
    assert [one.reason for one in after(stopped.memory).commit.top_ups.refusals] == [R.STOPPED]
    assert start(stopped.memory, at(6)).memory.top_ups.stopped_at is None
