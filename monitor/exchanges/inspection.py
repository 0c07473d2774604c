"""What `check` tells of an account: connection, clock, what is guarded in each family and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.errors import ExchangeFault, MargincallError
from monitor.margin.reading import FamilyFailure, FamilyNotOpened, FamilyReading, FamilySnapshot
from monitor.ports import CheckLine

if TYPE_CHECKING:
    from monitor.exchanges.family import AccountReader

_SKEW_SECONDS = 1.0
"""From here on a machine's clock is worth mending, although requests are signed with the exchange's."""


async def inspected(reader: AccountReader) -> Sequence[CheckLine]:
    """All lines. What fails is told and the rest is still tried: one host of an exchange can be down while others answer."""
    lines = await _connection_lines(reader)
    readings = await asyncio.gather(*(reader.fetch_family(family) for family in reader.families))
    for reading in readings:
        lines.extend(_family_lines(reading))
    lines.extend(CheckLine(status="ok", topic=family, text="not watched: left out by `contracts`") for family in reader.unwatched)
    try:
        async with asyncio.timeout(10.0):
            lines.extend(await reader.account_lines())
    except MargincallError as error:
        lines.append(_fail("account", error))
    except TimeoutError:
        lines.append(CheckLine(status="fail", topic="account", text="no whole answer within 10 seconds"))
    return lines


async def _connection_lines(reader: AccountReader) -> list[CheckLine]:
    """Whether the exchange answers, how fast, and how far apart the clocks are."""
    try:
        await reader.session.sync_clock()
    except ExchangeFault as error:
        return [_fail("connection", error)]
    answered = f"answers in {(reader.session.round_trip or 0.0) * 1000:.0f} ms"
    return [CheckLine(status="ok", topic="connection", text=answered), _clock_line(reader.session.clock_offset or 0.0)]


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
    lines = [CheckLine(status="ok", topic=topic, text=f"{len(snapshot.positions)} isolated positions guarded")]
    lines.extend(
        CheckLine(
            status="warn",
            topic=topic,
            text=f"NOT guarded: {unguarded.symbol} {unguarded.side} ({unguarded.mode})",
            advice="Only isolated positions are guarded.",
        )
        for unguarded in snapshot.unguarded
    )
    for position in snapshot.positions:
        name = f"{position.key.symbol} {position.key.side}"
        if position.exchange_adds_margin:
            lines.append(CheckLine(status="warn", topic=topic, text=f"{name}: the exchange adds margin by itself"))
        if position.degraded:
            missing = ", ".join(mark.replace("_", " ") for mark in position.degraded)
            lines.append(CheckLine(status="warn", topic=topic, text=f"{name}: figures on the safe side ({missing})"))
    tables = sum(position.tiers is not None for position in snapshot.positions)
    if snapshot.positions:
        fresh = "ok" if tables == len(snapshot.positions) else "warn"
        text = f"maintenance tiers read for {tables} of {len(snapshot.positions)} positions"
        lines.append(CheckLine(status=fresh, topic=topic, text=text))
    return lines


def _fail(topic: str, error: MargincallError) -> CheckLine:
    """An error as a line."""
    return CheckLine(status="fail", topic=topic, text=error.message, advice=error.advice)
