import asyncio

import pytest

from monitor.errors import TimedOut
from monitor.exchanges.shelf import Shelf
from tests.exchanges.loopback import HandClock


class Source:
    """Reads that are counted, and held back until told where ``gate`` is closed."""

    def __init__(self, *known):
        self.known = set(known)
        self.reads = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault = None

    async def read(self, keys):
        self.reads.append(sorted(keys))
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return {key: key.lower() for key in self.known}


def shelf_of(source, clock, **options):
    return Shelf(source.read, spawn=asyncio.ensure_future, clock=clock, **options)


async def test_shelf_waits_for_what_it_never_had():
    source, clock = Source("BTC", "ETH"), HandClock()
    shelf = shelf_of(source, clock)
    await shelf.have({"BTC"}, within=1)
    assert (shelf.get("BTC"), shelf.get("ETH"), shelf.get("SOL")) == ("btc", "eth", None)
    await shelf.have({"BTC", "ETH"}, within=1)
    assert source.reads == [["BTC"]]


async def test_shelf_gives_up_waiting_but_not_reading():
    source, clock = Source("BTC"), HandClock()
    source.gate.clear()
    shelf = shelf_of(source, clock)
    await shelf.have({"BTC"}, within=0.01)
    assert shelf.get("BTC") is None
    source.gate.set()
    await shelf.have({"BTC"}, within=1)
    assert shelf.get("BTC") == "btc"
    assert source.reads == [["BTC"]]


async def test_shelf_reads_again_in_the_background_when_a_value_is_old():
    source, clock = Source("BTC"), HandClock()
    shelf = shelf_of(source, clock, max_age=60)
    await shelf.have({"BTC"}, within=1)
    clock.advance(61)
    source.gate.clear()
    await shelf.have({"BTC"}, within=1)
    assert shelf.get("BTC") == "btc"
    await asyncio.sleep(0)
    assert source.reads == [["BTC"], ["BTC"]]
    source.gate.set()


async def test_shelf_keeps_its_value_and_the_reason_when_a_read_fails():
    source, clock = Source("BTC"), HandClock()
    shelf = shelf_of(source, clock, max_age=60)
    await shelf.have({"BTC"}, within=1)
    clock.advance(61)
    source.fault = TimedOut("no whole answer in time")
    await shelf.have({"BTC", "ETH"}, within=1)
    assert shelf.get("BTC") == "btc"
    assert shelf.trouble is source.fault
    assert shelf.get("BTC", at_most=60) is None


@pytest.mark.parametrize("fault", [TimedOut("late"), KeyError("symbol"), None])
async def test_shelf_tries_what_it_could_not_have_only_every_30_seconds(fault):
    source, clock = Source("BTC"), HandClock()
    source.fault = fault
    shelf = shelf_of(source, clock)
    for _ in range(3):
        await shelf.have({"SOL"}, within=1)
        clock.advance(14)
    assert source.reads == [["SOL"]]
    await shelf.have({"SOL"}, within=1)
    assert source.reads == [["SOL"], ["SOL"]]


async def test_shelf_refreshes_a_value_at_most_every_ten_minutes():
    source, clock = Source("BTC"), HandClock()
    shelf = shelf_of(source, clock)
    for _ in range(5):
        shelf.refresh(["BTC"])
        await shelf.have({"BTC"}, within=1)
        await asyncio.sleep(0)
        clock.advance(301)
    # Asked at 0, 301, 602, 903 and 1204 seconds: the first is not here yet, then 301 and 903 are ten minutes apart.
    assert len(source.reads) == 3


async def test_shelf_counts_a_value_as_missing_when_it_must_be_newer():
    source, clock = Source("BTC"), HandClock()
    shelf = shelf_of(source, clock)
    await shelf.have({"BTC"}, within=1)
    clock.advance(3)
    source.known = set()
    await shelf.have({"BTC"}, within=1, newer_than=2)
    assert source.reads == [["BTC"], ["BTC"]]
    assert shelf.get("BTC") == "btc"


async def test_shelf_reads_a_new_key_after_the_read_that_is_under_way():
    source, clock = Source("BTC", "ETH"), HandClock()
    source.gate.clear()
    shelf = shelf_of(source, clock)
    await shelf.have({"BTC"})
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(shelf.have({"BTC", "SOL"}, within=1))
    await asyncio.sleep(0)
    source.gate.set()
    await waiting
    assert source.reads == [["BTC"], ["SOL"]]
