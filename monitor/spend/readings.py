"""What a reading means for the journal: confirmed changes are seen, margins that moved are noted, policies plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.alerts.model import position_subject
from monitor.memory import Memory, PositionMemory
from monitor.observe import Observation
from monitor.policy import Policy
from monitor.spend.book import Book
from monitor.spend.breaker import last_sent
from monitor.spend.change import Change
from monitor.spend.intents import planned
from monitor.spend.obstacles import situation_of
from monitor.spend.standing import free_for, stand_in
from monitor.topups.changes import ChangeCause
from monitor.topups.ledger import Intent, IntentEvent, IntentState, moved
from monitor.topups.plan import plan
from monitor.topups.policy import TopUpPolicy, TopUps
from monitor.topups.reconcile import Sight, sight
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.watch import seen_change
from monitor.topups.wording import partial_words

ANSWERED = timedelta(seconds=6)
"""A send has its answer by then: a reading begun later must show what was confirmed."""
READINGS = 3
"""So many readings that do not show a confirmed change make it disputed."""
KEPT_TOLD = timedelta(minutes=10)
"""A refusal whose trigger is no longer reached stays in force that long, so that a mark that swings tells nothing twice."""
FOUGHT_OVER = timedelta(hours=1)
"""Margin that somebody takes out within that time of our adding it opens the circuit."""


def after_reading(before: Memory, memory: Memory, observation: Observation, policy: Policy, now: datetime) -> Change | None:
    """What follows from a snapshot for the journal; None where nothing does. ``memory``: with the snapshot taken in."""
    book: Book | None = None
    intents = memory.top_ups.intents
    policies = policy.top_ups.policies
    for seen in observation.seen:
        old = before.positions.get(seen.key)
        moves = old is not None and old.assessment.position.isolated_margin != seen.assessment.position.isolated_margin
        if not (moves or intents or policies):
            continue
        book = book or Book(memory=memory, policy=policy, now=now)
        if intents:
            _confirm(book, seen)
        if old is not None and old.epoch == seen.epoch:
            _watch(book, old, seen)
        if policies:
            _plan(book, seen, policy.top_ups)
    if policies:
        for other in (*observation.absent, *observation.unguarded):
            book = book or Book(memory=memory, policy=policy, now=now)
            _plan(book, other, policy.top_ups)
    return None if book is None else book.done()


def _confirm(book: Book, seen: PositionMemory) -> None:
    """A confirmed change of this position is in the margin now, or it is missing once more."""
    for intent in list(book.top_ups.intents.values()):
        if intent.key == seen.key and intent.epoch == seen.epoch and intent.state is IntentState.CONFIRMED:
            book.enter(_as_seen(book, intent, seen))


def _as_seen(book: Book, intent: Intent, seen: PositionMemory) -> Intent:
    position = seen.assessment.position
    shows = sight(intent, position.isolated_margin, position.contracts)
    if shows is Sight.SHOWN:
        seen_now = moved(intent, IntentEvent.SEEN, book.now, detail="the exchange confirmed it, and the margin shows it")
        return replace(seen_now, after=stand_in(book.memory, seen.key))
    if shows is Sight.OTHERWISE:
        detail = "the exchange confirmed it; the position's size has changed since"
        return replace(moved(intent, IntentEvent.SEEN, book.now, detail=detail), after=stand_in(book.memory, seen.key))
    if shows is Sight.FELL:
        detail = "the exchange confirmed it, but the margin moved the other way"
        return moved(intent, IntentEvent.NOT_SEEN, book.now, detail=detail)
    if intent.submitted_at is None or seen.last_seen < intent.submitted_at + ANSWERED:
        return intent
    if intent.looks + 1 < READINGS:
        return replace(intent, looks=intent.looks + 1)
    detail = f"the exchange confirmed it, but {READINGS} readings do not show it"
    return moved(intent, IntentEvent.NOT_SEEN, book.now, detail=detail)


def _watch(book: Book, old: PositionMemory, seen: PositionMemory) -> None:
    """The margin is another one than at the reading before: noted, with who it was as far as that is known."""
    ours = [one for one in book.top_ups.intents.values() if one.key == seen.key and one.epoch == seen.epoch and _is_new(one, old)]
    change = seen_change(
        old.assessment,
        seen.assessment,
        since=old.last_seen,
        at=seen.last_seen,
        epoch=seen.epoch,
        free=free_for(book.memory, seen),
        intents=ours,
    )
    if change is None:
        return
    book.margin_changes.append(change)
    taken = change.cause is ChangeCause.ELSEWHERE and change.amount < 0
    last = last_sent(seen.key, book.top_ups.intents.values())
    if taken and last is not None and last.policy and last.is_spent and book.now - last.planned_at < FOUGHT_OVER:
        book.break_circuit(seen.key, "margin was taken out elsewhere soon after it was added here")


def _is_new(intent: Intent, old: PositionMemory) -> bool:
    """Whether the intent may have come into the margin after the ``old`` reading."""
    if not intent.is_spent or (intent.settled_at is not None and intent.settled_at < old.last_seen):
        return False
    position = old.assessment.position
    return sight(intent, position.isolated_margin, position.contracts) is not Sight.SHOWN


def _plan(book: Book, seen: PositionMemory, top_ups: TopUps) -> None:
    """What the policy in charge of a position does about it now."""
    policy = top_ups.policy_for(position_subject(seen.key))
    if policy is None:
        return
    number = sum(one.key == seen.key for one in book.top_ups.intents.values())
    made = plan(situation_of(seen, book.memory), policy, top_ups, book.top_ups, book.now, number=number)
    if made is None:
        known = book.top_ups.refusals.get((policy.name, seen.key))
        if known is not None and book.now - known.since >= KEPT_TOLD:
            book.end_refusal(policy.name, seen.key)
        return
    if not isinstance(made, Refusal):
        made = _resting(book, seen, policy) or made
    if isinstance(made, Refusal):
        book.refuse(made)
        return
    book.end_refusal(policy.name, seen.key)
    intent = planned(book.memory, seen, made.amount, book.now, policy=policy.name, why=f"{made.why} was reached")
    book.enter(intent)
    if made.partial:
        book.tell(partial_words(intent), intent.key, intent.planned_at)


def _resting(book: Book, seen: PositionMemory, policy: TopUpPolicy) -> Refusal | None:
    """After a change that did not come about the policy rests as after one that did: an exchange that refuses is not hammered."""
    last = last_sent(seen.key, book.top_ups.intents.values())
    if last is None or last.settled_at is None or book.now - last.settled_at >= policy.cooldown:
        return None
    return Refusal(policy=policy.name, key=seen.key, reason=RefusalReason.COOLDOWN, since=book.now)
