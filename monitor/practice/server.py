"""The listening side: one port, three exchanges by their own paths, and a log of what was asked.

The server knows nothing of money: it turns a request into a Call, asks its Source, and writes the Reply. The loopback
interface only: nothing here is meant to be reached from another machine.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from monitor.practice.call import Call, Source
from monitor.practice.clock import wall_clock_ms
from monitor.practice.control import Control
from monitor.practice.faults import Faults
from monitor.practice.faults.desk import FaultDesk


class RequestLog:
    """How often each call came, and the last ones in full."""

    def __init__(self, keep: int = 1000) -> None:
        self.counts: Counter[str] = Counter()
        self.last: deque[Call] = deque(maxlen=keep)

    def note(self, call: Call) -> None:
        """Count ``call`` and keep it."""
        self.counts[f"{call.method} {call.path}"] += 1
        self.last.append(call)

    def clear(self) -> None:
        """Forget everything, so that a test counts from here."""
        self.counts.clear()
        self.last.clear()


class PracticeServer:
    """Serves one Source on loopback; ``port=0`` takes a free port, told by ``port`` and ``url`` once started.

    ``tls=True`` opens a second port whose certificate nobody trusts (``tls_url``). ``faults`` is the way to make it fail.
    """

    def __init__(
        self,
        source: Source,
        *,
        port: int = 0,
        token: str = "practice",  # noqa: S107 - guards loopback only
        clock: Callable[[], int] = wall_clock_ms,
        tls: bool = False,
    ) -> None:
        self.source = source
        self.port = port
        self.tls_port = 0
        self.token = token
        self.clock = clock
        self.log = RequestLog()
        self.faults = Faults()
        self._desk = FaultDesk(self.faults)
        self._control = Control(self)
        self._tls = tls
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._reopening: asyncio.TimerHandle | None = None

    @property
    def url(self) -> str:
        """What goes into ``endpoint:`` of an account."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        """An ``endpoint:`` that no client should trust."""
        return f"https://127.0.0.1:{self.tls_port}"

    async def start(self) -> None:
        """Listen; returns once connections are accepted."""
        app = web.Application(client_max_size=1 << 20)
        self._control.add_routes(app)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        await self._runner.setup()
        await self.accept()
        self.port = int(self._runner.addresses[0][1])
        if self._tls:
            from monitor.practice.tls import self_signed_context  # noqa: PLC0415 - costs a second, for one fault

            await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self_signed_context()).start()
            self.tls_port = int(self._runner.addresses[1][1])

    async def accept(self) -> None:
        """Listen on the port again after ``refuse``."""
        if self._runner is not None and self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
            await self._site.start()

    async def refuse(self, seconds: float | None = None) -> None:
        """Close the port, for ``seconds`` or until ``accept``, and drop every connection: clients are refused."""
        if self._runner is None or self._site is None:
            return
        await self._site.stop()
        self._site = None
        if self._runner.server is not None:
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        if seconds is not None:
            loop = asyncio.get_running_loop()
            self._reopening = loop.call_later(seconds, lambda: loop.create_task(self.accept()))

    async def close(self) -> None:
        """Stop listening and drop what is still open."""
        self.faults.clear()
        await self._control.engine.stop(None, "")
        if self._reopening is not None:
            self._reopening.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            raw_query=request.rel_url.raw_query_string,
            body=await request.text(),
            headers={name.lower(): value for name, value in request.headers.items()},
            remote=request.remote or "",
            at=self.clock(),
        )
        self.log.note(call)
        return await self._desk.answer(request, call, self.source)
