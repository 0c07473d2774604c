"""The life of an intent over the memory: sent, answered, looked for, and recovered after a crash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.book import Book
from monitor.spend.change import Change
from monitor.spend.obstacles import obstacle
from monitor.spend.standing import stand_after, stand_in
from monitor.topups.evidence import Evidence
from monitor.topups.ledger import Intent, IntentEvent, IntentState, moved
from monitor.topups.reconcile import Finding, judge

LAG = timedelta(seconds=10)
"""For so long an exchange's own record may lag behind what it has done."""
LONGEST_WINDOW = timedelta(seconds=30)
"""No exchange accepts a request for longer than that after it was signed (OKX)."""
LOOKS = 2
"""So many good looks must find nothing before a change counts as not applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a send: ACCEPTED, REFUSED (also: certainly not sent) or UNCLEAR, in words, with the exchange's own code."""

    event: IntentEvent
    detail: str = ""
    code: str = ""


def recovered(memory: Memory, lease: int, now: datetime, policy: Policy | None = None) -> Change:
    """At start, before anything is sent: what was being sent is UNKNOWN, what was only planned is ABANDONED.

    ``lease``: the epoch of this daemon's lock. Nobody knows what the clock did meanwhile, so the wait for what is UNKNOWN begins
    anew: whatever left before cannot be accepted any later than one window from now.
    """
    book = Book(memory=memory, policy=policy, now=now)
    for intent in memory.top_ups.intents.values():
        if intent.state is IntentState.PLANNED:
            book.enter(moved(intent, IntentEvent.DROPPED, now, detail="margincall was restarted before it was sent"))
        elif intent.state is IntentState.SUBMITTING:
            book.enter(_waiting_anew(moved(intent, IntentEvent.UNCLEAR, now, detail="margincall ended while it was sent"), now))
        elif intent.state is IntentState.UNKNOWN:
            book.enter(_waiting_anew(intent, now))
    change = book.done()
    top_ups = replace(change.memory.top_ups, lease=lease)
    return replace(change, memory=replace(change.memory, top_ups=top_ups))


def to_send(memory: Memory) -> tuple[Intent, ...]:
    """What is planned and may be begun, oldest first.

    A person's own waits for a reading of its position that is younger than the order.
    """
    ready = []
    for intent in memory.top_ups.intents.values():
        if intent.state is not IntentState.PLANNED or intent.lease != memory.top_ups.lease:
            continue
        seen = memory.positions.get(intent.key)
        if intent.policy or seen is None or seen.last_seen >= intent.planned_at:
            ready.append(intent)
    return tuple(sorted(ready, key=lambda one: one.planned_at))


def to_reconcile(memory: Memory, now: datetime) -> tuple[Intent, ...]:
    """What nobody knows the outcome of and the exchange can no longer accept: to be looked for now."""
    return tuple(one for one in memory.top_ups.intents.values() if one.state is IntentState.UNKNOWN and _can_conclude(one, now))


def begin(
    memory: Memory, policy: Policy, intent_id: str, now: datetime, *, index_price: Decimal | None, window: timedelta
) -> Change:
    """Ask every guard again. The intent is SUBMITTING then, to be committed by ``Store.submit`` before it is sent, or ABANDONED.

    ``index_price``: as just read, None where the exchange has none. ``window``: the writer's. Raises ValueError for an intent
    that is not planned.
    """
    intent = memory.top_ups.intents[intent_id]
    book = Book(memory=memory, policy=policy, now=now)
    refusal = obstacle(intent, memory, policy, now, index_price=index_price)
    if refusal is not None:
        named = refusal.reason.value.replace("_", " ").lower()
        intent = moved(intent, IntentEvent.DROPPED, now, detail=f"{named}: {refusal.detail}" if refusal.detail else named)
        book.enter(intent)
        if intent.policy:
            book.refuse(refusal)
        return book.done(intent)
    submitted = moved(intent, IntentEvent.SUBMITTED, now)
    intent = replace(
        submitted, submitted_at=now, valid_until=now + window, before=stand_in(memory, intent.key) or submitted.before
    )
    book.enter(intent)
    return book.done(intent)


def answered(memory: Memory, policy: Policy, intent_id: str, outcome: Outcome, now: datetime) -> Change:
    """What came of the send. An answer to what is not being sent any more changes nothing: the evidence will tell."""
    book = Book(memory=memory, policy=policy, now=now)
    intent = memory.top_ups.intents[intent_id]
    if intent.state is not IntentState.SUBMITTING:
        return book.done(intent)
    intent = moved(intent, outcome.event, now, detail=outcome.detail, code=outcome.code)
    book.enter(intent)
    return book.done(intent)


def looked(memory: Memory, policy: Policy, intent_id: str, evidence: Evidence, now: datetime) -> Change:
    """What one good look at the evidence says of an intent; one that is not UNKNOWN any more stays as it is.

    A trace settles it at any time; that there is none counts only once the exchange can no longer accept the request.
    """
    book = Book(memory=memory, policy=policy, now=now)
    intent = memory.top_ups.intents[intent_id]
    if intent.state is not IntentState.UNKNOWN:
        return book.done(intent)
    verdict = judge(intent, evidence)
    if verdict.finding is Finding.APPLIED:
        intent = replace(moved(intent, IntentEvent.FOUND, now, detail=verdict.detail), after=stand_after(memory, intent))
    elif not _can_conclude(intent, evidence.at):
        return book.done(intent)
    elif verdict.finding is Finding.CONTRADICTORY:
        intent = moved(intent, IntentEvent.CONTRADICTED, now, detail=verdict.detail)
    elif intent.looks + 1 < LOOKS:
        intent = replace(intent, looks=intent.looks + 1)
    else:
        intent = moved(intent, IntentEvent.NOT_FOUND, now, detail=verdict.detail)
    book.enter(intent)
    return book.done(intent)


def _can_conclude(intent: Intent, at: datetime) -> bool:
    """Whether at ``at`` the request can no longer be accepted, and the record shows all that was."""
    return intent.valid_until is not None and intent.valid_until + LAG <= at


def _waiting_anew(intent: Intent, now: datetime) -> Intent:
    """The wait from now on. A window that was lengthened by an earlier recovery counts as the longest there is."""
    submitted, valid = intent.submitted_at or now, intent.valid_until or now
    window = min(valid - submitted, LONGEST_WINDOW)
    return replace(intent, submitted_at=min(submitted, now), valid_until=now + window, looks=0)
