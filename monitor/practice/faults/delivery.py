"""Faults of the connection: how a reply is written, or not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from aiohttp import web

from monitor.practice.call import Reply
from monitor.practice.faults import FaultKind, Faults, Placed

_LINGER_NOT = struct.pack("ii", 1, 0)
_CHUNK = b" " * (1 << 20)

WIRE_KINDS = frozenset(
    {FaultKind.RESET, FaultKind.CLOSE, FaultKind.HANG, FaultKind.DRIP, FaultKind.CUT_BODY, FaultKind.HUGE, FaultKind.SLOW}
)
"""Kinds that are about the connection, whatever the reply says."""


def plain(reply: Reply) -> web.Response:
    """The reply, whole and at once."""
    return web.Response(body=reply.encoded(), status=reply.status, headers=dict(reply.headers), content_type=reply.content_type)


async def deliver(faults: Faults, placed: Placed, request: web.Request, reply: Reply) -> web.StreamResponse:
    """Write ``reply`` the way the fault does; a hang ends early when the fault does."""
    fault = placed.fault
    seconds = float(fault.amount) if fault.amount is not None else None
    match fault.kind:
        case FaultKind.RESET | FaultKind.CLOSE:
            return _gone(request, reset=fault.kind is FaultKind.RESET)
        case FaultKind.HANG:
            await faults.outlast(placed, seconds)
            return _gone(request, reset=False)
        case FaultKind.SLOW:
            await asyncio.sleep(1.0 if seconds is None else seconds)
            return plain(reply)
        case FaultKind.CUT_BODY:
            body = reply.encoded()
            await _begin(request, reply, len(body), body[: len(body) // 2])
            return _gone(request, reset=False)
        case FaultKind.HUGE:
            return await _huge(request, reply, megabytes=60 if seconds is None else int(seconds))
        case _:
            return await _drip(request, reply, pause=0.2 if seconds is None else seconds)


def _gone(request: web.Request, *, reset: bool) -> web.Response:
    """End the connection without another byte: reset, or closed in good order."""
    transport = request.transport
    if transport is not None:
        peer = transport.get_extra_info("socket")
        if reset and peer is not None:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort() if reset else transport.close()
    return web.Response()


async def _begin(request: web.Request, reply: Reply, length: int, first: bytes) -> web.StreamResponse:
    """Send the head that promises ``length`` bytes, and the first of them."""
    response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
    response.content_type = reply.content_type
    response.content_length = length
    await response.prepare(request)
    await response.write(first)
    return response


async def _huge(request: web.Request, reply: Reply, *, megabytes: int) -> web.StreamResponse:
    """The reply with blanks behind it: valid JSON of that size."""
    body = reply.encoded()
    response = await _begin(request, reply, len(body) + megabytes * len(_CHUNK), body)
    # A client that has read enough hangs up: nothing to report.
    with contextlib.suppress(ConnectionError):
        for _ in range(megabytes):
            await response.write(_CHUNK)
        await response.write_eof()
    return response


async def _drip(request: web.Request, reply: Reply, *, pause: float) -> web.StreamResponse:
    """The reply byte by byte."""
    body = reply.encoded()
    response = await _begin(request, reply, len(body), body[:1])
    with contextlib.suppress(ConnectionError):
        for index in range(1, len(body)):
            await asyncio.sleep(pause)
            await response.write(body[index : index + 1])
        await response.write_eof()
    return response
