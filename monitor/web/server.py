"""The server: ``/healthz`` and ``/metrics``, on loopback unless the owner says otherwise and gives a token.

The Host header must name where it listens, so that a page in a browser on this machine cannot reach it under a name of its own
(DNS rebinding); beyond loopback each request must carry the token. Reading is all that can be done here.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from monitor.config.endpoint import is_loopback_host
from monitor.web.health import health
from monitor.web.metrics import page
from monitor.web.view import View

log = structlog.get_logger("web")

LARGEST_BODY = 64 * 1024
ADVICE = "it guards on; choose another port or end the program that has it, then restart"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer:
    """Serves the pages between ``start`` and ``stop``. ``token``: what callers must send as ``Authorization: Bearer``; "" on
    loopback.
    """

    def __init__(self, view: View, *, host: str, port: int, token: str = "") -> None:
        if not token and not is_loopback_host(host):
            raise ValueError("a server beyond loopback needs a token")
        self._view = view
        self._host = host
        self._port = port
        self._token = token
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; a port that is taken is told and the guard goes on without the pages."""
        app = web.Application(middlewares=[self._checked], client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            cause = error.strerror or type(error).__name__
            log.error("web.not_served", host=self._host, port=self._port, error=cause, advice=ADVICE)
            await self.stop()

    @property
    def port(self) -> int | None:
        """Where it listens, None while it does not."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else None

    async def stop(self) -> None:
        """Let go of the port and of every caller."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    @web.middleware
    async def _checked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._is_host(request.headers.get("Host", "")) or "Origin" in request.headers:
            return web.Response(status=403, text="this address is not served here\n", headers=HEADERS)
        if self._token and not self._carries_token(request):
            return web.Response(status=401, text="a token is needed\n", headers=HEADERS | {"WWW-Authenticate": "Bearer"})
        response = await handler(request)
        response.headers.update(HEADERS)
        return response

    def _is_host(self, named: str) -> bool:
        """Behind a token any name is good: whoever listens beyond loopback has one of their own."""
        if self._token:
            return bool(named)
        host, _, port = named.rpartition(":") if named.rpartition(":")[2].isdigit() else (named, "", "")
        return (host.strip("[]").lower() in {"localhost", self._host} or is_loopback_host(host)) and port in {"", str(self.port)}

    def _carries_token(self, request: web.Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.encode(errors="surrogateescape"), self._token.encode())

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        good, document = health(self._view)
        return web.json_response(document, status=200 if good else 503)

    async def _metrics(self, _: web.Request) -> web.StreamResponse:
        body = await asyncio.to_thread(page, self._view)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})
