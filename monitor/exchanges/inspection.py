"""What `check` tells of an account: connection, clock, what is guarded in each family and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from monitor.alerts.rounding import line_share
from monitor.alerts.wording import doubts_in_words
from monitor.errors import ExchangeFault, MargincallError
from monitor.exchanges.key_lines import TOPIC, key_lines
from monitor.margin.fees import WITH_FEES
from monitor.margin.position import Position
from monitor.margin.reading import LEFT_OUT, UNREADABLE, FamilyFailure, FamilyNotOpened, FamilyReading, FamilySnapshot, Unguarded
from monitor.ports import CheckLine

if TYPE_CHECKING:
    from monitor.exchanges.family import AccountReader
    from monitor.exchanges.spec import Access

_ASK_SECONDS = 10.0
_SKEW_SECONDS = 1.0
"""From here on a machine's clock is worth mending, although requests are signed with the exchange's."""


async def inspected(reader: AccountReader, *, polled: bool = False) -> Sequence[CheckLine]:
    """All lines. What fails is told and the rest is still tried: one host of an exchange can be down while others answer.

    Only families decide whether the account can be guarded: what else does not answer is a warning. ``polled``: somebody polls
    the families anyway, so they are left to him.
    """
    no_clock = await _no_clock(reader)
    readings = await asyncio.gather(*(reader.fetch_family(family) for family in reader.families if not polled))
    answered = any(not isinstance(reading, FamilyFailure) for reading in readings)
    lines = [_site_line(reader.access), *_connection_lines(reader, no_clock, answered=answered)]
    for reading in readings:
        lines.extend(_family_lines(reading))
    for family, contracts in reader.unwatched.items():
        left = " and ".join(sorted(contracts))
        lines.append(CheckLine(status="ok", topic=family, text=f"{left} contracts are not watched: left out by `contracts`"))

    lines.extend(_stale_line(shelf.trouble) for shelf in reader.term_shelves() if shelf.trouble is not None)

    async def key() -> Sequence[CheckLine]:
        return list(key_lines(await reader.read_key(), reader.clock.now()))

    for topic, ask in {**reader.account_checks(), TOPIC: key}.items():
        lines.extend(await _asked(topic, ask))
    return lines


async def _no_clock(reader: AccountReader) -> ExchangeFault | None:
    """Measure how far apart the clocks are; why that failed, if it did."""
    try:
        await reader.session.sync_clock()
    except ExchangeFault as error:
        return error
    return None


async def _asked(topic: str, ask: Callable[[], Awaitable[Sequence[CheckLine]]]) -> Sequence[CheckLine]:
    """The lines of one question, or a warning where it had no answer."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            return await ask()
    except MargincallError as error:
        return [_unknown_line(topic, error.message, error.advice)]
    except TimeoutError:
        return [_unknown_line(topic, f"no whole answer within {_ASK_SECONDS:.0f} seconds")]
    except Exception as error:  # noqa: BLE001 - a reply of unforeseen shape says nothing, and must not hide the other lines
        return [_unknown_line(topic, f"an unforeseen answer ({type(error).__name__})")]


def _stale_line(trouble: MargincallError) -> CheckLine:
    """Tables that could not be read again: the old ones are given out meanwhile, and no position is marked for that."""
    text = f"maintenance tiers could not be read when they were last due: {trouble.message}"
    return CheckLine(status="warn", topic="tiers", text=text, advice=trouble.advice or "What was read before stands in.")


def _unknown_line(topic: str, why: str, advice: str = "") -> CheckLine:
    return CheckLine(status="warn", topic=topic, text=f"not known: {why}", advice=advice, known=False)


def _site_line(access: Access) -> CheckLine:
    """Whose hosts are asked: a key works only on the site on which it was made."""
    if access.endpoint is not None:
        text = f"{access.endpoint} stands in for the exchange's own hosts"
    else:
        text = f"the regional site {access.region}" if access.region else "the exchange's main site"
    demo = ", demo trading" if access.demo_trading else ""
    return CheckLine(status="ok", topic="site", text=text + demo)


def _connection_lines(reader: AccountReader, no_clock: ExchangeFault | None, *, answered: bool) -> list[CheckLine]:
    """Whether the exchange answers, how fast, and how far apart the clocks are."""
    if no_clock is None:
        pace = f"answers in {(reader.session.round_trip or 0.0) * 1000:.0f} ms"
        return [CheckLine(status="ok", topic="connection", text=pace), _clock_line(reader.session.clock_offset or 0.0)]
    if not answered:
        return [CheckLine(status="fail", topic="connection", text=no_clock.message, advice=no_clock.advice)]
    return [
        CheckLine(status="ok", topic="connection", text="answers"),
        _unknown_line("clock", no_clock.message, no_clock.advice),
    ]


def _clock_line(offset: float) -> CheckLine:
    """This machine's clock against the exchange's."""
    apart = f"this machine's clock is {abs(offset):.2f} s {'ahead of' if offset > 0 else 'behind'} the exchange's"
    if abs(offset) < _SKEW_SECONDS:
        return CheckLine(status="ok", topic="clock", text=apart)
    return CheckLine(status="warn", topic="clock", text=apart, advice="Keep this machine's clock in step (NTP).")


def _family_lines(reading: FamilyReading) -> list[CheckLine]:
    """What is guarded in one family."""
    topic = reading.key.family
    if isinstance(reading, FamilyFailure):
        return [CheckLine(status="fail", topic=topic, text=reading.message, advice=reading.hint)]
    if isinstance(reading, FamilyNotOpened):
        return [CheckLine(status="ok", topic=topic, text=f"not watched: {reading.message}")]
    return _snapshot_lines(topic, reading)


def _snapshot_lines(topic: str, snapshot: FamilySnapshot) -> list[CheckLine]:
    """The positions of a family that was read."""
    held = len(snapshot.positions)
    lines = [CheckLine(status="ok", topic=topic, text=f"{held} isolated {_positions(held)} guarded")]
    lines.extend(_unguarded_line(topic, unguarded) for unguarded in snapshot.unguarded)
    for position in snapshot.positions:
        name = f"{position.key.symbol} {position.key.side}"
        if position.exchange_adds_margin:
            lines.append(CheckLine(status="warn", topic=topic, text=f"{name}: the exchange adds margin by itself"))
        lines.extend(
            CheckLine(status="warn", topic=topic, text=f"{name}: {doubt}") for doubt in doubts_in_words(position.degraded)
        )
    return [*lines, *terms_lines(topic, snapshot.positions)]


def terms_lines(topic: str, positions: Sequence[Position]) -> list[CheckLine]:
    """Whether the exchange's tier tables and taker fees stand behind the figures of these positions."""
    held = len(positions)
    if not held:
        return []
    tables = sum(position.tiers is not None for position in positions)
    told = [
        CheckLine(
            status="ok" if tables == held else "warn",
            topic=topic,
            text=f"maintenance tiers read for {tables} of {held} {_positions(held)}",
            advice="" if tables == held else "Until they can be read, a worse case stands in.",
        )
    ]
    if positions[0].key.exchange in WITH_FEES:
        told.append(_fees_line(topic, positions))
    return told


def _fees_line(topic: str, positions: Sequence[Position]) -> CheckLine:
    """Whether the account's own taker fee is known where liquidation hangs on it."""
    rates = [position.taker_fee_rate for position in positions if position.taker_fee_rate is not None]
    held = len(positions)
    text = f"taker fee read for {len(rates)} of {held} {_positions(held)}"
    if rates:
        text += f": {' to '.join(dict.fromkeys(line_share(rate) for rate in (min(rates), max(rates))))}"
    if len(rates) == held:
        return CheckLine(status="ok", topic=topic, text=text)
    return CheckLine(status="warn", topic=topic, text=text, advice="Until it can be read, the exchange's regular fee stands in.")


def _unguarded_line(topic: str, unguarded: Unguarded) -> CheckLine:
    """An open position that is not guarded, and why."""
    if unguarded.mode == UNREADABLE:
        text = f"NOT guarded: {unguarded.symbol} cannot be read: {unguarded.why}"
        return CheckLine(status="warn", topic=topic, text=text, advice="Compare with the exchange's own page.")
    text = f"NOT guarded: {unguarded.symbol} {unguarded.side} ({unguarded.mode})"
    left_out = unguarded.mode == LEFT_OUT
    advice = "`contracts` of the account leaves it out." if left_out else "Only isolated swaps and futures are guarded."
    return CheckLine(status="warn", topic=topic, text=text, advice=advice)


def _positions(number: int) -> str:
    """The word in the right number."""
    return "position" if number == 1 else "positions"
