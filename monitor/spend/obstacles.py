"""Obstacles: what keeps an intent that was planned from being sent now, and what a position looks like to a policy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.spend.byhand import still_against
from monitor.spend.standing import family_of, free_for
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.plan import recheck
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.situation import Situation

ON_ITS_WAY = frozenset({IntentState.SUBMITTING, IntentState.UNKNOWN, IntentState.CONFIRMED})
ARRIVED = frozenset({IntentState.VERIFIED, IntentState.RECONCILED_APPLIED, IntentState.DISPUTED})


def obstacle(intent: Intent, memory: Memory, policy: Policy, now: datetime, *, index_price: Decimal | None) -> Refusal | None:
    """The first guard that objects to sending the intent now; None where it may go."""
    seen = memory.positions.get(intent.key)
    if seen is None:
        return _refusal(intent, RefusalReason.POSITION_CHANGED, now, "the position is not open any more")
    if not intent.policy:
        return still_against(intent, seen, memory, policy, now)
    found = next((one for one in policy.top_ups.policies if one.name == intent.policy), None)
    if found is None:
        return _refusal(intent, RefusalReason.DISABLED, now, "the policy is not in the config any more")
    situation = situation_of(seen, memory, index_price=index_price)
    return recheck(intent, situation, found, policy.top_ups, memory.top_ups, now)


def situation_of(seen: PositionMemory, memory: Memory, *, index_price: Decimal | None = None) -> Situation:
    """A remembered position as a policy judges it."""
    family = family_of(memory, seen)
    return Situation(
        assessment=seen.assessment,
        epoch=seen.epoch,
        family=seen.family,
        read_at=seen.last_seen,
        free=_free_left(seen, memory),
        absences=seen.absences,
        mode=seen.mode,
        failing=family is None or family.failing > 0,
        index_price=index_price,
    )


def _free_left(seen: PositionMemory, memory: Memory) -> Decimal | None:
    """The free balance as read, less what was sent from it since, or may have been: two positions share one reserve."""
    free = free_for(memory, seen)
    if free is None:
        return None
    coin = seen.assessment.position.instrument.settle_currency
    for intent in memory.top_ups.intents.values():
        mine = (intent.key.exchange, intent.key.account, intent.currency) == (seen.key.exchange, seen.key.account, coin)
        if mine and intent.amount > 0 and _may_be_missing(intent, seen.last_seen):
            free -= intent.amount
    return free


def _may_be_missing(intent: Intent, read_at: datetime) -> bool:
    """Whether a balance read at ``read_at`` need not be without the intent's amount."""
    if intent.state in ON_ITS_WAY:
        return True
    return intent.state in ARRIVED and intent.submitted_at is not None and intent.submitted_at >= read_at


def _refusal(intent: Intent, reason: RefusalReason, now: datetime, detail: str) -> Refusal:
    return Refusal(policy=intent.policy, key=intent.key, reason=reason, since=now, detail=detail)
