"""Draft: one decision in the making. Judges what was observed, advances the alerts, and gathers what changed and what is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.alerts.lifecycle import NO_VERDICT, Step, advance, end
from monitor.alerts.model import (
    Alert,
    AlertState,
    Message,
    Notice,
    Ruling,
    Subject,
    SubjectKind,
    account_subject,
    channel_subject,
    family_subject,
    position_subject,
)
from monitor.alerts.near import makes_near
from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey, KeyFacts
from monitor.memory import ChannelMemory, Commit, FamilyMemory, FamilyState, KeyMemory, Memory, PositionMemory
from monitor.observe import Observation, learned
from monitor.policy import Policy
from monitor.rules.base import CLEAR, ChannelSeen, FamilySeen, Judgement, KeySeen, Level, LifeSeen, Rule, UnguardedSeen
from monitor.speak import farewell, may_be_liquidated, speak
from monitor.spend.armed import inert_now
from monitor.tell import compose


@dataclass(slots=True, kw_only=True)
class Draft:
    """One decision in the making: copies of the maps that change, and the list of what changed."""

    memory: Memory
    policy: Policy
    now: datetime
    families: dict[FamilyKey, FamilyMemory] = field(init=False)
    positions: dict[PositionKey, PositionMemory] = field(init=False)
    alerts: dict[tuple[str, Subject], Alert] = field(init=False)
    epochs: dict[PositionKey, int] = field(init=False)
    channels: dict[str, ChannelMemory] = field(init=False)
    keys: dict[tuple[str, str], KeyMemory] = field(init=False)
    changed_keys: list[KeyMemory] = field(default_factory=list)
    changed_channels: list[ChannelMemory] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    changed_families: dict[FamilyKey, FamilyMemory] = field(default_factory=dict)
    changed_alerts: dict[tuple[str, Subject], Alert] = field(default_factory=dict)
    ended: list[Alert] = field(default_factory=list)
    gone: dict[PositionKey, PositionMemory] = field(default_factory=dict)
    rulings: list[Ruling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.families = dict(self.memory.families)
        self.positions = dict(self.memory.positions)
        self.alerts = dict(self.memory.alerts)
        self.epochs = dict(self.memory.epochs)
        self.channels = dict(self.memory.channels)
        self.keys = dict(self.memory.keys)

    def take(self, observation: Observation) -> None:
        """Fold in one reading."""
        self._set_family(observation.family)
        for position in observation.closed:
            self.gone[position.key] = position
            self.positions.pop(position.key, None)
            for rule, subject in self._alerts_on(position_subject(position.key)):
                self._step((rule, subject), end(self.alerts[rule, subject]))
        self._say_farewell(observation)
        for position in (*observation.absent, *observation.unguarded):
            self.positions[position.key] = position
        for position in observation.seen:
            self.positions[position.key] = position
            self.epochs[position.key] = position.epoch
        self._judge_positions(observation)
        self._judge_unguarded(observation)
        self._judge_family(observation.family.key)

    def _say_farewell(self, observation: Observation) -> None:
        """What was told so far in this decision is of lives that ended; one that was near its end gets a word at once, as loud as
        a liquidation, whatever its alert was.
        """
        self.notices = [replace(notice, gone=True) for notice in self.notices]
        told = {notice.alert.subject for notice in self.notices if notice.alert.level >= Level.CRITICAL}
        again = {seen.key for seen in observation.seen}
        for position in observation.closed:
            subject = position_subject(position.key)
            if subject not in told and position.key not in again and may_be_liquidated(position.assessment):
                self.notices.append(farewell(subject, self.policy, self.now))

    def hear(self, channel: ChannelMemory) -> None:
        """Fold in that a channel broke, or works again; one that is broken already is so since it broke."""
        known = self.channels.get(channel.name)
        if known is not None and known.broken_since is not None and channel.broken_since is not None:
            channel = replace(channel, broken_since=known.broken_since)
        if channel != known:
            self.channels[channel.name] = channel
            self.changed_channels.append(channel)
        self._judge_channel(channel)

    def learn(self, facts: KeyFacts) -> None:
        """Fold in what an account's key may do."""
        who = (facts.exchange, facts.account)
        key = self.keys[who] = learned(self.keys.get(who), facts, self.now)
        self.changed_keys.append(key)
        subject = account_subject(facts)
        seen = KeySeen(facts=facts, now=self.now, lost=key.lost, lost_age=None if key.lost_at is None else self.now - key.lost_at)
        for rule in self.policy.of_accounts(subject):
            alert = self.alerts.get((rule.KIND, subject))
            self._advance(rule, subject, rule.judge(seen, alert.level if alert is not None else None))

    def tick(self) -> None:
        """Time alone: staleness of every family, every channel, holds and repeats of every alert on a position or an account."""
        for key in self.families:
            self._judge_family(key)
        for channel in self.channels.values():
            self._judge_channel(channel)
        for kind, subject in list(self.alerts):
            if subject.kind in {SubjectKind.POSITION, SubjectKind.ACCOUNT}:
                for rule in self.policy.rules_for(subject):
                    if kind == rule.KIND:
                        self._advance(rule, subject, NO_VERDICT)

    def _judge_positions(self, observation: Observation) -> None:
        """Every rule on every position just read. Calm positions cost nothing but their judgements: they are the many."""
        policy = self.policy
        everywhere = None if policy.overrides else policy.of_positions()
        alerted = {subject for _, subject in self.alerts}
        for seen in observation.seen:
            assessment = seen.assessment
            subject = position_subject(seen.key) if alerted or everywhere is None else None
            on_alert = subject in alerted
            born = seen.key in observation.born
            dust = bool(policy.dust) and self._is_dust(assessment)
            for rule in everywhere if everywhere is not None else policy.of_positions(subject):
                alert = self.alerts.get((rule.KIND, subject)) if on_alert and subject is not None else None
                held = alert.level if alert is not None and alert.state is not AlertState.HELD else None
                judgement = CLEAR if dust else rule.judge_first(assessment) if born else rule.judge(assessment, held)
                if alert is None and judgement.level is None:
                    continue
                self._advance(rule, position_subject(seen.key), judgement, born=born)
            inert: str | None = ""
            if policy.top_ups.policies:
                inert = inert_now(seen, self.memory.positions.get(seen.key), self.remembered, policy, self.now)
            if on_alert or seen.tiers_since is not None or assessment.degraded or inert:
                self._judge_life(seen, dust=dust, inert=inert)
            if on_alert and subject is not None:
                for other in policy.of_unguarded(subject):
                    self._advance(other, subject, other.judge(UnguardedSeen(mode="isolated", was_guarded=False), None))

    def _judge_life(self, seen: PositionMemory, *, dust: bool, inert: str | None) -> None:
        """The rules that look at what happened in a position's life: only where something may have."""
        subject = position_subject(seen.key)
        age = None if seen.tiers_since is None else self.now - seen.tiers_since
        life = LifeSeen(assessment=seen.assessment, tiers_moved=seen.tiers_moved, tiers_age=age, inert=inert)
        for rule in self.policy.of_lives(subject):
            alert = self.alerts.get((rule.KIND, subject))
            self._advance(rule, subject, CLEAR if dust else rule.judge(life, alert.level if alert is not None else None))

    def _is_dust(self, assessment: Assessment) -> bool:
        least = self.policy.dust.get(assessment.position.instrument.settle_currency)
        return least is not None and assessment.ours.notional < least

    def _judge_unguarded(self, observation: Observation) -> None:
        for seen in observation.unguarded:
            subject = position_subject(seen.key)
            for rule in self.policy.of_unguarded(subject):
                self._advance(rule, subject, rule.judge(UnguardedSeen(mode=seen.mode, was_guarded=True), None))

    def _judge_family(self, key: FamilyKey) -> None:
        family = self.families[key]
        subject = family_subject(key)
        if family.state is FamilyState.NOT_OPENED:
            for held in self._alerts_on(subject):
                self._step(held, end(self.alerts[held]))
            return
        seen = self._family_seen(family)
        for rule in self.policy.of_families(subject):
            alert = self.alerts.get((rule.KIND, subject))
            judgement = rule.judge(seen, alert.level if alert is not None else None)
            self._advance(rule, subject, judgement)
            state = FamilyState.BLIND if rule.BLINDS else FamilyState.STALE
            if judgement.level is not None and rule.WHOLE and self.families[key].state not in {state, FamilyState.BLIND}:
                self._set_family(replace(family, state=state))

    def _judge_channel(self, channel: ChannelMemory) -> None:
        subject = channel_subject(channel.name)
        seen = ChannelSeen(broken=channel.broken_since is not None, error=channel.error)
        for rule in self.policy.of_channels(subject):
            alert = self.alerts.get((rule.KIND, subject))
            self._advance(rule, subject, rule.judge(seen, alert.level if alert is not None else None))

    def _family_seen(self, family: FamilyMemory) -> FamilySeen:
        account = family.key.account
        intervals = self.policy.intervals[account]
        near = makes_near(self.alerts, account)
        since = max(family.last_good or family.since, self.policy.watching_since)
        still = family.last_good - family.marks_since if family.last_good and family.marks_since else None
        return FamilySeen(
            age=self.now - since,
            interval=intervals.near if near else intervals.calm,
            near=near,
            failed=family.failing > 0,
            fresh=family.fresh_since(self.policy.watching_since),
            error=family.error,
            at_once=self.policy.once,
            marks_still=still,
            unreadable=family.unreadable,
        )

    def _advance(self, rule: Rule, subject: Subject, judgement: Judgement, *, born: bool = False) -> None:
        key = (rule.KIND, subject)
        alert = self.alerts.get(key)
        step = advance(
            alert,
            judgement,
            rule=rule,
            subject=subject,
            now=self.now,
            born=born,
            repeats=self.policy.routing.repeats_for(alert.level) if alert is not None and rule.REPEATS else (),
            ack_lapses=self.policy.ack_lapses,
        )
        self._step(key, step, judgement)

    def _step(self, key: tuple[str, Subject], step: Step, judgement: Judgement = NO_VERDICT) -> None:
        before = self.alerts.get(key)
        if step.alert is None and before is None:
            return
        speech = speak(step, judgement, policy=self.policy, silences=self.memory.silences.values(), now=self.now)
        if speech.alert is not None:
            if speech.alert != before:
                self.alerts[key] = self.changed_alerts[key] = speech.alert
        elif before is not None:  # pragma: no branch - there was none and is none: left above
            del self.alerts[key]
            self.changed_alerts.pop(key, None)
            self.ended.append(speech.ended or before)
        self.notices.extend(speech.notices)
        if speech.ruling is not None:
            self.rulings.append(speech.ruling)

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
            positions={position_subject(key): seen for key, seen in self.positions.items()},
            gone={position_subject(key): seen for key, seen in self.gone.items()},
            channels=self.channels,
            keys=self.keys,
            memory=self.remembered(),
        )

    def remembered(self) -> Memory:
        """The memory after this decision."""
        return replace(
            self.memory,
            families=self.families,
            positions=self.positions,
            alerts=self.alerts,
            epochs=self.epochs,
            channels=self.channels,
            keys=self.keys,
        )

    def commit(self, observation: Observation | None) -> Commit:
        """What changed; ``observation`` of a snapshot brings the readings to keep."""
        others = (*observation.absent, *observation.unguarded) if observation is not None else ()
        return Commit(
            at=self.now,
            families=tuple(self.changed_families.values()),
            positions=others,
            readings=observation.seen if observation is not None else (),
            closed=tuple(self.gone.values()),
            alerts=tuple(self.changed_alerts.values()),
            alerts_ended=tuple(self.ended),
            messages=self._messages(),
            rulings=tuple(self.rulings),
            channels=tuple(self.changed_channels),
            keys=tuple(self.changed_keys),
        )
