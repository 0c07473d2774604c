"""What decisions make of the journal is what the store has, after each step: memory and file never tell two stories."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.decide import decide
from monitor.rules.data_stale import DataStale
from monitor.spend import Outcome, answered, begin, looked, pause, recovered, resume, start, stop, to_send
from monitor.store.reader import StoreReader
from monitor.store.sqlite import SqliteStore
from monitor.topups.changes import ChangeCause
from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import IntentEvent, IntentState
from tests.builders import NOW, position, snapshot
from tests.builders import policy as watching
from tests.topups.planning import TOP_UPS, policy

WINDOW = timedelta(seconds=5)
MARGIN = Decimal(100)
POLICY = replace(watching(DataStale()), top_ups=replace(TOP_UPS, policies=(policy(),)))


class Story:
    """A daemon's steps on a real store; each is committed, and the file is read back."""

    def __init__(self, path, store, memory):
        self.path = path
        self.store = store
        self.memory = memory
        self.now = NOW

    @classmethod
    async def begun(cls, path):
        store = await SqliteStore.open(path)
        return cls(path, store, await store.load())

    async def step(self, made, *, sending=False):
        self.memory = made.memory
        keep = self.store.submit if sending else self.store.commit
        await keep(made.commit, channels=("phone",))
        kept = await self.store.load()
        assert kept.top_ups == self.memory.top_ups
        assert kept.positions == self.memory.positions
        self.now += timedelta(seconds=1)

    async def see(self, margin=MARGIN):
        reading = snapshot(position("93", isolated_margin=margin), when=self.now, free={"USDT": Decimal(1000)})
        await self.step(decide(reading, self.memory, POLICY, self.now))

    async def send(self):
        (planned,) = to_send(self.memory)
        await self.step(begin(self.memory, POLICY, planned.id, self.now, index_price=Decimal(93), window=WINDOW), sending=True)
        return self.intent(planned.id)

    async def answer(self, intent, event, code=""):
        await self.step(answered(self.memory, POLICY, intent.id, Outcome(event=event, detail="told", code=code), self.now))

    async def look(self, intent, *rows):
        self.now = max(self.now, intent.valid_until + timedelta(seconds=10))
        evidence = Evidence(
            at=self.now, rows=rows, isolated_margin=MARGIN + sum(row.amount for row in rows), contracts=Decimal(10)
        )
        await self.step(looked(self.memory, POLICY, intent.id, evidence, self.now))

    async def restart(self):
        await self.store.close()
        self.store = await SqliteStore.open(self.path)
        self.memory = await self.store.load()
        await self.step(recovered(self.memory, self.memory.top_ups.lease, self.now))

    def intent(self, name):
        return self.memory.top_ups.intents[name]


@pytest.fixture
async def story(tmp_path):
    story = await Story.begun(tmp_path / "margincall.db")
    yield story
    await story.store.close()


async def test_added_and_seen_is_verified_in_the_file_with_its_margin_change(story):
    await story.see()
    sent = await story.send()
    await story.answer(sent, IntentEvent.ACCEPTED)
    await story.see(MARGIN + sent.amount)
    assert story.intent(sent.id).state is IntentState.VERIFIED
    with StoreReader(story.path) as reader:
        assert [one.state for one in reader.intents()] == [IntentState.VERIFIED]
        (change,) = reader.margin_changes()
    assert (change.cause, change.amount, change.intent) == (ChangeCause.TOP_UP, sent.amount, sent.id)


async def test_refused_is_rejected_in_the_file(story):
    await story.see()
    sent = await story.send()
    await story.answer(sent, IntentEvent.REFUSED, "-2019")
    assert (story.intent(sent.id).state, story.intent(sent.id).code) == (IntentState.REJECTED, "-2019")


@pytest.mark.parametrize("applied", [True, False])
async def test_unknown_is_settled_in_the_file_by_evidence_after_a_restart_while_it_was_sent(story, applied):
    await story.see()
    sent = await story.send()
    await story.restart()
    unknown = story.intent(sent.id)
    assert (unknown.state, unknown.lease, story.memory.top_ups.lease) == (IntentState.UNKNOWN, 1, 2)
    rows = (MarginRow(at=sent.submitted_at, amount=sent.amount),) if applied else ()
    for _ in range(2):
        await story.look(unknown, *rows)
    ended = IntentState.RECONCILED_APPLIED if applied else IntentState.RECONCILED_NOT_APPLIED
    assert story.intent(sent.id).state is ended


async def test_planned_is_abandoned_in_the_file_by_a_restart(story):
    await story.see()
    (planned,) = to_send(story.memory)
    await story.restart()
    assert story.intent(planned.id).state is IntentState.ABANDONED


async def test_what_a_person_throws_is_in_the_file(story):
    await story.see()
    await story.step(pause(story.memory, POLICY, "btc_guard", story.now))
    await story.step(stop(story.memory, story.now))
    await story.step(stop(story.memory, story.now))
    await story.see()
    await story.restart()
    assert story.memory.top_ups.stopped_at is not None
    assert set(story.memory.top_ups.paused) == {"btc_guard"}
    await story.step(start(story.memory, story.now))
    await story.step(resume(story.memory, POLICY, "btc_guard", story.now))
    assert (story.memory.top_ups.stopped_at, story.memory.top_ups.paused) == (None, {})
