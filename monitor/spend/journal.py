"""The life of an intent over the memory: sent, answered, looked for, and recovered after a crash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.change import Change
from monitor.topups.evidence import Evidence
from monitor.topups.ledger import Intent, IntentEvent

LAG = timedelta(seconds=10)
"""For so long an exchange's own record may lag behind what it has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a send: ACCEPTED, REFUSED (also: certainly not sent) or UNCLEAR, in words, with the exchange's own code."""

    event: IntentEvent
    detail: str = ""
    code: str = ""


def recovered(memory: Memory, lease: int, now: datetime) -> Change:
    """At start, before anything is sent: what was being sent is UNKNOWN, what was only planned is ABANDONED."""
    raise NotImplementedError


def to_send(memory: Memory) -> tuple[Intent, ...]:
    """What is planned and may be begun, oldest first."""
    raise NotImplementedError


def to_reconcile(memory: Memory, now: datetime) -> tuple[Intent, ...]:
    """What nobody knows the outcome of and the exchange can no longer accept: to be looked for now."""
    raise NotImplementedError


def begin(
    memory: Memory, policy: Policy, intent_id: str, now: datetime, *, index_price: Decimal | None, window: timedelta
) -> Change:
    """Ask every guard again. The intent is SUBMITTING then, to be committed by ``Store.submit`` before it is sent, or ABANDONED.

    ``index_price``: as just read, None where the exchange has none. ``window``: the writer's.
    """
    raise NotImplementedError


def answered(memory: Memory, policy: Policy, intent_id: str, outcome: Outcome, now: datetime) -> Change:
    """What came of the send."""
    raise NotImplementedError


def looked(memory: Memory, policy: Policy, intent_id: str, evidence: Evidence, now: datetime) -> Change:
    """What one good look at the evidence says of an intent that is UNKNOWN."""
    raise NotImplementedError
