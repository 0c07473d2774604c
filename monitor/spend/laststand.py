"""Last stand: what the policy in charge of a position could still do for it, in the words of an alert."""

from __future__ import annotations

from datetime import datetime

from monitor.alerts.model import position_subject
from monitor.alerts.rounding import liquidation_price, money_down
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.spend.obstacles import situation_of
from monitor.topups.preview import last_stand


def last_stand_words(seen: PositionMemory, memory: Memory, policy: Policy, now: datetime) -> str:
    """``btc_guard may still add 300 USDT; liquidation then 81,250``; empty for a position without a policy that is not off."""
    found = policy.top_ups.policy_for(position_subject(seen.key)) if policy.top_ups.policies else None
    if found is None or seen.mode:
        return ""
    stand = last_stand(situation_of(seen, memory), found, policy.top_ups, memory.top_ups, now)
    if stand is None:
        return ""
    if stand.held is not None:
        return f"{found.name} adds NOTHING: {stand.held.detail}."
    if not stand.budget:
        return f"{found.name} can add nothing more."
    position = seen.assessment.position
    then = "no price liquidates it then"
    if stand.liquidation_price is not None:
        then = f"liquidation then {liquidation_price(stand.liquidation_price, position)}"
    return f"{found.name} may still add {money_down(stand.budget, position.instrument.settle_currency)}; {then}."
