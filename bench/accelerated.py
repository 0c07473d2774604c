"""The real guard, reader, store and delivery, polled as fast as the machine can: a clock that is moved on by hand.

Every ``FRESH``th poll goes all the way (ccxt signs, aiohttp asks a replay server on loopback, the guard of replies reads); the
others are answered with the text of a reply that came that way, which is parsed, assessed, judged, committed and told anew. Marks
go up and down past every line, so that alerts fire, worsen, repeat and end; positions close and open again; polls fail; history
is thinned and copied when its time comes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, cast

from bench.cycle import policy
from monitor.alerts.model import Message
from monitor.clock import SystemClock
from monitor.daemon.deliver import ChannelWorker
from monitor.daemon.guard import Guard
from monitor.errors import TimedOut
from monitor.exchanges.binance.client import BinanceReader
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.session import Session
from monitor.exchanges.spec import Access
from monitor.margin.position import Contract
from monitor.memory import Memory
from monitor.store.sqlite import SqliteStore

POLL_SECONDS = 2.0
FRESH = 50
"""Every so many polls one goes over HTTP."""
FAILING = 997
"""Every so many polls one brings nothing."""
WAVE = 400
"""So many polls the marks take down past every line and up again."""
AWAY = 1500
"""Every so many polls a position is gone, for ``GONE`` polls."""
GONE = 5
HOUSEKEEPING = 300
"""So many polls are ten minutes."""


class FastClock(SystemClock):
    """The machine's clock and what was skipped of it, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = 0.0

    def now(self) -> datetime:
        """As the port says."""
        return super().now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        """As the port says."""
        return super().monotonic() + self._ahead

    def skip(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += seconds


class Replies:
    """Stands before a session: gives again what it once said, with the marks of the poll that is going on."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._texts: dict[str, str] = {}
        self.poll = 0
        self.requests = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def call(self, endpoint: str, params: Mapping[str, Any] | None = None, **how: Any) -> Any:
        """The reply of ``endpoint``; raises TimedOut when its turn has come."""
        name = f"{endpoint} {params}"
        positions = "PositionRisk" in endpoint
        if positions and self.poll % FAILING == FAILING - 1:
            raise TimedOut("no answer")
        if name not in self._texts or (positions and self.poll % FRESH == 0):
            self.requests += 1
            self._texts[name] = json.dumps(await self._session.call(endpoint, params, **how))
        reply = json.loads(self._texts[name])
        return self._moved(reply) if positions else reply

    def _moved(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The rows as they are at this poll: a 10x long has 30 % of its cushion at 93.5 % of its entry."""
        mark = 101.0 * (0.96 + 0.04 * math.cos(self.poll / WAVE * 2 * math.pi))
        for row in rows:
            amount = float(row["positionAmt"])
            profit = amount * (mark - float(row["entryPrice"]))
            row["markPrice"] = f"{mark:.8f}"
            row["unRealizedProfit"] = f"{profit:.8f}"
            row["notional"] = f"{amount * mark:.8f}"
            row["isolatedMargin"] = f"{float(row['isolatedWallet']) + profit:.8f}"
            row["maintMargin"] = f"{amount * mark * 0.01:.8f}"
        return rows[1:] if self.poll % AWAY < GONE else rows


class Phone:
    """A channel that takes everything."""

    name = "phone"

    def __init__(self) -> None:
        self.accepted = 0

    async def send(self, message: Message) -> None:
        """As the port says."""
        self.accepted += bool(message.id)

    async def close(self) -> None:
        """As the port says."""


class Accelerated:
    """One account at its real guard; an async context manager. ``phone``: counts what was told."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.clock = FastClock()
        self.phone = Phone()
        self.polls = 0
        self._folder = folder
        access = Access(account="main", api_key="key", secret="secret", endpoint=endpoint, contracts=frozenset({Contract.LINEAR}))
        self._reader = BinanceReader(access, Pacer(self.clock), self.clock)
        self.replies = Replies(self._reader.session)
        self._reader.session = cast("Session", self.replies)
        self._stack = AsyncExitStack()
        self._woken = False

    async def __aenter__(self) -> Self:
        self._store = await SqliteStore.open(self._folder / "memory.db")
        self._stack.push_async_callback(self._store.close)
        self._stack.push_async_callback(self._reader.close)
        self._worker = ChannelWorker(self.phone, self._store, self.clock)
        self.guard = Guard(
            memory=Memory(),
            policy=policy(self.clock),
            store=self._store,
            clock=self.clock,
            channels=["phone"],
            wake=self._wake,
            direct=self._worker.push,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def poll(self) -> None:
        """Two seconds of a daemon's life: a poll, a tick, what there is to tell, and the housekeeping when it is time."""
        self.replies.poll = self.polls
        await self.guard.take(await self._reader.fetch_family("usdm"))
        await self.guard.tick()
        if self._woken:
            self._woken = False
            await self._worker.deliver_due()
        if self.polls % HOUSEKEEPING == HOUSEKEEPING - 1:
            while await self._store.thin(self.clock.now()):
                pass
            await self._store.back_up(self.clock.now())
        self.polls += 1
        self.clock.skip(POLL_SECONDS)

    def _wake(self) -> None:
        self._woken = True
