"""Inert: whether a policy that may move money could make its first action, asked long before its trigger is reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerts.rounding import digits
from monitor.margin.position import PositionStatus
from monitor.topups.amount import reached
from monitor.topups.plan import plan
from monitor.topups.policy import Mode, TopUpPolicy, TopUps
from monitor.topups.preview import at_trigger
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.rehearsal import rehearsing
from monitor.topups.situation import Situation
from monitor.topups.state import TopUpMemory
from monitor.topups.wording import place


def why_inert(situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime) -> str | None:
    """Why the policy could not act if the mark were at its trigger now, in words; empty where it could, or is not armed.

    It is held against today's balance, caps and key. What passes by itself does not count (a cooldown, an old reading), nor what
    the owner did on purpose (the kill switch, a pause). None: cannot be said now, since the trigger is reached (a refusal is told
    then), a change of the margin is on its way, or the exchange is closing the position.
    """
    if policy.mode is not Mode.AUTO or rehearsing(policy, memory, now):
        return ""
    assessment = situation.assessment
    moving = any(one.is_open and one.key == situation.key for one in memory.intents.values())
    if moving or assessment.position.status is not PositionStatus.NORMAL or reached(policy.trigger, assessment.judged):
        return None
    there = at_trigger(situation, policy, now)
    if there is None:
        return ""
    calm = replace(there, failing=False, absences=0, index_price=None)
    ready = replace(policy, cooldown=timedelta(0))
    made = plan(calm, ready, top_ups, replace(memory, stopped_at=None, paused={}), now)
    if not isinstance(made, Refusal):
        return ""
    return f"{policy.name} could not act on {place(situation.key)}: {_because(made, calm)}"


def _because(refusal: Refusal, there: Situation) -> str:
    """The refusal's own words, but where they speak of the mark as if it were there already."""
    if refusal.reason is RefusalReason.PRICE_BOUND:
        mark = digits(there.assessment.position.mark_price)
        return f"its bound (not_beyond) is passed before its trigger, which is at a mark of about {mark}"
    return refusal.detail
