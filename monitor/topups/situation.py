"""Situation: everything about one position that a plan depends on, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One open position now. ``read_at``: when the reading was asked for. ``failing``: the family's last poll failed.

    ``absences``: agreeing snapshots without it since. ``mode``: empty while isolated. ``free``: the balance that can become
    margin, settle currency; None where it is not known. ``index_price``: as just read, None where it was not asked for.
    """

    assessment: Assessment
    epoch: int
    family: str
    read_at: datetime
    free: Decimal | None
    absences: int = 0
    mode: str = ""
    failing: bool = False
    index_price: Decimal | None = None

    @property
    def key(self) -> PositionKey:
        """Whose situation it is."""
        return self.assessment.position.key

    @property
    def currency(self) -> str:
        """What its margin is counted in."""
        return self.assessment.position.instrument.settle_currency
