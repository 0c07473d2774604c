"""Events: what happened in the life of a position, as far as it is known. Nothing is invented: ``gone`` is an answer too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.margin.position import PositionKey
from monitor.rules.base import Level


class EventKind(StrEnum):
    """What happened. ``found``: open when margincall first looked; ``not_isolated``: its margin mode became another one;
    ``gone``: it is no longer there, and no record says why.
    """

    FOUND = "found"
    OPENED = "opened"
    FLIPPED = "flipped"
    GREW = "grew"
    SHRANK = "shrank"
    LEVERAGE_CHANGED = "leverage_changed"
    MARGIN_ADDED = "margin_added"
    MARGIN_REDUCED = "margin_reduced"
    NOT_ISOLATED = "not_isolated"
    TIERS_CHANGED = "tiers_changed"
    PARTLY_LIQUIDATED = "partly_liquidated"
    LIQUIDATED = "liquidated"
    DELEVERAGED = "deleveraged"
    CLOSED = "closed"
    DELIVERED = "delivered"
    SETTLED = "settled"
    GONE = "gone"


ENDINGS = frozenset(
    {
        EventKind.LIQUIDATED,
        EventKind.DELEVERAGED,
        EventKind.CLOSED,
        EventKind.DELIVERED,
        EventKind.SETTLED,
        EventKind.GONE,
    }
)
"""After these the position may be gone; whether it is says ``ended``."""

LEVELS: Mapping[EventKind, Level | None] = {
    EventKind.FOUND: None,
    EventKind.OPENED: Level.INFO,
    EventKind.FLIPPED: Level.INFO,
    EventKind.GREW: Level.INFO,
    EventKind.SHRANK: Level.INFO,
    EventKind.LEVERAGE_CHANGED: Level.INFO,
    EventKind.MARGIN_ADDED: Level.INFO,
    EventKind.MARGIN_REDUCED: Level.INFO,
    EventKind.NOT_ISOLATED: None,
    EventKind.TIERS_CHANGED: None,
    EventKind.PARTLY_LIQUIDATED: Level.CRITICAL,
    EventKind.LIQUIDATED: Level.CRITICAL,
    EventKind.DELEVERAGED: Level.CRITICAL,
    EventKind.CLOSED: Level.INFO,
    EventKind.DELIVERED: Level.INFO,
    EventKind.SETTLED: Level.WARNING,
    EventKind.GONE: Level.CRITICAL,
}
"""How loud each kind is told unless the owner says otherwise; None: kept, and not told (the start message or a rule tells it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """What an ending, or a part of it, cost. Amounts in settle currency; ``profit``, ``fees``, ``funding`` and ``insurance``
    signed as they changed what the owner has; None where no record says.

    ``contracts`` were closed at ``exit_price`` (their average) from ``entry_price``; ``trigger_price``: the mark that set it off.
    ``margin``: the isolated margin behind the position when it was last read, with what came and went until then. Of a position
    that ended: ``funding`` since it was first seen here (``whole_life``: since it was opened); ``returned``: what must have come
    back to the wallet; ``observed``: what the balance shows; ``added`` in ``added_times`` by margincall. ``missing``: what could
    not be had, in words.
    """

    contracts: Decimal
    entry_price: Decimal
    margin: Decimal | None = None
    exit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    profit: Decimal | None = None
    fees: Decimal | None = None
    insurance: Decimal | None = None
    funding: Decimal | None = None
    returned: Decimal | None = None
    observed: Decimal | None = None
    added: Decimal = Decimal(0)
    added_times: int = 0
    missing: tuple[str, ...] = ()
    whole_life: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeEvent:
    """One event. ``at``: when it happened by the exchange's record (``since`` is None), or when it was first seen: then it
    happened after ``since``. ``seen_at``: when margincall knew of it.

    ``before`` and ``after``: contracts, or leverage, or margin, as the kind has it; ``unit``: what one contract is; ``amount``:
    of margin, signed. ``cause`` and ``actor`` as in a margin change. ``ended``: the position is gone with it. ``detail``: further
    words. ``waits``: it is told with what else happened while nothing watched.
    """

    key: PositionKey
    epoch: int
    kind: EventKind
    at: datetime
    seen_at: datetime
    since: datetime | None = None
    currency: str = ""
    unit: str = ""
    before: Decimal | None = None
    after: Decimal | None = None
    amount: Decimal | None = None
    cause: str = ""
    actor: str = ""
    ended: bool = False
    detail: str = ""
    breakdown: Breakdown | None = None
    waits: bool = False

    @property
    def id(self) -> str:
        """Its name in the store: what happened to whom, and when."""
        key, stamp = self.key, int(self.at.timestamp() * 1000)
        what = (self.kind.value, str(stamp), *(str(one) for one in (self.before, self.after, self.amount) if one is not None))
        return "|".join((key.exchange, key.account, key.symbol, key.side.value, str(self.epoch), *what))
