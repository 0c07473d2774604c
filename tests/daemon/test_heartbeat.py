import asyncio
from datetime import timedelta

import pytest

from monitor.clock import SystemClock
from monitor.daemon.heartbeat import Health, Heartbeat, health_of
from monitor.decide import decide
from monitor.margin.reading import FamilyNotOpened
from monitor.memory import Memory
from tests.builders import COINM, NOW, at, failure, policy, position, snapshot
from tests.receiver import Receiver, Status


def memory(*readings) -> Memory:
    now = Memory()
    for reading in readings:
        now = decide(reading, now, policy(), reading.at).memory
    return now


def test_health_is_complete_when_every_family_was_read_since():
    good = memory(snapshot(position("100"), when=at(5)), FamilyNotOpened(key=COINM, at=at(5), message="not opened"))
    assert health_of(good, at(1), kept=True, broken=list).complete
    assert health_of(good, at(1), kept=True, broken=list).line == "1 positions, 1 families read"
    assert not health_of(good, at(6), kept=True, broken=list).complete
    assert not health_of(Memory(), NOW, kept=True, broken=list).complete


def test_health_is_not_complete_when_one_family_failed_but_fails_only_when_it_is_blind():
    ill = memory(snapshot(position("100"), when=at(5)), failure(at(5), family=COINM))
    health = health_of(ill, at(1), kept=True, broken=list)
    assert (health.complete, health.failing) == (False, False)
    blind = decide(None, ill, policy(), at(60)).memory
    assert health_of(blind, at(1), kept=True, broken=list).failing


@pytest.mark.parametrize(("kept", "broken", "line"), [(False, [], "the store does not keep"), (True, ["phone"], "broken: phone")])
def test_health_fails_when_the_store_or_a_channel_does(kept, broken, line):
    good = memory(snapshot(position("100"), when=at(5)))
    health = health_of(good, at(1), kept=kept, broken=lambda: broken)
    assert (health.complete, health.failing, health.line) == (False, True, line)


async def test_the_heart_beats_after_complete_cycles_and_tells_a_failure_once():
    states = iter([Health(complete=True, failing=False, line="well"), *[Health(complete=False, failing=True, line="blind")] * 3])
    over = asyncio.Event()

    def health(_since) -> Health:
        try:
            return next(states)
        except StopIteration:
            over.set()
            return Health(complete=False, failing=True, line="blind")

    with Receiver() as watcher:
        watcher.then(Status(200), Status(500), Status(200))
        url = f"http://127.0.0.1:{watcher.port}/uuid"
        heart = asyncio.create_task(Heartbeat(url, SystemClock(), health, every=timedelta(milliseconds=5)).run())
        await asyncio.wait_for(over.wait(), 10)
        heart.cancel()
        await asyncio.gather(heart, return_exceptions=True)
        assert [request.path for request in watcher.requests] == ["/uuid/start", "/uuid", "/uuid/fail"]


async def test_a_watcher_that_is_down_does_not_stop_the_heart():
    beats = asyncio.Event()
    seen = 0

    def health(_since) -> Health:
        nonlocal seen
        seen += 1
        if seen == 3:
            beats.set()
        return Health(complete=True, failing=False, line="well")

    heart = asyncio.create_task(Heartbeat("http://127.0.0.1:9/x", SystemClock(), health, every=timedelta(milliseconds=1)).run())
    await asyncio.wait_for(beats.wait(), 10)
    assert not heart.done()
    heart.cancel()
    await asyncio.gather(heart, return_exceptions=True)
