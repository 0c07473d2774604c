"""Armed: when the policy in charge of a position is asked whether it could act, and its answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from monitor.alerts.model import position_subject
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.spend.obstacles import situation_of
from monitor.topups.inert import why_inert


def inert_now(
    seen: PositionMemory, before: PositionMemory | None, remembered: Callable[[], Memory], policy: Policy, now: datetime
) -> str | None:
    """Why the policy in charge could not act, in words; empty where it could or none is in charge; None: not asked this time.

    It is asked when the position is new or was changed, at the first reading of a run, and at the first of each minute: that
    finds a balance, a key or a cap that has become too small, and hundreds of positions cost next to nothing. ``before``: the
    position at the reading before; ``remembered``: gives the memory with this reading taken in.
    """
    if before is not None and before.last_seen >= policy.watching_since and not _changed(before, seen):
        return None
    found = policy.top_ups.policy_for(position_subject(seen.key))
    if found is None:
        return ""
    memory = remembered()
    return why_inert(situation_of(seen, memory), found, policy.top_ups, memory.top_ups, now)


def _changed(before: PositionMemory, seen: PositionMemory) -> bool:
    old, new = before.assessment.position, seen.assessment.position
    if (before.epoch, old.contracts, old.isolated_margin) != (seen.epoch, new.contracts, new.isolated_margin):
        return True
    return _minute(before.last_seen) != _minute(seen.last_seen)


def _minute(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)
