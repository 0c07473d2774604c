"""What every Store keeps of automatic margin, run over each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.errors import StoreFault, TopUpsStopped
from monitor.margin.position import Side
from monitor.memory import Commit
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import MOVES, IntentState
from monitor.topups.refusal import RefusalReason
from monitor.topups.state import TopUpChanges
from tests.fake_journal import leads
from tests.store.journal_examples import (
    change,
    circuit,
    in_state,
    intent,
    refusal,
    rehearsal,
    stand,
)
from tests.store.store_examples import MINUTE, NOW, D, family, key, memory, message

SHORT = key(side=Side.SHORT)
ENDS = sorted({to for _, to in MOVES.items()} - {at for at, _ in MOVES})


async def keep(store, at=NOW, **changes):
    await store.commit(Commit(at=at, top_ups=TopUpChanges(**changes)), channels=())


async def kept(store):
    return (await store.load()).top_ups


class JournalSuite:
    """A part of StoreSuite."""

    @pytest.mark.parametrize("state", IntentState)
    async def test_intent_is_remembered_with_every_field_in_each_state(self, store, state):
        full = in_state(
            state,
            hedged=True,
            policy="btc_guard",
            why="cushion 28 % at the line of 30 %",
            before=stand(
                margin_usage=D("0.41"), cushion=D("0.28"), liquidation_price=D("54216.8700"), free=D("412"), changed="7"
            ),
            after=stand(at=NOW + MINUTE, isolated_margin=D("3025.4567")),
            code="-4051",
            detail="not enough balance",
            looks=2,
        )
        await keep(store, intents=(full,))
        assert (await kept(store)).intents == {full.id: full}

    async def test_intent_of_a_person_may_take_margin_out(self, store):
        out = intent(amount=D("-25.5"), policy="")
        await keep(store, intents=(out,))
        assert (await kept(store)).intents == {"i1": out}

    @pytest.mark.parametrize("changes", [{"amount": D(0)}, {"amount": D("-0.01"), "policy": "btc_guard"}])
    async def test_commit_fails_when_a_policy_would_take_margin_out_or_nothing_is_moved(self, store, changes):
        with pytest.raises(StoreFault):
            await keep(store, intents=(intent(**changes),))
        assert (await kept(store)).intents == {}

    @pytest.mark.parametrize(
        ("state", "times"),
        [
            (IntentState.SUBMITTING, {"submitted_at": None}),
            (IntentState.SUBMITTING, {"valid_until": None}),
            (IntentState.SUBMITTING, {"valid_until": NOW - MINUTE}),
            (IntentState.REJECTED, {"submitted_at": None, "valid_until": None}),
            (IntentState.UNKNOWN, {"settled_at": NOW}),
            (IntentState.DISPUTED, {"settled_at": None}),
        ],
    )
    async def test_commit_fails_when_an_intent_lacks_the_times_of_its_state(self, store, state, times):
        with pytest.raises(StoreFault):
            await keep(store, intents=(in_state(state, **times),))
        assert (await kept(store)).intents == {}

    @pytest.mark.parametrize("amount", ["25.4567", "0.00000001", "1E-8", "100.10"])
    async def test_amount_is_remembered_to_the_last_digit(self, store, amount):
        await keep(store, intents=(intent(amount=D(amount)),))
        assert str((await kept(store)).intents["i1"].amount) == str(D(amount))

    @pytest.mark.parametrize("first", IntentState)
    @pytest.mark.parametrize("then", IntentState)
    async def test_intent_goes_only_where_moves_of_the_table_lead(self, store, first, then):
        await keep(store, intents=(in_state(first),))
        moved = in_state(then, detail="later")
        if leads(first, then):
            await keep(store, intents=(moved,))
            assert (await kept(store)).intents["i1"] == moved
        else:
            with pytest.raises(StoreFault):
                await keep(store, intents=(moved,))
            assert (await kept(store)).intents["i1"] == in_state(first)

    async def test_amount_and_position_stay_when_the_intent_was_sent(self, store):
        await keep(store, intents=(intent(),))
        sent = in_state(IntentState.SUBMITTING, amount=D("25.4568"))
        await keep(store, intents=(sent,))
        for other in (replace(sent, amount=D(24)), replace(sent, key=SHORT)):
            with pytest.raises(StoreFault):
                await keep(store, intents=(other,))
        assert (await kept(store)).intents == {"i1": sent}

    @pytest.mark.parametrize("first", [state for state in IntentState if state not in ENDS])
    async def test_second_intent_of_a_position_fails_while_one_is_open(self, store, first):
        await keep(store, intents=(in_state(first), in_state(first, id="i2", key=SHORT)))
        with pytest.raises(StoreFault):
            await store.commit(
                Commit(at=NOW, families=(family(),), top_ups=TopUpChanges(intents=(intent(id="i3"),))), channels=()
            )
        assert set((await kept(store)).intents) == {"i1", "i2"}
        assert (await store.load()).families == {}

    @pytest.mark.parametrize("end", ENDS)
    async def test_next_intent_may_come_in_the_commit_that_settles_the_last(self, store, end):
        sending = {"ABANDONED": (), "REJECTED": (IntentState.SUBMITTING,), "VERIFIED": (IntentState.SUBMITTING,)}
        for state in sending.get(end, (IntentState.SUBMITTING, IntentState.UNKNOWN)):
            await keep(store, intents=(in_state(state),))
        await keep(store, intents=(intent(id="i2"), in_state(end)))
        assert {one.id: one.state for one in (await kept(store)).intents.values()} == {"i1": end, "i2": IntentState.PLANNED}

    async def test_pauses_circuits_and_refusals_are_remembered_until_they_end(self, store):
        await keep(
            store,
            paused={"btc_guard": NOW, "other": NOW - MINUTE},
            rehearsals=(rehearsal(),),
            circuits=(circuit(), circuit(key=SHORT)),
            refusals=(refusal(), refusal(key=SHORT)),
        )
        found = await kept(store)
        assert found.paused == {"btc_guard": NOW, "other": NOW - MINUTE}
        assert found.rehearsals == {"btc_guard": rehearsal()}
        assert found.circuits == {key(): circuit(), SHORT: circuit(key=SHORT)}
        assert found.refusals == {("btc_guard", key()): refusal(), ("btc_guard", SHORT): refusal(key=SHORT)}
        await keep(
            store,
            ended_pauses=("btc_guard",),
            ended_circuits=(key(),),
            ended_refusals=(("btc_guard", key()),),
        )
        found = await kept(store)
        assert found.paused == {"other": NOW - MINUTE}
        assert set(found.circuits) == {SHORT}
        assert set(found.refusals) == {("btc_guard", SHORT)}

    async def test_last_word_counts_when_the_same_thing_is_kept_again(self, store):
        await keep(store, paused={"btc_guard": NOW}, rehearsals=(rehearsal(),), circuits=(circuit(),), refusals=(refusal(),))
        later = {
            "paused": {"btc_guard": NOW + MINUTE},
            "rehearsals": (rehearsal(content="raised", since=NOW + MINUTE),),
            "circuits": (circuit(opened_at=NOW + MINUTE, reason="margin fell after an add"),),
            "refusals": (refusal(reason=RefusalReason.CAP_DAY, since=NOW + MINUTE, detail="500 of 500 USDT"),),
        }
        await keep(store, **later)
        found = await kept(store)
        assert found.paused == later["paused"]
        assert tuple(found.rehearsals.values()) == later["rehearsals"]
        assert tuple(found.circuits.values()) == later["circuits"]
        assert tuple(found.refusals.values()) == later["refusals"]

    async def test_stop_keeps_its_first_time_until_it_is_released(self, store):
        assert (await kept(store)).stopped_at is None
        await keep(store, stopped=True)
        await keep(store, at=NOW + MINUTE, stopped=True)
        await keep(store, at=NOW + MINUTE, paused={"other": NOW})
        assert (await kept(store)).stopped_at == NOW
        await keep(store, stopped=False)
        assert (await kept(store)).stopped_at is None

    async def test_commit_goes_on_while_stopped(self, store):
        """What was sent before must be settled."""
        await keep(store, intents=(in_state(IntentState.SUBMITTING),), stopped=True)
        unknown = in_state(IntentState.UNKNOWN)
        await keep(store, intents=(unknown,))
        assert (await kept(store)).intents == {"i1": unknown}

    async def test_margin_changes_do_not_disturb_what_is_remembered(self, store):
        await keep(store, intents=(intent(),))
        changes = (change(), change(cause=ChangeCause.TOP_UP, intent="i1"))
        await store.commit(Commit(at=NOW, margin_changes=changes), channels=())
        assert (await kept(store)).intents == {"i1": intent()}


class SubmitSuite:
    """A part of StoreSuite, for stores that stay open."""

    async def test_submit_keeps_everything_when_nothing_stops_it(self, store):
        sent = in_state(IntentState.SUBMITTING)
        commit = Commit(at=NOW, families=(family(),), top_ups=TopUpChanges(intents=(sent,)), messages=(message(1),))
        await store.submit(commit, channels=("phone",))
        assert (await kept(store)).intents == {"i1": sent}
        assert [one.message.id for one in await store.claim("phone", NOW, lease=MINUTE)] == ["m1"]

    async def test_submit_changes_nothing_when_the_switch_is_thrown(self, store):
        await keep(store, intents=(intent(),), stopped=True)
        before = await store.load()
        commit = Commit(
            at=NOW,
            families=(family(),),
            readings=(memory(),),
            top_ups=TopUpChanges(intents=(in_state(IntentState.SUBMITTING),)),
            messages=(message(1),),
        )
        with pytest.raises(TopUpsStopped):
            await store.submit(commit, channels=("phone",))
        assert await store.load() == before
        assert await store.claim("phone", NOW, lease=MINUTE) == []
        await keep(store, stopped=False)
        await store.submit(commit, channels=("phone",))
        assert (await kept(store)).intents["i1"].state is IntentState.SUBMITTING
        assert (await store.load()).positions == {key(): memory()}

    async def test_lease_is_of_this_holder(self, store):
        assert (await kept(store)).lease == 1
