"""The circuit breaker: what went wrong often enough, or badly enough, that automatic margin stays off until a person looks."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.margin.position import PositionKey
from monitor.topups.ledger import Intent, IntentState

NEVER_SENT = frozenset({IntentState.PLANNED, IntentState.ABANDONED})
IN_DOUBT = frozenset(
    {
        IntentState.UNKNOWN,
        IntentState.RECONCILED_APPLIED,
        IntentState.RECONCILED_NOT_APPLIED,
        IntentState.DISPUTED,
    }
)
"""The states of an intent whose outcome was not known, for a while or for good."""


def broken_by(intent: Intent, intents: Iterable[Intent]) -> str:
    """Why ``intent``, as it has just become, is one too many; empty where it is not. ``intents``: all of them."""
    if intent.state is IntentState.DISPUTED:
        return f"nobody can tell what became of a change ({intent.detail})"
    if intent.state is IntentState.UNKNOWN:
        last = last_sent(intent.key, (one for one in intents if one.id != intent.id))
        if last is not None and last.state in IN_DOUBT:
            return "two changes in a row got no clear answer from the exchange"
    return ""


def last_sent(key: PositionKey, intents: Iterable[Intent]) -> Intent | None:
    """The last intent for a position that may have left this machine."""
    sent = [one for one in intents if one.key == key and one.state not in NEVER_SENT]
    return max(sent, key=lambda one: one.planned_at, default=None)
