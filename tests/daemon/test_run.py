"""The whole daemon with fakes all round it, in virtual time: starts, polls, ticks, signals and stops, whatever hangs."""

import asyncio
import os
import signal
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from monitor.alerts.routing import Routing
from monitor.clock import SystemClock
from monitor.daemon import run as module
from monitor.daemon.control import Control
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.doctor import Doctor
from monitor.daemon.guard import Guard
from monitor.daemon.outgoing import push_all, wake_all
from monitor.daemon.run import Parts, run_forever, run_once
from monitor.daemon.schedule import Schedule
from monitor.errors import ChannelRefused, ChannelUnavailable, StoreUnavailable
from monitor.margin.reading import FamilyNotOpened
from monitor.memory import Memory
from monitor.policy import Intervals
from tests.builders import COINM, NOW, USDM, failure, policy, position, snapshot
from tests.daemon.test_cycle import Moody
from tests.daemon.virtual import datetime_of, run_virtually
from tests.fakes import FakeNotifier, FakeStore

CALM, WARNING, EMERGENCY = "100", "96", "93"


class Market(Moody):
    """Families that are read now, with one position in USD-M at ``mark``."""

    def __init__(self, *families, mark=CALM):
        super().__init__(*families)
        self.mark = mark
        self.closes = True
        self.clock = SystemClock()

    async def fetch_family(self, family):
        if family == "usdm" and family not in self._coming:
            reading = snapshot(position(self.mark), when=self.clock.now())
            self.times.append((family, asyncio.get_running_loop().time()))
            if family in self.hang:
                await self.hang[family].wait()
            return reading
        return await super().fetch_family(family)

    async def close(self):
        await super().close()
        if not self.closes:
            await asyncio.Event().wait()


class Phone(FakeNotifier):
    """``hangs``: takes a message and never says what became of it; ``seconds``: how long it takes to say so."""

    hangs = False
    seconds = 0.0

    def __init__(self, name="phone"):
        super().__init__(name)
        self.times = []

    async def send(self, message):
        if self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(self.seconds)
        await super().send(message)
        self.times.append(asyncio.get_running_loop().time())

    async def close(self):
        await super().close()
        if self.hangs:
            await asyncio.Event().wait()

    @property
    def titles(self):
        return [message.title for message in self.accepted]


class NoControl(Control):
    def __init__(self):
        self.log = []

    async def start(self):
        self.log.append("started")

    async def stop(self):
        self.log.append("stopped")


class World:
    """Everything that a daemon runs on."""

    def __init__(self, clock, exchange, phone, *, once=False):
        self.clock, self.exchange, self.phone, self.store = clock, exchange, phone, FakeStore()
        exchange.clock = clock
        rules = policy(once=once)
        worker = ChannelWorker(phone, self.store, clock)
        self.guard = Guard(
            memory=Memory(),
            policy=rules,
            store=self.store,
            clock=clock,
            channels=[phone.name],
            wake=lambda: wake_all([worker]),
            direct=lambda message: push_all([worker], message),
        )
        self.control = NoControl()
        self.parts = Parts(
            clock=clock,
            store=self.store,
            exchanges=[exchange],
            channels=[phone],
            intervals={"main": Intervals(calm=timedelta(seconds=10), near=timedelta(seconds=2))},
            guard=self.guard,
            workers=[worker],
            control=self.control,
        )


def daemon(monkeypatch, exchange, story, *, phone=None, signaled=signal.SIGTERM, **parts):
    """Run a daemon through ``story(world)`` and stop it by a signal: the world, and how long the stop took."""

    async def main(clock):
        monkeypatch.setattr(module, "Schedule", partial(Schedule, wall=clock.wall))
        for asker in ("apscheduler.schedulers.base", "apscheduler.triggers.interval", "apscheduler.executors.base"):
            monkeypatch.setattr(f"{asker}.datetime", datetime_of(clock))
        world = World(clock, exchange, phone or Phone())
        running = asyncio.create_task(run_forever(replace(world.parts, **parts)))
        await story(world)
        began = clock.monotonic()
        os.kill(os.getpid(), signaled)
        await running
        return world, clock.monotonic() - began

    return run_virtually(main)


async def for_seconds(seconds, world=None):
    del world
    await asyncio.sleep(seconds)


def test_the_start_message_waits_for_every_family_and_goes_out_once(monkeypatch):
    exchange = Market("usdm", "coinm")
    exchange.hang["coinm"] = asyncio.Event()

    async def story(world):
        await asyncio.sleep(3)
        assert world.phone.accepted == []
        exchange.hang.pop("coinm").set()
        await asyncio.sleep(60)

    world, _ = daemon(monkeypatch, exchange, story)
    assert world.phone.titles == ["guarding 1 position on 1 account", "margincall stopped: your guard is off"]
    assert world.phone.times[0] == pytest.approx(3, abs=0.1)


def test_the_start_message_names_what_is_blind_and_what_is_not_opened(monkeypatch):
    exchange = Market("usdm", "coinm", "third")
    exchange.bring(failure(message="key expired"), FamilyNotOpened(key=COINM, at=NOW, message="no such account"))
    exchange.hang["third"] = asyncio.Event()
    world, _ = daemon(monkeypatch, exchange, partial(for_seconds, 20))
    started = world.phone.accepted[0]
    assert started.title == "BLIND in 2 places; guarding 0 positions on 0 accounts"
    assert "Cannot read main (Binance USD-M): key expired" in started.body
    assert "Cannot read main (Binance third): no answer" in started.body
    assert "has not opened it: main (Binance COIN-M)" in started.body
    assert world.phone.times[0] <= module.SETTLE_SECONDS


@pytest.mark.parametrize("signaled", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_says_that_the_guard_is_off_and_lets_go_of_everything(monkeypatch, signaled):
    told = []
    monkeypatch.setattr(module, "notify", lambda *states: told.append(states))
    exchange = Market("usdm")
    world, took = daemon(monkeypatch, exchange, partial(for_seconds, 5), signaled=signaled)
    assert world.phone.titles[-1] == "margincall stopped: your guard is off"
    assert took < 1
    assert exchange.closed
    assert world.control.log == ["started", "stopped"]
    assert (told[0], told[-1]) == (("READY=1",), ("STOPPING=1", "STATUS=stopping"))
    with pytest.raises(StoreUnavailable):
        asyncio.run(world.store.load())


def test_a_stop_ends_within_five_seconds_whatever_hangs(monkeypatch):
    exchange, phone = Market("usdm", "coinm"), Phone()
    exchange.hang["coinm"] = asyncio.Event()
    exchange.closes, phone.hangs = False, True

    async def story(world):
        await asyncio.sleep(20)

        async def never():
            await asyncio.Event().wait()

        world.store.close = never

    _, took = daemon(monkeypatch, exchange, story, phone=phone)
    assert took <= 5


def test_polls_are_near_while_a_position_is_past_its_first_line_and_calm_again_after(monkeypatch):
    exchange = Market("usdm")

    async def story(world):
        await asyncio.sleep(25)
        exchange.mark = WARNING
        await asyncio.sleep(15)  # read at 30: near from then on
        exchange.mark = CALM
        await asyncio.sleep(40)  # clear for 10 s: calm

    daemon(monkeypatch, exchange, story)
    asked = exchange.asked_at("usdm")
    assert asked[:4] == pytest.approx([0, 10, 20, 30], abs=0.1)
    assert asked[4:9] == pytest.approx([32, 34, 36, 38, 40], abs=0.1)
    assert [after - before for before, after in pairwise(asked[-3:])] == pytest.approx([10, 10], abs=0.1)


def test_an_alert_repeats_on_the_tick_when_no_poll_returns(monkeypatch):
    exchange = Market("usdm", mark=CALM)

    async def story(world):
        await asyncio.sleep(1)
        exchange.mark = EMERGENCY
        await asyncio.sleep(10)
        exchange.hang["usdm"] = asyncio.Event()
        await asyncio.sleep(65)

    world, _ = daemon(monkeypatch, exchange, story)
    titles = world.phone.titles
    assert titles[1] == "EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"
    assert "BLIND: cannot read main (Binance USD-M)" in titles
    assert any(title.startswith("Still EMERGENCY: BTC/USDT long") for title in titles)


@pytest.mark.parametrize("step", [-3600, 3600, 600])
def test_nothing_storms_and_no_poll_is_missed_when_the_wall_clock_is_set(monkeypatch, step):
    exchange = Market("usdm")

    async def story(world):
        await asyncio.sleep(33)
        world.clock.step(step)
        await asyncio.sleep(40)
        assert world.clock.now() == NOW + timedelta(seconds=73 + step)
        assert world.guard.memory.families[USDM].last_good > NOW + timedelta(seconds=step)

    world, _ = daemon(monkeypatch, exchange, story)
    asked = exchange.asked_at("usdm")
    assert max(after - before for before, after in pairwise(asked)) <= 20
    assert len(asked) <= 9
    assert world.phone.titles == ["guarding 1 position on 1 account", "margincall stopped: your guard is off"]


@pytest.mark.parametrize("step", [-3600, 3600, 600])
def test_an_alert_keeps_its_rhythm_when_the_wall_clock_is_set(monkeypatch, step):
    """An emergency read at 10 s repeats each minute, whatever the clock is set to at 100 s: no storm, and no gap."""
    exchange = Market("usdm", mark=CALM)

    async def story(world):
        await asyncio.sleep(1)
        exchange.mark = EMERGENCY
        await asyncio.sleep(99)
        world.clock.step(step)
        await asyncio.sleep(160)

    world, _ = daemon(monkeypatch, exchange, story)
    told = [at for at, title in zip(world.phone.times, world.phone.titles, strict=True) if "EMERGENCY: BTC/USDT long" in title]
    assert told == pytest.approx([10, 70, 130, 190, 250], abs=2.5)
    assert len(world.phone.titles) == len(told) + 2


@pytest.mark.parametrize("step", [-3600, 3600, 600])
def test_a_message_that_waits_is_tried_on_when_the_wall_clock_is_set(monkeypatch, step):
    """The channel is down from the first second; it works again a minute after the clock was set, and is tried every 30 s."""
    exchange, phone = Market("usdm", mark=CALM), Phone()
    phone.usually = ChannelUnavailable("channel phone: no connection")

    async def story(world):
        await asyncio.sleep(1)
        exchange.mark = EMERGENCY
        await asyncio.sleep(59)
        world.clock.step(step)
        await asyncio.sleep(60)
        phone.usually = None
        await asyncio.sleep(40)

    world, _ = daemon(monkeypatch, exchange, story, phone=phone)
    first = min(at for at, title in zip(world.phone.times, world.phone.titles, strict=True) if "EMERGENCY" in title)
    assert 120 <= first <= 120 + 37


def test_a_reading_on_its_way_when_the_clock_is_set_is_not_taken_for_an_old_one(monkeypatch):
    exchange = Market("usdm")

    async def story(world):
        await asyncio.sleep(9)
        exchange.hang["usdm"] = asyncio.Event()
        await asyncio.sleep(3)  # asked at 10
        world.clock.step(3600)
        await asyncio.sleep(2)
        exchange.hang.pop("usdm").set()
        await asyncio.sleep(1)
        assert world.guard.memory.families[USDM].last_good == NOW + timedelta(seconds=3610)

    world, _ = daemon(monkeypatch, exchange, story)
    assert world.phone.titles == ["guarding 1 position on 1 account", "margincall stopped: your guard is off"]


def test_a_worker_that_dies_of_a_bug_is_started_again(monkeypatch):
    class Buggy(Phone):
        async def send(self, message):
            if len(self.times) == 0:
                self.times.append(-1)
                raise RuntimeError("a bug in a service")
            await super().send(message)

    async def story(world):
        await asyncio.sleep(70)  # the lease of the message that it died with runs out after 60

    with capture_logs() as logs:
        world, _ = daemon(monkeypatch, Market("usdm"), story, phone=Buggy())
    assert [one["event"] for one in logs].count("worker.died") == 1
    assert world.phone.titles == ["guarding 1 position on 1 account", "margincall stopped: your guard is off"]


def test_a_heartbeat_and_a_digest_run_along_when_they_are_wanted(monkeypatch):
    runs = []

    class Beats:
        def __init__(self, name):
            self.name = name

        def poke(self):
            runs.append(f"{self.name} poked")

        async def run(self):
            runs.append(self.name)
            await asyncio.Event().wait()

    heart, daily = Beats("heart"), Beats("daily")
    daemon(monkeypatch, Market("usdm"), partial(for_seconds, 100), heartbeat=heart, digest=daily)
    assert {"heart", "daily", "daily poked"} <= set(runs)


class Hypochondriac(Doctor):
    """Looks for as long as ``hang`` is not set, and dies of its first look."""

    def __init__(self, clock):
        self.pokes, self.looks, self.hang = [], 0, asyncio.Event()
        self._clock, self._wake = clock, asyncio.Event()

    def poke(self):
        self.pokes.append(self._clock.monotonic())
        self._wake.set()

    async def run(self):
        await self._wake.wait()
        self._wake.clear()
        self.looks += 1
        if self.looks == 1:
            raise RuntimeError("unforeseen")
        await self.hang.wait()


def test_a_doctor_that_dies_and_then_hangs_delays_no_poll_and_no_message(monkeypatch):
    exchange = Market("usdm")
    hypochondriac = Hypochondriac(SystemClock())

    async def story(world):
        hypochondriac._clock = world.clock
        await asyncio.sleep(1300)
        exchange.mark = EMERGENCY
        await asyncio.sleep(30)

    world, took = daemon(monkeypatch, exchange, story, doctor=hypochondriac)
    # Ten minutes and twenty minutes after the start: it dies of the first look and hangs in the second.
    assert hypochondriac.pokes == [pytest.approx(600, abs=1), pytest.approx(1200, abs=1)]
    assert hypochondriac.looks == 2
    times = [at for _, at in exchange.times]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 10.5
    emergency = world.phone.titles.index(next(one for one in world.phone.titles if "BTC/USDT long" in one))
    assert world.phone.times[emergency] <= 1300 + 11
    assert took < 1


def test_a_stop_goes_on_when_something_cannot_be_closed(monkeypatch):
    class Sticky(Market):
        async def close(self):
            raise OSError("the connection is stuck")

    with capture_logs() as logs:
        world, took = daemon(monkeypatch, Sticky("usdm"), partial(for_seconds, 5))
    assert "stop.stumbled" in [one["event"] for one in logs]
    assert took < 1
    assert world.phone.titles[-1] == "margincall stopped: your guard is off"


def once(exchange, phone):
    async def main(clock):
        world = World(clock, exchange, phone, once=True)
        return await run_once(world.parts), world, clock.monotonic()

    return run_virtually(main)


def test_a_single_run_reads_everything_delivers_and_succeeds():
    phone, exchange = Phone(), Market("usdm", "coinm", mark=EMERGENCY)
    exchange.bring(FamilyNotOpened(key=COINM, at=NOW, message="no such account"))
    done, world, took = once(exchange, phone)
    assert done
    assert phone.titles == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]
    assert exchange.asked_at("usdm") == [0]
    assert exchange.closed
    assert took < 1
    del world


def test_a_single_run_says_on_the_other_channel_that_one_is_broken_however_late_that_shows():
    """The phone's service takes 3 s to refuse; the chat had nothing left to do long before."""
    phone, chat, exchange = Phone(), Phone("chat"), Market("usdm", mark=EMERGENCY)
    phone.usually, phone.seconds = ChannelRefused("channel phone: the service answered 401 (Unauthorized)"), 3

    async def main(clock):
        world = World(clock, exchange, phone, once=True)
        workers = [ChannelWorker(one, world.store, clock, changed=world.guard.channel_changed) for one in (phone, chat)]
        world.guard.policy = replace(world.guard.policy, routing=Routing(everyone=("phone", "chat")))
        await run_once(replace(world.parts, workers=workers))

    run_virtually(main)
    assert chat.titles[0] == "EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"
    assert chat.titles[1:] == ["phone is broken; alerts go to chat"]


def test_a_single_run_tells_at_once_what_cannot_be_read_and_fails():
    phone, exchange = Phone(), Market("usdm", "coinm")
    exchange.bring(failure(family=COINM))
    done, _, _ = once(exchange, phone)
    assert not done
    assert phone.titles == ["BLIND: cannot read main (Binance COIN-M)"]


def test_a_single_run_tries_a_channel_again_before_it_leaves_the_rest_to_the_next_run():
    phone, exchange = Phone(), Market("usdm", mark=EMERGENCY)
    phone.then(ChannelUnavailable("channel phone: no connection"), ChannelUnavailable("channel phone: no connection"), None)
    done, _, took = once(exchange, phone)
    assert done
    assert len(phone.titles) == 1
    assert took <= 10


def test_a_single_run_ends_when_its_channel_hangs():
    phone, exchange = Phone(), Market("usdm", mark=EMERGENCY)
    phone.hangs = True
    done, _, took = once(exchange, phone)
    assert done
    assert took <= module.ONCE_SECONDS + 3
