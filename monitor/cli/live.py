"""Read every account once, now, without touching the store: for `positions --live` and `check`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from monitor import app
from monitor.cli.view import View, from_memory
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.decide import decide
from monitor.errors import StoreFault
from monitor.exchanges.pacing import Pacer
from monitor.memory import Memory
from monitor.ports import CheckLine
from monitor.store.reader import StoreReader


async def read_now(loaded: Loaded) -> View:
    """A reading of every family of every account, judged by the configured rules."""
    return from_memory(await read_memory(loaded), SystemClock().now())


async def read_memory(loaded: Loaded) -> Memory:
    """The memory of one reading of everything, and nothing else."""
    clock = SystemClock()
    exchanges = app.build_exchanges(loaded, clock, pacer_of(loaded, clock))
    policy = app.build_policy(loaded, since=clock.now(), once=True)
    try:
        readings = await asyncio.gather(*(one.fetch_family(family) for one in exchanges for family in one.families))
        memory = Memory()
        for reading in readings:
            memory = decide(reading, memory, policy, clock.now()).memory
        return memory
    finally:
        await asyncio.gather(*(one.close() for one in exchanges))


def pacer_of(loaded: Loaded, clock: SystemClock) -> Pacer:
    """A pacer that keeps the bans which the store knows of: looking must not break a silence that an exchange asked for."""
    pacer = Pacer(clock)
    with suppress(StoreFault), StoreReader(loaded.store) as reader:
        pacer.restore(reader.bans())
    return pacer


async def inspect_all(loaded: Loaded) -> dict[str, Sequence[CheckLine]]:
    """What each account's adapter has to tell, by account."""
    clock = SystemClock()
    exchanges = app.build_exchanges(loaded, clock, pacer_of(loaded, clock))
    try:
        lines = await asyncio.gather(*(one.inspect() for one in exchanges))
        return {one.account: told for one, told in zip(exchanges, lines, strict=True)}
    finally:
        await asyncio.gather(*(one.close() for one in exchanges))
