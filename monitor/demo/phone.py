"""The phone: where apprise's ``json://`` posts the messages. On loopback, and it never refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Self

from aiohttp import web

from monitor.rules.base import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One message as the phone got it, at ``second`` of the scenario."""

    title: str
    text: str
    second: Decimal

    @property
    def level(self) -> Level:
        """As the title tells it; the stories around an alert (start, all-clear, gone) are INFO."""
        word = self.title.removeprefix("Still ").partition(":")[0]
        if word == "BLIND":
            return Level.CRITICAL
        return Level[word] if word in Level.__members__ else Level.INFO


class Phone:
    """Listens from ``start`` to ``close``; ``rings`` in the order of arrival. ``second``: where the scenario is now."""

    def __init__(self, second: Callable[[], Decimal]) -> None:
        self.rings: list[Ring] = []
        self._second = second
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The channel's apprise URL."""
        return f"json://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._ring)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _ring(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.rings.append(Ring(title=str(said["title"]), text=str(said["message"]), second=self._second()))
        return web.json_response({})
