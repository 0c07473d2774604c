"""The birth of an intent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import position_subject
from monitor.memory import Memory, PositionMemory
from monitor.spend.standing import free_for
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.stand import stand_of


def planned(memory: Memory, seen: PositionMemory, amount: Decimal, now: datetime, *, policy: str = "", why: str = "") -> Intent:
    """A change of this position's margin, PLANNED. Its id, of lease, time and position, never comes twice."""
    position = seen.assessment.position
    lease = memory.top_ups.lease
    return Intent(
        id=f"{lease}-{int(now.timestamp() * 1000)}-{code_of('intent', position_subject(seen.key), now)}",
        key=seen.key,
        family=seen.family,
        instrument_id=position.instrument.instrument_id,
        hedged=position.hedged,
        currency=position.instrument.settle_currency,
        amount=amount,
        epoch=seen.epoch,
        lease=lease,
        state=IntentState.PLANNED,
        planned_at=now,
        before=stand_of(seen.assessment, at=seen.last_seen, free=free_for(memory, seen)),
        policy=policy,
        why=why,
    )
