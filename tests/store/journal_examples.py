"""Builders of what the journal keeps; every argument has a usual value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from monitor.topups.changes import ChangeCause, MarginChange
from monitor.topups.ledger import OPEN, Intent, IntentState, Stand
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit, Rehearsal
from tests.store.store_examples import MINUTE, NOW, D, key

WINDOW = timedelta(seconds=5)
UNSENT = frozenset({IntentState.PLANNED, IntentState.ABANDONED})


def stand(**changes: Any) -> Stand:
    values: dict[str, Any] = {
        "at": NOW,
        "contracts": D("0.5"),
        "mark_price": D(59000),
        "isolated_margin": D(3000),
        "equity": D(2500),
        **changes,
    }
    return Stand(**values)


def intent(**changes: Any) -> Intent:
    values: dict[str, Any] = {
        "id": "i1",
        "key": key(),
        "family": "usdm",
        "instrument_id": "BTCUSDT",
        "hedged": False,
        "currency": "USDT",
        "amount": D("25.4567"),
        "epoch": 1,
        "lease": 1,
        "state": IntentState.PLANNED,
        "planned_at": NOW,
        "before": stand(),
        **changes,
    }
    return Intent(**values)


def in_state(state: IntentState, **changes: Any) -> Intent:
    """An intent with the times that it must have in ``state``."""
    sent = {} if state in UNSENT else {"submitted_at": NOW, "valid_until": NOW + WINDOW}
    ended = {} if state in OPEN else {"settled_at": NOW + MINUTE}
    return intent(state=state, **{**sent, **ended, **changes})


def change(**changes: Any) -> MarginChange:
    values: dict[str, Any] = {
        "key": key(),
        "epoch": 1,
        "at": NOW,
        "since": NOW - MINUTE,
        "amount": D("-12.5"),
        "currency": "USDT",
        "cause": ChangeCause.ELSEWHERE,
        "before": stand(),
        "after": stand(at=NOW + MINUTE, isolated_margin=D("2987.5"), cushion=D("0.2")),
        **changes,
    }
    return MarginChange(**values)


def rehearsal(**changes: Any) -> Rehearsal:
    return Rehearsal(**{"policy": "btc_guard", "content": "trigger=0.3", "since": NOW, **changes})


def circuit(**changes: Any) -> Circuit:
    return Circuit(**{"key": key(), "opened_at": NOW, "reason": "two unknown outcomes in a row", **changes})


def refusal(**changes: Any) -> Refusal:
    values: dict[str, Any] = {
        "policy": "btc_guard",
        "key": key(),
        "reason": RefusalReason.INSUFFICIENT_BALANCE,
        "since": NOW,
        "detail": "needs 85 USDT, 12 free",
        **changes,
    }
    return Refusal(**values)
