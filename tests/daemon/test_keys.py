"""Keys are read at the start and every six hours, each on its own, and tell the guard."""

import asyncio

from monitor.daemon.guard import Guard
from monitor.daemon.keys import KeyWatch
from monitor.margin.reading import KeyFacts
from monitor.memory import Memory
from tests.builders import policy
from tests.fakes import FakeClock, FakeExchange, FakeStore


class CountedExchange(FakeExchange):
    """An account whose key is asked for; ``fault`` is what that raises."""

    def __init__(self, account: str = "main") -> None:
        super().__init__(account)
        self.keys_asked = 0
        self.fault: Exception | None = None
        self.asked_now = asyncio.Event()

    async def fetch_key(self) -> KeyFacts | None:
        self.keys_asked += 1
        self.asked_now.set()
        if self.fault is not None:
            raise self.fault
        return self.key


def guard_with(clock: FakeClock, store: FakeStore) -> Guard:
    return Guard(
        memory=Memory(),
        policy=policy(),
        store=store,
        clock=clock,
        channels=["phone"],
        wake=lambda: None,
        direct=lambda _: None,
    )


def facts(account: str = "main") -> KeyFacts:
    return KeyFacts(exchange="binance", account=account, rights=("read",), ip_bound=True)


async def test_a_key_is_read_once_in_six_hours_and_kept():
    clock, store, exchange = FakeClock(), FakeStore(), CountedExchange()
    exchange.key = facts()
    guard = guard_with(clock, store)
    watch = KeyWatch([exchange], guard, clock)
    for _ in range(13):  # looks at 0 h, 1 h, ... 12 h
        await watch.look()
        clock.advance(3600)
    assert exchange.keys_asked == 3
    assert guard.memory.keys["binance", "main"].facts == facts()
    assert (await store.load()).keys["binance", "main"].facts == facts()


async def test_a_key_that_was_not_told_is_tried_again_at_the_next_look():
    clock, exchange = FakeClock(), CountedExchange()
    watch = KeyWatch([exchange], guard_with(clock, FakeStore()), clock)
    await watch.look()
    exchange.fault = TimeoutError()
    await watch.look()
    assert exchange.keys_asked == 2


async def test_one_accounts_bug_keeps_no_other_from_being_read():
    clock, bad, good = FakeClock(), CountedExchange("bad"), CountedExchange("good")
    bad.fault, good.key = RuntimeError("a bug"), facts("good")
    guard = guard_with(clock, FakeStore())
    await KeyWatch([bad, good], guard, clock).look()
    assert set(guard.memory.keys) == {("binance", "good")}


async def test_keys_are_read_when_poked():
    clock, exchange = FakeClock(), CountedExchange()
    watch = KeyWatch([exchange], guard_with(clock, FakeStore()), clock)
    task = asyncio.create_task(watch.run())
    watch.poke()
    async with asyncio.timeout(5):
        await exchange.asked_now.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert exchange.keys_asked == 1
