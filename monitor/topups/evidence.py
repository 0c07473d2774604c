"""Evidence: what an exchange shows of a margin change whose outcome is not known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRow:
    """One margin change in an exchange's own record: ``amount`` in settle currency, below 0 for taken out; ``id`` its own name.

    ``at`` is in our own time, never earlier than true: a row of our own request is never before its submission. ``side``: long,
    short, or empty where the record does not say. ``by_hand``: a person's or an API's adjustment, not a fill's, funding's or the
    exchange's own automatic margin.
    """

    at: datetime
    amount: Decimal
    id: str = ""
    side: str = ""
    by_hand: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One good look, begun at ``at`` (aware UTC).

    ``rows``: the record since the intent was submitted (from a little before); None where the exchange keeps none (Bybit).
    ``isolated_margin``, ``contracts``, ``entry_price``, ``changed``: the position's; None and empty where it is not open.
    ``free``: the balance that can become margin, where it was read.
    """

    at: datetime
    rows: tuple[MarginRow, ...] | None
    isolated_margin: Decimal | None = None
    contracts: Decimal | None = None
    liquidation_price: Decimal | None = None
    entry_price: Decimal | None = None
    changed: str = ""
    free: Decimal | None = None
