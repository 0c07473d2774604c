"""Tell: turn the notices of one decision into messages, one for each subject, the most urgent notice first.

What a message needs from another room (how much margin brings a position back, what is free) is computed here and handed to
the wording as data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from monitor.alerts.accounts import key_body, key_title
from monitor.alerts.delivery import ChannelStory, channel_body, channel_title
from monitor.alerts.model import Message, Notice, NotifyReason, Subject, SubjectKind, position_subject
from monitor.alerts.notices import FamilyStory, family_body, family_title
from monitor.alerts.rounding import line_share
from monitor.alerts.unread import unread_body, unread_title
from monitor.alerts.wording import PositionStory, Rescue, position_body, position_title
from monitor.margin.position import Position, PositionKey
from monitor.margin.quantities import plain
from monitor.margin.reading import UNREADABLE
from monitor.margin.whatif import (
    liquidation_after,
    margin_for_buffer,
    margin_for_cushion,
    margin_for_distance,
    margin_for_ratio,
    margin_for_usage,
)
from monitor.memory import ChannelMemory, FamilyMemory, FamilyState, KeyMemory, Memory, PositionMemory
from monitor.policy import Policy
from monitor.rules.base import Level, RatioLine
from monitor.rules.cushion import Cushion
from monitor.rules.liquidation_distance import LiquidationDistance
from monitor.rules.margin_ratio import MarginRatio
from monitor.rules.margin_usage import MarginUsage
from monitor.rules.thin_buffer import ThinBuffer
from monitor.rules.unreadable import Unreadable
from monitor.spend.laststand import last_stand_words

Line = TypeVar("Line")

MARGIN_FOR = {
    Cushion.KIND: margin_for_cushion,
    MarginUsage.KIND: margin_for_usage,
    LiquidationDistance.KIND: margin_for_distance,
}
"""The extra margin that lifts a position to a line of the rule."""
NONE_BROKEN: Mapping[str, ChannelMemory] = {}
NONE_GONE: Mapping[Subject, PositionMemory] = {}
NONE_READ: Mapping[tuple[str, str], KeyMemory] = {}
URGENCY = {
    NotifyReason.ESCALATED: 4,
    NotifyReason.WORSENED: 3,
    NotifyReason.FIRST: 2,
    NotifyReason.REPEAT: 1,
    NotifyReason.RESOLVED: 0,
    NotifyReason.GONE: 0,
    NotifyReason.DRILL: 0,
}


def compose(
    notices: Sequence[Notice],
    *,
    policy: Policy,
    now: datetime,
    families: Mapping[Subject, FamilyMemory],
    positions: Mapping[Subject, PositionMemory],
    gone: Mapping[Subject, PositionMemory] = NONE_GONE,
    channels: Mapping[str, ChannelMemory] = NONE_BROKEN,
    keys: Mapping[tuple[str, str], KeyMemory] = NONE_READ,
    memory: Memory | None = None,
) -> tuple[Message, ...]:
    """One message for each subject; what is still wrong with a subject comes before what is over.

    ``memory``: from which the last stand of a position with a policy is worked out.

    Of a channel that broke only the others are told; where there is no other, nobody is.
    """
    rescues = _Rescues(policy, families, positions.values())
    by_subject: dict[tuple[Subject, bool], list[Notice]] = {}
    for notice in notices:
        by_subject.setdefault((notice.alert.subject, notice.gone), []).append(notice)
    messages = []
    for (subject, over), told in by_subject.items():
        told.sort(key=lambda one: (one.why is not NotifyReason.RESOLVED, one.alert.level, URGENCY[one.why]), reverse=True)
        lead = told[0]
        if subject.kind is SubjectKind.FAMILY:
            story = _family_story(families[subject], positions.values())
            if lead.alert.rule == Unreadable.KIND:
                title, body = unread_title(lead, story), unread_body(lead, story, now)
            else:
                title, body = family_title(lead, story), family_body(lead, story, now, policy.zone)
        elif subject.kind is SubjectKind.ACCOUNT:
            facts = keys[subject.exchange, subject.account].facts
            title, body = key_title(lead), key_body(told, facts, now)
        elif subject.kind is SubjectKind.CHANNEL:
            others = _others(lead, policy, channels)
            if not others:
                continue
            lead = told[0] = replace(lead, channels=others)
            heard = ChannelStory(error=channels[subject.channel].error, others=others)
            title, body = channel_title(lead, heard), channel_body(lead, heard, now, policy.zone)
        else:
            seen = gone[subject] if over else positions[subject]
            about = PositionStory(
                assessment=seen.assessment,
                read_at=seen.last_seen,
                rescue=rescues.of(seen),
                gone=over,
                mode=seen.mode,
                standing=_standing(seen, policy),
                last_stand="" if memory is None or over else last_stand_words(seen, memory, policy, now),
            )
            title, body = position_title(lead, about), position_body(told, about, now, policy.zone)
        messages.append(_message(told, title, body, now, policy, why=NotifyReason.GONE if over else lead.why))
    return tuple(messages)


def _others(lead: Notice, policy: Policy, channels: Mapping[str, ChannelMemory]) -> tuple[str, ...]:
    """Who hears that a channel broke: whoever would anyway, else everyone, but never that channel; those that work, if any."""
    name = lead.alert.subject.channel
    routed = lead.channels or policy.routing.channels_for(lead.alert.level, lead.alert.subject, lead.alert.rule)
    broken = {one.name for one in channels.values() if one.broken_since is not None} | {name}
    for candidates in (routed, policy.routing.everyone):
        working = tuple(one for one in candidates if one not in broken)
        if working:
            return working
    return tuple(one for one in policy.routing.everyone if one != name)


def _message(told: Sequence[Notice], title: str, body: str, now: datetime, policy: Policy, *, why: NotifyReason) -> Message:
    lead = told[0]
    alert = lead.alert
    waits = [one.not_before for one in told]
    channels = lead.channels or policy.routing.channels_for(alert.level, alert.subject, alert.rule)
    stamp = int(now.timestamp() * 1000)
    return Message(
        id=f"{lead.alert.code}-{why.value}-{stamp}",
        code=lead.alert.code,
        level=lead.alert.level,
        why=why,
        subject=lead.alert.subject,
        title=title,
        body=body,
        at=now,
        codes=tuple(dict.fromkeys(one.alert.code for one in told)),
        channels=channels,
        not_before=min((wait for wait in waits if wait is not None), default=None) if None not in waits else None,
    )


def _family_story(family: FamilyMemory, positions: Iterable[PositionMemory]) -> FamilyStory:
    key = family.key
    known = [
        seen.assessment
        for seen in positions
        if seen.family == key.family and seen.key.account == key.account and seen.key.exchange == key.exchange
    ]
    return FamilyStory(
        last_good=family.last_good,
        error=family.error,
        hint=family.hint,
        known=known,
        opened=family.state is not FamilyState.NOT_OPENED,
        marks_since=family.marks_since,
        remark=family.remark,
        unreadable=[one for one in family.unguarded if one.mode == UNREADABLE],
    )


class _Rescues:
    """What would bring positions back, in the messages of one decision. The balance that is free is the same for all of them."""

    def __init__(self, policy: Policy, families: Mapping[Subject, FamilyMemory], positions: Iterable[PositionMemory]) -> None:
        self._policy = policy
        self._families = families
        self._positions = positions
        self._needs: dict[tuple[Subject, str], dict[PositionKey, Decimal]] | None = None

    def of(self, seen: PositionMemory) -> Rescue | None:
        """How much margin brings the position back over its mildest line, by the first rule that has an answer."""
        wanted = _wanted(seen, self._policy)
        if wanted is None:
            return None
        amount, goal = wanted
        coin = seen.assessment.position.instrument.settle_currency
        subject = _family_of(seen)
        family = self._families.get(subject)
        others = {key: need for key, need in self._needed().get((subject, coin), {}).items() if key != seen.key}
        return Rescue(
            amount=amount,
            goal=goal,
            free=family.free.get(coin) if family is not None else None,
            then=liquidation_after(seen.assessment, amount),
            others=len(others),
            in_all=amount + sum(others.values()),
        )

    def _needed(self) -> Mapping[tuple[Subject, str], Mapping[PositionKey, Decimal]]:
        """What each position past a line needs, by the balance that it would come from."""
        if self._needs is None:
            self._needs = {}
            for seen in self._positions:
                wanted = None if seen.mode or _standing(seen, self._policy) is None else _wanted(seen, self._policy)
                if wanted is not None:
                    coin = seen.assessment.position.instrument.settle_currency
                    self._needs.setdefault((_family_of(seen), coin), {})[seen.key] = wanted[0]
        return self._needs


def _family_of(seen: PositionMemory) -> Subject:
    return Subject(SubjectKind.FAMILY, seen.key.exchange, seen.key.account, family=seen.family)


def _wanted(seen: PositionMemory, policy: Policy) -> tuple[Decimal, str] | None:
    """The margin that brings the position back over its mildest line, and that line in words."""
    for rule in policy.of_positions(position_subject(seen.key)):
        goal = _goal(rule, seen.assessment.position)
        if goal is not None and goal[0] > 0:
            return goal
    return None


def _standing(seen: PositionMemory, policy: Policy) -> Level | None:
    """The worst level that a rule about the end sees on the position now: one alert's end is no all-clear beside another."""
    least = policy.dust.get(seen.assessment.position.instrument.settle_currency)
    if least is not None and seen.assessment.ours.notional < least:
        return None
    judgements = (
        rule.judge(seen.assessment, None) for rule in policy.of_positions(position_subject(seen.key)) if rule.MAKES_NEAR
    )
    return max((judgement.level for judgement in judgements if judgement.level is not None), default=None)


def _goal(rule: object, position: Position) -> tuple[Decimal, str] | None:
    """The margin that lifts the position to the rule's mildest line, and that line in words; None without an answer."""
    goal: tuple[Decimal | None, str] | None = None
    match rule:
        case Cushion() | MarginUsage() | LiquidationDistance():
            share = _mildest(rule.warning, rule.critical, rule.emergency)
            if share is not None:
                goal = MARGIN_FOR[rule.KIND](position, share), f"{rule.KIND.replace('_', ' ')} {line_share(share)}"
        case MarginRatio():
            line = _mildest(rule.warning, rule.critical, rule.emergency)
            goal = None if line is None else _ratio_goal(position, line)
        case ThinBuffer():
            # ``at_open`` comes last: it counts only when a position is first seen.
            buffer = _mildest(rule.warning, rule.critical, rule.emergency, rule.at_open)
            goal = (
                None
                if buffer is None
                else (margin_for_buffer(position, buffer), f"{plain(buffer)} times what the exchange wants")
            )
    if goal is None or goal[0] is None:
        return None
    return goal[0], goal[1]


def _ratio_goal(position: Position, line: RatioLine) -> tuple[Decimal | None, str]:
    """The margin that lifts equity / notional to a line, and the line in words."""
    if line.multiple:
        return margin_for_buffer(position, line.value), f"margin ratio {plain(line.value)}x the maintenance rate"
    return margin_for_ratio(position, line.value), f"margin ratio {line_share(line.value)}"


def _mildest(*lines: Line | None) -> Line | None:
    """The first line that is set; rules name theirs mildest first."""
    return next((line for line in lines if line is not None), None)
