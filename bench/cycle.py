"""CPU of one whole cycle (request, parse, assess, judge, advance, commit), beside ccxt's own ``fetch_positions``."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from statistics import median
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

RUNS = 15


def policy(clock: SystemClock) -> Policy:
    """The default rules for the account ``main``."""
    rules = [kind() for kind in discover().values() if kind.DEFAULT]
    slow = timedelta(seconds=10)
    return Policy(rules=rules, intervals={"main": Intervals(calm=slow, near=slow)}, watching_since=clock.now())


async def _cpu(work: Callable[[], Awaitable[Any]], count: int) -> float:
    """Microseconds of CPU a position: the median run, after two that do not count."""
    spent = []
    for run in range(RUNS + 2):
        before = time.process_time()
        await work()
        if run >= 2:
            spent.append(time.process_time() - before)
    return median(spent) / count * 1e6


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

    try:
        ours = await _cpu(cycle, exchange.count)
        assert len(guard.memory.positions) == exchange.count, "the cycle did not read every position"
    finally:
        await reader.close()
        await store.close()
    theirs = await _ccxt(exchange)
    return {
        f"cycle_cpu_us_per_position_{exchange.count}": ours,
        f"ccxt_cpu_us_per_position_{exchange.count}": theirs,
    }


async def _ccxt(exchange: Exchange) -> float:
    """The unified call of ccxt on the same server, markets and brackets loaded before."""
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
    try:
        await client.load_markets()

        async def fetch() -> None:
            positions = await client.fetch_positions()
            assert len(positions) == exchange.count, "ccxt did not read every position"

        return await _cpu(fetch, exchange.count)
    finally:
        await client.close()
