"""Between our values and columns: exact decimals as text, times as milliseconds since 1970 UTC.

Times lose what is finer than a millisecond, towards the past; nothing else loses anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware time."""
    return (at - _EPOCH) // _MS


def from_ms(at: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return _EPOCH + at * _MS


def ms_or_none(at: datetime | None) -> int | None:
    """``to_ms``, ``None`` staying ``None``."""
    return None if at is None else to_ms(at)


def time_or_none(at: int | None) -> datetime | None:
    """``from_ms``, ``None`` staying ``None``."""
    return None if at is None else from_ms(at)


def text_or_none(value: Decimal | None) -> str | None:
    """The exact text of a number, ``None`` staying ``None``."""
    return None if value is None else str(value)


def storable(text: str) -> str:
    """Foreign text without lone surrogates, which JSON can carry and no encoding takes: a bad reply must not stop a commit."""
    return text.encode("utf-8", "replace").decode("utf-8")


def insert(table: str, columns: Sequence[str], *, rows: int = 1) -> str:
    """The INSERT of so many rows; both arguments are names of our own."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - our own names


def replacing(columns: Sequence[str]) -> str:
    """The SET list of an upsert that takes every one of ``columns`` from the new row."""
    return ", ".join(f"{column} = excluded.{column}" for column in columns)
