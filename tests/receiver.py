"""A loopback receiver for messages: records what real channels send, and can be as ill as real services are.

    with Receiver() as receiver:
        receiver.then(Status(500), Hang())      # the next two requests; after them ``receiver.usually`` (accept)
        ... AppriseNotifier("phone", receiver.url) ...
        receiver.wait_for(1)                     # blocks until one message was accepted

``down()`` and ``up()`` close and reopen the port, so that connections are refused in between.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

WAIT = 20.0
"""Seconds after which a wait in a test is a failure."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with this status and these headers; 2xx accepts the message."""

    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the request and say nothing until ``release`` or ``close``."""


@dataclass(frozen=True, slots=True)
class Drip:
    """Answer 200, but one byte each 0.1 seconds, until ``release`` or ``close``: no read ever times out."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Take the request and close the connection without a word."""


Behaviour = Status | Hang | Drip | Cut
ACCEPT = Status()


@dataclass(frozen=True, slots=True)
class Received:
    """One request: ``payload`` is its JSON or the fields of its form (None if it is neither); ``accepted``: answered 2xx."""

    path: str
    headers: Mapping[str, str]
    payload: Any
    accepted: bool

    @property
    def title(self) -> str:
        return str(self.payload["title"])

    @property
    def text(self) -> str:
        return str(self.payload["message"])


class Receiver:
    """Listens on a free loopback port from construction to ``close``; a context manager."""

    def __init__(self, usually: Behaviour = ACCEPT) -> None:
        self.usually = usually
        self.requests: list[Received] = []
        self._next: deque[Behaviour] = deque()
        self._changed = threading.Condition()
        self._release = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.up()

    @property
    def url(self) -> str:
        """An apprise URL that posts JSON here."""
        return f"json://127.0.0.1:{self.port}/"

    @property
    def accepted(self) -> list[Received]:
        """The messages that were answered 2xx, in order."""
        with self._changed:
            return [each for each in self.requests if each.accepted]

    def then(self, *behaviours: Behaviour) -> None:
        """How to answer the next requests, one each; later ones as ``usually``."""
        with self._changed:
            self._next.extend(behaviours)

    def release(self) -> None:
        """End every hanging and dripping answer, now and later."""
        self._release.set()

    def wait_for(self, count: int, *, requests: bool = False) -> list[Received]:
        """Block until ``count`` messages were accepted (or, with ``requests``, that many came at all); returns them."""

        def enough() -> bool:
            return len(self.requests if requests else [each for each in self.requests if each.accepted]) >= count

        return self._wait(enough, requests=requests)

    def _wait(self, enough: Callable[[], bool], *, requests: bool) -> list[Received]:
        with self._changed:
            if not self._changed.wait_for(enough, WAIT):
                raise AssertionError(f"after {WAIT} s there are only {len(self.requests)} requests")
            return [each for each in self.requests if requests or each.accepted]

    def up(self) -> None:
        """Listen (again, on the same port)."""
        self._release.clear()
        receiver = self

        class Handler(_Handler):
            owner = receiver

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self) -> None:
        """Stop listening: connections are refused."""
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    close = down

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, path: str, headers: Mapping[str, str], payload: Any) -> Behaviour:
        with self._changed:
            behaviour = self._next.popleft() if self._next else self.usually
            accepted = isinstance(behaviour, Status) and 200 <= behaviour.code < 300
            self.requests.append(Received(path=path, headers=headers, payload=payload, accepted=accepted))
            self._changed.notify_all()
            return behaviour


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that went away in the middle is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    owner: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            payload = json.loads(body)
        except ValueError:
            payload = dict(parse_qsl(body.decode(errors="replace"))) or None
        behaviour = self.owner._take(self.path, dict(self.headers.items()), payload)
        self.close_connection = True
        if isinstance(behaviour, Status):
            self.send_response(behaviour.code)
            for name, value in behaviour.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(behaviour.body)))
            self.end_headers()
            self.wfile.write(behaviour.body)
        elif isinstance(behaviour, Hang):
            self.owner._release.wait()
        elif isinstance(behaviour, Drip):
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not self.owner._release.wait(0.1):
                self.wfile.write(b" ")
                self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the standard library
        """Quiet."""
