"""Workers that die are started again, whatever they died of; only those who were told to go are gone."""

import asyncio

from structlog.testing import capture_logs

from monitor.daemon.crew import RESTART_SECONDS, Crew
from tests.daemon.virtual import run_virtually


def turns_of(fail, seconds=3.5 * RESTART_SECONDS):
    """How often a worker began that ends as ``fail`` does, and what was logged of it."""

    async def main(clock):
        crew, begun = Crew(), []

        async def work():
            begun.append(clock.monotonic())
            await fail()

        crew.add("poll-main", work)
        await asyncio.sleep(seconds)
        await crew.dismiss(1)
        await asyncio.sleep(seconds)
        return begun

    with capture_logs() as logs:
        begun = run_virtually(main)
    return begun, [(one["event"], one["worker"]) for one in logs]


async def by_a_bug():
    raise RuntimeError("a bug")


async def by_a_cancellation_that_nobody_asked_for():
    raise asyncio.CancelledError


async def by_ending():
    pass


def test_a_worker_is_started_again_a_second_after_it_died_and_each_death_is_logged():
    for fail in (by_a_bug, by_a_cancellation_that_nobody_asked_for, by_ending):
        begun, logged = turns_of(fail)
        assert begun == [0.0, 1.0, 2.0, 3.0], fail
        assert logged == [("worker.died", "poll-main")] * 4, fail


def test_a_worker_that_is_let_go_is_not_started_again():
    async def main(clock):
        crew, begun = Crew(), []

        async def work():
            begun.append(clock.monotonic())
            await asyncio.sleep(3600)

        crew.add("channel-phone", work)
        await asyncio.sleep(1)
        crew.drop("channel-phone")
        await asyncio.sleep(10)
        return begun

    with capture_logs() as logs:
        assert run_virtually(main) == [0.0]
    assert logs == []


def test_what_is_done_once_is_logged_when_it_stumbles():
    async def main(_):
        crew = Crew()
        crew.once(by_a_bug())
        await asyncio.sleep(1)

    with capture_logs() as logs:
        run_virtually(main)
    assert [one["event"] for one in logs] == ["daemon.stumbled"]
