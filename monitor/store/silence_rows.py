"""Silences as rows: the patterns of the matcher are JSON, the rest columns."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from monitor.alerts.matching import Matcher
from monitor.alerts.muting import Silence
from monitor.store.codec import Row, from_ms, storable, to_ms

SILENCE = ("id", "match", "since", "until", "emergencies", "comment")


def silence_row(silence: Silence) -> tuple[Any, ...]:
    """The SILENCE columns."""
    patterns = {field.name: list(getattr(silence.match, field.name)) for field in fields(Matcher)}
    return (
        silence.id,
        json.dumps({name: each for name, each in patterns.items() if each}),
        to_ms(silence.since),
        to_ms(silence.until),
        int(silence.emergencies),
        storable(silence.comment),
    )


def silence_of(row: Row) -> Silence:
    """The silence of a row of SILENCE columns."""
    return Silence(
        id=row[0],
        match=Matcher(**{name: tuple(each) for name, each in json.loads(row[1]).items()}),
        since=from_ms(row[2]),
        until=from_ms(row[3]),
        emergencies=bool(row[4]),
        comment=row[5],
    )
