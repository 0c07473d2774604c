"""The worker of margin changes: once, only after it was committed, and never sure of what it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.daemon.topup import TopUpWorker
from monitor.errors import StoreCorrupt, StoreUnavailable
from monitor.margin.reading import KeyFacts
from monitor.memory import Commit
from monitor.topups.ledger import Intent, IntentState
from tests.builders import key, policy, position, snapshot
from tests.daemon.guarding import CountingStore, Post
from tests.fake_writer import FakeWriter, Meets
from tests.topups import planning

D = Decimal
NEEDED = D("83.25")
"""At 93 the cushion is 20.7 / 90; with x more it is (20.7 + x) / (90 + x), which is 60 % at x = 83.25."""


class Scene:
    """One long whose trigger is reached, a guard, and the worker of its account."""

    def __init__(self, folder: Path, store: CountingStore | None = None, **changes: Any) -> None:
        rules = replace(policy(), top_ups=replace(planning.TOP_UPS, policies=(planning.policy(**changes),)))
        self.store = store or CountingStore()
        self.post = Post(rules, store=self.store)
        self.guard, self.clock = self.post.guard, self.post.clock
        self.guard.memory = replace(self.guard.memory, top_ups=planning.MEMORY)
        self.writer = FakeWriter(self.clock, margins={key(): D(100)})
        self.stop_file = folder / "STOP"
        self.worker = TopUpWorker(self.writer, self.guard, self.clock, stop_file=self.stop_file)
        self.hurried = 0
        self.sent = asyncio.Event()
        self.worker.hurry = self._hurried

    async def read(self, mark: str = "93") -> None:
        margin = self.writer.margin(key())
        read = snapshot(position(mark, isolated_margin=margin), when=self.clock.now(), free={"USDT": D(1000)})
        await self.guard.take(read)

    async def turn(self) -> None:
        await self.worker.look_round()
        await self.worker.settled()

    async def act(self) -> None:
        """Learn the key, read, and send."""
        await self.turn()
        await self.read()
        await self.turn()

    @property
    def intent(self) -> Intent:
        (intent,) = self.guard.memory.top_ups.intents.values()
        return intent

    @property
    def told(self) -> list[str]:
        return [message.title for commit in self.store.kept for message in commit.messages]

    def _hurried(self) -> None:
        self.hurried += 1
        if self.writer.sent:
            self.sent.set()


async def test_what_is_planned_is_sent_once_and_confirmed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.act()
    assert scene.intent.state is IntentState.CONFIRMED
    await scene.turn()
    scene.clock.advance(1)
    await scene.read()
    assert scene.writer.applied == [scene.intent.amount]
    assert NEEDED <= scene.intent.amount <= NEEDED * D("1.001") + D("0.01")
    assert scene.intent.state is IntentState.VERIFIED
    assert [title.partition(":")[0] for title in scene.told if title.startswith("Done")] == ["Done"]
    assert scene.hurried


async def test_nothing_is_sent_before_the_rights_of_the_key_are_known(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.read()
    await scene.worker.look_round()
    assert scene.intent.state is IntentState.PLANNED
    await scene.worker.settled()
    await scene.turn()
    assert len(scene.writer.applied) == 1


@pytest.mark.parametrize("rights", [("read",), ("read", "trade", "withdraw"), ("read", "trade", "transfer"), None])
async def test_a_key_that_may_too_much_or_too_little_or_tells_nothing_is_never_used(tmp_path: Path, rights: Any) -> None:
    scene = Scene(tmp_path)
    facts = None if rights is None else KeyFacts(exchange="binance", account="main", rights=rights)
    scene.writer.key = facts
    await scene.act()
    assert scene.writer.sent == []
    assert "No automatic margin on main (Binance)" in scene.told
    assert "No margin added to BTC/USDT long: disabled" in scene.told
    scene.writer.key = KeyFacts(exchange="binance", account="main", rights=("read", "trade"), ip_bound=False)
    scene.clock.advance(6 * 3600)
    await scene.act()
    assert "Automatic margin works again on main (Binance)" in scene.told
    assert len(scene.writer.applied) == 1


async def test_a_key_whose_rights_cannot_be_read_will_do_in_demo_trading(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.writer.key = None
    scene.worker = TopUpWorker(scene.writer, scene.guard, scene.clock, stop_file=scene.stop_file, demo=True)
    await scene.act()
    assert len(scene.writer.applied) == 1


@pytest.mark.parametrize("meets", [Meets.NO_ANSWER, Meets.ODD_ERROR])
async def test_what_nobody_knows_is_unknown_and_never_repeated_until_the_evidence_tells(tmp_path: Path, meets: Meets) -> None:
    scene = Scene(tmp_path)
    scene.writer.meets(meets, applies_after=4)
    await scene.act()
    assert scene.intent.state is IntentState.UNKNOWN
    for _ in range(20):  # window 5 s and lag 10 s, then two looks at most
        scene.clock.advance(1)
        await scene.read()
        await scene.turn()
    assert scene.intent.state is IntentState.RECONCILED_APPLIED
    assert scene.writer.applied == [scene.intent.amount]
    assert len(scene.writer.sent) == 1


async def test_a_trace_settles_what_is_unknown_long_before_the_wait_is_over(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.writer.meets(Meets.NO_ANSWER, applies_after=0)
    await scene.act()
    assert scene.intent.state is IntentState.UNKNOWN
    await scene.turn()
    assert scene.intent.state is IntentState.RECONCILED_APPLIED
    assert scene.writer.applied == [scene.intent.amount]


async def test_what_never_arrived_is_settled_by_two_looks_and_stays_unknown_while_the_exchange_is_blind(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.writer.meets(Meets.NO_ANSWER)
    await scene.act()
    scene.writer.blind = True
    scene.clock.advance(60)
    await scene.turn()
    assert scene.intent.state is IntentState.UNKNOWN
    scene.writer.blind = False
    await scene.turn()
    await scene.turn()
    assert scene.intent.state is IntentState.RECONCILED_NOT_APPLIED


@pytest.mark.parametrize("meets", [Meets.REFUSAL, Meets.NO_CONNECTION])
async def test_a_definite_refusal_is_rejected_and_not_hammered(tmp_path: Path, meets: Meets) -> None:
    scene = Scene(tmp_path)
    scene.writer.meets(meets)
    await scene.act()
    assert scene.intent.state is IntentState.REJECTED
    scene.clock.advance(5)
    await scene.read()
    await scene.turn()
    assert scene.writer.applied == []


async def test_an_index_that_cannot_be_read_or_lies_far_off_keeps_it_from_being_sent(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.turn()
    await scene.read()
    scene.writer.blind = True
    await scene.turn()
    assert scene.intent.state is IntentState.PLANNED
    scene.writer.blind, scene.writer.index = False, D(80)
    await scene.turn()
    assert scene.intent.state is IntentState.ABANDONED
    assert scene.writer.sent == []


async def test_an_old_reading_is_not_acted_on_but_replaced(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.turn()
    await scene.read()
    scene.clock.advance(4)
    await scene.turn()
    assert scene.intent.state is IntentState.PLANNED
    assert scene.writer.sent == []
    assert scene.hurried
    await scene.read()
    await scene.turn()
    assert len(scene.writer.applied) == 1


async def test_a_stop_file_throws_the_switch_for_good(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.stop_file.touch()
    await scene.act()
    scene.stop_file.unlink()
    await scene.turn()
    assert scene.writer.sent == []
    assert scene.guard.memory.top_ups.stopped_at is not None
    assert "No margin added to BTC/USDT long: stopped" in scene.told


class RefusingStore(CountingStore):
    """``refusing`` is what a submit raises."""

    refusing: Exception | None = None

    async def submit(self, commit: Commit, *, channels: Sequence[str]) -> None:
        if self.refusing is not None:
            raise self.refusing
        await super().submit(commit, channels=channels)


async def test_nothing_is_sent_while_the_store_does_not_take_it(tmp_path: Path) -> None:
    store = RefusingStore()
    scene = Scene(tmp_path, store)
    store.refusing = StoreUnavailable("the disk is full")
    await scene.act()
    assert scene.intent.state is IntentState.PLANNED
    assert scene.writer.sent == []
    store.refusing = None
    await scene.turn()
    assert len(scene.writer.applied) == 1


async def test_nothing_is_sent_on_what_was_read_before_the_machine_slept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    await scene.turn()
    await scene.read()
    assert scene.intent.state is IntentState.PLANNED
    scene.clock.sleep(600)
    await scene.turn()
    assert scene.writer.sent == []
    assert scene.hurried


async def test_nothing_is_sent_ever_after_the_store_said_that_it_is_damaged(tmp_path: Path) -> None:
    store = RefusingStore()
    scene = Scene(tmp_path, store)
    store.refusing = StoreCorrupt("the store is damaged")
    await scene.act()
    assert scene.guard.memory.top_ups.stopped_at is not None
    store.refusing = None
    for _ in range(10):
        scene.clock.advance(1)
        await scene.read()
        await scene.turn()
    assert scene.guard.kept
    assert scene.writer.sent == []


async def test_a_store_that_gives_no_answer_leaves_it_unknown_and_unsent(tmp_path: Path) -> None:
    store = RefusingStore()
    scene = Scene(tmp_path, store)
    store.refusing = TimeoutError()
    await scene.act()
    assert scene.intent.state is IntentState.UNKNOWN
    assert scene.writer.sent == []


async def test_the_worker_turns_when_poked_and_lets_go_when_cancelled(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    running = asyncio.create_task(scene.worker.run())
    await scene.read()
    scene.worker.poke()
    await scene.sent.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await scene.worker.close()
    assert scene.writer.closed
