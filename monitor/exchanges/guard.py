"""The guard around every request: what may leave this process, and what counts as a reply.

ccxt by itself returns an empty, HTML or cut body of a 200 as text, which its unified calls then take for "no positions": a
false all-clear. It follows redirects, and reads a body of any size. Three pieces stop that:

- `CappedResponse`, aiohttp's response class for our connections: no redirects, and at most 8 MiB, chunked or not;
- `read_json`: exact figures, or None;
- `guarded`: ccxt's class with its ``fetch`` behind an allow-list, and every reply handed to us before ccxt judges it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import aiohttp

from monitor.errors import AuthRejected, BadReply
from monitor.exchanges.dialect import Reply

LARGEST_REPLY = 8 * 1024 * 1024
"""Bytes, after decompression. The largest honest reply, Binance's list of USD-M instruments, has less than two million."""


class CappedResponse(aiohttp.ClientResponse):
    """A reply that raises BadReply instead of following a redirect or growing without end."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Raises BadReply for a redirect, before aiohttp could follow it with our signed request."""
        response = await super().start(connection)
        if 300 <= self.status < 400:
            raise BadReply(f"the exchange answered with a redirect ({self.status})", code=str(self.status))
        return response

    async def read(self) -> bytes:
        """The whole body; raises BadReply once it is larger than LARGEST_REPLY."""
        if self._body is None:
            try:
                self._body = await self._capped()
            except BaseException:
                self.close()
                raise
        return self._body

    async def _capped(self) -> bytes:
        body = bytearray()
        async for chunk in self.content.iter_any():
            body += chunk
            if len(body) > LARGEST_REPLY:
                raise BadReply("the reply is larger than 8 MiB")
        return bytes(body)


def read_json(text: str) -> Any:
    """The JSON document in ``text``; None where it is not one. Numbers with a point or exponent stay text, whole ones are int."""
    try:
        return json.loads(text, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> NoReturn:
    """NaN and infinities are not JSON."""
    raise ValueError(name)


def guarded(
    base: type[Any],
    config: Mapping[str, Any],
    *,
    admit: Callable[[str, str], None],
    judge: Callable[[Reply, Callable[[], None]], None],
) -> Any:
    """An instance of the ccxt class ``base`` whose every request passes ``admit(method, url)`` and every reply ``judge``.

    Both raise to stop the call. ``judge`` also gets ccxt's own view of the reply, a function that may raise ccxt's errors.
    """

    class Guarded(base):  # type: ignore[misc]
        """ccxt's class with our guard at its narrowest place."""

        def sign(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().sign(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - a broken key fails in whatever way its format does
                # The chain is cut: ccxt's text can hold what was to be signed.
                raise AuthRejected(f"the request cannot be signed with this key and secret ({type(error).__name__})") from None

        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
            admit(method, url)
            return await super().fetch(url, method, headers, body)

        def parse_json(self, http_response: str) -> Any:
            return read_json(http_response)

        def handle_errors(self, *seen: Any) -> None:
            status, _, url, _, headers, _, payload, _, _ = seen
            path = url.split("?", 1)[0].split("://", 1)[-1].partition("/")[2]
            lower = {name.lower(): value for name, value in headers.items()}
            reply = Reply(status=status, headers=lower, payload=payload, path="/" + path)
            judge(reply, lambda: super(Guarded, self).handle_errors(*seen))

        def handle_http_status_code(self, *_seen: Any) -> None:
            """Nothing: ``judge`` has seen the status."""

    Guarded.__name__ = base.__name__
    instance = Guarded(dict(config))
    # ccxt writes API keys and signed URLs into its DEBUG log: this instance has a logger that passes nothing on.
    instance.logger = logging.Logger("exchange", level=logging.CRITICAL + 1)  # noqa: LOG001
    return instance
