"""Rehearsal: a policy runs dry before it may move money, and begins anew when its owner lets it do more.

The clock belongs to the content: whatever lets a policy act earlier, oftener, on more positions or with more money restarts it;
what only narrows it does not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from monitor.margin.quantities import dec, plain
from monitor.topups.policy import Measure, Mode, TopUpPolicy
from monitor.topups.state import Rehearsal, TopUpMemory


def rehearsing(policy: TopUpPolicy, memory: TopUpMemory, now: datetime) -> bool:
    """Whether the policy must still run dry."""
    if policy.skip_rehearsal:
        return False
    known = memory.rehearsals.get(policy.name)
    return known is None or begins_anew(known.content, policy) or now - known.since < policy.rehearsal


def begun(policy: TopUpPolicy, memory: TopUpMemory, now: datetime) -> Rehearsal | None:
    """The policy's rehearsal as it is to be remembered from now on; None where what is remembered is still right."""
    if policy.mode is Mode.OFF:
        return None
    known, content = memory.rehearsals.get(policy.name), content_of(policy)
    if known is None or begins_anew(known.content, policy):
        return Rehearsal(policy=policy.name, content=content, since=now)
    return None if known.content == content else Rehearsal(policy=policy.name, content=content, since=known.since)


def content_of(policy: TopUpPolicy) -> str:
    """What the policy may do, as text."""
    told = {
        "match": asdict(policy.match),
        "trigger": [policy.trigger.measure.value, plain(policy.trigger.value)],
        "target": None if policy.target is None else [policy.target.measure.value, plain(policy.target.value)],
        "step": _amounts(policy.step),
        "per_action": _amounts(policy.caps.per_action),
        "per_position": _amounts(policy.caps.per_position),
        "per_day": _amounts(policy.caps.per_day),
        "actions_per_day": policy.caps.actions_per_day,
        "keep_free": _amounts(policy.keep_free),
        "cooldown": policy.cooldown.total_seconds(),
        "price": None if policy.not_beyond.price is None else plain(policy.not_beyond.price),
        "loss": None if policy.not_beyond.loss is None else plain(policy.not_beyond.loss),
        "partial": policy.partial,
    }
    return json.dumps(told, sort_keys=True)


def begins_anew(content: str, policy: TopUpPolicy) -> bool:
    """Whether the policy may do anything that one of this ``content`` might not."""
    old, new = json.loads(content), json.loads(content_of(policy))
    if any(old[name] != new[name] for name in ("match", "price")):
        return True
    wider = [_more(old[name], new[name]) for name in ("step", "per_action", "per_position", "per_day")]
    wider.append(_more(new["keep_free"], old["keep_free"]))
    wider.append(_earlier(old["trigger"], new["trigger"]))
    wider.append(_farther(old["target"], new["target"]))
    wider.append(_count(old["actions_per_day"]) < _count(new["actions_per_day"]))
    wider.append(new["cooldown"] < old["cooldown"])
    wider.append(_bound(old["loss"]) < _bound(new["loss"]))
    wider.append(new["partial"] and not old["partial"])
    return any(wider)


def _amounts(given: Mapping[str, Decimal]) -> dict[str, str]:
    return {coin: plain(amount) for coin, amount in given.items()}


def _more(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Whether any amount is larger than it was, or new."""
    return any(dec(amount) > dec(old.get(coin, "0")) for coin, amount in new.items())


def _earlier(old: list[str], new: list[str]) -> bool:
    """Whether a trigger is reached sooner; another measure counts as sooner."""
    return old[0] != new[0] or _danger(new) < _danger(old)


def _farther(old: list[str] | None, new: list[str] | None) -> bool:
    """Whether a target lies farther from danger; another measure, or a target in place of a step, counts as farther."""
    if new is None:
        return old is not None
    return old is None or old[0] != new[0] or _danger(new) < _danger(old)


def _danger(line: list[str]) -> Decimal:
    """Larger is nearer to liquidation."""
    value = dec(line[1])
    return value if line[0] == Measure.MARGIN_USAGE.value else -value


def _count(most: Any) -> Decimal:
    return Decimal("Infinity") if most is None else Decimal(most)


def _bound(share: str | None) -> Decimal:
    return Decimal("Infinity") if share is None else dec(share)
