"""Keys: what each account's key may do, read at the start and every few hours, beside the polls and never in their way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from monitor.daemon.guard import Guard
from monitor.ports import Clock, Exchange

log = structlog.get_logger("keys")

EVERY = timedelta(hours=6)
"""How old what is known of a key may become."""
LOOK = timedelta(hours=1)
"""How often it is looked whether a key is due; one that could not be read is tried again then."""
LONGEST_SECONDS = 20.0


class KeyWatch:
    """Reads the keys of all accounts when poked, each once it is due."""

    def __init__(self, exchanges: Sequence[Exchange], guard: Guard, clock: Clock) -> None:
        self._exchanges = exchanges
        self._guard = guard
        self._clock = clock
        self._due = asyncio.Event()
        self._read_at: dict[str, float] = {}

    def poke(self) -> None:
        """Read now what is due."""
        self._due.set()

    async def run(self) -> None:
        """Read whenever poked, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.look()

    async def look(self) -> None:
        """Read every key that is due, all accounts side by side."""
        now = self._clock.monotonic()
        # Half a look of slack: the clock of the schedule and this one need not agree to the second.
        oldest = (EVERY - LOOK / 2).total_seconds()
        due = [one for one in self._exchanges if now - self._read_at.get(one.account, float("-inf")) >= oldest]
        await asyncio.gather(*(self._read(one, now) for one in due))

    async def _read(self, exchange: Exchange, now: float) -> None:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                facts = await exchange.fetch_key()
        except TimeoutError:
            facts = None
        except Exception:
            log.exception("key.stumbled", account=exchange.account)
            return
        if facts is None:
            log.debug("key.not_told", account=exchange.account)
            return
        self._read_at[exchange.account] = now
        log.info("key.read", account=exchange.account, rights=",".join(facts.rights), ip_bound=facts.ip_bound)
        await self._guard.learn(facts)
