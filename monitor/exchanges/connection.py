"""What a session is made of: the guarded ccxt instance at its addresses, and the connections it may use."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import certifi

from monitor.errors import ConfigError, Problem
from monitor.exchanges.addresses import placed
from monitor.exchanges.dialect import Dialect, Reply
from monitor.exchanges.guard import CappedResponse, guarded
from monitor.exchanges.spec import Access


def ccxt_instance(
    dialect: Dialect,
    access: Access,
    *,
    admit: Callable[[str, str], None],
    judge: Callable[[Reply, Callable[[], None]], None],
) -> Any:
    """The ccxt class of an exchange, guarded, without ccxt's own throttle (its weights are wrong) and without repetitions.

    Raises ConfigError for a region that the exchange does not have, or a SOCKS proxy without the package it needs.
    """
    if access.proxy is not None and access.proxy.startswith("socks") and importlib.util.find_spec("aiohttp_socks") is None:
        raise _problem(access, "proxy", "a SOCKS proxy needs the package aiohttp-socks")
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
    instance = guarded(base, config, admit=admit, judge=judge)
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


def connect(access: Access, *, fresh: aiohttp.TraceConfig | None = None) -> aiohttp.ClientSession:
    """Our own connections: verified, capped, only through the account's proxy. They belong to the running loop.

    ``fresh``: each request has a connection of its own, whose making is told to this trace.
    """
    connector: aiohttp.BaseConnector
    proxy = access.proxy
    if proxy is not None and proxy.startswith("socks"):
        socks = importlib.import_module("aiohttp_socks").ProxyConnector
        url = proxy.replace("socks5h://", "socks5://")
        connector = socks.from_url(url, rdns=True, ssl=trust(), force_close=fresh is not None)
        proxy = None
    else:
        connector = aiohttp.TCPConnector(ssl=trust(), happy_eyeballs_delay=0.25, force_close=fresh is not None)
    return aiohttp.ClientSession(
        connector=connector,
        proxy=proxy,
        response_class=CappedResponse,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=None if fresh is None else [fresh],
    )


@functools.cache
def trust() -> ssl.SSLContext:
    """The system's certificates and Mozilla's, for all sessions: building it takes 20 ms and a megabyte."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _problem(access: Access, option: str, message: str) -> ConfigError:
    """A setting of this account that cannot be used."""
    return ConfigError((Problem(file="", line=None, path=f"accounts.{access.account}.{option}", message=message),))
