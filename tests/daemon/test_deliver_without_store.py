"""A worker whose store fails: it does not spin, it does not fall silent, and what it has in hand survives."""

import asyncio

from structlog.testing import capture_logs

from monitor.alerts.model import NotifyReason
from monitor.daemon.deliver import DIRECT, IDLE, ChannelWorker
from monitor.daemon.outgoing import push_all
from monitor.errors import ChannelUnavailable, StoreUnavailable
from monitor.memory import Commit
from tests.daemon.virtual import run_virtually
from tests.fakes import FakeClock, FakeNotifier, FakeStore
from tests.store.store_examples import message

FULL = StoreUnavailable("the store cannot be used now (SQLITE_FULL)")


class FullDisk(FakeStore):
    """A store that can be read but not written: nothing can be leased, and what is due stays due."""

    def __init__(self):
        super().__init__()
        self.claims = 0
        self.full = False

    async def claim(self, *args, **options):
        self.claims += 1
        if self.full:
            raise FULL
        return await super().claim(*args, **options)


class Stuck(FakeNotifier):
    """A channel that takes a message and says nothing, until it is not ``stuck`` any more."""

    stuck = True

    async def send(self, message):
        if self.stuck:
            await asyncio.Event().wait()
        await super().send(message)


def working(story, store=None):
    """``story(worker, channel, store, clock)`` beside a running worker, in virtual time."""

    async def main(clock):
        channel, kept = FakeNotifier(), store or FullDisk()
        worker = ChannelWorker(channel, kept, clock)
        running = asyncio.create_task(worker.run())
        try:
            return await story(worker, channel, kept, clock)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    return run_virtually(main)


def test_a_worker_does_not_spin_on_a_store_that_can_only_be_read_and_tells_it_once():
    async def story(worker, channel, store, clock):
        await store.commit(Commit(at=clock.now(), messages=(message(1, at=clock.now()),)), channels=["phone"])
        store.full = True
        worker.wake()
        await asyncio.sleep(60)
        assert store.claims <= 60 / IDLE + 3
        store.full = False
        await asyncio.sleep(IDLE + 1)
        return [one.id for one in channel.accepted]

    with capture_logs() as logs:
        assert working(story) == ["m1"]
    assert [one["log_level"] for one in logs if one["event"].startswith("outbox.")].count("error") == 1


def test_direct_messages_are_sent_in_order_and_tried_again_with_patience():
    async def story(worker, channel, store, clock):
        store.fault = FULL
        down = ChannelUnavailable("channel phone: no connection")
        channel.then(down, down, None)
        for number in (1, 2):
            worker.push(message(number, at=clock.now()))
        await asyncio.sleep(0.1)
        assert channel.accepted == []
        await asyncio.sleep(59)
        return [one.id for one in channel.accepted]

    assert working(story) == ["m1", "m2"]


def test_a_direct_message_is_still_there_when_its_send_was_cut_short():
    async def main(clock):
        channel, store = Stuck(), FullDisk()
        store.fault = FULL
        worker = ChannelWorker(channel, store, clock)
        worker.push(message(1, at=clock.now()))
        sending = asyncio.create_task(worker.deliver_due())
        await asyncio.sleep(1)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        channel.stuck = False
        await worker.deliver_within(3)
        return [one.id for one in channel.accepted]

    assert run_virtually(main) == ["m1"]


def test_the_newest_messages_stay_when_more_wait_than_there_is_room_for():
    async def main(clock):
        channel, store = FakeNotifier(), FullDisk()
        store.fault = FULL
        worker = ChannelWorker(channel, store, clock)
        for number in range(DIRECT + 5):
            worker.push(message(number, at=clock.now()))
        await worker.deliver_due()
        return [one.id for one in channel.accepted]

    told = run_virtually(main)
    assert (told[0], told[-1], len(told)) == ("m5", f"m{DIRECT + 4}", DIRECT)


async def test_a_direct_message_goes_to_the_channels_that_it_is_for():
    store = FakeStore()
    store.fault = FULL
    channels = [FakeNotifier("phone"), FakeNotifier("chat")]
    workers = [ChannelWorker(channel, store, FakeClock()) for channel in channels]
    push_all(workers, message(1, channels=("chat",)))
    push_all(workers, message(2, why=NotifyReason.WORSENED))
    for worker in workers:
        await worker.deliver_due()
    assert [[one.id for one in channel.accepted] for channel in channels] == [["m2"], ["m1", "m2"]]
