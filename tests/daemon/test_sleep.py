"""The machine sleeps, or something keeps the loop from turning: ages stay true, nobody is blamed, and the watch begins anew."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor.clock import SystemClock, since_boot
from monitor.daemon.cycle import AccountCycle
from monitor.daemon.schedule import Schedule
from monitor.daemon.vitals import NAP_SECONDS, Vitals
from monitor.daemon.watchdog import Watchdog, Watched
from monitor.memory import FamilyState
from tests.builders import NOW, USDM, policy, position, snapshot
from tests.daemon.guarding import Post
from tests.daemon.virtual import START, datetime_of, run_virtually
from tests.fakes import FakeClock, FakeExchange

HOUR = 3600.0
ASKERS = ("apscheduler.schedulers.base", "apscheduler.triggers.interval", "apscheduler.executors.base")


async def read(post, mark):
    await post.guard.take(snapshot(position(mark), when=post.clock.now()))


async def test_what_still_holds_is_told_again_and_nothing_is_called_blind_after_a_sleep():
    post = Post()
    await read(post, "100")
    post.clock.advance(2)
    await read(post, "96")
    first = post.outbox
    assert [title.partition(":")[0] for title in first] == ["WARNING"]
    with capture_logs() as logs:
        # Ten minutes: a warning repeats every thirty.
        post.clock.sleep(600)
        await post.guard.tick()
        await post.guard.tick()
    assert [one["event"] for one in logs] == ["machine.slept"]
    assert post.outbox == first
    family = post.guard.memory.families[USDM]
    assert family.state is FamilyState.OK
    assert not family.fresh_since(post.guard.policy.watching_since)
    await read(post, "96")
    assert len(post.outbox) == 2, "ten minutes nobody watched: nobody can know what was missed"


async def test_it_is_blind_when_nothing_can_be_read_after_a_sleep():
    post = Post()
    await read(post, "100")
    post.clock.sleep(HOUR)
    for _ in range(60):
        post.clock.advance(1)
        await post.guard.tick()
    assert [title.partition(":")[0] for title in post.outbox] == ["BLIND"]


def test_a_reading_that_was_under_way_during_a_sleep_stays_as_old_as_it_is():
    async def main(clock):
        class Sleepy(FakeExchange):
            async def fetch_family(self, family):
                reading = snapshot(position("100"), when=clock.now())
                clock.sleep(HOUR)
                return reading

        post = Post(policy(since=START), clock=clock)
        await AccountCycle(Sleepy(), post.guard, clock, after=lambda: None).once()
        return post.guard.memory.families[USDM].last_good, clock.now()

    last_good, now = run_virtually(main)
    assert now - last_good == timedelta(hours=1)


def test_every_job_is_called_at_once_after_a_sleep_and_it_is_no_clock_step(monkeypatch):
    async def main(clock):
        for module in ASKERS:
            monkeypatch.setattr(f"{module}.datetime", datetime_of(clock))
        called: list[float] = []
        told: list[timedelta] = []
        schedule = Schedule(clock, on_step=told.append, wall=clock.wall)
        schedule.every("poll", timedelta(seconds=10), lambda: called.append(clock.monotonic()))
        schedule.start()
        await asyncio.sleep(21)
        clock.sleep(HOUR)
        await asyncio.sleep(30)
        await schedule.stop()
        return called, told

    called, told = run_virtually(main)
    assert told == []
    assert called[:2] == pytest.approx([10, 20], abs=0.1)
    # The watch looks each 2.5 s, a quarter of the interval.
    assert HOUR + 21 <= called[2] <= HOUR + 23.6
    assert len(called) == 5


def test_nobody_hangs_because_the_machine_slept_but_whoever_does_not_turn_afterwards():
    clock = FakeClock(NOW)
    told: list[tuple[str, ...]] = []

    def tell(*states):
        told.append(states)
        return True

    stuck = Watched(name="poll-main", turned=lambda: 1000.0, within=20)
    watch = Watchdog(clock, [stuck], status=lambda: "", period=60.0, tell=tell)
    clock.sleep(HOUR)
    watch.look()
    assert "WATCHDOG=1" in told[-1]
    clock.advance(21)
    with capture_logs() as logs:
        watch.look()
    assert "WATCHDOG=1" not in told[-1]
    assert [one["workers"] for one in logs] == [["poll-main"]]


def test_a_loop_that_is_blocked_is_told_and_measured_and_does_not_feed_the_watchdog():
    async def main(clock):
        vitals, fed = Vitals(), []

        def tell(*states):
            fed.append(clock.monotonic())
            return "WATCHDOG=1" in states

        watch = Watchdog(clock, [], status=lambda: "", period=15.0, tell=tell)
        tasks = [asyncio.create_task(vitals.feel(clock)), asyncio.create_task(watch.run())]
        await asyncio.sleep(10.1)
        healthy = vitals.lag
        clock.block(40)
        await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        return healthy, vitals, fed

    with capture_logs() as logs:
        healthy, vitals, fed = run_virtually(main)
    assert healthy == pytest.approx(0, abs=0.001)
    assert vitals.lag == pytest.approx(40 - NAP_SECONDS, abs=NAP_SECONDS)
    assert [(one["event"], one["log_level"]) for one in logs] == [("loop.blocked", "warning")]
    assert not any(10.1 < moment < 50 for moment in fed)
    # One nap of 44: more than one in a hundred.
    assert vitals.usual_lag == vitals.lag
    vitals.naps = [0.0] * 199 + [1.0]
    assert vitals.usual_lag == 0.0
    assert Vitals().usual_lag == 0.0


def test_a_sleep_is_no_blockade():
    async def main(clock):
        vitals = Vitals()
        task = asyncio.create_task(vitals.feel(clock))
        await asyncio.sleep(1)
        clock.sleep(HOUR)
        await asyncio.sleep(1)
        task.cancel()
        return vitals.lag

    assert run_virtually(main) == pytest.approx(0, abs=0.001)


def test_the_machines_clock_counts_what_it_slept(monkeypatch):
    before = SystemClock()
    then, passed, slept = before.now(), before.monotonic(), before.asleep()
    monkeypatch.setattr("monitor.clock.since_boot", lambda: since_boot() + HOUR)
    assert timedelta(hours=1) <= before.now() - then < timedelta(hours=1, minutes=1)
    assert HOUR <= before.monotonic() - passed < HOUR + 60
    assert before.asleep() - slept == pytest.approx(HOUR, abs=1)
