"""Decide: one reading, the memory, the policy and the time in; a new memory and what to tell and keep out.

Pure: no clock, no I/O. The daemon calls ``decide`` for each reading of a family and, once a second, with no reading at all
(the *tick*), so that staleness, holds and repeats work exactly when no poll returns. It composes the decide rooms in order:
observe (who is here), judge (rules), advance (alerts), and the words of what is to be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.alerts.lifecycle import NO_VERDICT, Step, advance, end
from monitor.alerts.model import Alert, Message, Notice, Subject, SubjectKind
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey, FamilyReading, FamilySnapshot
from monitor.memory import Commit, FamilyMemory, FamilyState, Memory, PositionMemory
from monitor.observe import Observation, observe
from monitor.policy import Policy
from monitor.rules.base import FamilySeen, Judgement, Rule, UnguardedSeen
from monitor.tell import compose


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The new memory, what changed of it (to be committed at once), and whose tiers to read again.

    ``divergent``: positions whose figures differ from the exchange's own beyond the tolerance.
    """

    memory: Memory
    commit: Commit
    divergent: tuple[PositionKey, ...] = ()
    opened: tuple[PositionMemory, ...] = ()


def decide(reading: FamilyReading | None, memory: Memory, policy: Policy, now: datetime) -> Decision:
    """What this reading (None: the tick) means. ``now``: aware UTC, never before the times in the memory."""
    draft = _Draft(memory=memory, policy=policy, now=now)
    if reading is None:
        draft.tick()
        return draft.decision(None)
    observation = observe(reading, memory)
    draft.take(observation)
    return draft.decision(observation if isinstance(reading, FamilySnapshot) else None)


def position_subject(key: PositionKey) -> Subject:
    """What alerts call this position."""
    return Subject(SubjectKind.POSITION, key.exchange, key.account, key.symbol, key.side.value)


def family_subject(key: FamilyKey) -> Subject:
    """What alerts call this family."""
    return Subject(SubjectKind.FAMILY, key.exchange, key.account, family=key.family)


def is_near(memory: Memory, account: str) -> bool:
    """Whether any position of the account is past its first line, so that it is polled at the near interval."""
    return any(subject.kind is SubjectKind.POSITION and subject.account == account for _, subject in memory.alerts)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """One decision in the making: copies of the maps that change, and the list of what changed."""

    memory: Memory
    policy: Policy
    now: datetime
    families: dict[FamilyKey, FamilyMemory] = field(init=False)
    positions: dict[PositionKey, PositionMemory] = field(init=False)
    alerts: dict[tuple[str, Subject], Alert] = field(init=False)
    epochs: dict[PositionKey, int] = field(init=False)
    notices: list[Notice] = field(default_factory=list)
    changed_families: dict[FamilyKey, FamilyMemory] = field(default_factory=dict)
    changed_alerts: dict[tuple[str, Subject], Alert] = field(default_factory=dict)
    ended: list[Alert] = field(default_factory=list)
    gone: dict[PositionKey, PositionMemory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.families = dict(self.memory.families)
        self.positions = dict(self.memory.positions)
        self.alerts = dict(self.memory.alerts)
        self.epochs = dict(self.memory.epochs)

    def take(self, observation: Observation) -> None:
        """Fold in one reading."""
        self._set_family(observation.family)
        for position in observation.closed:
            self.gone[position.key] = position
            self.positions.pop(position.key, None)
            for rule, subject in self._alerts_on(position_subject(position.key)):
                self._step((rule, subject), end(self.alerts[rule, subject]))
        for position in (*observation.absent, *observation.unguarded):
            self.positions[position.key] = position
        for position in observation.seen:
            self.positions[position.key] = position
            self.epochs[position.key] = position.epoch
        self._judge_positions(observation)
        self._judge_unguarded(observation)
        self._judge_family(observation.family.key)

    def tick(self) -> None:
        """Time alone: staleness of every family, holds and repeats of every alert on a position."""
        for key in self.families:
            self._judge_family(key)
        rules = {rule.KIND: rule for rule in self.policy.rules}
        for kind, subject in list(self.alerts):
            rule = rules.get(kind)
            if subject.kind is SubjectKind.POSITION and rule is not None:
                self._advance(rule, subject, NO_VERDICT)

    def _judge_positions(self, observation: Observation) -> None:
        rules = self.policy.of_positions()
        alerted = {subject for _, subject in self.alerts}
        recovered = self.policy.of_unguarded()
        for seen in observation.seen:
            assessment = seen.assessment
            subject: Subject | None = position_subject(seen.key) if alerted else None
            on_alert = subject in alerted
            for rule in rules:
                alert = self.alerts.get((rule.KIND, subject)) if on_alert and subject is not None else None
                judgement = rule.judge(assessment, alert.level if alert is not None and alert.told is not None else None)
                if alert is None and judgement.level is None:
                    continue
                self._advance(rule, position_subject(seen.key), judgement, born=seen.key in observation.born)
            if on_alert and subject is not None:
                for other in recovered:
                    self._advance(other, subject, other.judge(UnguardedSeen(mode="isolated", was_guarded=False), None))

    def _judge_unguarded(self, observation: Observation) -> None:
        for seen in observation.unguarded:
            subject = position_subject(seen.key)
            for rule in self.policy.of_unguarded():
                self._advance(rule, subject, rule.judge(UnguardedSeen(mode=seen.mode, was_guarded=True), None))

    def _judge_family(self, key: FamilyKey) -> None:
        family = self.families[key]
        subject = family_subject(key)
        if family.state is FamilyState.NOT_OPENED:
            for held in self._alerts_on(subject):
                self._step(held, end(self.alerts[held]))
            return
        seen = self._family_seen(family)
        for rule in self.policy.of_families():
            alert = self.alerts.get((rule.KIND, subject))
            judgement = rule.judge(seen, alert.level if alert is not None else None)
            self._advance(rule, subject, judgement)
            if judgement.level is not None and family.state is not FamilyState.BLIND:
                self._set_family(replace(family, state=FamilyState.BLIND))

    def _family_seen(self, family: FamilyMemory) -> FamilySeen:
        account = family.key.account
        intervals = self.policy.intervals[account]
        near = any(subject.kind is SubjectKind.POSITION and subject.account == account for _, subject in self.alerts)
        since = max(family.last_good or family.since, self.policy.watching_since)
        return FamilySeen(
            age=self.now - since,
            interval=intervals.near if near else intervals.calm,
            near=near,
            failed=family.failing > 0,
            fresh=family.failing == 0 and family.last_good is not None and family.last_good >= self.policy.watching_since,
            error=family.error,
            at_once=self.policy.once,
        )

    def _advance(self, rule: Rule, subject: Subject, judgement: Judgement, *, born: bool = False) -> None:
        key = (rule.KIND, subject)
        alert = self.alerts.get(key)
        repeats = self.policy.repeats[alert.level] if alert is not None else ()
        step = advance(alert, judgement, rule=rule, subject=subject, now=self.now, born=born, repeats=repeats)
        if step.alert is not alert or step.why is not None:
            self._step(key, step)

    def _step(self, key: tuple[str, Subject], step: Step) -> None:
        before = self.alerts.get(key)
        if step.alert is not None:
            if step.alert != before:
                self.alerts[key] = self.changed_alerts[key] = step.alert
        elif before is not None:
            del self.alerts[key]
            self.changed_alerts.pop(key, None)
            self.ended.append(step.ended or before)
        told = step.alert or step.ended
        if step.why is not None and told is not None:
            self.notices.append(Notice(why=step.why, alert=told, at=self.now))

    def _alerts_on(self, subject: Subject) -> list[tuple[str, Subject]]:
        return [key for key in self.alerts if key[1] == subject]

    def _set_family(self, family: FamilyMemory) -> None:
        self.families[family.key] = self.changed_families[family.key] = family

    def _messages(self) -> tuple[Message, ...]:
        if not self.notices:
            return ()
        return compose(
            self.notices,
            policy=self.policy,
            now=self.now,
            families={family_subject(key): family for key, family in self.families.items()},
            positions={position_subject(key): seen for key, seen in {**self.gone, **self.positions}.items()},
            gone=frozenset(position_subject(key) for key in self.gone),
        )

    def decision(self, observation: Observation | None) -> Decision:
        """The draft as a decision; ``observation`` of a snapshot brings the readings to keep."""
        seen: Iterable[PositionMemory] = observation.seen if observation is not None else ()
        born = observation.born if observation is not None else frozenset()
        readings = tuple(seen)
        memory = Memory(families=self.families, positions=self.positions, alerts=self.alerts, epochs=self.epochs)
        others = (*observation.absent, *observation.unguarded) if observation is not None else ()
        commit = Commit(
            at=self.now,
            families=tuple(self.changed_families.values()),
            positions=others,
            readings=readings,
            closed=tuple(self.gone.values()),
            alerts=tuple(self.changed_alerts.values()),
            alerts_ended=tuple(self.ended),
            messages=self._messages(),
        )
        return Decision(
            memory=memory,
            commit=commit,
            divergent=tuple(one.key for one in readings if one.assessment.diverges),
            opened=tuple(one for one in readings if one.key in born),
        )
