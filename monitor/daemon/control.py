"""Control: how the command line talks to the running daemon, which is the only writer of the store.

A Unix socket beside the store, mode 0600; one JSON line in, one JSON line out. A verb never touches an exchange: a person's
margin change is put into the journal, and goes out from there like any other.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from monitor.crashpoint import crashpoint
from monitor.errors import MargincallError

log = structlog.get_logger("control")

Verb = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
LONGEST = 65_536
LONGEST_PATH = 100
PATIENCE = 10.0
"""Seconds in which a caller must have sent its line."""
ADVICE = "it guards on; commands do not reach it until the folder can be written to and it is restarted"


def socket_path(store: Path) -> Path:
    """Where the daemon on this store listens."""
    return Path(f"{store}.sock")


class Control:
    """Listens for verbs; ``verbs`` maps a name to what it does with the call's fields."""

    def __init__(self, path: Path, verbs: Mapping[str, Verb]) -> None:
        self._path = path
        self._verbs = verbs
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket left behind by a process that died is replaced (the store's lock says that it is dead).

        Without a socket the guard goes on: it is logged, and only the verbs that need it fail.
        """
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            with _reachable(self._path) as address:
                self._server = await asyncio.start_unix_server(self._answer, path=address, limit=LONGEST)
        except OSError as error:
            log.error("control.not_listening", path=str(self._path), error=error.strerror, advice=ADVICE)
        finally:
            os.umask(before)
        crashpoint("start.listening")

    async def stop(self) -> None:
        """Stop listening and take the socket away."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            answer = await self._do(line)
            crashpoint("request.answering")
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError) as error:
            log.debug("control.call_dropped", cause=type(error).__name__)
        finally:
            writer.close()

    async def _do(self, line: bytes) -> dict[str, Any]:
        try:
            call = json.loads(line)
            verb = self._verbs[call["verb"]]
        except (ValueError, KeyError, TypeError):
            return {"ok": False, "error": "not a call that this margincall knows"}
        try:
            return {"ok": True, **await verb(call)}
        except MargincallError as error:
            return {"ok": False, "error": error.message}


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """The path as the kernel takes it: a socket's may have 107 bytes, so a long one goes by way of its open folder."""
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def call(path: Path, verb: str, **fields: Any) -> dict[str, Any] | None:
    """Ask the daemon that listens at ``path``; None when there is none."""
    try:
        with _reachable(path) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=LONGEST)
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError:
        raise MargincallError(f"you may not talk to the daemon at {path}", hint="Try the same with sudo.") from None
    try:
        writer.write(json.dumps({"verb": verb, **fields}).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            answer: dict[str, Any] = json.loads(await reader.readline())
        return answer
    finally:
        writer.close()
