"""Drill: the alert that a position would raise if its cushion fell to a value. Pure; changes no alert; says what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import (
    Alert,
    AlertState,
    Message,
    Notice,
    NotifyReason,
    Subject,
    family_subject,
    position_subject,
)
from monitor.alerts.wording import fit
from monitor.errors import NoSuchAlert
from monitor.margin.assessment import Assessment, assess
from monitor.margin.position import Position
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.rules.base import Judgement, Level
from monitor.tell import compose

ROUNDS = 100
"""Halvings of the price interval: far below any tick."""
HINT = "`margincall positions` shows every position and its cushion."


def drill(memory: Memory, policy: Policy, symbol: str, cushion: Decimal, now: datetime) -> tuple[Message, ...]:
    """The messages that would be sent if the mark moved ``symbol`` to this cushion, each marked as a drill.

    Raises NoSuchAlert where no guarded position has that symbol, or none of it can get there.
    """
    messages: list[Message] = []
    for seen in memory.positions.values():
        if seen.key.symbol == symbol and not seen.mode:
            moved = _at_cushion(seen.assessment, cushion)
            if moved is not None:
                messages += _messages(replace(seen, assessment=moved, last_seen=now), memory, policy, now)
    if not messages:
        guarded = {seen.key.symbol for seen in memory.positions.values() if not seen.mode}
        if symbol not in guarded:
            raise NoSuchAlert(f"no position of {symbol} is guarded; there are: {', '.join(sorted(guarded)) or 'none'}", hint=HINT)
        raise NoSuchAlert(f"no open position of {symbol} can have a cushion of {cushion * 100:.1f} %", hint=HINT)
    return tuple(messages)


def _at_cushion(assessment: Assessment, cushion: Decimal) -> Assessment | None:
    """The position at the mark where its cushion is this one, by halving between its liquidation price and today's mark."""
    position, end = assessment.position, assessment.judged.liquidation_price
    if end is None or assessment.judged.cushion is None:
        return None
    low, high = end, max(position.mark_price, position.entry_price, key=lambda price: abs(price - end))
    at_high = _seen_at(position, high).judged.cushion
    if at_high is None or not 0 < cushion <= at_high:
        return None
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        here = _seen_at(position, middle).judged.cushion
        low, high = (middle, high) if here is not None and here < cushion else (low, middle)
    return _seen_at(position, low)


def _seen_at(position: Position, mark: Decimal) -> Assessment:
    """The position at another mark; the exchange's own figures, which speak of today's, left out."""
    return assess(
        replace(position, mark_price=mark, stops=None, says=position.says._replace(requirement=None, margin_usage=None))
    )


def _messages(seen: PositionMemory, memory: Memory, policy: Policy, now: datetime) -> tuple[Message, ...]:
    subject = position_subject(seen.key)
    judged = [(rule, rule.judge(seen.assessment, None)) for rule in policy.of_positions(subject)]
    notices = [
        Notice(why=NotifyReason.DRILL, alert=_alert(rule.KIND, subject, judgement, now), at=now)
        for rule, judgement in judged
        if judgement.level is not None
    ]
    if not notices:
        notices = [Notice(why=NotifyReason.DRILL, alert=_alert("drill", subject, Judgement(judged[0][1].verdict), now), at=now)]
    told = compose(
        notices,
        policy=policy,
        now=now,
        families={family_subject(key): family for key, family in memory.families.items()},
        positions={subject: seen},
    )
    return tuple(
        replace(one, title=fit(f"DRILL {one.title}"), body=f"This is a DRILL: nothing has happened.\n{one.body}") for one in told
    )


def _alert(rule: str, subject: Subject, judgement: Judgement, now: datetime) -> Alert:
    level = judgement.level or Level.INFO
    return Alert(
        code=code_of(f"drill-{rule}", subject, now),
        rule=rule,
        subject=subject,
        state=AlertState.FIRING,
        level=level,
        peak=level,
        since=now,
        state_since=now,
        level_since=now,
        value=judgement.value,
        line=judgement.line,
    )
