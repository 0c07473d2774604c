"""What was raised, what arrived, what arrived twice: the store's rows against what the channels' services accepted."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.e2e.stage import Arrival

_ROWS = """SELECT deliveries.id, deliveries.message, deliveries.channel, deliveries.state, deliveries.detail,
    messages.title, messages.code, messages.why, messages.kind
    FROM deliveries JOIN messages ON messages.id = deliveries.message ORDER BY deliveries.id"""
NO_ALERTS = {"started", "stopped", "summary"}


class Row(NamedTuple):
    """One delivery with what matters of its message."""

    id: int
    message: str
    channel: str
    state: str
    detail: str
    title: str
    code: str
    why: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """``raised``: alerts, each with its worsenings, repeats and its end. ``lost``: what never arrived, in words.

    ``twice``: by channel, how many messages came more often than they were to be sent.
    """

    raised: int
    lost: tuple[str, ...]
    twice: Counter[str]


def rows(store: Path) -> list[Row]:
    """Every delivery of the store."""
    connection = sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)
    try:
        return [Row(*row) for row in connection.execute(_ROWS)]
    finally:
        connection.close()


def account(deliveries: Iterable[Row], arrivals: Iterable[Arrival]) -> Account:
    """What became of these deliveries, given what arrived since they were made.

    A delivery has arrived when its channel's service accepted it, or the newer one that took its place.
    """
    known = {(row.message, row.channel): row for row in deliveries}
    came = Counter((one.channel, one.title, code) for one in arrivals for code in _codes(one))
    lost, wanted, meant = [], Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for row in known.values():
        key = (row.channel, row.title, row.code)
        last = row
        while last.state == "superseded" and (last.detail, row.channel) in known:
            last = known[last.detail, row.channel]
        if last.state != "accepted":
            lost.append(f"{row.why} #{row.code} {row.title!r} on {row.channel} is {last.state}")
        wanted[key] += row.state == "accepted"
        meant[key] += 1
    lost += [f"{key} was accepted {count} times, {came[key]} came" for key, count in wanted.items() if came[key] < count]
    twice: Counter[str] = Counter()
    for (channel, title, code), count in came.items():
        twice[channel] += max(0, count - meant[channel, title, code])
    raised = len({row.message for row in known.values() if row.why not in NO_ALERTS})
    return Account(raised=raised, lost=tuple(lost), twice=twice)


def _codes(arrival: Arrival) -> list[str]:
    """The codes in a message's last line; the first is its own."""
    last = arrival.body.rstrip().rpartition("\n")[2]
    return [word[1:] for word in last.split() if word.startswith("#")][:1]
