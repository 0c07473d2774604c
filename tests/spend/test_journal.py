"""The journal over the memory: what is sent, answered, looked for and recovered, and what people hear of it."""

from dataclasses import replace
from datetime import UTC, time, timedelta

import pytest

from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.rules.base import Level
from monitor.spend import Outcome, answered, begin, looked, recovered, to_reconcile, to_send
from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import IntentEvent, IntentState
from monitor.topups.refusal import RefusalReason
from tests.builders import NOW, at, position
from tests.spend.world import POLICY, WINDOW, D, intent, levels, read, remembering, sent

S = IntentState


def state_of(change, name="i1"):
    return change.memory.top_ups.intents[name].state


def test_recovery_knows_nothing_of_what_was_being_sent_and_drops_what_was_planned_when_the_daemon_starts():
    planned = intent("i1", state=S.PLANNED)
    sending = sent("i2", state=S.SUBMITTING, here=position(symbol="ETH/USDT:USDT"))
    unknown = sent("i3", state=S.UNKNOWN, looks=1, here=position(symbol="SOL/USDT:USDT"))
    change = recovered(remembering(planned, sending, unknown, sent("i4")), 7, at(100))
    assert [state_of(change, name) for name in ("i1", "i2", "i3", "i4")] == [S.ABANDONED, S.UNKNOWN, S.UNKNOWN, S.VERIFIED]
    assert change.memory.top_ups.lease == 7
    # The wait begins anew, one window from now; looks before the restart do not count.
    for name in ("i2", "i3"):
        assert change.memory.top_ups.intents[name].valid_until == at(100) + WINDOW
        assert change.memory.top_ups.intents[name].looks == 0
    assert levels(change) == [Level.CRITICAL]
    assert change.commit.messages[0].channels == ()


def test_the_wait_does_not_grow_when_the_daemon_is_restarted_again_and_again():
    change = recovered(remembering(sent("i1", state=S.UNKNOWN)), 2, at(5000))
    change = recovered(change.memory, 3, at(9000))
    assert change.memory.top_ups.intents["i1"].valid_until == at(9000) + timedelta(seconds=30)


def test_a_submission_from_the_future_counts_from_now_when_the_clock_was_set_back():
    change = recovered(remembering(sent("i1", state=S.UNKNOWN)), 2, at(-50))
    assert change.memory.top_ups.intents["i1"].submitted_at == at(-50)


def test_only_this_runs_plans_are_sent_oldest_first():
    other = position(symbol="ETH/USDT:USDT")
    foreign = intent("i3", state=S.PLANNED, lease=2, here=position(symbol="SOL/USDT:USDT"))
    memory = remembering(
        intent("i1", state=S.PLANNED, planned_at=at(2)), intent("i2", state=S.PLANNED, here=other), foreign, sent("i4")
    )
    assert [one.id for one in to_send(memory)] == ["i2", "i1"]


def test_a_persons_own_waits_for_a_reading_that_is_younger():
    mine = intent("i1", state=S.PLANNED, policy="", planned_at=at(1))
    assert to_send(read(remembering(mine), when=NOW)) == ()
    assert to_send(read(remembering(mine), when=at(1))) == (mine,)
    assert to_send(replace(remembering(mine), positions={})) == (mine,)


def test_what_is_unknown_is_looked_for_when_it_can_no_longer_be_accepted_and_the_record_is_whole():
    unknown = sent("i1", state=S.UNKNOWN)
    memory = remembering(unknown, sent("i2"))
    assert to_reconcile(memory, at(14.9)) == ()
    assert to_reconcile(memory, at(15)) == (unknown,)


def started(memory, now=NOW, **changes):
    return begin(memory, changes.pop("policy", POLICY), "i1", now, index_price=changes.pop("index", D(93)), window=WINDOW)


def test_a_plan_is_submitted_with_its_times_and_the_last_reading_when_every_guard_agrees():
    memory = read(remembering(intent("i1", state=S.PLANNED)), when=at(2), margin="101", family_free="1000")
    change = started(memory, at(3))
    assert change.intent is not None
    assert (change.intent.state, change.intent.submitted_at, change.intent.valid_until) == (S.SUBMITTING, at(3), at(8))
    assert change.intent.before.isolated_margin == D(101)
    assert change.commit.top_ups.intents == (change.intent,)
    assert change.commit.messages == ()


def test_a_plan_is_abandoned_and_the_refusal_told_once_when_a_guard_objects():
    memory = read(remembering(intent("i1", state=S.PLANNED)), when=NOW)
    change = started(memory, at(10))
    assert change.intent is not None
    assert (change.intent.state, change.intent.settled_at) == (S.ABANDONED, at(10))
    assert change.intent.detail.startswith("stale data")
    (refusal,) = change.commit.top_ups.refusals
    assert refusal.reason is RefusalReason.STALE_DATA
    assert levels(change) == [Level.WARNING]


def test_a_plan_is_abandoned_when_its_position_or_its_policy_is_gone():
    memory = remembering(intent("i1", state=S.PLANNED))
    gone = started(replace(memory, positions={}))
    assert (state_of(gone), gone.commit.top_ups.refusals[0].reason) == (S.ABANDONED, RefusalReason.POSITION_CHANGED)
    none = replace(POLICY, top_ups=replace(POLICY.top_ups, policies=()))
    assert started(memory, policy=none).commit.top_ups.refusals[0].reason is RefusalReason.DISABLED


@pytest.mark.parametrize(
    ("event", "state", "level"),
    [
        (IntentEvent.ACCEPTED, S.CONFIRMED, []),
        (IntentEvent.REFUSED, S.REJECTED, [Level.WARNING]),
        (IntentEvent.UNCLEAR, S.UNKNOWN, [Level.CRITICAL]),
    ],
)
def test_an_answer_moves_the_intent_and_is_told_when_it_is_no_plain_yes(event, state, level):
    change = answered(
        remembering(sent("i1", state=S.SUBMITTING)), POLICY, "i1", Outcome(event=event, detail="x", code="7"), at(1)
    )
    assert (state_of(change), levels(change)) == (state, level)


def test_an_answer_changes_nothing_when_nobody_waits_for_it_any_more():
    memory = remembering(sent("i1", state=S.UNKNOWN))
    change = answered(memory, POLICY, "i1", Outcome(event=IntentEvent.REFUSED), at(1))
    assert (state_of(change), bool(change.commit.top_ups)) == (S.UNKNOWN, False)


def test_the_same_refusal_of_the_exchange_is_not_told_again_when_nothing_came_between():
    before = sent("i0", state=S.REJECTED, ago=90, code="7", detail="x")
    memory = remembering(before, sent("i1", state=S.SUBMITTING))
    same = Outcome(event=IntentEvent.REFUSED, detail="x", code="7")
    assert answered(memory, POLICY, "i1", same, at(1)).commit.messages == ()
    assert levels(answered(memory, POLICY, "i1", replace(same, code="8"), at(1))) == [Level.WARNING]


def test_the_circuit_opens_and_pages_when_two_in_a_row_are_unknown():
    before = sent("i0", state=S.RECONCILED_APPLIED, ago=90)
    memory = remembering(before, sent("i1", state=S.SUBMITTING))
    change = answered(memory, POLICY, "i1", Outcome(event=IntentEvent.UNCLEAR, detail="no reply"), at(1))
    assert len(change.commit.top_ups.circuits) == 1
    assert levels(change) == [Level.CRITICAL, Level.CRITICAL]
    assert "topups resume btc_guard" in change.commit.messages[1].body
    clear = remembering(sent("i0", state=S.VERIFIED, ago=90), sent("i1", state=S.SUBMITTING))
    change = answered(clear, POLICY, "i1", Outcome(event=IntentEvent.UNCLEAR), at(1))
    assert change.commit.top_ups.circuits == ()


def evidence(*rows, when=15.0, margin="100", contracts="10"):
    amounts = tuple(MarginRow(at=at(1), amount=D(row)) for row in rows)
    return Evidence(at=at(when), rows=amounts, isolated_margin=D(margin), contracts=D(contracts))


def look(memory, what, now=15.0):
    return looked(memory, POLICY, "i1", what, at(now))


def test_a_trace_settles_at_any_time_with_the_stand_after_it():
    memory = read(remembering(sent("i1", state=S.UNKNOWN)), when=at(2), margin="110")
    change = look(memory, evidence("10", when=2, margin="110"), 2)
    assert change.intent is not None
    assert change.intent.state is S.RECONCILED_APPLIED
    assert change.intent.after is not None
    assert change.intent.after.isolated_margin == D(110)
    assert levels(change) == [Level.WARNING]


def test_the_stand_after_is_left_out_when_no_reading_of_this_life_shows_it():
    unknown = sent("i1", state=S.UNKNOWN)
    for memory in (remembering(unknown), replace(remembering(unknown), positions={}), remembering(replace(unknown, epoch=2))):
        change = look(memory, evidence("10", margin="110"))
        assert change.intent is not None
        assert (change.intent.state, change.intent.after) == (S.RECONCILED_APPLIED, None)


def test_nothing_found_counts_only_twice_and_only_when_it_can_no_longer_be_accepted():
    memory = remembering(sent("i1", state=S.UNKNOWN))
    early = look(memory, evidence(when=14), 16)
    assert not early.commit.top_ups
    once = look(memory, evidence())
    assert (state_of(once), once.memory.top_ups.intents["i1"].looks, levels(once)) == (S.UNKNOWN, 1, [])
    twice = look(once.memory, evidence(when=16), 16)
    assert (state_of(twice), levels(twice)) == (S.RECONCILED_NOT_APPLIED, [Level.WARNING])
    assert not look(twice.memory, evidence("10"), 17).commit.top_ups


def test_disagreeing_evidence_is_for_a_person_and_opens_the_circuit():
    change = look(remembering(sent("i1", state=S.UNKNOWN)), evidence(margin="110"))
    assert (state_of(change), len(change.commit.top_ups.circuits)) == (S.DISPUTED, 1)
    assert levels(change) == [Level.CRITICAL, Level.CRITICAL]


def test_messages_go_where_their_level_goes_and_wait_at_night():
    levels_of = {Level.WARNING: LevelPolicy(channels=("mail",), passes_quiet=False)}
    night = QuietHours(begin=time(2), end=time(4), zone=UTC)
    policy = replace(POLICY, routing=Routing(everyone=("phone",), levels=levels_of), quiet_hours=night)
    memory = remembering(sent("i1", state=S.SUBMITTING))
    (warning,) = answered(memory, policy, "i1", Outcome(event=IntentEvent.REFUSED), at(1)).commit.messages
    assert (warning.channels, warning.not_before) == (("mail",), NOW + timedelta(hours=1))
    (critical,) = answered(memory, policy, "i1", Outcome(event=IntentEvent.UNCLEAR), at(1)).commit.messages
    assert (critical.channels, critical.not_before) == (("phone",), None)


def test_the_reserve_is_shared_when_two_positions_are_planned_at_once():
    # 1000 free, of which 60 may go; the other position's 50 are on their way.
    keeping = replace(POLICY.top_ups.policies[0], keep_free={"USDT": D(940)})
    policy = replace(POLICY, top_ups=replace(POLICY.top_ups, policies=(keeping,)))
    eth = position(symbol="ETH/USDT:USDT")
    plan = intent("i1", state=S.PLANNED, amount="50")
    alone = started(read(remembering(plan), when=NOW), policy=policy)
    assert state_of(alone) is S.SUBMITTING
    for other in (sent("i2", amount="50", state=S.SUBMITTING, here=eth), sent("i2", amount="50", ago=0, here=eth)):
        both = started(read(remembering(plan, other), when=NOW), policy=policy)
        assert both.commit.top_ups.refusals[0].reason is RefusalReason.RESERVE
    earlier = sent("i2", amount="50", ago=90, here=eth)
    assert state_of(started(read(remembering(plan, earlier), when=NOW), policy=policy)) is S.SUBMITTING
