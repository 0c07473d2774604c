"""Asking an exchange for its own records of one position: in its own clock, in windows and pages, with a budget of calls.

What is not essential may be missing and is then named; a list that may have been cut is read again in halves, so that nothing
depends on which of its ends an exchange cuts off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply, ExchangeFault, MargincallError, TimedOut
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import UNREADABLE
from monitor.lives.records import Fill, FillCause, Flow, FlowKind, Inquiry, Records, Totals
from monitor.margin.position import Position
from monitor.ports import Clock

Row = Mapping[str, Any]
Call = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""The reply of an implicit method of ccxt to some parameters; raises ExchangeFault."""

MOST_CALLS = 60
"""So many calls an inquiry may make; what they do not reach is named as missing."""
DAY_MS = 24 * 3600 * 1000

_SLACK = timedelta(minutes=1)
_SAME_CHANGE = timedelta(seconds=0.25)
"""A fill and the change of its position may be that far apart in an exchange's own books."""
_SECONDS = 16.0
_LAST_SECONDS = 19.0
_CALL_SECONDS = 5.0
_GOOD_ROUND_TRIP = 0.1
_TOO_MANY = "too_many"
"""Our own code of a fault that asking again would not mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An inquiry made at ``at`` in the exchange's clock. ``ahead``: our clock less it; times in milliseconds, ends included."""

    inquiry: Inquiry
    at: datetime
    ahead: timedelta

    @property
    def position(self) -> Position:
        """The position that is asked about, as last read."""
        return self.inquiry.position

    def wants_money(self, fills: Sequence[Fill]) -> bool:
        """Whether more than these fills is asked for: a position that only became larger costs no more than they do."""
        return self.inquiry.money or any(fill.closes for fill in fills)

    @property
    def instrument_id(self) -> str:
        """The exchange's own name of its instrument."""
        return self.inquiry.position.instrument.instrument_id

    @property
    def since(self) -> int:
        """The first moment asked about, a minute early."""
        return self._theirs(self.inquiry.since - _SLACK)

    @property
    def until(self) -> int:
        """The last moment asked about, a minute late."""
        return self._theirs(self.inquiry.until + _SLACK)

    @property
    def life(self) -> int:
        """The first moment from which funding is wanted, a minute early."""
        return self._theirs(min(self.inquiry.life_since, self.inquiry.since) - _SLACK)

    @property
    def now(self) -> int:
        """The moment of asking."""
        return self._theirs(self.at)

    @property
    def born(self) -> int:
        """The exchange's own time of opening, where the position has one, else 0: what is older is of another life."""
        opened = self.inquiry.position.opened
        return int(opened) if opened.isdecimal() else 0

    @property
    def sized(self) -> datetime:
        """Until when fills are in the size that was read: the exchange's own time of the last change, else our time of reading.

        The two clocks agree to some hundredths of a second only, and a reading may show what is a moment old.
        """
        changed = self.inquiry.position.changed
        return self.ours(changed) + _SAME_CHANGE if changed.isdecimal() else self.inquiry.read_at

    def ours(self, exchange_ms: int | str) -> datetime:
        """A moment of the exchange in our time, aware UTC."""
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(exchange_ms)) + self.ahead

    def _theirs(self, at: datetime) -> int:
        return round((at - self.ahead).timestamp() * 1000)


@dataclass(slots=True)
class Gathered:
    """What was read so far, in any order; ``lack`` tells what was not."""

    fills: list[Fill] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    totals: Totals | None = None
    missing: list[str] = field(default_factory=list)
    again: bool = False
    kept: set[FlowKind] = field(default_factory=set)

    def lack(self, what: str, *, again: bool = False) -> None:
        """Name what is missing, once; ``again``: it may be there later."""
        if what not in self.missing:
            self.missing.append(what)
        self.again = self.again or again

    @contextmanager
    def may_lack(self, what: str) -> Iterator[None]:
        """A part without which the answer still is one: its fault becomes a word in ``missing``."""
        try:
            yield
        except MargincallError as error:
            self.lack(f"{what}: {error.message}", again=getattr(error, "code", "") != _TOO_MANY)
        except UNREADABLE as error:
            self.lack(f"{what}: the record has not the expected shape ({type(error).__name__})", again=True)


class Calls:
    """The calls of one inquiry: each gives way to the polls, and there is an end to their number and their time."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._left = MOST_CALLS
        self._end = clock.monotonic() + _SECONDS

    async def __call__(self, endpoint: str, params: Mapping[str, Any]) -> Any:
        """The reply of ccxt's implicit method ``endpoint``. Raises ExchangeFault."""
        seconds = self._end - self._clock.monotonic()
        if self._left == 0:
            raise BadReply(f"more than {MOST_CALLS} pages", code=_TOO_MANY)
        if seconds <= 0:
            raise TimedOut("no time was left to ask for it")
        self._left -= 1
        return await self._session.call(endpoint, params, within=min(_CALL_SECONDS, seconds), can_wait=True)


async def fetched(
    read: Callable[[Asked, Call, Gathered], Awaitable[None]],
    free: Callable[[], Awaitable[Decimal | None]],
    inquiry: Inquiry,
    *,
    session: Session,
    clock: Clock,
) -> Records:
    """The port's answer: what ``read`` gathers, with the ``free`` balance after it. Raises ExchangeFault, within 20 seconds."""
    at = clock.now()
    found = Gathered()
    balance = None
    try:
        async with asyncio.timeout(_LAST_SECONDS):
            await _tuned(session)
            asked = Asked(inquiry=inquiry, at=at, ahead=timedelta(seconds=session.clock_offset or 0.0))
            await read(asked, Calls(session, clock), found)
            if asked.wants_money(found.fills):
                with found.may_lack("the free balance"):
                    balance = await free()
    except ExchangeFault:
        raise
    except TimeoutError as error:
        raise TimedOut("the exchange's records did not come in time") from error
    except (MargincallError, *UNREADABLE) as error:
        raise BadReply(f"the exchange's records cannot be read ({type(error).__name__})") from error
    return Records(
        at=at,
        fills=tuple(sorted(found.fills, key=lambda fill: fill.at)),
        flows=tuple(sorted(found.flows, key=lambda flow: flow.at)),
        totals=found.totals,
        missing=tuple(found.missing),
        again=found.again,
        kept=frozenset(found.kept),
        free=balance,
    )


async def _tuned(session: Session) -> None:
    """See to it that the exchange's clock is known, and well if it can be. Raises ExchangeFault where it is not known at all.

    Which of a reading and a record was first is told by their times: a measurement that took long is made once more.
    """
    if session.clock_offset is None:
        await session.sync_clock()
    elif session.round_trip is None or session.round_trip > _GOOD_ROUND_TRIP:
        with suppress(ExchangeFault):
            await session.sync_clock()


async def swept(
    page: Callable[[int, int], Awaitable[list[Row]]], start: int, end: int, *, full: int, longest: int | None = None
) -> list[Row]:
    """All rows from ``start`` to ``end`` (milliseconds, included) of a list that gives at most ``full`` rows and no cursor.

    ``longest``: the longest window that may be asked. A full page is asked for again in halves. Raises BadReply where one
    millisecond holds more than a page.
    """
    rows: list[Row] = []
    for first, last in windows(start, end, longest=longest):
        got = await page(first, last)
        if len(got) < full:
            rows += got
            continue
        if first == last:
            raise BadReply("more records in a millisecond than a page holds")
        middle = (first + last) // 2
        rows += await swept(page, first, middle, full=full)
        rows += await swept(page, middle + 1, last, full=full)
    return rows


def windows(start: int, end: int, *, longest: int | None) -> Iterator[tuple[int, int]]:
    """From ``start`` to ``end`` (included) in windows of at most ``longest`` milliseconds, the newest first."""
    while start <= end:
        first = start if longest is None else max(start, end - longest + 1)
        yield first, end
        end = first - 1


def ended_by_exchange(position: Position) -> FillCause:
    """What it is called when the exchange closes a position with its contract: a dated one is delivered, others are settled.

    A guessed instrument has no date in its symbol; on Binance, where that can be, its own name still ends in one.
    """
    instrument = position.instrument
    dated = "-" in instrument.symbol.partition(":")[2] or instrument.instrument_id.rpartition("_")[2].isdecimal()
    return FillCause.DELIVERED if dated else FillCause.SETTLED
