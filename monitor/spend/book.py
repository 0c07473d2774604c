"""Book: one step of the journal in the making. Gathers what became of intents, why others did not come about, what is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from monitor.alerts.model import Message, position_subject
from monitor.margin.position import PositionKey
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.breaker import broken_by, last_sent
from monitor.spend.change import Change, applied, changed
from monitor.spend.telling import told
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.state import Circuit, Rehearsal, TopUpChanges, TopUpMemory
from monitor.topups.wording import Words, circuit_words, refusal_words, words_of

PASSING = frozenset({RefusalReason.IN_FLIGHT, RefusalReason.COOLDOWN})
"""What is over by itself within a minute or so: never told, and never in the place of a reason that stays."""
UNTOLD = PASSING | {RefusalReason.CIRCUIT_OPEN}
"""That a circuit opened is told when it does."""


@dataclass(slots=True, kw_only=True)
class Book:
    """``top_ups`` is as it is after what was entered so far. No policy: everyone hears of what is told."""

    memory: Memory
    policy: Policy | None
    now: datetime
    top_ups: TopUpMemory = field(init=False)
    intents: dict[str, Intent] = field(default_factory=dict)
    circuits: dict[PositionKey, Circuit] = field(default_factory=dict)
    rehearsals: dict[str, Rehearsal] = field(default_factory=dict)
    refusals: dict[tuple[str, PositionKey], Refusal] = field(default_factory=dict)
    ended_refusals: set[tuple[str, PositionKey]] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    margin_changes: list[MarginChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.top_ups = self.memory.top_ups

    def enter(self, intent: Intent) -> None:
        """What an intent has become: kept, told where it is news, and watched by the circuit breaker."""
        before = self.top_ups.intents.get(intent.id)
        self.intents[intent.id] = intent
        self._apply(TopUpChanges(intents=(intent,)))
        if before is not None and before.state is intent.state:
            return
        words = words_of(intent)
        if words is not None and not self._is_old_news(intent):
            self.tell(words, intent.key, intent.planned_at)
        reason = broken_by(intent, self.top_ups.intents.values())
        if reason:
            self.break_circuit(intent.key, reason)

    def break_circuit(self, key: PositionKey, reason: str) -> None:
        """Automatic margin is off for the position from here on; one that is off already stays off for its first reason."""
        if key in self.top_ups.circuits:
            return
        circuit = self.circuits[key] = Circuit(key=key, opened_at=self.now, reason=reason)
        self._apply(TopUpChanges(circuits=(circuit,)))
        self.tell(circuit_words(circuit, self._policy_name(key)), key, self.now)

    def refuse(self, refusal: Refusal) -> None:
        """A policy does not act: told once for each change of reason."""
        who = (refusal.policy, refusal.key)
        known = self.top_ups.refusals.get(who)
        if known is not None and (known.reason is refusal.reason or refusal.reason in PASSING):
            return
        self.refusals[who] = refusal
        self.ended_refusals.discard(who)
        self._apply(TopUpChanges(refusals=(refusal,)))
        if refusal.reason not in UNTOLD:
            self.tell(refusal_words(refusal), refusal.key, refusal.since)

    def end_refusal(self, policy: str, key: PositionKey) -> None:
        """Nothing keeps the policy from acting any more, or there is nothing to do."""
        if (policy, key) in self.top_ups.refusals:
            self.refusals.pop((policy, key), None)
            self.ended_refusals.add((policy, key))
            self._apply(TopUpChanges(ended_refusals=((policy, key),)))

    def rehearse(self, rehearsal: Rehearsal) -> None:
        """A policy's rehearsal begins."""
        self.rehearsals[rehearsal.policy] = rehearsal
        self._apply(TopUpChanges(rehearsals=(rehearsal,)))

    def tell(self, words: Words, key: PositionKey, since: datetime) -> None:
        """A message; those about the same thing, begun at ``since``, share a code."""
        self.messages.append(told(words, key, since, self.now, self.policy))

    def done(self, intent: Intent | None = None) -> Change:
        """All of it."""
        changes = TopUpChanges(
            intents=tuple(self.intents.values()),
            rehearsals=tuple(self.rehearsals.values()),
            circuits=tuple(self.circuits.values()),
            refusals=tuple(self.refusals.values()),
            ended_refusals=tuple(self.ended_refusals),
        )
        return changed(self.memory, changes, self.now, messages=self.messages, margin_changes=self.margin_changes, intent=intent)

    def _apply(self, changes: TopUpChanges) -> None:
        self.top_ups = applied(self.top_ups, changes, self.now)

    def _policy_name(self, key: PositionKey) -> str:
        found = None if self.policy is None else self.policy.top_ups.policy_for(position_subject(key))
        return "" if found is None else found.name

    def _is_old_news(self, intent: Intent) -> bool:
        """The same refusal of the exchange as the last time: it was told then."""
        if intent.state is not IntentState.REJECTED or not intent.policy:
            return False
        last = last_sent(intent.key, (one for one in self.top_ups.intents.values() if one.id != intent.id))
        return last is not None and (last.state, last.code, last.detail) == (intent.state, intent.code, intent.detail)
