"""One account as the port `Exchange`: what all exchanges share of reading families of positions.

All or nothing: a reply that is not whole is a failed reading, because a position dropped in silence would look closed. A single
row that cannot be read is told as unguarded instead (see ``unread``). What is not a position (tiers, settings, balances) may be
missing and never holds a poll up for long.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from monitor.errors import BadReading, MargincallError, NotOpened, RateLimited, TimedOut
from monitor.exchanges.emptiness import Balances, Doubt
from monitor.exchanges.records import Asked, Call, Gathered, fetched
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import UNREADABLE, Shelf
from monitor.exchanges.spec import Access, ExchangeSpec
from monitor.exchanges.stops import RestingOrder, stops_of
from monitor.lives.records import Inquiry, Records
from monitor.margin.position import Position
from monitor.margin.reading import FamilyFailure, FamilyKey, FamilyNotOpened, FamilyReading, FamilySnapshot, KeyFacts, Unguarded
from monitor.ports import CheckLine, Clock

FIRST_SECONDS = 5.0
"""How long the very first poll of a family may take: it also waits for terms and balances."""
POLL_SECONDS = 5.0
"""How long any later poll may take."""

_FIRST_PATIENCE = 4.5
_PATIENCE = 1.0
_FREE_EVERY = 30.0
_FREE_NEAR = 5.0
_FREE_KEPT = 120.0
_STOPS_EVERY = 30.0
_STOPS_KEPT = 90.0
_KEY_SECONDS = 10.0
_DOUBT_EVERY = 1.0
"""While an empty list is in doubt, the balance is asked once in so many seconds."""
_DOUBT_PATIENCE = 3.0

Patience = Callable[[], float]
"""How many seconds a poll can still wait for terms; asked at the moment of waiting."""
AccountChecks = Mapping[str, Callable[[], Awaitable[Sequence[CheckLine]]]]
"""What `check` asks of an account besides its families, by topic; each raises MargincallError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyContent:
    """All open positions of a family, as an exchange folder read them. ``others``: the reply also held what is not watched."""

    positions: Sequence[Position]
    unguarded: Sequence[Unguarded] = ()
    others: bool = False


class AccountReader(ABC):
    """The port `Exchange` for one account; an exchange folder fills in how its families are read.

    ``unwatched``: the contracts of each family that the user's choice leaves out.
    """

    def __init__(
        self,
        *,
        spec: ExchangeSpec,
        access: Access,
        session: Session,
        clock: Clock,
    ) -> None:
        self.account = access.account
        self.exchange = spec.name
        self.families = spec.families_for(access.contracts)
        self.unwatched = {family: left for family, holds in spec.families.items() if (left := holds - access.contracts)}
        self.access = access
        self.session = session
        self.clock = clock
        self._tried: dict[str, float] = {}
        self._was_read: set[str] = set()
        self._doubts = {family: Doubt() for family in self.families}
        self._margins: dict[str, list[tuple[str, Decimal]]] = {}
        self._balance_seen: dict[str, float] = {}
        self._balance_asked: dict[str, float] = {}
        self._balances: Shelf[Balances] = Shelf(self._all_balances, spawn=session.spawn, clock=clock, max_age=_FREE_EVERY)
        self._stops: Mapping[str, Shelf[Sequence[RestingOrder]]] = {
            family: Shelf(partial(self.read_stops, family), spawn=session.spawn, clock=clock, max_age=_STOPS_EVERY)
            for family in self.families
        }

    @abstractmethod
    async def read_family(self, family: str, patience: Patience) -> FamilyContent:
        """Every open position of ``family``. Raises MargincallError; the deadline is kept by the caller."""

    @abstractmethod
    async def read_balances(self, family: str, *, can_wait: bool) -> Balances:
        """By settle currency, what can be added as margin and what lies behind isolated positions. Raises MargincallError.

        ``can_wait``: whether the call yields to the polls; not when the poll itself needs it.
        """

    @abstractmethod
    def term_shelves(self) -> Sequence[Shelf[Any]]:
        """The shelves that `refresh_terms` is about: those of the maintenance tiers."""

    @abstractmethod
    async def read_stops(self, family: str, instrument_ids: frozenset[str]) -> Mapping[str, Sequence[RestingOrder]]:
        """The orders that may close a position on its losing side, for each of ``instrument_ids``. Raises MargincallError."""

    @abstractmethod
    async def read_records(self, asked: Asked, call: Call, found: Gathered) -> None:
        """Gather the fills and the money of one position. Raises MargincallError where the fills cannot be read in full."""

    @abstractmethod
    async def read_key(self) -> KeyFacts | None:
        """What the account's key may do; None where the exchange does not say. Raises MargincallError."""

    @abstractmethod
    def account_checks(self) -> AccountChecks:
        """What `check` tells beyond connection, clock and families: position mode, the key's rights and the like."""

    async def fetch_family(self, family: str) -> FamilyReading:
        """Every open position of one family, read now; see the port."""
        key = FamilyKey(exchange=self.exchange, account=self.account, family=family)
        at = self.clock.now()
        started = self.clock.monotonic()
        last = self._tried.get(family)
        self._tried[family] = started
        total, patience = (FIRST_SECONDS, _FIRST_PATIENCE) if last is None else (POLL_SECONDS, _PATIENCE)
        deadline = asyncio.get_running_loop().time() + total
        near = last is not None and started - last < _FREE_NEAR
        try:
            async with asyncio.timeout_at(deadline):
                await self._balances.have({family}, max_age=_FREE_NEAR if near else _FREE_EVERY)
                content = await self.read_family(family, _patience(deadline, patience))
                _refuse_twins(content)
                if near:
                    await self._tell_stops(family, content.positions)
                remark = await self._doubted(family, content, _patience(deadline, _DOUBT_PATIENCE))
                if last is None:
                    await self._balances.have({family}, within=_patience(deadline, _PATIENCE)())
        except NotOpened as error:
            if family in self._was_read:
                return _failure(key, at, error)
            return FamilyNotOpened(key=key, at=at, message=error.message)
        except MargincallError as error:
            return _failure(key, at, error)
        except TimeoutError:
            return _failure(key, at, TimedOut(f"no whole answer within {total:.0f} seconds"))
        except Exception as error:  # noqa: BLE001 - a reply of unforeseen shape is a failed poll, never the end of polling
            return _failure(key, at, BadReading(f"a reply has not the expected shape ({type(error).__name__})"))
        self._was_read.add(family)
        balances = self._balances.get(family, at_most=_FREE_KEPT)
        self._mind_the_balance(family, content.positions)
        return FamilySnapshot(
            key=key,
            at=at,
            positions=tuple(content.positions),
            unguarded=tuple(content.unguarded),
            free=balances.free if balances is not None else {},
            free_at=None if balances is None else self.clock.now() - timedelta(seconds=self._balances.age(family)),
            remark=remark,
        )

    async def fetch_key(self) -> KeyFacts | None:
        """What the account's key may do; see the port."""
        try:
            async with asyncio.timeout(_KEY_SECONDS):
                return await self.read_key()
        except Exception:  # noqa: BLE001 - no answer, or one of unforeseen shape, says nothing of the key
            return None

    async def fetch_records(self, inquiry: Inquiry) -> Records:
        """What the exchange's own records tell of one position; see the port."""
        family, currency = inquiry.position.family, inquiry.position.instrument.settle_currency

        async def free() -> Decimal | None:
            return (await self.read_balances(family, can_wait=True)).free.get(currency)

        return await fetched(self.read_records, free, inquiry, session=self.session, clock=self.clock)

    def refresh_terms(self, instrument_ids: Collection[str]) -> None:
        """Ask that the maintenance tiers of these instruments be read again soon; at most every 10 minutes each."""
        for shelf in self.term_shelves():
            shelf.refresh(instrument_ids)

    def expect(self, positions: Collection[Position]) -> None:
        """These were open when an earlier run last looked; see the port."""
        for family, doubt in self._doubts.items():
            doubt.remember([position for position in positions if position.family == family])

    async def inspect(self, *, polled: bool = False) -> Sequence[CheckLine]:
        """What `check` tells of this account; see the port."""
        from monitor.exchanges.inspection import inspected  # noqa: PLC0415 - it needs this class

        return await inspected(self, polled=polled)

    async def close(self) -> None:
        """Let go of every connection, at once."""
        await self.session.close()

    async def _doubted(self, family: str, content: FamilyContent, patience: Patience) -> str:
        """What speaks against the content although it is taken as true; raises BadReading where it cannot be true yet.

        An empty list is believed on the word of a balance that was read after it came: then the balance is no background
        matter, and asked ahead of all that can wait.
        """
        doubt, now = self._doubts[family], self.clock.monotonic()
        if content.positions or content.unguarded or content.others:
            read_at = now - self._balances.age(family)
            is_new = read_at > self._balance_seen.get(family, float("-inf"))
            self._balance_seen[family] = read_at
            doubt.remember(content.positions, self._balances.get(family) if is_new else None)
            return ""
        if not doubt.margins:
            return ""
        since = doubt.begin(now)
        readable = self._balances.get(family) is not None
        asked = self._balance_asked.get(family, float("-inf"))
        if asked < since or now - asked >= _DOUBT_EVERY:
            self._balance_asked[family] = now
            await self._balance_now(family, patience())
            now = self.clock.monotonic()
        return doubt.settle(self._balances.get(family, at_most=now - since), now, readable=readable)

    async def _balance_now(self, family: str, within: float) -> None:
        """Read a family's balance at once, if that can be done."""
        with contextlib.suppress(MargincallError, TimeoutError, *UNREADABLE):
            async with asyncio.timeout(within):
                self._balances.put(family, await self.read_balances(family, can_wait=False))

    async def _tell_stops(self, family: str, positions: Sequence[Position]) -> None:
        """Note on positions just read what is known of their resting stops, read in the background: no poll waits for it."""
        shelf = self._stops[family]
        await shelf.have({position.instrument.instrument_id for position in positions})
        for position in positions:
            orders = shelf.get(position.instrument.instrument_id, at_most=_STOPS_KEPT)
            stops = stops_of(position, orders) if orders is not None else None
            # What a position's own row tells of a stop is from this very poll.
            known = position.stops or stops
            if known is not position.stops:
                # Made by this very poll and nobody else's yet: a copy of each would cost more than its rules do.
                object.__setattr__(position, "stops", known)

    def _mind_the_balance(self, family: str, positions: Sequence[Position]) -> None:
        """Where margins or positions came or went, the balance has moved too: it is read again with the next poll."""
        margins = [(position.instrument.instrument_id, position.isolated_margin) for position in positions]
        if self._margins.get(family, margins) != margins:
            self._balances.expire({family})
        self._margins[family] = margins

    async def _all_balances(self, families: frozenset[str]) -> Mapping[str, Balances]:
        """The balances of some families."""
        return {family: await self.read_balances(family, can_wait=True) for family in families}


def cause_of(error: MargincallError) -> str:
    """The class name of an error in snake case: ``timed_out``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def _failure(key: FamilyKey, at: datetime, error: MargincallError) -> FamilyFailure:
    """A poll that brought nothing, in words for a person."""
    until = error.until if isinstance(error, RateLimited) else None
    return FamilyFailure(key=key, at=at, cause=cause_of(error), message=error.message, hint=error.advice, until=until)


def _patience(deadline: float, at_most: float) -> Patience:
    """What is left for waiting, so that the reading itself still ends in time."""
    return lambda: max(0.0, min(at_most, deadline - asyncio.get_running_loop().time() - 0.3))


def _refuse_twins(content: FamilyContent) -> None:
    """Raises BadReading where one reply tells the same position twice: no saying which one is true."""
    keys: list[Hashable] = [*(position.key for position in content.positions), *content.unguarded]
    if len(set(keys)) == len(keys):
        return
    twice = [key for key, count in Counter(keys).items() if count > 1]
    raise BadReading(f"the exchange reports {getattr(twice[0], 'symbol', '')} twice in one reply")
