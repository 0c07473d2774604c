"""Policies, intents and margin changes as documents and lines: for `topups` and `margin`."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.alerts.rounding import money_down, money_up, share_up, span
from monitor.cli.documents import iso
from monitor.margin.quantities import plain, plain_or_none
from monitor.topups.caps import DAY
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import Intent, Stand
from monitor.topups.plan import trigger_in_words
from monitor.topups.policy import Mode, TopUpPolicy
from monitor.topups.rehearsal import rehearsing
from monitor.topups.state import TopUpMemory
from monitor.topups.wording import place, price

AT_ONCE = timedelta(seconds=1)
"""Two readings that lie closer together are one moment for people."""


def policy_document(policy: TopUpPolicy, memory: TopUpMemory, now: datetime) -> dict[str, Any]:
    """One policy as it is now; amounts by coin, as text."""
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in memory.intents.values():
        if one.policy == policy.name and one.is_spent and now - (one.submitted_at or one.planned_at) <= DAY:
            spent[one.currency] += one.amount
    refusals = [one for (name, _), one in memory.refusals.items() if name == policy.name]
    return {
        "name": policy.name,
        "match": policy.match.describe(),
        "state": state_of(policy, memory, now),
        "trigger": trigger_in_words(policy.trigger),
        "lands_at": None if policy.target is None else trigger_in_words(policy.target),
        "step": _amounts(policy.step),
        "per_action": _amounts(policy.caps.per_action),
        "per_position": _amounts(policy.caps.per_position),
        "per_day": _amounts(policy.caps.per_day),
        "actions_per_day": policy.caps.actions_per_day,
        "keep_free": _amounts(policy.keep_free),
        "cooldown": span(policy.cooldown),
        "added_today": _amounts(spent),
        "refusals": [f"{place(one.key)}: {one.reason.value} {one.detail}".strip() for one in refusals],
        "circuits": [f"{place(one.key)}: {one.reason}" for one in memory.circuits.values()],
    }


def state_of(policy: TopUpPolicy, memory: TopUpMemory, now: datetime) -> str:
    """What the policy may do now, in a few words."""
    if policy.mode is Mode.OFF:
        return "off"
    if memory.stopped_at is not None:
        return "stopped"
    if policy.name in memory.paused:
        return "paused"
    if policy.mode is Mode.AUTO and rehearsing(policy, memory, now):
        known = memory.rehearsals.get(policy.name)
        left = policy.rehearsal if known is None else policy.rehearsal - (now - known.since)
        return f"rehearses for {span(left)} more"
    return policy.mode.value


def intent_document(intent: Intent) -> dict[str, Any]:
    """One row of the journal."""
    return {
        "id": intent.id,
        "at": iso(intent.submitted_at or intent.planned_at),
        "account": intent.key.account,
        "symbol": intent.key.symbol,
        "side": intent.key.side.value,
        "amount": plain(intent.amount),
        "currency": intent.currency,
        "policy": intent.policy or None,
        "state": intent.state.value,
        "detail": intent.detail,
    }


def intent_line(intent: Intent) -> str:
    """One row of the journal, for people."""
    at = (intent.submitted_at or intent.planned_at).astimezone()
    detail = f" ({intent.detail})" if intent.detail else ""
    return f"{at:%m-%d %H:%M:%S}  {intent.state.value}  {money_up(intent.amount, intent.currency)}  {place(intent.key)}{detail}"


def change_document(change: MarginChange) -> dict[str, Any]:
    """One margin change."""
    return {
        "at": iso(change.at),
        "account": change.key.account,
        "symbol": change.key.symbol,
        "side": change.key.side.value,
        "amount": plain(change.amount),
        "currency": change.currency,
        "cause": change.cause.value,
        "actor": change.actor or None,
        "intent": change.intent or None,
        "since": iso(change.since),
        "record": change.record or None,
        "before": _stand(change.before),
        "after": _stand(change.after),
    }


CHANGE_FIELDS = (
    "at",
    "since",
    "record",
    "account",
    "symbol",
    "side",
    "amount",
    "currency",
    "cause",
    "actor",
    "intent",
    "equity_before",
    "equity_after",
    "margin_usage_before",
    "margin_usage_after",
    "liquidation_price_before",
    "liquidation_price_after",
)
"""The columns of the CSV of margin changes."""


def change_row(change: MarginChange) -> dict[str, Any]:
    """One margin change as a row of CHANGE_FIELDS."""
    document = change_document(change)
    stands = [(when, document.pop(when)) for when in ("before", "after")]
    return {**document, **{f"{name}_{when}": value for when, stand in stands for name, value in stand.items()}}


def change_cells(change: MarginChange) -> tuple[str, ...]:
    """One margin change for people: when, how that is known, account, position, amount, by whom, and how it stood."""
    was, now, coin = change.before, change.after, change.currency
    sign = "+" if change.amount > 0 else ""
    return (
        f"{change.at.astimezone():%m-%d %H:%M:%S}",
        _known(change),
        change.key.account,
        place(change.key),
        f"{sign}{money_down(change.amount, coin)}",
        change.actor or change.cause.value,
        " -> ".join(money_down(one.equity, coin).removesuffix(f" {coin}") for one in (was, now)),
        " -> ".join("over 100 %" if one.margin_usage is None else share_up(one.margin_usage) for one in (was, now)),
        " -> ".join("none" if one.liquidation_price is None else price(one.liquidation_price) for one in (was, now)),
    )


def _known(change: MarginChange) -> str:
    """The exchange's record confirms it, at its own time; or it was only seen between two readings."""
    if change.record:
        return "recorded"
    apart = change.at - change.since
    return "seen then" if apart < AT_ONCE else f"seen within {span(apart)}"


def _stand(stand: Stand) -> dict[str, Any]:
    return {
        "equity": plain(stand.equity),
        "margin_usage": plain_or_none(stand.margin_usage),
        "liquidation_price": plain_or_none(stand.liquidation_price),
    }


def _amounts(amounts: Any) -> dict[str, str]:
    return {coin: plain(amount) for coin, amount in amounts.items()}
