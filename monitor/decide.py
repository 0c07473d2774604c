"""Decide: one reading, the memory, the policy and the time in; a new memory and what to tell and keep out.

Pure: no clock, no I/O. The daemon calls ``decide`` for each reading of a family and, once a second, with no reading at all
(the *tick*), so that staleness, holds and repeats work exactly when no poll returns. It composes the decide rooms in order:
observe (who is here), judge (rules), advance (alerts), the words of what is to be told, what all that means for margins that are
to be changed (spend), and what became of positions (chronicle).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.alerts.lifecycle import owed_again
from monitor.alerts.model import position_subject
from monitor.alerts.near import makes_near
from monitor.chronicle import caught_up, noticed, summed_up
from monitor.draft import Draft
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyReading, FamilySnapshot, KeyFacts
from monitor.memory import ChannelMemory, Commit, Memory, PositionMemory
from monitor.observe import Observation, observe
from monitor.policy import Policy
from monitor.rules import kind_of
from monitor.spend.change import Change
from monitor.spend.readings import after_reading
from monitor.spend.ticking import after_tick

AWAY = timedelta(minutes=2)
"""After so long without a daemon, what is still past a line is told once more; a mere restart takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The new memory, what changed of it (to be committed at once), and whose tiers to read again.

    ``divergent``: positions whose figures differ from the exchange's own beyond the tolerance.
    """

    memory: Memory
    commit: Commit
    divergent: tuple[PositionKey, ...] = ()
    opened: tuple[PositionMemory, ...] = ()


def decide(reading: FamilyReading | KeyFacts | ChannelMemory | None, memory: Memory, policy: Policy, now: datetime) -> Decision:
    """What this reading means (None: the tick; or what was heard of a channel or a key).

    ``now``: aware UTC, never before the times in the memory.
    """
    draft = Draft(memory=memory, policy=policy, now=now)
    if reading is None or isinstance(reading, ChannelMemory | KeyFacts):
        if reading is None:
            draft.tick()
            decision = Decision(memory=draft.remembered(), commit=draft.commit(None))
            decision = _with(decision, after_tick(decision.memory, policy, now))
            decision = _with(decision, summed_up(decision.memory, policy, now))
            return _with(decision, caught_up(decision.memory, policy, now))
        if isinstance(reading, KeyFacts):
            draft.learn(reading)
        else:
            draft.hear(reading)
        return Decision(memory=draft.remembered(), commit=draft.commit(None))
    observation = observe(reading, memory)
    away = isinstance(reading, FamilySnapshot) and _was_away(reading, memory, policy)
    if away:
        _owe_again(draft, observation)
    draft.take(observation)
    decision = Decision(
        memory=draft.remembered(),
        commit=draft.commit(observation if isinstance(reading, FamilySnapshot) else None),
        divergent=tuple(seen.key for seen in observation.seen if seen.assessment.diverges),
        opened=tuple(seen for seen in observation.seen if seen.key in observation.born),
    )
    decision = _with(decision, after_reading(memory, decision.memory, observation, policy, now))
    if not isinstance(reading, FamilySnapshot):
        return decision
    changes = decision.commit.margin_changes
    lives = noticed(memory, decision.memory, observation, policy, now, margin_changes=changes, away=away)
    return _with(decision, lives)


def _with(decision: Decision, change: Change | None) -> Decision:
    """The decision and, in the same commit, what it means for the journal of margin changes, or for the lives of positions."""
    if change is None:
        return decision
    made, so_far = change.commit, decision.commit
    return replace(
        decision,
        memory=change.memory,
        commit=replace(
            decision.commit,
            messages=(*so_far.messages, *made.messages),
            top_ups=made.top_ups or so_far.top_ups,
            margin_changes=(*so_far.margin_changes, *made.margin_changes),
            lives=so_far.lives.with_more(made.lives),
        ),
    )


def _was_away(reading: FamilySnapshot, memory: Memory, policy: Policy) -> bool:
    """Whether this is the first reading of the family after a time in which no daemon ran. Single runs are apart by nature."""
    known = memory.families.get(reading.key)
    if policy.once or known is None or known.last_good is None or known.last_good >= policy.watching_since:
        return False
    return reading.at - known.last_good >= AWAY


def _owe_again(draft: Draft, observation: Observation) -> None:
    """What was told of the positions just read is owed once more, unless its kind or its level never repeats."""
    seen = {position_subject(one.key) for one in observation.seen}
    for key, alert in draft.alerts.items():
        if alert.subject in seen and kind_of(alert.rule).REPEATS and draft.policy.routing.repeats_for(alert.level):
            draft.alerts[key] = draft.changed_alerts[key] = owed_again(alert)


def is_near(memory: Memory, account: str) -> bool:
    """Whether any position of the account is past its first line, so that it is polled at the near interval."""
    return makes_near(memory.alerts, account)
