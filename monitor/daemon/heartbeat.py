"""Heartbeat: tell a watcher outside (healthchecks-style URL) that the guard works, so that its silence is an alarm too.

``/start`` at the start; the URL itself after each COMPLETE cycle: every family of every account read, judged and committed since
the last beat, and every channel alive; ``/fail`` as soon as something is blind or broken. A watcher that is down is no trouble of
ours: it is logged once and tried again. The URL is a secret and never logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import structlog

from monitor.crashpoint import crashpoint
from monitor.memory import FamilyState, Memory
from monitor.ports import Clock

log = structlog.get_logger("heartbeat")

EVERY = timedelta(seconds=30)
PATIENCE = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether all is well since ``since``, and in one line why (not)."""

    complete: bool
    failing: bool
    line: str


def health_of(memory: Memory, since: datetime, *, kept: bool, broken: Callable[[], list[str]]) -> Health:
    """``kept``: the last commit succeeded. ``broken``: the channels that do not work now."""
    watched = [one for one in memory.families.values() if one.state is not FamilyState.NOT_OPENED]
    blind = [f"{one.key.account} {one.key.family}" for one in watched if one.state is FamilyState.BLIND]
    dead = broken()
    fresh = all(one.fresh_since(since) for one in watched)
    troubles = [f"blind: {', '.join(blind)}"] * bool(blind) + [f"broken: {', '.join(dead)}"] * bool(dead)
    troubles += ["the store does not keep"] * (not kept)
    line = "; ".join(troubles) or f"{len(memory.positions)} positions, {len(watched)} families read"
    return Health(complete=bool(watched) and fresh and not troubles, failing=bool(troubles), line=line)


class Heartbeat:
    """Beats until cancelled; ``health`` says how the guard is since a time."""

    def __init__(self, url: str, clock: Clock, health: Callable[[datetime], Health], *, every: timedelta = EVERY) -> None:
        self._url = url.rstrip("/")
        self._clock = clock
        self._health = health
        self._every = every
        self._reachable = True

    async def run(self) -> None:
        """Beat after each complete cycle, at most every ``every``; fail as soon as something is wrong."""
        async with aiohttp.ClientSession(timeout=PATIENCE, trust_env=False) as session:
            await self._ping(session, "/start", "margincall started")
            beaten, failing = self._clock.now(), False
            while True:
                await asyncio.sleep(self._every.total_seconds())
                health = self._health(beaten)
                if health.complete:
                    beaten, failing = self._clock.now(), False
                    await self._ping(session, "", health.line)
                elif health.failing and not failing:
                    failing = True
                    await self._ping(session, "/fail", health.line)

    async def _ping(self, session: aiohttp.ClientSession, path: str, line: str) -> None:
        crashpoint("heartbeat.beating")
        cause = await _posted(session, self._url + path, line)
        if (cause is None) is not self._reachable:
            self._reachable = cause is None
            if cause is None:
                log.info("heartbeat.reached")
            else:
                log.warning("heartbeat.not_reached", cause=cause)


async def ping(url: str, line: str) -> str | None:
    """One beat by hand; None where the watcher outside took it, else why not."""
    async with aiohttp.ClientSession(timeout=PATIENCE, trust_env=False) as session:
        return await _posted(session, url.rstrip("/"), line)


async def _posted(session: aiohttp.ClientSession, url: str, line: str) -> str | None:
    try:
        async with session.post(url, data=line.encode(), allow_redirects=False) as reply:
            return None if reply.status < 400 else f"HTTP {reply.status}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return type(error).__name__
