"""Events and cases as rows. A breakdown is JSON of exact texts: it is shown, never searched."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

from monitor.lives.case import Case
from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.margin.quantities import dec, dec_or_none
from monitor.store.codec import Row, from_ms, insert, ms_or_none, replacing, storable, text_or_none, time_or_none, to_ms
from monitor.store.position_rows import key_of

EVENT = (
    "exchange", "account", "symbol", "side", "id", "epoch", "kind", "at", "since", "seen_at", "currency", "before_", "after_",
    "amount", "cause", "actor", "ended", "detail", "breakdown", "waiting", "unit",
)  # fmt: skip
KEEP_EVENT = f"{insert('events', EVENT)} ON CONFLICT (id) DO UPDATE SET {replacing(EVENT[5:])}"

CASE = (
    "life", "since", "until", "contracts", "ended", "due", "free", "others", "away", "told", "tries", "free_at", "read_at",
    "birth", "begun", "prior",
)  # fmt: skip
KEEP_CASE = f"{insert('cases', CASE)} ON CONFLICT (life) DO UPDATE SET {replacing(CASE[1:])}"

_AMOUNTS = tuple(part.name for part in fields(Breakdown) if part.name not in {"added_times", "missing", "whole_life"})


def event_row(event: LifeEvent) -> tuple[Any, ...]:
    """The EVENT columns."""
    key = event.key
    return (
        key.exchange,
        key.account,
        key.symbol,
        key.side.value,
        event.id,
        event.epoch,
        event.kind.value,
        to_ms(event.at),
        ms_or_none(event.since),
        to_ms(event.seen_at),
        event.currency,
        text_or_none(event.before),
        text_or_none(event.after),
        text_or_none(event.amount),
        event.cause,
        storable(event.actor),
        int(event.ended),
        storable(event.detail),
        None if event.breakdown is None else breakdown_text(event.breakdown),
        int(event.waits),
        event.unit,
    )


def event_of(row: Row) -> LifeEvent:
    """The event of a row of EVENT columns."""
    return LifeEvent(
        key=key_of(row),
        epoch=row[5],
        kind=EventKind(row[6]),
        at=from_ms(row[7]),
        since=time_or_none(row[8]),
        seen_at=from_ms(row[9]),
        currency=row[10],
        before=dec_or_none(row[11]),
        after=dec_or_none(row[12]),
        amount=dec_or_none(row[13]),
        cause=row[14],
        actor=row[15],
        ended=bool(row[16]),
        detail=row[17],
        breakdown=None if row[18] is None else breakdown_of(row[18]),
        waits=bool(row[19]),
        unit=row[20],
    )


def case_row(case: Case, life: int) -> tuple[Any, ...]:
    """The CASE columns."""
    return (
        life,
        to_ms(case.since),
        to_ms(case.until),
        str(case.contracts),
        int(case.ended),
        to_ms(case.due),
        text_or_none(case.free),
        str(case.others),
        int(case.away),
        int(case.told),
        case.tries,
        ms_or_none(case.free_at),
        to_ms(case.read_at or case.since),
        case.birth.value if case.birth else "",
        ms_or_none(case.begun),
        str(case.prior),
    )


def breakdown_text(told: Breakdown) -> str:
    """The JSON of a breakdown; what is not known is left out."""
    kept: dict[str, Any] = {name: str(value) for name in _AMOUNTS if (value := getattr(told, name)) is not None}
    return json.dumps(
        {
            **kept,
            "added_times": told.added_times,
            "missing": [storable(one) for one in told.missing],
            "whole_life": told.whole_life,
        }
    )


def breakdown_of(text: str) -> Breakdown:
    """The breakdown of its JSON; raises ValueError or TypeError for what cannot be one."""
    kept = json.loads(text)
    amounts: dict[str, Decimal] = {name: dec(kept[name]) for name in _AMOUNTS if name in kept}
    return Breakdown(**amounts, added_times=kept["added_times"], missing=tuple(kept["missing"]), whole_life=kept["whole_life"])
