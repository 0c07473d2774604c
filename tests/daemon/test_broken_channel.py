"""From a refusal to the message on the other channel, through guard, store and workers; over a restart too."""

from dataclasses import replace

from monitor.alerts.model import channel_subject
from monitor.alerts.routing import Routing
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.guard import Guard
from monitor.daemon.outgoing import push_all, wake_all
from monitor.daemon.watching import pruned
from monitor.errors import StoreUnavailable
from monitor.memory import ChannelMemory, Commit, Memory
from tests.builders import USDM, policy
from tests.daemon.delivering import DOWN, MINUTE, REFUSED, Stage, firing, ids
from tests.fakes import FakeNotifier, FakeStore
from tests.store.store_examples import alert, message


class House(Stage):
    """The stage with a guard that listens to its channels."""

    def __init__(self, store: FakeStore | None = None, memory: Memory | None = None) -> None:
        known = (memory or Memory()).channels.get("phone")
        super().__init__(broken=known is not None and known.broken_since is not None)
        self.store = store or self.store
        workers = []
        for channel in (self.phone, self.chat):
            broken = channel.name == "phone" and self.phone_worker._health.broken
            workers.append(ChannelWorker(channel, self.store, self.clock, broken=broken, changed=self._tell_guard))
        self.phone_worker, self.chat_worker = workers
        self.guard = Guard(
            memory=memory or Memory(),
            policy=replace(policy(since=self.clock.now()), routing=Routing(everyone=("phone", "chat"))),
            store=self.store,
            clock=self.clock,
            channels=["phone", "chat"],
            wake=lambda: wake_all(workers),
            direct=lambda message: push_all(workers, message),
        )

    async def _tell_guard(self, name: str, error: str | None) -> None:
        await self.guard.channel_changed(name, error)

    async def pass_time(self, seconds: float, step: float = 1) -> None:
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(step)
            await self.guard.tick()
            await self.work()


def titles(channel: FakeNotifier) -> list[str]:
    return [each.title for each in channel.accepted]


async def test_other_channel_says_once_that_one_is_broken_and_once_that_it_works_again():
    house = House()
    house.phone.usually = REFUSED
    await house.tell(house.news(1))
    await house.pass_time(20 * MINUTE)
    assert titles(house.chat) == ["phone is broken; alerts go to chat"]
    house.phone.usually = None
    await house.pass_time(7 * MINUTE)
    assert titles(house.chat) == ["phone is broken; alerts go to chat", "phone works again"]
    assert ids(house.phone.accepted) == ["m1"]


async def test_restart_remembers_that_a_channel_is_broken_and_does_not_tell_it_again():
    house = House()
    house.phone.usually = REFUSED
    await house.tell(house.news(1))
    await house.pass_time(MINUTE)
    again = House(house.store, await house.store.load())
    again.clock.advance(MINUTE)
    again.phone.usually = REFUSED
    await again.pass_time(2 * MINUTE)
    assert again.chat.accepted == []
    assert len(again.phone.tried) == 1
    again.phone.usually = None
    await again.pass_time(7 * MINUTE)
    assert titles(again.chat) == ["phone works again"]


async def test_channel_that_cannot_be_reached_is_told_after_ten_minutes():
    house = House()
    house.phone.usually = DOWN
    await house.tell(house.news(1), alerts=[firing(1)])
    await house.pass_time(9 * MINUTE)
    assert house.chat.accepted == []
    await house.pass_time(2 * MINUTE)
    assert titles(house.chat) == ["phone is broken; alerts go to chat"]


async def test_broken_channel_is_told_though_the_store_fails():
    house = House()
    house.phone.usually = REFUSED
    house.phone_worker.push(message(1, channels=("phone",)))
    house.store.fault = StoreUnavailable("full")
    await house.pass_time(2)
    assert titles(house.chat) == ["phone is broken; alerts go to chat"]


def test_memory_forgets_channels_that_are_not_configured_any_more():
    subjects = [channel_subject("phone"), channel_subject("gone")]
    memory = Memory(
        channels={name: ChannelMemory(name=name, broken_since=None) for name in ("phone", "gone")},
        alerts={("channel_broken", about): alert("channel_broken", about=about) for about in subjects},
    )
    kept = pruned(memory, [USDM], ["phone"])
    assert list(kept.channels) == ["phone"]
    assert list(kept.alerts) == [("channel_broken", channel_subject("phone"))]


async def test_guard_keeps_a_broken_channel_with_its_alert_in_one_commit():
    house = House()
    commits: list[Commit] = []
    keep = house.store.commit

    async def look(commit, *, channels):
        commits.append(commit)
        await keep(commit, channels=channels)

    house.store.commit = look  # type: ignore[method-assign]
    await house.guard.channel_changed("phone", "the service answered 401")
    await house.guard.channel_changed("phone", "the service answered 401")
    assert [(len(one.channels), len(one.alerts), len(one.messages)) for one in commits] == [(1, 1, 1), (0, 1, 0)]
