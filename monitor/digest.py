"""The daily digest: that the guard works, what it guards, what is near, what is open. One message, the same for every channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from monitor.alerts.lifecycle import code_of
from monitor.alerts.model import Message, NotifyReason, Subject, SubjectKind
from monitor.alerts.notices import unguarded_in_words
from monitor.alerts.rounding import digits, share_down, span
from monitor.alerts.wording import fit, short_symbol
from monitor.memory import FamilyState, Memory, PositionMemory
from monitor.policy import Policy
from monitor.rules.base import Level
from monitor.topups.caps import DAY
from monitor.topups.ledger import IntentState
from monitor.topups.wording import place

SHOWN = 10
CALM = Decimal(1_000_000)


def digest(memory: Memory, policy: Policy, now: datetime, channels: Sequence[str], *, verdict: str = "") -> tuple[Message, ...]:
    """The digest of this moment, for ``channels``; ``verdict``: how the daily check came out, "" where there was none."""
    positions = sorted((seen for seen in memory.positions.values() if not seen.mode), key=_cushion)
    families = [one for one in memory.families.values() if one.state is not FamilyState.NOT_OPENED]
    blind = [one for one in families if one.failing or one.last_good is None]
    others = unguarded_in_words(Counter(other.mode for one in families for other in one.unguarded))
    count = f"{len(positions)} position" + ("s" if len(positions) != 1 else "")
    state = "all calm" if not memory.alerts and not blind else f"{len(memory.alerts)} open, {len(blind)} blind"
    lines = [f"margincall guards {count}{f'; NOT guarded: {others}' if others else ''}."]
    lines += [f"Cannot read {one.key.account} {one.key.family}: {one.error or 'no answer yet'}" for one in blind]
    for alert in sorted(memory.alerts.values(), key=lambda one: -one.level):
        about = " ".join(part for part in (short_symbol(alert.subject.symbol), alert.subject.side, alert.subject.family) if part)
        has = ", acknowledged" if alert.acked_at is not None else ""
        lines.append(
            f"Open: {alert.level.label} {alert.rule.replace('_', ' ')} {about}, for {span(now - alert.since)}{has} #{alert.code}"
        )
    lines += [_line(seen) for seen in positions[:SHOWN]]
    if len(positions) > SHOWN:
        lines.append(f"and {len(positions) - SHOWN} more, calmer")
    lines += _channel_lines(memory)
    lines += [verdict] if verdict else []
    lines += _top_up_lines(memory, policy, now) if policy.top_ups.policies else []
    subject = Subject(SubjectKind.DAEMON)
    code = code_of(NotifyReason.DIGEST.value, subject, now)
    return (
        Message(
            id=f"{code}-{NotifyReason.DIGEST.value}-{int(now.timestamp() * 1000)}",
            code=code,
            level=Level.INFO,
            why=NotifyReason.DIGEST,
            subject=subject,
            title=fit(f"Daily: {count}, {state}"),
            body="\n".join([*lines, f"At {now.astimezone(policy.zone):%H:%M %Z}. #{code}"]),
            at=now,
            codes=(code,),
            channels=tuple(channels),
        ),
    )


def _channel_lines(memory: Memory) -> list[str]:
    broken = [one for one in memory.channels.values() if one.broken_since is not None]
    return [f"Channel {one.name} is BROKEN: {one.error}" for one in broken] or ["Every channel works."]


def _top_up_lines(memory: Memory, policy: Policy, now: datetime) -> list[str]:
    """What automatic margin did within a day, what is not known, and what keeps it from acting."""
    books = memory.top_ups
    sent = [one for one in books.intents.values() if one.policy and one.is_spent and now - one.planned_at < DAY]
    sums: dict[str, Decimal] = {}
    for one in sent:
        sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.amount
    added = ", ".join(f"{digits(amount)} {coin}" for coin, amount in sums.items()) or "nothing"
    lines = [f"Automatic margin: {added} in 24 hours."]
    unsure = sum(one.state in {IntentState.UNKNOWN, IntentState.DISPUTED} for one in books.intents.values())
    lines += [f"Automatic margin: the outcome of {unsure} is NOT known."] if unsure else []
    lines += ["Automatic margin is STOPPED: nothing is added until `margincall topups start`."] if books.stopped_at else []
    lines += [f"Policy {one.name} is paused." for one in policy.top_ups.policies if one.name in books.paused]
    lines += [f"{place(key)} on {key.account}: automatic margin is OFF, {one.reason}." for key, one in books.circuits.items()]
    return lines


def _cushion(seen: PositionMemory) -> Decimal:
    judged = seen.assessment.judged
    return judged.cushion if judged.cushion is not None else CALM


def _line(seen: PositionMemory) -> str:
    judged = seen.assessment.judged
    cushion = "no liquidation price" if judged.cushion is None else f"cushion {share_down(judged.cushion)}"
    away = "" if judged.liquidation_distance is None else f", liquidation {share_down(judged.liquidation_distance)} away"
    return f"{short_symbol(seen.key.symbol)} {seen.key.side.value} on {seen.key.account}: {cushion}{away}"
