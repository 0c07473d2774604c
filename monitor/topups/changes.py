"""Margin changes: what was added to a position's margin or taken out of it, by whomever, with the values before and after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.margin.position import PositionKey
from monitor.topups.ledger import Stand


class ChangeCause(StrEnum):
    """Who or what changed a margin, as far as it is known; ``unknown`` is an answer."""

    TOP_UP = "top_up"
    BY_HAND = "by_hand"
    ELSEWHERE = "elsewhere"
    FILL = "fill"
    FUNDING = "funding"
    LEVERAGE = "leverage"
    EXCHANGE = "exchange"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginChange:
    """One change. ``amount``: settle currency, below 0 for taken out. ``actor``: the policy's name, ``you`` for a person's own
    through margincall, empty where nobody is known. ``intent``: the id of ours, else empty. ``at`` is when it was first seen;
    it happened after ``since``, the reading before. ``record``: the exchange's own name of it, where its records confirm it; then
    ``since`` and ``at`` are the exchange's time.
    """

    key: PositionKey
    epoch: int
    at: datetime
    since: datetime
    amount: Decimal
    currency: str
    cause: ChangeCause
    before: Stand
    after: Stand
    actor: str = ""
    intent: str = ""
    record: str = ""
