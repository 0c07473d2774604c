"""What time alone means for the journal: what was not sent in time, what nobody answered, what can be settled or forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.book import Book
from monitor.spend.change import Change
from monitor.spend.journal import LAG
from monitor.topups.caps import DAY
from monitor.topups.ledger import Intent, IntentEvent, IntentState, moved
from monitor.topups.rehearsal import begun
from monitor.topups.state import TopUpMemory

PLAN_LASTS = timedelta(minutes=1)
"""A plan that was not sent by then is dropped: it was made for other figures."""


def after_tick(memory: Memory, policy: Policy, now: datetime) -> Change | None:
    """What follows from the time alone; None where nothing does."""
    top_ups = memory.top_ups
    if not (policy.top_ups.policies or top_ups.intents or top_ups.refusals):
        return None
    book = Book(memory=memory, policy=policy, now=now)
    for one in policy.top_ups.policies:
        rehearsal = begun(one, book.top_ups, now)
        if rehearsal is not None:
            book.rehearse(rehearsal)
    for intent in top_ups.intents.values():
        over = _overdue(intent, memory, now)
        if over is not None:
            book.enter(over)
    names = {one.name for one in policy.top_ups.policies}
    for name, key in top_ups.refusals:
        if name not in names or key not in memory.positions:
            book.end_refusal(name, key)
    change = book.done()
    return replace(change, memory=replace(change.memory, top_ups=_without_old(change.memory, now)))


def _overdue(intent: Intent, memory: Memory, now: datetime) -> Intent | None:
    """The intent as time makes it; None where it stays."""
    if intent.state is IntentState.PLANNED and now - intent.planned_at > PLAN_LASTS:
        return moved(intent, IntentEvent.DROPPED, now, detail="it could not be sent in time")
    if intent.state is IntentState.SUBMITTING and intent.valid_until is not None and now > intent.valid_until + LAG:
        return moved(intent, IntentEvent.UNCLEAR, now, detail="nobody noted an answer")
    if intent.state is IntentState.CONFIRMED:
        seen = memory.positions.get(intent.key)
        if seen is None or seen.epoch != intent.epoch or seen.mode:
            detail = "the exchange confirmed it; the position is no longer there to show it"
            return moved(intent, IntentEvent.SEEN, now, detail=detail)
    return None


def _without_old(memory: Memory, now: datetime) -> TopUpMemory:
    """What is remembered, without settled intents that no cap counts and no story of an ending needs any more."""
    kept = {name: one for name, one in memory.top_ups.intents.items() if _counts(one, memory, now)}
    return memory.top_ups if len(kept) == len(memory.top_ups.intents) else replace(memory.top_ups, intents=kept)


def _counts(intent: Intent, memory: Memory, now: datetime) -> bool:
    seen = memory.positions.get(intent.key)
    lives = seen is not None and seen.epoch == intent.epoch
    asked = (intent.key, intent.epoch) in memory.lives.cases
    return intent.is_open or lives or asked or now - (intent.submitted_at or intent.planned_at) <= DAY
