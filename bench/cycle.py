"""CPU of one whole cycle (request, parse, assess, judge, advance, commit), beside ccxt's own ``fetch_positions``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.server import Exchange
from monitor.clock import SystemClock
from monitor.daemon.guard import Guard
from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.margin.position import Contract
from monitor.memory import Memory
from monitor.policy import Intervals, Policy
from monitor.rules import discover
from monitor.store.sqlite import SqliteStore

RUNS = 20


def policy(clock: SystemClock) -> Policy:
    """The default rules for the account ``main``."""
    rules = [kind() for kind in discover().values() if kind.DEFAULT]
    slow = timedelta(seconds=10)
    return Policy(rules=rules, intervals={"main": Intervals(calm=slow, near=slow)}, watching_since=clock.now())


async def _cpu(count: int, *works: Callable[[], Awaitable[Any]]) -> list[float]:
    """Microseconds of CPU a position of each work: the best run, after two that do not count.

    They take turns, so that a machine that is slow for a while is slow for all; the best run is the one least disturbed.
    """
    spent: list[list[float]] = [[] for _ in works]
    for run in range(RUNS + 2):
        for place, work in enumerate(works):
            before = time.process_time()
            await work()
            if run >= 2:
                spent[place].append(time.process_time() - before)
    return [min(runs) / count * 1e6 for runs in spent]


async def measure(exchange: Exchange, store_path: Path) -> dict[str, float | None]:
    """The cycle's and ccxt's CPU a position at this many positions."""
    clock = SystemClock()
    access = Access(
        account="main", api_key="key", secret="secret", endpoint=exchange.endpoint, contracts=frozenset({Contract.LINEAR})
    )
    reader = load("binance").build(access, Pacer(clock), clock)
    store = await SqliteStore.open(store_path)
    guard = Guard(
        memory=Memory(),
        policy=policy(clock),
        store=store,
        clock=clock,
        channels=["phone"],
        wake=lambda: None,
        direct=lambda _: None,
    )

    async def cycle() -> None:
        await guard.take(await reader.fetch_family("usdm"))

    client = _ccxt(exchange)

    async def unified() -> None:
        positions = await client.fetch_positions()
        assert len(positions) == exchange.count, "ccxt did not read every position"

    try:
        await client.load_markets()
        ours, theirs = await _cpu(exchange.count, cycle, unified)
        assert len(guard.memory.positions) == exchange.count, "the cycle did not read every position"
    finally:
        await client.close()
        await reader.close()
        await store.close()
    return {
        f"cycle_cpu_us_per_position_{exchange.count}": ours,
        f"ccxt_cpu_us_per_position_{exchange.count}": theirs,
    }


def _ccxt(exchange: Exchange) -> Any:
    """A client of ccxt on the same server, for its unified call."""
    from ccxt.async_support import binance

    client = binance(
        {
            "apiKey": "key",
            "secret": "secret",
            "enableRateLimit": False,
            "options": {"fetchCurrencies": False, "fetchMarkets": {"types": ["linear"]}, "defaultType": "swap"},
        }
    )
    client.has["fetchCurrencies"] = False
    urls = client.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            _, _, rest = url.partition("://")
            urls[name] = exchange.endpoint + "/" + rest.partition("/")[2]
    return client
