"""Caps: what was spent so far and what may still be, in amount and in number. Whatever may have been sent counts as spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.alerts.rounding import digits
from monitor.margin.position import PositionKey
from monitor.margin.quantities import ZERO
from monitor.topups.ledger import Intent
from monitor.topups.policy import TopUpPolicy, TopUps
from monitor.topups.refusal import RefusalReason
from monitor.topups.situation import Situation
from monitor.topups.state import TopUpMemory

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much may still be added now, and which bound says so; ``reason`` names the tightest."""

    amount: Decimal
    reason: RefusalReason
    detail: str


def room(situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime) -> Room:
    """The tightest of all caps. A currency without a cap has no room at all."""
    coin, caps = situation.currency, policy.caps
    spent = [one for one in memory.intents.values() if one.is_spent and one.policy]
    recent = [one for one in spent if _moment(one) > now - DAY]
    mine = [one for one in recent if one.policy == policy.name]
    if actions_left(policy, memory, now) == 0:
        return Room(amount=ZERO, reason=RefusalReason.CAP_DAY, detail=f"{len(mine)} of {caps.actions_per_day} actions today")
    here = max(_sum(spent, coin, key=situation.key, epoch=situation.epoch), _sum(recent, coin, key=situation.key))
    bounds = [
        _bound(RefusalReason.CAP_ACTION, "per action", caps.per_action.get(coin), ZERO, coin),
        _bound(RefusalReason.CAP_POSITION, "per position", caps.per_position.get(coin), here, coin),
        _bound(RefusalReason.CAP_DAY, "per day", caps.per_day.get(coin), _sum(mine, coin), coin),
    ]
    above = top_ups.account_caps.get(situation.key.account, {}).get(coin)
    if above is not None:
        account = [one for one in recent if one.key.account == situation.key.account]
        bounds.append(_bound(RefusalReason.CAP_DAY, "per day of the account", above, _sum(account, coin), coin))
    return min(bounds, key=lambda one: one.amount)


def actions_left(policy: TopUpPolicy, memory: TopUpMemory, now: datetime) -> int | None:
    """How often the policy may still act within its rolling 24 hours; None without a bound."""
    if policy.caps.actions_per_day is None:
        return None
    done = sum(one.is_spent and one.policy == policy.name and _moment(one) > now - DAY for one in memory.intents.values())
    return max(policy.caps.actions_per_day - done, 0)


def spent_in_epoch(memory: TopUpMemory, key: PositionKey, epoch: int, currency: str) -> Decimal:
    """What policies and people added to this life of the position, as far as it may have been sent."""
    return _sum((one for one in memory.intents.values() if one.is_spent), currency, key=key, epoch=epoch)


def _bound(reason: RefusalReason, name: str, cap: Decimal | None, used: Decimal, coin: str) -> Room:
    if cap is None:
        return Room(amount=ZERO, reason=reason, detail=f"no cap {name} is set for {coin}")
    gone = f", of which {digits(used)} are used" if used else ""
    return Room(amount=max(cap - used, ZERO), reason=reason, detail=f"the cap {name} is {digits(cap)} {coin}{gone}")


def _sum(intents: Iterable[Intent], currency: str, *, key: PositionKey | None = None, epoch: int | None = None) -> Decimal:
    """What was added, of those that are about this currency, position and life."""
    amounts = (
        one.amount
        for one in intents
        if one.currency == currency and key in {None, one.key} and epoch in {None, one.epoch} and one.amount > 0
    )
    return sum(amounts, ZERO)


def _moment(intent: Intent) -> datetime:
    return intent.submitted_at or intent.planned_at
