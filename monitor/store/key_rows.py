"""What is remembered of keys as rows: rights as words with commas between. No secret of a key is ever here."""

from __future__ import annotations

from typing import Any

from monitor.margin.reading import KeyFacts
from monitor.memory import KeyMemory
from monitor.store.codec import Row, from_ms, insert, ms_or_none, replacing, storable, time_or_none, to_ms

KEY = ("exchange", "account", "rights", "ip_bound", "expires_at", "read_at", "lost", "lost_at")
KEEP_KEY = f"{insert('keys', KEY)} ON CONFLICT (exchange, account) DO UPDATE SET {replacing(KEY[2:])}"


def key_row(key: KeyMemory) -> tuple[Any, ...]:
    """The KEY columns."""
    facts = key.facts
    return (
        facts.exchange,
        facts.account,
        storable(",".join(facts.rights)),
        None if facts.ip_bound is None else int(facts.ip_bound),
        ms_or_none(facts.expires_at),
        to_ms(key.read_at),
        storable(",".join(key.lost)),
        ms_or_none(key.lost_at),
    )


def key_of_row(row: Row) -> KeyMemory:
    """The memory of a row of KEY columns."""
    return KeyMemory(
        facts=KeyFacts(
            exchange=row[0],
            account=row[1],
            rights=_words(row[2]),
            ip_bound=None if row[3] is None else bool(row[3]),
            expires_at=time_or_none(row[4]),
        ),
        read_at=from_ms(row[5]),
        lost=_words(row[6]),
        lost_at=time_or_none(row[7]),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()
