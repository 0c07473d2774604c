"""Old history is thinned and the day's copy made, in pieces, whenever the schedule says so."""

import asyncio

from structlog.testing import capture_logs

from monitor.daemon.housekeeping import Housekeeping
from monitor.errors import StoreCorrupt, StoreUnavailable
from tests.daemon.virtual import run_virtually
from tests.fakes import FakeStore


class Dusty(FakeStore):
    """A store with so many slices to thin."""

    def __init__(self, slices: int) -> None:
        super().__init__()
        self.left = slices
        self.times: list[float] = []

    async def thin(self, now):
        await super().thin(now)
        self.times.append(asyncio.get_running_loop().time())
        self.left -= 1
        return self.left > 0


async def _nobody(error):
    raise AssertionError(error)


def kept(store, story, damaged=_nobody):
    async def main(clock):
        keeper = Housekeeping(store, clock, damaged=damaged)
        running = asyncio.create_task(keeper.run())
        await story(keeper)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    with capture_logs() as logs:
        run_virtually(main)
    return [one["event"] for one in logs if one["log_level"] == "error"]


def test_every_slice_is_thinned_with_a_pause_between_and_then_a_copy_is_made():
    store = Dusty(3)

    async def story(keeper):
        keeper.poke()
        await asyncio.sleep(1)

    assert kept(store, story) == []
    assert [round(time, 2) for time in store.times] == [0, 0.05, 0.1]
    assert len(store.backed_up) == 1


def test_a_store_that_fails_is_told_once_and_tried_again():
    store = Dusty(1)
    store.fault = StoreUnavailable("the disk is full")

    async def story(keeper):
        for minute in range(4):
            keeper.poke()
            await asyncio.sleep(60)
            if minute == 1:
                store.fault = None
            if minute == 2:
                store.fault = StoreUnavailable("the disk is full")

    assert kept(store, story) == ["housekeeping.failed"] * 2
    assert len(store.backed_up) == 1


def test_a_damaged_store_is_told_to_whoever_must_not_rely_on_it():
    store, found = Dusty(1), []
    store.fault = StoreCorrupt("damaged")

    async def damaged(error):
        found.append(error)

    async def story(keeper):
        keeper.poke()
        await asyncio.sleep(1)

    assert kept(store, story, damaged) == ["housekeeping.failed"]
    assert found == [store.fault]
