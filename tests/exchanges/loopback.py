"""A small HTTP server on loopback that answers as it is told, badly too, and remembers what it was asked.

async with Loopback() as server:
    server.answers["/fapi/v3/positionRisk"] = json_reply([...])
    ...                                     # a list of answers is used up one by one, its last one stays
    assert server.paths == ["/fapi/v3/positionRisk"]
"""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from monitor.exchanges.spec import Access

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class HandClock:
    """A clock that only moves when told to; both of its hands move together."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def asleep(self) -> float:
        return 0.0

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds


@dataclass
class Asked:
    """One request as it came in; header names in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass
class Loopback:
    """The server; ``url`` is an account's ``endpoint``. A path without an answer gets a 404 of HTML."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self._open: set[asyncio.Task[Any]] = set()
        self._news = asyncio.Condition()
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http{'s' if self.tls else ''}://{host}:{port}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def count(self, path: str) -> int:
        return Counter(self.paths)[path]

    async def seen(self, path: str, times: int) -> None:
        """Wait until ``path`` was asked so many times."""
        async with self._news:
            await self._news.wait_for(lambda: self.count(path) >= times)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while head := await reader.readuntil(b"\r\n\r\n"):
                    asked = _read_head(head.decode())
                    await reader.readexactly(int(asked.headers.get("content-length", 0)))
                    async with self._news:
                        self.asked.append(asked)
                        self._news.notify_all()
                    await self._next(asked.path)(writer)
                    await writer.drain()
        finally:
            self._open.discard(task)
            writer.close()

    def _next(self, path: str) -> Answer:
        answer = self.answers.get(path, NOT_FOUND)
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


def _read_head(head: str) -> Asked:
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    url = urlsplit(target)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Asked(method=method, path=url.path, query=dict(parse_qsl(url.query)), headers=headers)


def reply(
    body: bytes | str, *, status: int = 200, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> Answer:
    """A whole reply."""
    data = body.encode() if isinstance(body, str) else body
    extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"HTTP/1.1 {status} Status\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + data)

    return answer


def json_reply(payload: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole reply of JSON."""
    return reply(json.dumps(payload), status=status, headers=headers)


def html(status: int = 200) -> Answer:
    """What a proxy or a firewall says."""
    return reply("<html><body>One moment, please</body></html>", status=status, kind="text/html")


def cut_body() -> Answer:
    """The connection ends in the middle of the body."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n[{")
        await writer.drain()
        writer.close()

    return answer


def chunked(total: int) -> Answer:
    """A well-formed JSON array of ``total`` bytes, without a Content-Length, as fast as it is taken."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b'"' + b"x" * 65533 + b'",'
        writer.write(b"1\r\n[\r\n")
        for _ in range(total // len(block)):
            writer.write(b"%x\r\n%s\r\n" % (len(block), block))
            await writer.drain()
        writer.write(b"3\r\n0 ]\r\n0\r\n\r\n")

    return answer


def drip() -> Answer:
    """A body that never ends, a byte at a time."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


def hang() -> Answer:
    """No answer at all."""

    async def answer(_writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    return answer


def reset() -> Answer:
    """The connection is reset after the request."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        raise ConnectionError

    return answer


def redirect(to: str) -> Answer:
    """A redirect."""
    return reply("", status=302, headers={"Location": to})


NOT_FOUND = html(404)

API_KEY = "canaryKEY7d0f2a61"
SECRET = "canarySECRET5be1c9"
PASSPHRASE = "canaryPASS3f77"
CANARIES = (API_KEY, SECRET, PASSPHRASE)


def access(server: Loopback | str, **changes: Any) -> Access:
    """An account at a loopback server, with secrets that no text may ever show."""
    url = server if isinstance(server, str) else server.url
    return Access(
        **{"account": "main", "api_key": API_KEY, "secret": SECRET, "passphrase": PASSPHRASE, "endpoint": url, **changes}
    )
