"""All is well only while every account is fresh, every channel works, the store keeps and nothing hangs."""

import pytest

from monitor.errors import StoreUnavailable
from monitor.margin.reading import FamilyNotOpened
from monitor.web.health import health
from tests.builders import COINM, NOW, failure, position, snapshot
from tests.daemon.guarding import Post
from tests.web.viewing import view_of


async def watching(*readings):
    post = Post()
    for reading in readings or (snapshot(position()), FamilyNotOpened(key=COINM, at=NOW, message="no COIN-M")):
        await post.guard.take(reading)
    return post


async def test_all_is_well_when_everything_is_read_and_told():
    good, document = health(view_of(await watching()))
    assert good
    assert document["ok"] is True
    assert document["families"] == [
        {
            "account": "main",
            "exchange": "binance",
            "family": "usdm",
            "state": "ok",
            "fresh": True,
            "age_seconds": 0.0,
            "error": "",
        }
    ]
    assert document["channels"] == [{"name": "phone", "works": True}]


@pytest.mark.parametrize("readings", [(failure(),), (snapshot(position()), failure(message="key expired"))])
async def test_it_is_not_when_a_family_was_not_read_by_the_last_poll(readings):
    good, document = health(view_of(await watching(*readings)))
    assert not good
    assert (document["ok"], document["families"][0]["fresh"]) == (False, False)
    assert document["families"][0]["error"] == readings[-1].message


async def test_it_is_not_before_anything_was_read():
    assert not health(view_of(Post()))[0]


async def test_it_is_not_when_a_channel_broke():
    post = await watching()
    await post.guard.channel_changed("phone", "no such chat")
    good, document = health(view_of(post))
    assert (good, document["channels"]) == (False, [{"name": "phone", "works": False}])


async def test_it_is_not_when_a_worker_hangs():
    good, document = health(view_of(await watching(), late=lambda: ["poll-main"]))
    assert (good, document["hanging"]) == (False, ["poll-main"])


async def test_it_is_not_when_the_store_does_not_keep():
    post = await watching()
    post.store.fault = StoreUnavailable("the disk is full")
    await post.guard.take(snapshot(position("99")))
    good, document = health(view_of(post))
    assert (good, document["store"]) == (False, "does not keep")
