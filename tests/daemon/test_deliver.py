"""A channel that fails: what is tried when, what goes another way, and what a person gets once it works again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.model import NotifyReason
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.health import Quota
from monitor.daemon.outgoing import push_all, wake_all
from monitor.errors import ChannelUnavailable, StoreUnavailable
from monitor.memory import Commit
from monitor.rules.base import Level
from tests.daemon.delivering import DOWN, HOUR, MINUTE, REFUSED, Stage, coin, firing, ids, on
from tests.fakes import FakeClock, FakeNotifier, FakeStore
from tests.store.store_examples import memory, position


async def test_message_is_delivered_once_and_nobody_is_told_of_a_channel_that_works():
    stage = Stage()
    await stage.tell(stage.news(1))
    await stage.pass_time(10)
    assert ids(stage.phone.tried) == ["m1"]
    assert stage.heard == []


async def test_refusing_channel_is_broken_and_probed_every_five_minutes_with_the_most_urgent_message():
    stage = Stage()
    stage.phone.usually = REFUSED
    await stage.tell(stage.news(1), stage.news(2, Level.WARNING), stage.news(3, Level.EMERGENCY))
    await stage.pass_time(21 * MINUTE)
    assert ids(stage.phone.tried) == ["m3"] * 5
    assert stage.heard == [("phone", "the service answered 401 (Unauthorized)")]


async def test_refusing_channel_says_that_it_works_again_and_everything_arrives():
    stage = Stage()
    stage.phone.usually = REFUSED
    await stage.tell(stage.news(1), stage.news(2))
    await stage.pass_time(2 * MINUTE)
    stage.phone.usually = None
    await stage.pass_time(4 * MINUTE)
    assert ids(stage.phone.accepted) == ["m1", "m2"]
    assert stage.heard[1:] == [("phone", None)]


async def test_channel_that_an_earlier_run_left_broken_says_when_it_works_and_not_again_that_it_does_not():
    stage = Stage(broken=True)
    stage.phone.then(REFUSED)
    await stage.tell(stage.news(1))
    await stage.pass_time(MINUTE)
    assert stage.heard == []
    await stage.pass_time(5 * MINUTE)
    assert stage.heard == [("phone", None)]


async def test_channel_that_cannot_be_reached_for_ten_minutes_is_broken_when_a_critical_waits():
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(stage.news(1))
    await stage.pass_time(590)
    assert stage.heard == []
    await stage.pass_time(MINUTE)
    assert stage.heard == [("phone", "no connection")]


async def test_channel_that_cannot_be_reached_is_not_broken_when_only_a_warning_waits():
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(stage.news(1, Level.WARNING))
    await stage.pass_time(20 * MINUTE)
    assert stage.heard == []


async def test_bad_message_does_not_stand_in_the_way_of_the_others():
    stage = Stage()
    bad = ChannelUnavailable("channel phone: the service answered 400 (Bad Request)")

    async def pick_y(message):
        stage.phone.tried.append(message)
        if message.id == "m1":
            raise bad
        stage.phone.accepted.append(message)

    stage.phone.send = pick_y  # type: ignore[method-assign]
    await stage.tell(stage.news(1, Level.EMERGENCY), stage.news(2), stage.news(3, Level.WARNING))
    await stage.work()
    assert ids(stage.phone.accepted) == ["m2", "m3"]


async def test_channel_pauses_after_two_failures_in_a_row():
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(*(stage.news(number) for number in range(50)))
    await stage.work()
    assert ids(stage.phone.tried) == ["m0", "m1"]
    await stage.pass_time(10 * MINUTE)
    # About one try every 15 seconds, whatever waits.
    assert 35 <= len(stage.phone.tried) <= 50


async def test_nothing_is_sent_before_the_time_that_the_service_asked_for():
    stage = Stage()
    stage.phone.then(ChannelUnavailable("channel phone: the service answered 429", retry_after=90))
    await stage.tell(stage.news(1), stage.news(2, Level.EMERGENCY))
    await stage.pass_time(89)
    assert ids(stage.phone.tried) == ["m2"]
    await stage.pass_time(2)
    assert ids(stage.phone.accepted) == ["m2", "m1"]


async def test_urgent_message_takes_the_fallback_once_when_the_channel_is_broken():
    stage = Stage(fallback=True)
    stage.phone.usually = REFUSED
    await stage.tell(stage.news(1), stage.news(2, Level.WARNING))
    await stage.pass_time(MINUTE)
    await stage.tell(stage.news(3, Level.EMERGENCY))
    await stage.pass_time(20 * MINUTE)
    assert ids(stage.chat.accepted) == ["m1", "m3"]


async def test_urgent_message_takes_the_fallback_when_the_channel_fails_for_a_minute_and_not_before():
    stage = Stage(fallback=True)
    stage.phone.usually = DOWN
    await stage.tell(stage.news(1))
    await stage.pass_time(59)
    assert stage.chat.accepted == []
    await stage.pass_time(2)
    assert ids(stage.chat.accepted) == ["m1"]
    stage.phone.usually = None
    await stage.pass_time(MINUTE)
    assert ids(stage.phone.accepted) == ["m1"]
    assert len(stage.chat.accepted) == 1


async def test_message_that_alone_is_refused_takes_the_fallback_when_it_is_late():
    stage = Stage(fallback=True)
    bad = ChannelUnavailable("channel phone: the service answered 400 (Bad Request)")

    async def pick_y(message):
        if message.id == "m1":
            raise bad

    stage.phone.send = pick_y  # type: ignore[method-assign]
    await stage.tell(stage.news(1))
    for number in range(2, 40):
        await stage.tell(stage.news(number))
        await stage.pass_time(3)
    assert ids(stage.chat.accepted) == ["m1"]


async def test_message_tells_how_many_before_it_did_not_arrive():
    stage = Stage()
    stage.phone.usually = DOWN
    for number, level in enumerate((Level.WARNING, Level.CRITICAL, Level.EMERGENCY)):
        await stage.tell(stage.news(number, level, subject=on(0), body=f"Cushion.\n#{number}"))
        await stage.pass_time(MINUTE)
    stage.phone.usually = None
    await stage.pass_time(MINUTE)
    (told,) = stage.phone.accepted
    # The stage begins at 03:04:05 UTC.
    assert told.body == "Cushion.\n2 earlier alerts could not be delivered since 03:04.\n#2"


async def test_after_an_hour_down_each_position_has_one_message_and_the_rest_a_summary_within_a_minute():
    """12 positions fire and repeat, 6 warn, 3 are over: the first that gets through, 12 messages and one summary, not 220."""
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(alerts=[firing(number) for number in range(12)])
    for minute in range(0, 60, 5):
        why = NotifyReason.REPEAT if minute else NotifyReason.FIRST
        bad = [stage.news(number, id=f"m{number}-{minute}", why=why) for number in range(12)]
        mild = [stage.news(number, Level.WARNING, id=f"m{number}-{minute}", why=why) for number in range(20, 26)]
        over = [stage.news(number, why=NotifyReason.RESOLVED) for number in range(30, 33)] if minute == 30 else []
        await stage.tell(*bad, *mild, *over)
        await stage.pass_time(5 * MINUTE)
    stage.phone.usually = None
    await stage.pass_time(60)
    *alone, summary = stage.phone.accepted
    bad = [each for each in alone if each.id.endswith("-55") and each.level is Level.CRITICAL]
    assert sorted(ids(bad)) == sorted(f"m{number}-55" for number in range(12))
    assert all("11 earlier alerts could not be delivered since 03:04" in each.body for each in bad)
    # The message that found the channel open may be any of those that were tried.
    assert len({each.subject for each in alone}) == len(alone) <= 13
    assert (summary.why, summary.level) == (NotifyReason.SUMMARY, Level.WARNING)
    assert summary.title.endswith("messages that phone could not take")
    await stage.pass_time(10 * MINUTE)
    assert len(stage.phone.accepted) == len(alone) + 1


async def test_five_messages_all_go_as_they_are_after_an_outage():
    stage = Stage()
    stage.phone.then(DOWN, DOWN)
    await stage.tell(*(stage.news(number, Level.WARNING) for number in range(6)))
    await stage.pass_time(10)
    assert sorted(ids(stage.phone.accepted)) == [f"m{number}" for number in range(6)]


async def test_nothing_is_lost_when_every_other_send_fails():
    stage = Stage()
    stage.phone.then(*[DOWN, None] * 200)
    for number in range(60):
        await stage.tell(stage.news(number), alerts=[firing(number)])
        await stage.pass_time(2)
    await stage.pass_time(2 * MINUTE)
    assert sorted(ids(stage.phone.accepted)) == sorted(f"m{number}" for number in range(60))


async def test_critical_is_delivered_after_days_while_its_alert_fires():
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(stage.news(1), stage.news(2), alerts=[firing(1)])
    await stage.pass_time(50 * HOUR, step=20)
    stage.phone.usually = None
    await stage.pass_time(MINUTE)
    assert ids(stage.phone.accepted) == ["m1"]


async def test_all_clear_of_an_hour_ago_is_not_sent_when_the_position_is_still_there():
    stage = Stage()
    stage.phone.usually = DOWN
    seen = memory(position(coin(1)))
    await stage.store.commit(Commit(at=stage.clock.now(), positions=(seen,), readings=(seen,)), channels=())
    await stage.tell(stage.news(1, why=NotifyReason.RESOLVED))
    await stage.pass_time(HOUR + MINUTE, step=10)
    stage.phone.usually = None
    await stage.pass_time(MINUTE)
    assert stage.phone.accepted == []


async def test_quota_keeps_a_quarter_for_the_first_news_of_the_worst():
    stage = Stage(quota=Quota(messages=8, per=timedelta(hours=1)))
    await stage.tell(*(stage.news(number, Level.WARNING) for number in range(10)))
    await stage.work()
    assert len(stage.phone.accepted) == 6
    await stage.tell(stage.news(20, Level.EMERGENCY), stage.news(21, why=NotifyReason.REPEAT), stage.news(22), stage.news(23))
    await stage.pass_time(MINUTE)
    assert ids(stage.phone.accepted)[6:] == ["m20", "m22"]
    # An hour after the first six there is room again.
    await stage.pass_time(HOUR - MINUTE)
    assert ids(stage.phone.accepted)[8:10] == ["m21", "m23"]


async def test_worker_does_not_turn_in_circles_while_its_quota_is_used_up():
    stage = Stage(quota=Quota(messages=1, per=timedelta(hours=1)))
    await stage.tell(stage.news(1), stage.news(2))
    await stage.work()
    assert await stage.phone_worker._seconds_to_next() == 5


async def test_urgent_message_takes_the_fallback_when_the_quota_is_used_up():
    stage = Stage(fallback=True, quota=Quota(messages=1, per=timedelta(hours=1)))
    await stage.tell(stage.news(1), stage.news(2), stage.news(3, Level.WARNING))
    await stage.pass_time(2)
    assert ids(stage.phone.accepted) == ["m1"]
    assert ids(stage.chat.accepted) == ["m2"]


async def test_worker_waits_for_the_end_of_a_pause():
    stage = Stage()
    stage.phone.usually = REFUSED
    await stage.tell(stage.news(1))
    await stage.work()
    assert await stage.phone_worker._seconds_to_next() == 300


async def test_message_that_the_store_could_not_take_is_sent_all_the_same_and_tried_again():
    stage = Stage()
    stage.store.fault = StoreUnavailable("full")
    stage.phone.then(DOWN)
    push_all([stage.phone_worker, stage.chat_worker], stage.news(1, channels=("phone",)))
    await stage.work()
    assert await stage.phone_worker._seconds_to_next() == pytest.approx(1, abs=0.2)
    await stage.pass_time(3)
    assert ids(stage.phone.accepted) == ["m1"]
    assert stage.chat.accepted == []


async def test_message_that_the_store_could_not_take_uses_the_fallback_once_and_tells_of_the_channel():
    stage = Stage(fallback=True)
    stage.store.fault = StoreUnavailable("full")
    stage.phone.then(REFUSED, REFUSED)
    for number, level, channels in ((1, Level.CRITICAL, ("phone",)), (2, Level.WARNING, ("phone",)), (3, Level.CRITICAL, ())):
        stage.phone_worker.push(stage.news(number, level, channels=channels))
    await stage.pass_time(11 * MINUTE)
    assert ids(stage.phone.accepted) == ["m1", "m2", "m3"]
    assert ids(stage.chat.accepted) == ["m1"]
    assert [error is None for _, error in stage.heard] == [False, True]


async def test_storm_is_folded_when_the_store_came_back_before_the_channel_was_asked_for_its_backlog():
    stage = Stage()
    stage.phone.then(DOWN, DOWN)
    await stage.tell(*(stage.news(number, Level.WARNING) for number in range(9)))
    await stage.work()
    stage.store.fault = StoreUnavailable("full")
    stage.phone_worker.push(stage.news(50))
    await stage.pass_time(2)
    stage.store.fault = None
    await stage.pass_time(5)
    assert [each.why for each in stage.phone.accepted] == [NotifyReason.FIRST, NotifyReason.FIRST, NotifyReason.SUMMARY]


async def test_storm_is_folded_when_the_program_was_restarted_just_as_the_outage_ended():
    """Nine warnings wait; the new worker never saw the channel fail. The first goes through, the other eight are one summary."""
    stage = Stage()
    stage.phone.usually = DOWN
    await stage.tell(*(stage.news(number, Level.WARNING) for number in range(9)))
    await stage.pass_time(20)
    stage.phone.usually = None
    stage.phone_worker = ChannelWorker(stage.phone, stage.store, stage.clock)
    await stage.work()
    assert [each.why for each in stage.phone.accepted] == [NotifyReason.FIRST, NotifyReason.SUMMARY]
    assert stage.phone.accepted[-1].title == "8 messages that phone could not take"


async def test_many_messages_of_a_first_reading_are_no_backlog_of_an_earlier_run():
    stage = Stage()
    await stage.tell(*(stage.news(number, Level.WARNING) for number in range(9)))
    await stage.work()
    assert sorted(ids(stage.phone.accepted)) == [f"m{number}" for number in range(9)]


async def test_twelve_hanging_channels_do_not_hold_up_a_healthy_one():
    """By structure: each channel has a worker and a thread of its own; the store is asked between sends only."""
    clock, store = FakeClock(), FakeStore()
    stuck = asyncio.Event()

    class Hanging(FakeNotifier):
        async def send(self, message):
            self.tried.append(message)
            await stuck.wait()

    hanging = [Hanging(f"slow{number}") for number in range(12)]
    healthy = FakeNotifier("healthy")
    workers = [ChannelWorker(channel, store, clock) for channel in (*hanging, healthy)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    stage = Stage()
    news = replace(stage.news(1), at=clock.now())
    await store.commit(Commit(at=clock.now(), messages=(news,)), channels=[worker.name for worker in workers])
    wake_all(workers)
    for _ in range(20):
        await asyncio.sleep(0)
    assert ids(healthy.accepted) == ["m1"]
    assert all(ids(channel.tried) == ["m1"] and not channel.accepted for channel in hanging)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_message_is_sent_again_when_its_acceptance_could_not_be_kept():
    stage = Stage()
    await stage.tell(stage.news(1))
    settle, failures = stage.store.settle, [StoreUnavailable("full")]

    async def fail_once(*args, **how):
        if failures:
            raise failures.pop()
        await settle(*args, **how)

    stage.store.settle = fail_once  # type: ignore[method-assign]
    await stage.pass_time(2 * MINUTE)
    # Rather twice than never, with the same id: the lease of the first ran out.
    assert ids(stage.phone.accepted) == ["m1", "m1"]


async def test_worker_waits_and_goes_on_when_the_store_cannot_be_asked():
    stage = Stage()
    await stage.tell(stage.news(1))
    fault = stage.store.fault = StoreUnavailable("locked")
    await stage.work()
    assert await stage.phone_worker._seconds_to_next() is None
    stage.store.fault = None
    await stage.work()
    stage.store.fault = fault
    assert await stage.phone_worker._seconds_to_next() is None
    assert ids(stage.phone.accepted) == ["m1"]


async def test_single_run_waits_for_a_retry_that_falls_into_its_time_and_for_no_later_one():
    stage = Stage()
    stage.phone.usually = REFUSED
    await stage.tell(stage.news(1))
    # The next try is five minutes away: there is nothing to wait for.
    await stage.phone_worker.deliver_within(30)
    assert len(stage.phone.tried) == 1
