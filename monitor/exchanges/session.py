"""One account's conversation with its exchange: the only place that drives ccxt.

ccxt knows the implicit endpoints, signs, and keeps the connection options; everything else is ours: which calls may be made
at all, when, what counts as an answer, and what an error means. See `guard`, `faults`, `pacing` for the parts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from monitor.errors import BadReply, CallForbidden, ClockSkew, ExchangeFault, RateLimited
from monitor.exchanges import faults
from monitor.exchanges.connection import ccxt_instance, connect, trust
from monitor.exchanges.dialect import Dialect, Reply
from monitor.exchanges.pacing import Pacer, Pause, retry_after, silence_until
from monitor.exchanges.spec import Access
from monitor.ports import Clock

_RESYNC_SECONDS = 3600.0
_UNAVAILABLE = 503
_LONGEST_ILLNESS = 60.0


class Session:
    """Raw calls of one account, each a parsed reply or one of `monitor.errors`' exchange faults.

    ``clock_offset`` is this machine's clock minus the exchange's, and ``round_trip`` that measurement's, both in seconds;
    None until measured. ``headers`` are the last reply's.
    """

    def __init__(self, dialect: Dialect, access: Access, pacer: Pacer, clock: Clock) -> None:
        self._dialect = dialect
        self._access = access
        self._pacer = pacer
        self._clock = clock
        self._scopes = {"ip": access.ip_scope(dialect.exchange), "account": access.account_scope(dialect.exchange)}
        self._secrets = tuple(text for text in (access.api_key, access.secret, access.passphrase) if text)
        self._turn = asyncio.Lock()
        self._allowances = {name: pacer.allowance(self._scopes["account"], name, limit) for name, limit in dialect.limits.items()}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._syncing: asyncio.Task[None] | None = None
        self._synced_at: float | None = None
        self._http: aiohttp.ClientSession | None = None
        self._closed = False
        self.clock_offset: float | None = None
        self.round_trip: float | None = None
        self.headers: Mapping[str, str] = {}
        self._ccxt = ccxt_instance(dialect, access, admit=self._admit, judge=self._judge)

    async def call(
        self, endpoint: str, params: Mapping[str, Any] | None = None, *, within: float = 5.0, can_wait: bool = False
    ) -> Any:
        """The reply of ccxt's implicit method ``endpoint``: a dict or list that is not a refusal.

        ``within`` seconds for everything, the one repetition after a refused timestamp included. A call that ``can_wait``
        (tiers, balances) yields to the polls near a limit, and starts no sooner than the dialect's gap after another of its
        kind. Numbers with a point come as text, whole ones as int. Raises ExchangeFault.
        """
        if can_wait and self._dialect.gap:
            async with self._turn:
                await asyncio.sleep(self._dialect.gap)
        return await self._asked(endpoint, params, within=within, can_wait=can_wait)

    async def sync_clock(self) -> None:
        """Measure the exchange's clock and sign with it from now on. Raises ExchangeFault."""
        if self._syncing is None or self._syncing.done():
            self._syncing = self.spawn(self._measure_clock())
        await asyncio.shield(self._syncing)

    def currency_code(self, exchange_id: str) -> str:
        """The unified name that ccxt has for a currency."""
        return str(self._ccxt.safe_currency_code(exchange_id))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` beside the polls until it ends or the session is closed; its error waits for whoever awaits it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancel what runs and let go of the connections, at once."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()
            self._http = None
        self._ccxt.timeout_on_exit = 0
        await self._ccxt.close()

    async def _asked(self, endpoint: str, params: Mapping[str, Any] | None, *, within: float, can_wait: bool) -> Any:
        """One call, repeated once with a fresh clock where the timestamp was refused: reads may be repeated."""
        try:
            async with asyncio.timeout(within):
                if self._synced_at is None or self._clock.monotonic() - self._synced_at > _RESYNC_SECONDS:
                    self._synced_at = self._clock.monotonic()
                    self.spawn(self._sync_quietly())
                if endpoint in self._allowances:
                    await asyncio.sleep(self._allowances[endpoint].book(self._clock.monotonic()))
                try:
                    return await self._sent(endpoint, params, can_wait=can_wait)
                except ClockSkew as skew:
                    try:
                        await self.sync_clock()
                    except ExchangeFault:
                        raise skew from None
                    return await self._sent(endpoint, params, can_wait=can_wait)
        except TimeoutError as error:
            raise faults.of_transport(error, endpoint) from None

    async def _sent(self, endpoint: str, params: Mapping[str, Any] | None, *, can_wait: bool) -> Any:
        """One request and its reply."""
        if self._closed:
            raise CallForbidden(f"the session is closed ({endpoint})")
        self._pacer.check(self._scopes.values(), can_wait=can_wait)
        if self._http is None:
            self._http = self._connect()
            self._ccxt.ssl_context, self._ccxt.session = trust(), self._http
        implicit: Callable[[dict[str, Any]], Coroutine[Any, Any, Any]] | None = getattr(self._ccxt, endpoint, None)
        if implicit is None:
            raise CallForbidden(f"there is no call {endpoint}")
        try:
            reply = await implicit(dict(params or {}))
        except ExchangeFault:
            raise
        except Exception as error:  # noqa: BLE001 - the door: whatever ccxt or aiohttp raise becomes ours here
            # The chain is cut on purpose: ccxt's texts hold signed URLs.
            raise faults.of_transport(error, endpoint) from None
        if not isinstance(reply, dict | list):
            raise BadReply(f"the answer holds no data ({endpoint})")
        return reply

    def _connect(self) -> aiohttp.ClientSession:
        """The connections of this session, made at the first call."""
        return connect(self._access)

    def _admit(self, method: str, url: str) -> None:
        """The last gate before a socket: only reads on the allow-list, and nothing during a ban."""
        path = urlsplit(url).path
        if method != "GET" or path not in self._dialect.reads:
            raise CallForbidden(f"{method} {path} is not on the list of allowed calls")
        self._pacer.check((*self._scopes.values(), self._way(path)))

    def _way(self, path: str) -> str:
        """The pacing scope of one call of this account."""
        return f"{self._scopes['account']}{path}"

    def _judge(self, reply: Reply, ccxt_view: Callable[[], None]) -> None:
        """Learn the exchange's limits from a reply, and raise what it tells."""
        self.headers = reply.headers
        until = None
        for pause in self._dialect.pauses(reply):
            if pause.hush or pause.hold:
                self._pacer.spare(self._scopes[pause.scope], pause)
            else:
                until = self._pacer.ban(self._scopes[pause.scope], pause)
        if until is None and reply.status == _UNAVAILABLE and (asked := retry_after(reply.headers)):
            # It is ill and says for how long: this call alone waits, and not so long that its recovery is missed.
            until = self._pacer.ban(self._way(reply.path), Pause(scope="account", seconds=min(asked, _LONGEST_ILLNESS)))
        if until is not None:
            status = str(reply.status)
            hint = self._dialect.hints.get(status, "")
            raise RateLimited(f"{silence_until(until)} ({reply.path})", until=until, code=status, hint=hint)
        fault = faults.of_reply(reply, self._dialect, ccxt_view=ccxt_view, secrets=self._secrets)
        if fault is not None:
            raise fault

    async def _measure_clock(self) -> None:
        """Ask the exchange's clock; half the round trip is taken off."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(4.0):
                payload = await self._sent(self._dialect.time_call, None, can_wait=False)
        except TimeoutError as error:
            raise faults.of_transport(error, self._dialect.time_call) from None
        self.round_trip = self._clock.monotonic() - started
        try:
            exchange_ms = self._dialect.server_time(payload) + self.round_trip * 500
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadReply("the exchange's clock could not be read") from None
        difference = self._ccxt.milliseconds() - exchange_ms
        self._ccxt.options["timeDifference"] = round(difference)
        self.clock_offset = difference / 1000
        self._synced_at = self._clock.monotonic()

    async def _sync_quietly(self) -> None:
        """A measurement in passing: if it fails, the next refused timestamp asks for another."""
        with contextlib.suppress(ExchangeFault):
            await self.sync_clock()

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Forget a task; looking at its error keeps asyncio from reporting it as lost."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()
