"""The server lets in who it should: on loopback by its own name, beyond it with the token."""

import aiohttp
import pytest

from monitor.web.server import WebServer
from tests.builders import position, snapshot
from tests.daemon.guarding import Post
from tests.web.viewing import view_of


async def asked(server, path="/healthz", **headers):
    """Status and body of one request; ``Host`` is the server's own unless given."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}{path}", headers=headers) as reply,
    ):
        return reply.status, await reply.text(), reply.headers


@pytest.fixture
async def make():
    made = []

    async def serving(**options):
        post = Post()
        await post.guard.take(snapshot(position()))
        server = WebServer(view_of(post), **{"host": "127.0.0.1", "port": 0, **options})
        made.append(server)
        await server.start()
        return server, post

    yield serving
    for server in made:
        await server.stop()


async def test_health_is_503_as_soon_as_something_is_wrong(make):
    server, post = await make()
    assert (await asked(server))[0] == 200
    await post.guard.channel_changed("phone", "gone")
    status, body, headers = await asked(server)
    assert (status, '"ok": false' in body) == (503, True)
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


async def test_metrics_are_in_prometheus_own_format(make):
    server, _ = await make()
    status, body, headers = await asked(server, "/metrics")
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "# TYPE margincall_alerts gauge" in body


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere"])
@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1:1"}, {"Host": "127.0.0.1.evil.example"}, {"Origin": "https://evil.example"}],
)
async def test_a_page_in_a_browser_gets_nothing_whatever_name_it_uses(make, path, headers):
    server, _ = await make()
    status, body, _ = await asked(server, path, **headers)
    assert (status, "binance" in body) == (403, False)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "right"}, 401),
        ({"Authorization": "Bearer \u00e9\udce9"}, 401),
    ],
)
async def test_beyond_loopback_nothing_is_told_without_the_token(make, given, status):
    server, _ = await make(token="right")
    assert (await asked(server, **given))[0] == status
    assert (await asked(server, Authorization="Bearer right"))[0] == 200
    assert (await asked(server, Host="guard.lan", Authorization="Bearer right"))[0] == 200


def test_a_server_beyond_loopback_is_refused_without_a_token():
    with pytest.raises(ValueError, match="token"):
        WebServer(view_of(Post()), host="0.0.0.0", port=0)


async def test_a_port_that_is_taken_is_no_trouble_of_the_guard(make):
    first, _ = await make()
    second, _ = await make(port=first.port)
    assert second.port is None
    assert (await asked(first))[0] == 200


async def test_nothing_can_be_done_but_look(make):
    server, _ = await make()
    async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{server.port}/healthz", data=b"x") as reply:
        assert reply.status == 405
