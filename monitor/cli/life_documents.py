"""What happened to positions, as documents and rows: for `events` and `postmortem`."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitor.alerts.rounding import digits, money_down, span
from monitor.cli.documents import iso
from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.lives.words import CAUSES
from monitor.margin.quantities import ZERO, plain, plain_or_none
from monitor.topups.wording import place

FIELDS = (
    "at",
    "since",
    "seen_at",
    "account",
    "exchange",
    "symbol",
    "side",
    "life",
    "event",
    "before",
    "after",
    "unit",
    "amount",
    "currency",
    "cause",
    "actor",
    "ended",
    "detail",
)
"""The columns of CSV; JSON has ``breakdown`` too."""
AT_ONCE = timedelta(seconds=1)
"""Two readings that lie closer together are one moment for people."""


def event_document(event: LifeEvent) -> dict[str, Any]:
    """One event; ``since`` is null where ``at`` is the exchange's own time."""
    return {
        "at": iso(event.at),
        "since": iso(event.since),
        "seen_at": iso(event.seen_at),
        "account": event.key.account,
        "exchange": event.key.exchange,
        "symbol": event.key.symbol,
        "side": event.key.side.value,
        "life": event.epoch,
        "event": event.kind.value,
        "before": plain_or_none(event.before),
        "after": plain_or_none(event.after),
        "unit": event.unit or None,
        "amount": plain_or_none(event.amount),
        "currency": event.currency,
        "cause": event.cause or None,
        "actor": event.actor or None,
        "ended": event.ended,
        "detail": event.detail or None,
        "breakdown": None if event.breakdown is None else breakdown_document(event.breakdown),
    }


def breakdown_document(told: Breakdown) -> dict[str, Any]:
    """What an ending cost; null for what no record tells."""
    document: dict[str, Any] = {}
    for part in fields(Breakdown):
        value = getattr(told, part.name)
        document[part.name] = plain(value) if isinstance(value, Decimal) else list(value) if part.name == "missing" else value
    return document


def event_cells(event: LifeEvent) -> tuple[str, ...]:
    """One event for people: when, how exactly that is known, account, position, what, before and after, amount, by whom."""
    return (
        f"{event.at.astimezone():%m-%d %H:%M:%S}",
        known(event),
        event.key.account,
        place(event.key),
        event.kind.value.replace("_", " "),
        _change(event),
        _amount(event),
        event.actor or CAUSES.get(event.cause, ""),
    )


def known(event: LifeEvent) -> str:
    """How exactly its time is known."""
    if event.since is None:
        return "first look" if event.kind is EventKind.FOUND else "exact"
    apart = event.at - event.since
    return "seen then" if apart < AT_ONCE else f"within {span(apart)} before"


def _change(event: LifeEvent) -> str:
    if event.before is None and event.after is None:
        return ""
    money = event.kind in {EventKind.MARGIN_ADDED, EventKind.MARGIN_REDUCED}
    was, now = (_figure(value, event.currency if money else "") for value in (event.before, event.after))
    times = "x" if event.kind is EventKind.LEVERAGE_CHANGED else ""
    return f"{was}{times} -> {now}{times}" if event.before is not None else now


def _figure(value: Decimal | None, coin: str) -> str:
    if value is None:
        return "-"
    return money_down(value, coin).removesuffix(f" {coin}") if coin else digits(value)


def _amount(event: LifeEvent) -> str:
    """What was added or taken out; of an ending what it brought or cost."""
    told = event.breakdown
    if event.amount is not None:
        return f"{'+' if event.amount > 0 else ''}{money_down(event.amount, event.currency)}"
    if told is None or told.profit is None:
        return ""
    net = told.profit + (told.fees or ZERO) + (told.insurance or ZERO)
    return f"{'+' if net > 0 else ''}{money_down(net, event.currency)}"
