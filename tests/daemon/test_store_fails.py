"""A store that fails: people hear of it once it lasts, and a damaged one ends automatic margin."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.daemon.storehealth import TOLD_AFTER
from monitor.errors import StoreCorrupt, StoreUnavailable
from monitor.memory import Commit
from monitor.ports import Delivery
from monitor.store.absent import AbsentStore
from monitor.topups.policy import TopUps
from tests.builders import NOW, at, position, snapshot
from tests.daemon.guarding import Post
from tests.store.store_examples import message

FULL = StoreUnavailable("the store s.db cannot be used now (SQLITE_FULL)")
DAMAGED = StoreCorrupt("the store s.db is damaged (SQLITE_CORRUPT)")
FAILS, WORKS = "margincall cannot keep what it decides: its store fails", "margincall's store works again"


async def live(post, seconds):
    """A reading and a tick each second."""
    for _ in range(seconds):
        post.clock.advance(1)
        await post.guard.take(snapshot(position("100"), when=post.clock.now()))
        await post.guard.tick()


def with_top_ups(post):
    post.guard.policy = replace(post.guard.policy, top_ups=TopUps(able=frozenset({"main"})))


async def test_people_hear_once_of_a_store_that_fails_and_once_that_it_works_again():
    post = Post()
    await live(post, 2)
    post.store.fault = FULL
    await live(post, int(TOLD_AFTER))
    assert post.direct == []
    await live(post, 60)
    (told,) = post.direct
    assert (told.title, told.level.label) == (FAILS, "critical")
    assert told.body.startswith("The store s.db cannot be used now (SQLITE_FULL).\nmargincall watches and alerts on from memory")
    assert "margin is added" not in told.body
    post.store.fault = None
    await live(post, 10)
    assert post.outbox == [WORKS]
    assert len(post.direct) == 1


async def test_nobody_hears_of_a_store_that_was_locked_for_a_moment():
    post = Post()
    post.store.fault = FULL
    await live(post, int(TOLD_AFTER) - 1)
    post.store.fault = None
    await live(post, 60)
    assert (post.direct, post.outbox) == ([], [])


async def test_automatic_margin_stops_and_people_hear_at_once_when_the_store_says_that_it_is_damaged():
    post = Post()
    with_top_ups(post)
    await live(post, 2)
    post.store.fault = DAMAGED
    await live(post, 1)
    assert post.guard.memory.top_ups.stopped_at == at(3)
    (told,) = post.direct
    assert "The store s.db is damaged" in told.body
    assert "No margin is added until you say `margincall topups start`." in told.body
    assert "restart margincall" in told.body
    # It stays so when the store seems to work again: what the journal says may be wrong.
    post.store.fault = None
    await live(post, 10)
    assert post.guard.memory.top_ups.stopped_at == at(3)
    assert (await post.store.load()).top_ups.stopped_at == at(3)


async def test_a_damaged_store_stops_nothing_where_no_margin_could_be_added():
    post = Post()
    post.store.fault = DAMAGED
    await live(post, 1)
    assert post.guard.memory.top_ups.stopped_at is None


async def test_a_daemon_without_a_store_watches_from_memory_and_may_spend_nothing():
    absent = AbsentStore("the store /s.db cannot be used now (SQLITE_READONLY)", NOW)
    post = Post(store=absent, memory=await absent.load())
    with_top_ups(post)
    assert post.guard.memory.top_ups.stopped_at == NOW
    await live(post, 1)
    post.clock.advance(1)
    await post.guard.take(snapshot(position("93"), when=post.clock.now()))
    assert [one.title for one in post.direct] == ["EMERGENCY: BTC/USDT long cushion 23 %, liq 2.2 % away"]
    await live(post, 40)
    assert "and margincall began without its memory" in next(one for one in post.direct if one.title == FAILS).body


async def test_a_store_that_is_not_there_refuses_everything_but_its_end():
    absent = AbsentStore("gone", NOW)
    assert await absent.bans() == {}
    refused = (
        absent.submit(Commit(at=NOW), channels=()),
        absent.claim("phone", NOW, lease=timedelta(seconds=60)),
        absent.release("phone", NOW),
        absent.fold((), message(1), NOW),
        absent.divert("phone", "mail", NOW),
        absent.retire("phone", None, NOW),
        absent.accepted("phone", NOW),
        absent.settle(Delivery(id=1, channel="phone", message=message(1), attempt=1), "accepted", NOW),
        absent.next_due("phone"),
        absent.keep_ban("ip", NOW),
        absent.note("doctor"),
        absent.keep_note("doctor", "well"),
        absent.thin(NOW),
        absent.back_up(NOW),
    )
    for one in refused:
        with pytest.raises(StoreUnavailable, match="gone"):
            await one
    await absent.close()
