"""What a reading and the time mean for the journal: planned, seen, disputed, noted, refused once, dropped, forgotten."""

from dataclasses import replace
from datetime import timedelta

from monitor.decide import decide
from monitor.margin.reading import Unguarded
from monitor.memory import shifted
from monitor.rules.base import Level
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import IntentState
from monitor.topups.policy import Mode
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit, Rehearsal, TopUpMemory
from tests.builders import NOW, at, key, position, snapshot
from tests.spend.world import NOBODY, POLICY, D, intent, remembering, sent, snapshot_of
from tests.topups.planning import policy

S = IntentState
R = RefusalReason


def guarded(**changes):
    return replace(POLICY, top_ups=replace(POLICY.top_ups, policies=(policy(**changes),)))


def after(memory, seconds=2.0, what=POLICY, **reading):
    return decide(snapshot_of(at(seconds), **reading), memory, what, at(seconds))


def ticked(memory, seconds, what=POLICY):
    return decide(None, memory, what, at(seconds))


def told(decision):
    """The messages about margins, not the alerts."""
    return [message for message in decision.commit.messages if message.why.value == "event"]


def test_an_intent_is_planned_in_the_readings_own_commit_when_the_trigger_is_reached():
    decision = after(remembering())
    (made,) = decision.commit.top_ups.intents
    assert (made.state, made.amount, made.policy, made.lease) == (S.PLANNED, D("83.25"), "btc_guard", 1)
    assert made.why == "cushion 30 % was reached"
    assert (made.before.cushion, made.before.free) == (D("0.23"), D(1000))
    assert decision.memory.top_ups.intents == {made.id: made}
    assert len(decision.commit.readings) == 1
    assert told(decision) == []


def test_nothing_is_planned_and_nothing_kept_when_no_policy_is_there_or_the_trigger_is_far():
    for decision in (
        after(remembering(), what=NOBODY),
        after(remembering(), mark="100"),
        after(remembering(), what=guarded(mode=Mode.OFF)),
    ):
        assert not decision.commit.top_ups
        assert decision.commit.margin_changes == ()
    other = guarded(match=replace(policy().match, symbol=("ETH/*",)))
    assert not after(remembering(), what=other).commit.top_ups


def test_a_refusal_is_told_once_for_each_change_of_reason_and_ends_with_the_plan():
    first = after(remembering(), 2, free="10")
    assert [one.reason for one in first.commit.top_ups.refusals] == [R.INSUFFICIENT_BALANCE]
    assert [message.level for message in told(first)] == [Level.WARNING]
    again = after(first.memory, 4, free="11")
    assert not again.commit.top_ups
    assert told(again) == []
    kept = guarded(keep_free={"USDT": D(990)})
    other = after(again.memory, 6, what=kept)
    assert [one.reason for one in other.commit.top_ups.refusals] == [R.RESERVE]
    assert len(told(other)) == 1
    acting = after(other.memory, 8)
    assert acting.commit.top_ups.ended_refusals == (("btc_guard", key()),)
    assert [one.state for one in acting.commit.top_ups.intents] == [S.PLANNED]
    assert acting.memory.top_ups.refusals == {}


def test_a_refusal_stays_in_force_for_ten_minutes_when_the_trigger_is_left():
    refused = after(remembering(), 0, free="10").memory
    assert not after(refused, 599, mark="100").commit.top_ups
    left = after(refused, 600, mark="100")
    assert left.commit.top_ups.ended_refusals == (("btc_guard", key()),)
    assert told(after(after(refused, 10, mark="100").memory, 20, free="10")) == []


def test_what_passes_by_itself_is_not_told_and_stands_in_for_nothing():
    busy = remembering(intent())
    waiting = after(busy, 1)
    assert [one.reason for one in waiting.commit.top_ups.refusals] == [R.IN_FLIGHT]
    assert told(waiting) == []
    lasting = Refusal(policy="btc_guard", key=key(), reason=R.CAP_DAY, since=NOW)
    known = replace(busy, top_ups=replace(busy.top_ups, refusals={("btc_guard", key()): lasting}))
    assert not after(known, 1).commit.top_ups


def test_a_policy_rests_when_the_exchange_has_just_refused():
    rejected = remembering(sent(state=S.REJECTED, ago=59))
    assert [one.reason for one in after(rejected, 0).commit.top_ups.refusals] == [R.COOLDOWN]
    assert [one.state for one in after(rejected, 1).commit.top_ups.intents] == [S.PLANNED]


def test_a_rehearsal_says_what_it_would_do_as_an_info():
    decision = after(remembering(), what=guarded(mode=Mode.DRY_RUN))
    (message,) = told(decision)
    assert (message.level, message.title) == (Level.INFO, "Dry run: btc_guard would act on BTC/USDT long")
    assert "would add 83.25 USDT" in message.body


def test_a_part_is_told_loudly_when_the_balance_is_short():
    decision = after(remembering(), what=guarded(partial=True), free="60")
    (made,) = decision.commit.top_ups.intents
    assert made.amount == D(60)
    assert [message.level for message in told(decision)] == [Level.WARNING]


def test_a_position_that_is_not_isolated_any_more_is_refused():
    gone = snapshot(when=at(2), unguarded=(Unguarded(symbol=key().symbol, side=key().side, mode="cross"),))
    decision = decide(gone, remembering(), POLICY, at(2))
    assert [one.reason for one in decision.commit.top_ups.refusals] == [R.NOT_ISOLATED]


def test_a_confirmed_change_is_verified_and_told_with_before_and_after_when_a_reading_shows_it():
    decision = after(remembering(sent(state=S.CONFIRMED)), margin="110")
    (made,) = decision.commit.top_ups.intents
    assert (made.state, made.after.isolated_margin) == (S.VERIFIED, D(110))
    (message,) = told(decision)
    # cushion after: headroom 30.7 of a measure of 100
    assert (message.level, message.title) == (Level.INFO, "Done: add 10 USDT to BTC/USDT long, cushion 23 % to 30 %")
    (change,) = decision.commit.margin_changes
    assert (change.cause, change.actor, change.intent, change.amount) == (ChangeCause.TOP_UP, "btc_guard", "i1", D(10))


def test_a_confirmed_change_is_verified_by_the_reply_when_the_position_itself_changed():
    held = remembering(sent(state=S.CONFIRMED))
    (resized,) = after(held, contracts=D(9)).commit.top_ups.intents
    assert resized.state is S.VERIFIED
    (gone,) = ticked(replace(held, positions={}), 2).commit.top_ups.intents
    assert (gone.state, gone.after) == (S.VERIFIED, None)
    other = remembering(sent(state=S.CONFIRMED, epoch=2))
    assert [one.state for one in ticked(other, 2).commit.top_ups.intents] == [S.VERIFIED]
    assert not ticked(held, 2, NOBODY).commit.top_ups


def test_a_confirmed_change_is_disputed_when_three_readings_after_the_reply_do_not_show_it():
    memory = remembering(sent(state=S.CONFIRMED))
    states = []
    for seconds in (4, 6, 8, 10):
        decision = after(memory, seconds)
        memory = decision.memory
        states.append(memory.top_ups.intents["i1"].state)
    assert states == [S.CONFIRMED, S.CONFIRMED, S.CONFIRMED, S.DISPUTED]
    assert key() in memory.top_ups.circuits
    assert [message.level for message in told(decision)] == [Level.CRITICAL, Level.CRITICAL]


def test_the_circuit_opens_at_once_when_the_margin_falls_after_an_add():
    decision = after(remembering(sent(state=S.CONFIRMED)), margin="90")
    assert [one.state for one in decision.commit.top_ups.intents] == [S.DISPUTED]
    assert len(decision.commit.top_ups.circuits) == 1


def test_the_circuit_opens_when_somebody_takes_out_what_was_just_added():
    memory = remembering(sent(ago=70, state=S.VERIFIED))
    memory = after(memory, 1000, NOBODY).memory
    decision = after(memory, 1002, NOBODY, margin="95")
    assert [one.cause for one in decision.commit.margin_changes] == [ChangeCause.ELSEWHERE]
    assert len(decision.commit.top_ups.circuits) == 1
    again = after(decision.memory, 1004, NOBODY, margin="90")
    assert again.commit.top_ups.circuits == ()
    late = after(memory, 3600, NOBODY)
    assert after(late.memory, 3602, NOBODY, margin="95").commit.top_ups.circuits == ()


def test_a_persons_own_and_somebody_elses_changes_are_noted_when_nothing_is_configured():
    mine = remembering(sent(state=S.CONFIRMED, policy=""))
    (change,) = after(mine, what=NOBODY, margin="110").commit.margin_changes
    assert (change.cause, change.actor) == (ChangeCause.BY_HAND, "you")
    quiet = after(remembering(), 1000, NOBODY).memory
    (change,) = after(quiet, 1002, NOBODY, margin="105").commit.margin_changes
    assert (change.cause, change.actor, change.before.isolated_margin, change.after.isolated_margin) == (
        ChangeCause.ELSEWHERE,
        "",
        D(100),
        D(105),
    )
    # An old change of ours is not the cause of a new one, nor one that the margin showed before.
    old = after(remembering(sent(ago=3600)), 1000, NOBODY).memory
    assert after(old, 1002, NOBODY, margin="110").commit.margin_changes[0].cause is ChangeCause.ELSEWHERE
    shown = remembering(sent(state=S.UNKNOWN))
    shown = after(after(shown, 1000, NOBODY, margin="110").memory, 1002, NOBODY, margin="120")
    assert shown.commit.margin_changes[0].cause is ChangeCause.ELSEWHERE


def test_another_life_is_no_change_of_the_margin():
    memory = after(remembering(), 2, NOBODY, opened="1").memory
    assert after(memory, 4, NOBODY, margin="50", opened="2").commit.margin_changes == ()


def test_time_drops_what_was_not_sent_and_doubts_what_nobody_answered():
    planned = remembering(intent())
    assert not ticked(planned, 60, NOBODY).commit.top_ups
    (dropped,) = ticked(planned, 61, NOBODY).commit.top_ups.intents
    assert dropped.state is S.ABANDONED
    sending = remembering(sent(state=S.SUBMITTING))
    assert not ticked(sending, 15, NOBODY).commit.top_ups
    decision = ticked(sending, 16, NOBODY)
    assert [one.state for one in decision.commit.top_ups.intents] == [S.UNKNOWN]
    assert [message.level for message in told(decision)] == [Level.CRITICAL]


def test_a_rehearsal_begins_with_the_first_tick_and_is_kept():
    decision = ticked(remembering(), 1)
    (begun,) = decision.commit.top_ups.rehearsals
    assert (begun.policy, begun.since) == ("btc_guard", at(1))
    assert not ticked(decision.memory, 2).commit.top_ups


def test_a_refusal_ends_when_its_policy_or_its_position_is_gone():
    refused = after(remembering(), 0, free="10").memory
    assert ticked(refused, 1, NOBODY).commit.top_ups.ended_refusals == (("btc_guard", key()),)
    assert ticked(replace(refused, positions={}), 1).commit.top_ups.ended_refusals == (("btc_guard", key()),)
    assert ticked(refused, 1).commit.top_ups.ended_refusals == ()


def test_settled_intents_are_forgotten_when_no_cap_counts_them():
    day = 24 * 3600
    eth = position(symbol="ETH/USDT:USDT")
    memory = remembering(
        sent("lives", ago=2 * day),
        sent("young", here=eth, ago=day - 9),
        sent("old", here=eth, ago=day),
        intent("never", here=eth, ago=2 * day),
    )
    left = ticked(memory, 1, NOBODY).memory.top_ups.intents
    assert set(left) == {"lives", "young"}


def test_every_time_moves_when_the_clock_was_set():
    step = timedelta(hours=1)
    here = key()
    memory = remembering(
        sent(after=intent().before),
        intent("i2"),
        stopped_at=NOW,
        paused={"btc_guard": NOW},
        rehearsals={"btc_guard": Rehearsal(policy="btc_guard", content="{}", since=NOW)},
        circuits={here: Circuit(key=here, opened_at=NOW, reason="x")},
        refusals={("btc_guard", here): Refusal(policy="btc_guard", key=here, reason=R.CAP_DAY, since=NOW)},
    )
    told_before = repr(memory.top_ups)
    moved = shifted(memory, step).top_ups
    assert repr(moved) == told_before.replace("2026, 11, 22, 3,", "2026, 11, 22, 4,")
    assert repr(moved) != told_before
    assert shifted(replace(memory, top_ups=TopUpMemory(lease=4)), step).top_ups == TopUpMemory(lease=4)


def test_a_position_that_is_not_there_for_once_is_judged_as_stale():
    decision = decide(snapshot(when=at(2)), remembering(), POLICY, at(2))
    assert [one.reason for one in decision.commit.top_ups.refusals] == [R.STALE_DATA]
