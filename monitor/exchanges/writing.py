"""A session that may also write: one margin change at a time, sent once, and never in doubt without saying so.

Three things make a write safe here:

- *It can leave only once.* The gate opens for one POST to one path of the dialect's ``writes``, and closes behind it. So no
  repetition, wherever it came from, can send it again. Every request has a connection of its own: aiohttp and the network
  have nothing old to repeat.
- *It dies on time.* It is signed with the moment at which the journal says that it was submitted, told in the exchange's own
  clock and never later than that. Whatever delays it on the way, the exchange itself refuses it once its window, counted from
  that moment, is over.
- *Its outcome is known only by proof.* Nothing left as long as no connection stood; it was refused where the reply holds a
  code of the dialect's ``refused_writes``. All else (no reply, half a reply, a page of HTML, 5xx, 408, a code that is not on
  the list, an error of ours) is OutcomeUnknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from monitor.errors import BadReply, CallForbidden, ClockSkew, ExchangeFault, OutcomeUnknown, TimedOut, WriteNotSent, WriteRefused
from monitor.exchanges import faults
from monitor.exchanges.connection import connect
from monitor.exchanges.dialect import Dialect, Reply
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.session import Session
from monitor.exchanges.spec import Access
from monitor.ports import Clock

_OLDEST_TIME = 60.0
_SLOWEST_TIME = 2.0
_LATEST = timedelta(seconds=2.5)
_REQUEST_TIMEOUT = 408


@dataclass(slots=True, kw_only=True)
class _Passage:
    """One write on its way: where it may go, the time it is signed with (milliseconds), and how far it came."""

    path: str
    stamp: int = 0
    admitted: bool = False
    connected: bool = False
    reply: Reply | None = None


_PASSAGE: ContextVar[_Passage | None] = ContextVar("passage", default=None)
"""The write that the running task is sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tuning:
    """One look at the exchange's clock: what it said, and our clocks when its answer came. It can only be later by now."""

    exchange_ms: int
    at: datetime
    monotonic: float


class WritingSession(Session):
    """Reads as any session does, and writes with `write`. Its key is the one that may."""

    def __init__(self, dialect: Dialect, access: Access, pacer: Pacer, clock: Clock) -> None:
        super().__init__(dialect, access, pacer, clock)
        self._tuning: _Tuning | None = None
        self._nonce_of_reads: Callable[[], int] = self._ccxt.nonce
        self._ccxt.nonce = self._nonce

    async def write(
        self,
        endpoint: str,
        params: Mapping[str, Any],
        *,
        path: str,
        submitted_at: datetime,
        within: float,
    ) -> Any:
        """The reply to ccxt's implicit method ``endpoint``, a dict or list that is no refusal; to be looked at with care.

        ``path`` is where that method posts to. The exchange's own window counts from ``submitted_at``, and nothing is sent
        more than 2.5 s after that. Raises WriteNotSent, WriteRefused or OutcomeUnknown, within ``within`` seconds.
        """
        passage = _Passage(path=path)
        token = _PASSAGE.set(passage)
        try:
            async with asyncio.timeout(within):
                await self.tune()
                passage.stamp = self._stamp(submitted_at)
                return await self._sent(endpoint, params, can_wait=False)
        except ExchangeFault as error:
            if isinstance(error, ClockSkew):
                self._tuning = None
            raise self._outcome(passage, error) from error
        except TimeoutError as error:
            raise self._outcome(passage, faults.of_transport(error, endpoint)) from None
        finally:
            _PASSAGE.reset(token)

    async def tune(self, *, oldest: float = _OLDEST_TIME) -> None:
        """See to it that the exchange's clock is known, from at most ``oldest`` seconds ago. Raises ExchangeFault."""
        asked = self._clock.monotonic()
        if self._tuning is not None and asked - self._tuning.monotonic <= oldest:
            return
        try:
            async with asyncio.timeout(_SLOWEST_TIME):
                payload = await self._sent(self._dialect.time_call, None, can_wait=False)
        except TimeoutError as error:
            raise faults.of_transport(error, self._dialect.time_call) from None
        try:
            told = self._dialect.server_time(payload)
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadReply("the exchange's clock could not be read") from None
        self._tuning = _Tuning(exchange_ms=told, at=self._clock.now(), monotonic=self._clock.monotonic())

    def exchange_ms(self, at: datetime) -> int:
        """Our time ``at`` (aware) as the exchange's milliseconds, never later than true. Needs `tune` before."""
        tuning = self._tuned()
        return tuning.exchange_ms - ceil((tuning.at - at) / timedelta(milliseconds=1))

    def our_time(self, exchange_ms: int) -> datetime:
        """The exchange's milliseconds as our time, aware UTC. Needs `tune` before."""
        tuning = self._tuned()
        return (tuning.at + timedelta(milliseconds=exchange_ms - tuning.exchange_ms)).astimezone(UTC)

    def _stamp(self, submitted_at: datetime) -> int:
        """The moment of submission in the exchange's milliseconds, counted back from now on the clock that never jumps."""
        late = self._clock.now() - submitted_at
        if not timedelta() <= late <= _LATEST:
            raise TimedOut(f"it was submitted {late.total_seconds():.1f} s ago: too long to send it now")
        tuning = self._tuned()
        now = tuning.exchange_ms + floor((self._clock.monotonic() - tuning.monotonic) * 1000)
        return now - ceil(late / timedelta(milliseconds=1))

    def _tuned(self) -> _Tuning:
        if self._tuning is None:
            raise BadReply("the exchange's clock is not known")
        return self._tuning

    def _outcome(self, passage: _Passage, error: ExchangeFault) -> ExchangeFault:
        """What ``error`` means for the write: not sent, refused, or unknown."""
        if not passage.connected:
            return WriteNotSent(error.message, code=error.code, hint=error.advice)
        reply = passage.reply
        if reply is not None and reply.status < 500 and reply.status != _REQUEST_TIMEOUT:
            refusal = self._dialect.refusal(reply.payload)
            if refusal is not None and refusal.code in self._dialect.refused_writes:
                return WriteRefused(error.message, code=refusal.code, hint=error.advice)
        return OutcomeUnknown(error.message, code=error.code)

    def _nonce(self) -> int:
        """What ccxt signs with."""
        passage = _PASSAGE.get()
        return self._nonce_of_reads() if passage is None else passage.stamp

    def _admit(self, method: str, url: str) -> None:
        """As in any session; and the one write that `write` is sending, once."""
        if method == "GET":
            super()._admit(method, url)
            return
        passage, path = _PASSAGE.get(), urlsplit(url).path
        if method != "POST" or passage is None or passage.admitted or path != passage.path or path not in self._dialect.writes:
            raise CallForbidden(f"{method} {path} is not on the list of allowed calls")
        self._pacer.check((*self._scopes.values(), self._way(path)))
        passage.admitted = True

    def _judge(self, reply: Reply, ccxt_view: Callable[[], None]) -> None:
        """As in any session; the reply to a write is kept for its outcome."""
        passage = _PASSAGE.get()
        if passage is not None and passage.admitted:
            passage.reply = reply
        super()._judge(reply, ccxt_view)

    def _connect(self) -> aiohttp.ClientSession:
        """A connection for each request, which tells when it stands: not a byte of a write leaves before."""
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_stands)
        trace.on_connection_reuseconn.append(_stands)
        return connect(self._access, fresh=trace)


async def _stands(*_told: Any) -> None:
    """A connection is ready for the request of the running task."""
    passage = _PASSAGE.get()
    if passage is not None and passage.admitted:
        passage.connected = True
