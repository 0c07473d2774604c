"""Stand: a position as the journal notes it, and how much the whole remaining budget could still do for it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from monitor.margin.assessment import Assessment
from monitor.topups.ledger import Stand


def stand_of(assessment: Assessment, at: datetime, free: Decimal | None = None) -> Stand:
    """The position as read at ``at``; ``free``: the balance that could become margin, in settle currency."""
    position, judged = assessment.position, assessment.judged
    return Stand(
        at=at,
        contracts=position.contracts,
        mark_price=position.mark_price,
        isolated_margin=position.isolated_margin,
        equity=judged.equity,
        margin_usage=judged.margin_usage,
        cushion=judged.cushion,
        liquidation_price=judged.liquidation_price,
        free=free,
        changed=position.changed,
    )
