"""Polls of one account, in virtual time: what hangs or stumbles harms nothing but itself, and never goes unheard."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from structlog.testing import capture_logs

from monitor.daemon.cycle import AccountCycle
from monitor.decide import decide
from monitor.margin.position import ExchangeSays
from monitor.margin.reading import FamilyFailure, FamilySnapshot
from monitor.memory import FamilyState
from tests.builders import COINM, USDM, at, failure, position, snapshot
from tests.daemon.guarding import Post
from tests.daemon.virtual import run_virtually
from tests.fakes import FakeExchange


class Moody(FakeExchange):
    """``hang``: families that answer only once it is taken away; ``stumble``: the error that reading one raises."""

    def __init__(self, *families: str) -> None:
        super().__init__(families=families)
        self.hang: dict[str, asyncio.Event] = {}
        self.stumble: dict[str, Exception] = {}
        self.times: list[tuple[str, float]] = []

    async def fetch_family(self, family):
        self.times.append((family, asyncio.get_running_loop().time()))
        if family in self.hang:
            await self.hang[family].wait()
        if family in self.stumble:
            raise self.stumble[family]
        if family not in self._coming:
            return snapshot(family=replace(USDM, family=family), when=at(asyncio.get_running_loop().time()))
        return await super().fetch_family(family)

    def asked_at(self, family):
        return [when for name, when in self.times if name == family]


def watching(exchange, story, *, every=2.0, after=lambda: None):
    """Run ``story(post)`` while the account is polled every so often; the result, and the post."""

    async def main(clock):
        post = Post(clock=clock)
        cycle = AccountCycle(exchange, post.guard, clock, after=after)
        running = asyncio.create_task(cycle.run())

        async def poke():
            while True:
                cycle.poke()
                await asyncio.sleep(every)

        poking = asyncio.create_task(poke())
        try:
            await story(post)
        finally:
            poking.cancel()
            running.cancel()
            await asyncio.gather(poking, running, return_exceptions=True)
        assert len(asyncio.all_tasks()) == 1, "a poll outlived its account"
        return post

    return run_virtually(main)


def test_every_family_is_read_at_every_poke():
    exchange, decided = Moody("usdm", "coinm"), []

    async def story(post):
        await asyncio.sleep(5)

    watching(exchange, story, after=lambda: decided.append(1))
    assert exchange.asked_at("usdm") == exchange.asked_at("coinm") == [0, 2, 4]
    assert len(decided) == 6


def test_a_family_that_hangs_delays_no_other_and_is_not_asked_twice():
    exchange = Moody("usdm", "coinm")
    exchange.hang["usdm"] = asyncio.Event()

    async def story(post):
        await asyncio.sleep(7)
        exchange.hang.pop("usdm").set()
        await asyncio.sleep(4)

    watching(exchange, story)
    assert exchange.asked_at("coinm") == [0, 2, 4, 6, 8, 10]
    assert exchange.asked_at("usdm") == [0, 8, 10]


def test_a_read_that_never_ends_is_a_failed_reading_and_is_tried_again():
    exchange = Moody("usdm")
    exchange.hang["usdm"] = asyncio.Event()

    async def story(post):
        await asyncio.sleep(40)

    post = watching(exchange, story)
    family = post.guard.memory.families[USDM]
    assert (family.state, family.error) == (FamilyState.BLIND, "no answer within 12 seconds")
    assert exchange.asked_at("usdm") == [0, 14, 28]


def test_an_adapter_that_stumbles_blinds_its_family_instead_of_falling_silent():
    exchange = Moody("usdm", "coinm")
    exchange.stumble["usdm"] = KeyError("markPrice")

    async def story(post):
        for _ in range(35):
            await asyncio.sleep(1)
            await post.guard.tick()

    with capture_logs() as logs:
        post = watching(exchange, story)
    assert post.guard.memory.families[USDM].state is FamilyState.BLIND
    assert post.guard.memory.families[COINM].state is FamilyState.OK
    assert post.outbox == ["BLIND: cannot read main (Binance USD-M)"]
    (told,) = (message for commit in post.store.kept for message in commit.messages)
    assert "stumbled over what it read (KeyError)" in told.body
    assert [one["event"] for one in logs].count("cycle.stumbled") == 1, "told once, not at every poll"


def test_a_reading_that_cannot_be_decided_on_blinds_its_family(monkeypatch):
    def stumbles(reading, *rest):
        return decide(reading, *rest) if isinstance(reading, FamilyFailure) else 1 / 0

    monkeypatch.setattr("monitor.daemon.guard.decide", stumbles)
    exchange = Moody("usdm")

    async def story(post):
        await asyncio.sleep(1)

    post = watching(exchange, story)
    assert post.guard.memory.families[USDM].failing == 1
    assert "ZeroDivisionError" in post.guard.memory.families[USDM].error


def test_polling_goes_on_when_not_even_a_failure_can_be_decided_on(monkeypatch):
    monkeypatch.setattr("monitor.daemon.guard.decide", lambda *_: 1 / 0)
    exchange = Moody("usdm")

    async def story(post):
        await asyncio.sleep(5)

    with capture_logs() as logs:
        watching(exchange, story)
    assert exchange.asked_at("usdm") == [0, 2, 4]
    assert [one["event"] for one in logs].count("cycle.failed") == 3


def test_terms_are_asked_for_when_our_figures_and_the_exchanges_differ():
    exchange = Moody("usdm")
    # ours: requirement 10 of 1,000; theirs 20
    odd = replace(position(), says=ExchangeSays(requirement=Decimal(20)))
    exchange.bring(snapshot(odd), snapshot(position()))

    async def story(post):
        await asyncio.sleep(5)

    watching(exchange, story)
    assert exchange.refreshed == ["BTCUSDT"]


async def test_a_single_pass_reads_everything_once_and_returns_it():
    exchange = Moody("usdm", "coinm", "third")
    exchange.bring(failure(family=COINM))
    exchange.stumble["third"] = ValueError("odd")
    post = Post()
    readings = await AccountCycle(exchange, post.guard, post.clock, after=lambda: None).once()
    assert [type(reading) for reading in readings] == [FamilySnapshot, FamilyFailure, FamilyFailure]
    assert [reading.key.family for reading in readings] == ["usdm", "coinm", "third"]
    assert set(post.guard.memory.families) == {reading.key for reading in readings}


def test_an_attempt_counts_as_ended_well_or_badly_and_not_while_it_hangs():
    exchange = Moody("usdm", "coinm")
    exchange.hang["coinm"] = asyncio.Event()
    exchange.stumble["usdm"] = ValueError("odd")
    seen = []

    async def main(clock):
        cycle = AccountCycle(exchange, Post(clock=clock).guard, clock, after=lambda: None)
        running = asyncio.create_task(cycle.run())
        for _ in range(3):
            cycle.poke()
            await asyncio.sleep(5)
            seen.append(cycle.turned - clock.monotonic())
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run_virtually(main)
    # Asked at 0, 5 and 10 s; the family that hangs is given up after LONGEST_SECONDS (12 s), and then the other is the older.
    assert seen == [-5, -10, -5]
