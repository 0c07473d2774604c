"""The way in for tests and for `margincall practice`: HTTP under ``/control`` on the same port, behind a token.

Each request carries ``X-Practice-Token``; a header that no web page can set by itself, so a browser on this machine cannot
turn the exchange against its owner. One that names another host (a page that rebinds its name), or comes from a page, is refused.

    GET  /control/requests          {"counts": {"GET /fapi/v3/positionRisk": 3, ...},
                                     "last": [{method, path, query, body, api_key, at}]}
    POST /control/requests/clear    count from here
    POST /control/describe          replay: the body is a whole description
    POST /control/replies           replay: {"GET /path": body or null} - null takes a canned body away again
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.practice.control_engine import EngineControl, as_handler
from monitor.practice.replay import Replay

if TYPE_CHECKING:
    from monitor.practice.server import PracticeServer

_HERE = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The control calls of one server; those of the engine and the faults are in ``control_engine``."""

    def __init__(self, server: PracticeServer) -> None:
        self._server = server
        self.engine = EngineControl(server)

    def add_routes(self, app: web.Application) -> None:
        """Put the control calls into ``app``, before any catch-all route."""
        app.router.add_get("/control/requests", self._guarded(self._requests))
        app.router.add_post("/control/requests/clear", self._guarded(self._clear))
        app.router.add_post("/control/describe", self._guarded(self._describe))
        app.router.add_post("/control/replies", self._guarded(self._replies))
        for method, path, action in self.engine.routes():
            app.router.add_route(method, path, self._guarded(as_handler(action)))

    def _guarded(self, handler: Handler) -> Handler:
        async def check(request: web.Request) -> web.StreamResponse:
            if not _HERE.fullmatch(request.headers.get("Host", "")) or "Origin" in request.headers:
                return web.json_response({"error": "this address is not served here"}, status=403)
            given = request.headers.get("X-Practice-Token", "").encode(errors="surrogateescape")
            if not hmac.compare_digest(given, self._server.token.encode()):
                return web.json_response({"error": "X-Practice-Token is missing or wrong"}, status=401)
            return await handler(request)

        return check

    def _replay(self) -> Replay:
        if not isinstance(self._server.source, Replay):
            raise web.HTTPConflict(text="this server does not replay")
        return self._server.source

    async def _requests(self, _: web.Request) -> web.StreamResponse:
        log = self._server.log
        last = [
            {"method": c.method, "path": c.path, "query": c.query, "body": c.body, "api_key": c.api_key, "at": c.at}
            for c in log.last
        ]
        return web.json_response({"counts": dict(log.counts), "last": last})

    async def _clear(self, _: web.Request) -> web.StreamResponse:
        self._server.log.clear()
        return web.json_response({})

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        self._replay().describe(await request.json())
        return web.json_response({})

    async def _replies(self, request: web.Request) -> web.StreamResponse:
        bodies: dict[str, Any] = await request.json()
        for name, body in bodies.items():
            method, _, path = name.partition(" ")
            if body is None:
                self._replay().unset(method, path)
            else:
                self._replay().set(method, path, body)
        return web.json_response({})
