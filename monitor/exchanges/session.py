"""One account's conversation with its exchange: the only place that drives ccxt.

ccxt knows the implicit endpoints, signs, and keeps the connection options; everything else is ours: which calls may be made
at all, when, what counts as an answer, and what an error means. See `guard`, `faults`, `pacing` for the parts.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import certifi

from monitor.errors import BadReply, CallForbidden, ClockSkew, ConfigError, ExchangeFault, Problem, RateLimited
from monitor.exchanges import faults
from monitor.exchanges.addresses import placed
from monitor.exchanges.dialect import Dialect, Reply
from monitor.exchanges.guard import CappedResponse, guarded
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.ports import Clock

_RESYNC_SECONDS = 3600.0


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
        self._tasks: set[asyncio.Task[Any]] = set()
        self._syncing: asyncio.Task[None] | None = None
        self._synced_at: float | None = None
        self._http: aiohttp.ClientSession | None = None
        self._closed = False
        self.clock_offset: float | None = None
        self.round_trip: float | None = None
        self.headers: Mapping[str, str] = {}
        self._ccxt = self._built()

    async def call(
        self, endpoint: str, params: Mapping[str, Any] | None = None, *, within: float = 5.0, can_wait: bool = False
    ) -> Any:
        """The reply of ccxt's implicit method ``endpoint``: a dict or list that is not a refusal.

        ``within`` seconds for everything, the one repetition after a refused timestamp included. A call that ``can_wait``
        (tiers, balances) yields to the polls near a limit and takes turns with others of its kind. Numbers with a point
        come as text, whole ones as int. Raises ExchangeFault.
        """
        if not can_wait:
            return await self._asked(endpoint, params, within=within, can_wait=False)
        async with self._turn:
            reply = await self._asked(endpoint, params, within=within, can_wait=True)
            await asyncio.sleep(self._dialect.gap)
        return reply

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
                    self.spawn(self._quietly(self.sync_clock()))
                try:
                    return await self._sent(endpoint, params, can_wait=can_wait)
                except ClockSkew:
                    await self.sync_clock()
                    return await self._sent(endpoint, params, can_wait=can_wait)
        except TimeoutError as error:
            raise faults.of_transport(error, endpoint) from None

    async def _sent(self, endpoint: str, params: Mapping[str, Any] | None, *, can_wait: bool) -> Any:
        """One request and its reply."""
        if self._closed:
            raise CallForbidden(f"the session is closed ({endpoint})")
        self._pacer.check(self._scopes.values(), can_wait=can_wait)
        self._connect()
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

    def _admit(self, method: str, url: str) -> None:
        """The last gate before a socket: only reads on the allow-list, and nothing during a ban."""
        path = urlsplit(url).path
        if method != "GET" or path not in self._dialect.reads:
            raise CallForbidden(f"{method} {path} is not on the list of allowed calls")
        self._pacer.check(self._scopes.values())

    def _judge(self, reply: Reply, ccxt_view: Callable[[], None]) -> None:
        """Learn the exchange's limits from a reply, and raise what it tells."""
        self.headers = reply.headers
        until = None
        for pause in self._dialect.pauses(reply):
            if pause.hush or pause.hold:
                self._pacer.spare(self._scopes[pause.scope], pause)
            else:
                until = self._pacer.ban(self._scopes[pause.scope], pause)
        if until is not None:
            status = str(reply.status)
            hint = self._dialect.hints.get(status, "")
            raise RateLimited(f"too many requests ({reply.path})", until=until, code=status, hint=hint)
        fault = faults.of_reply(reply, self._dialect, ccxt_view=ccxt_view, secrets=self._secrets)
        if fault is not None:
            raise fault

    async def _measure_clock(self) -> None:
        """Ask the exchange's clock; half the round trip is taken off."""
        async with asyncio.timeout(4.0):
            started = self._clock.monotonic()
            payload = await self._sent(self._dialect.time_call, None, can_wait=False)
        self.round_trip = self._clock.monotonic() - started
        try:
            exchange_ms = self._dialect.server_time(payload) + self.round_trip * 500
        except (KeyError, IndexError, TypeError, ValueError):
            raise BadReply("the exchange's clock could not be read") from None
        difference = self._ccxt.milliseconds() - exchange_ms
        self._ccxt.options["timeDifference"] = round(difference)
        self.clock_offset = difference / 1000
        self._synced_at = self._clock.monotonic()

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        """A measurement in passing: if it fails, the next refused timestamp asks for another."""
        try:
            await work
        except (ExchangeFault, TimeoutError):
            return

    def _done(self, task: asyncio.Task[Any]) -> None:
        """Forget a task; looking at its error keeps asyncio from reporting it as lost."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    def _built(self) -> Any:
        """The ccxt instance: guarded, without ccxt's own throttle (its weights are wrong for Binance) and repetitions."""
        dialect, access = self._dialect, self._access
        base = getattr(importlib.import_module("ccxt.async_support"), dialect.exchange)
        config = {
            "apiKey": access.api_key,
            "secret": access.secret,
            "password": access.passphrase,
            "enableRateLimit": False,
            "enableLastHttpResponse": False,
            "enableLastJsonResponse": False,
            "options": {"maxRetriesOnFailure": 0, "adjustForTimeDifference": False, **dialect.options},
        }
        instance = guarded(base, config, admit=self._admit, judge=self._judge)
        instance.own_session = False
        if access.demo_trading:
            dialect.demo(instance)
        hosts: Mapping[str, str] = {}
        if access.region is not None:
            if access.region not in dialect.regions:
                raise _problem(access, "region", f"{dialect.exchange} has no region {access.region}")
            hosts = dialect.regions[access.region]
        for part in ("api", "test", "demo"):
            if part in instance.urls:
                instance.urls[part] = placed(
                    instance.urls[part], hostname=instance.hostname or "", hosts=hosts, endpoint=access.endpoint
                )
        return instance

    def _connect(self) -> None:
        """Our own connections, made at the first call because they belong to the running loop."""
        if self._http is not None:
            return
        connector: aiohttp.BaseConnector
        proxy = self._access.proxy
        if proxy is not None and proxy.startswith("socks"):
            connector = _socks_connector(self._access, proxy)
            proxy = None
        else:
            connector = aiohttp.TCPConnector(ssl=_trust(), happy_eyeballs_delay=0.25)
        self._http = aiohttp.ClientSession(
            connector=connector,
            proxy=proxy,
            response_class=CappedResponse,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self._ccxt.ssl_context = _trust()
        self._ccxt.session = self._http


@functools.cache
def _trust() -> ssl.SSLContext:
    """The system's certificates and Mozilla's, for all sessions: building it takes 20 ms and a megabyte."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _socks_connector(access: Access, proxy: str) -> aiohttp.BaseConnector:
    """A connector through a SOCKS proxy; names are resolved at the far end."""
    try:
        connect = importlib.import_module("aiohttp_socks").ProxyConnector
    except ImportError:
        raise _problem(access, "proxy", "a SOCKS proxy needs the package aiohttp-socks") from None
    connector: aiohttp.BaseConnector = connect.from_url(proxy.replace("socks5h://", "socks5://"), rdns=True, ssl=_trust())
    return connector


def _problem(access: Access, option: str, message: str) -> ConfigError:
    """A setting of this account that cannot be used."""
    return ConfigError((Problem(file="", line=None, path=f"accounts.{access.account}.{option}", message=message),))
