"""The watchdog: fed while everything moves, silent about nothing, and never fed by a mere timer."""

import os
from functools import partial

import pytest
from structlog.testing import capture_logs

from monitor.daemon.watchdog import Watchdog, Watched, period_of
from monitor.daemon.watching import status_of
from monitor.margin.reading import FamilyFailure
from tests.builders import NOW, USDM, at, failure, position, snapshot
from tests.daemon.guarding import Post
from tests.fakes import FakeClock


class Manager:
    """What systemd was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def __call__(self, *states: str) -> bool:
        self.told.append(states)
        return True

    @property
    def fed(self) -> bool:
        return "WATCHDOG=1" in self.told[-1]


def dog(clock, manager, *watched, period=60.0):
    return Watchdog(clock, watched, status=lambda: "3 positions", period=period, tell=manager)


@pytest.mark.parametrize(
    ("environ", "period"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_period_is_what_systemd_says_to_this_process(environ, period):
    assert period_of(environ) == period


def test_it_is_fed_while_every_worker_turns_and_not_when_one_hangs():
    clock, manager = FakeClock(NOW), Manager()
    turned = {"poll-main": 0.0, "tick": 0.0}
    watched = [Watched(name=name, turned=partial(turned.__getitem__, name), within=20) for name in turned]
    watch = dog(clock, manager, *watched)
    start = clock.monotonic()
    turned.update(dict.fromkeys(turned, start))
    clock.advance(20)
    watch.look()
    assert manager.told[-1] == ("STATUS=3 positions", "WATCHDOG=1")
    clock.advance(1)
    turned["tick"] = clock.monotonic()
    with capture_logs() as logs:
        watch.look()
        watch.look()
    assert (manager.fed, watch.late()) == (False, ["poll-main"])
    assert [(one["event"], one["workers"]) for one in logs] == [("worker.hangs", ["poll-main"])]
    turned["poll-main"] = clock.monotonic()
    watch.look()
    assert manager.fed


def test_nobody_is_fed_where_systemd_does_not_watch():
    manager = Manager()
    dog(FakeClock(NOW), manager, period=None).look()
    assert manager.told == [("STATUS=3 positions",)]


async def test_the_status_is_one_line_about_what_is_read_and_what_is_not():
    post = Post()
    await post.guard.take(snapshot(position("96"), when=at(10)))
    line = status_of(post.guard.memory, NOW, at(14))
    assert line == "1 position, worst BTC/USDT long on main: cushion 56 %, liquidation 5.3 % away, read 4 s ago"
    refused = failure(when=at(20))
    assert isinstance(refused, FamilyFailure)
    await post.guard.take(refused)
    assert status_of(post.guard.memory, NOW, at(24)).startswith("BLIND in 1 place, 0 positions")
    assert status_of(post.guard.memory, at(15), at(24)) == "BLIND in 1 place, 0 positions"
    assert USDM in post.guard.memory.families
