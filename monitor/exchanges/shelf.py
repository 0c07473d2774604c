"""What changes rarely on an exchange, kept at hand: instruments, maintenance tiers, leverage settings, fees, free balances.

A shelf reads in the background and never raises: a poll takes what is there, waits a little for what it has never had, and
marks a position as degraded where something is still missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Generic, TypeVar

from monitor.errors import MargincallError
from monitor.ports import Clock

V = TypeVar("V")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]

DAY = 24 * 3600.0
_RETRY_SECONDS = 30.0
_REFRESH_SECONDS = 600.0
UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a reply of unforeseen shape raises."""


class Shelf(Generic[V]):
    """Values by the exchange's own id, each with its age.

    ``read(ids)`` fetches values for at least some of ``ids`` (more are welcome); what it leaves out, or a read that fails, is
    tried again after 30 seconds at the earliest. A value older than ``max_age`` seconds is read again while it is still given
    out. ``spawn`` starts a background task (a session's, so that closing it ends the reads).
    """

    def __init__(
        self,
        read: Callable[[frozenset[str]], Awaitable[Mapping[str, V]]],
        *,
        spawn: Spawn,
        clock: Clock,
        max_age: float = DAY,
    ) -> None:
        self._read = read
        self._spawn = spawn
        self._clock = clock
        self._max_age = max_age
        self._values: dict[str, V] = {}
        self._read_at: dict[str, float] = {}
        self._tried_at: dict[str, float] = {}
        self._refreshed_at: dict[str, float] = {}
        self._again: set[str] = set()
        self._reading: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None
        self._fine: tuple[frozenset[str], float] = (frozenset(), 0.0)
        self.trouble: MargincallError | None = None
        """Why the last read failed; None after one that went well."""

    def get(self, key: str, *, at_most: float | None = None) -> V | None:
        """The value, None where it was never had, or is older than ``at_most`` seconds."""
        if at_most is not None and self.age(key) > at_most:
            return None
        return self._values.get(key)

    def put(self, key: str, value: V) -> None:
        """A value that was read another way, just now."""
        self._values[key] = value
        self._read_at[key] = self._clock.monotonic()

    def age(self, key: str) -> float:
        """Seconds since the value was read; infinite where it never was."""
        read_at = self._read_at.get(key)
        return float("inf") if read_at is None else self._clock.monotonic() - read_at

    def refresh(self, keys: Iterable[str]) -> None:
        """Read those of ``keys`` that are here again at the next occasion; for each of them at most every 10 minutes."""
        now = self._clock.monotonic()
        for key in self._values.keys() & set(keys):
            if now - self._refreshed_at.get(key, float("-inf")) >= _REFRESH_SECONDS:
                self._refreshed_at[key] = now
                self._again.add(key)

    def expire(self, keys: Iterable[str]) -> None:
        """Read those of ``keys`` that are here again at the next occasion, however lately they were read."""
        self._again |= self._values.keys() & set(keys)

    async def have(
        self, keys: Collection[str], *, within: float = 0.0, max_age: float | None = None, newer_than: float | None = None
    ) -> None:
        """See to it that ``keys`` are here and not older than ``max_age`` (else the shelf's own), in the background.

        Waits, at most ``within`` seconds, only for what is missing (also until a read of other keys makes room); values older
        than ``newer_than`` seconds count as missing.
        """
        if newer_than is None and max_age is None and self._all_fine(keys):
            return
        oldest = self._max_age if max_age is None else max_age
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(within, 0.0)):
                while True:
                    missing = self._missing(keys, newer_than)
                    if self._task is None:
                        self._start(missing | {key for key in keys if self.age(key) > oldest} | self._again)
                    now = self._clock.monotonic()
                    hoped_for = {key for key in missing if key in self._reading or not self._failed_lately(key, now)}
                    if self._task is None or not hoped_for or within <= 0:
                        return
                    await asyncio.wait({self._task})

    def _all_fine(self, keys: Collection[str]) -> bool:
        """Whether all ``keys`` are here and young: asked at every poll, so the answer is kept until the first is too old."""
        if self._again:
            return False
        known, until = self._fine
        now = self._clock.monotonic()
        if now < until and known.issuperset(keys):
            return True
        oldest = min((self._read_at.get(key, float("-inf")) for key in keys), default=now)
        self._fine = (frozenset(keys), oldest + self._max_age)
        return now < oldest + self._max_age

    def _missing(self, keys: Collection[str], newer_than: float | None) -> set[str]:
        """The keys that were never had, or not lately enough."""
        if newer_than is None:
            return {key for key in keys if key not in self._values}
        return {key for key in keys if self.age(key) > newer_than}

    def _start(self, due: set[str]) -> None:
        """Read what is due and was not tried just now."""
        now = self._clock.monotonic()
        patient = {key for key in due if key not in self._again and self._failed_lately(key, now)}
        if due := due - patient:
            self._again -= due
            self._tried_at.update(dict.fromkeys(due, now))
            self._reading = frozenset(due)
            self._task = self._spawn(self._fill(self._reading))

    def _failed_lately(self, key: str, now: float) -> bool:
        """Whether the last try for ``key`` brought nothing and is not long ago."""
        tried_at = self._tried_at.get(key)
        if tried_at is None or self._read_at.get(key, float("-inf")) >= tried_at:
            return False
        return now - tried_at < _RETRY_SECONDS

    async def _fill(self, keys: frozenset[str]) -> None:
        """One read; a failure leaves what was there."""
        try:
            found = await self._read(keys)
        except MargincallError as error:
            self.trouble = error
        except UNREADABLE as error:
            self.trouble = MargincallError(f"a reply has not the expected shape ({type(error).__name__})")
        else:
            self.trouble = None
            now = self._clock.monotonic()
            self._values.update(found)
            self._read_at.update(dict.fromkeys(found, now))
        finally:
            self._task = None
            self._reading = frozenset()
