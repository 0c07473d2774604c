"""Alerts and messages as rows."""

from __future__ import annotations

from typing import Any

from monitor.alerts.model import Alert, AlertState, Message, NotifyReason, Ruling, Subject, SubjectKind
from monitor.margin.quantities import dec_or_none
from monitor.rules.base import Level
from monitor.store.codec import Row, from_ms, ms_or_none, storable, text_or_none, time_or_none, to_ms

SUBJECT = ("kind", "exchange", "account", "symbol", "side", "family", "channel")

ALERT = (
    "rule", *SUBJECT, "code", "state", "level", "peak", "since", "state_since", "level_since", "told", "told_at", "repeats",
    "born", "value", "line", "reason", "steps", "first_told_at", "owed", "acked_at", "escalated", "named",
)  # fmt: skip

RULING = ("at", "code", "rule", *SUBJECT, "level", "named", "value")

MESSAGE = (*SUBJECT, "id", "code", "level", "why", "title", "body", "at")


def subject_row(subject: Subject) -> tuple[str, ...]:
    """The SUBJECT columns."""
    return (subject.kind.value, *subject[1:])


def alert_row(alert: Alert) -> tuple[Any, ...]:
    """The ALERT columns."""
    return (
        alert.rule,
        *subject_row(alert.subject),
        alert.code,
        alert.state.value,
        int(alert.level),
        int(alert.peak),
        to_ms(alert.since),
        to_ms(alert.state_since),
        to_ms(alert.level_since),
        None if alert.told is None else int(alert.told),
        ms_or_none(alert.told_at),
        alert.repeats,
        int(alert.born),
        text_or_none(alert.value),
        text_or_none(alert.line),
        storable(alert.reason),
        alert.steps,
        ms_or_none(alert.first_told_at),
        None if alert.owed is None else alert.owed.value,
        ms_or_none(alert.acked_at),
        ",".join(map(str, alert.escalated)),
        alert.named,
    )


def alert_of(row: Row) -> Alert:
    """The alert of a row of ALERT columns."""
    return Alert(
        rule=row[0],
        subject=_subject_of(row[1:8]),
        code=row[8],
        state=AlertState(row[9]),
        level=Level(row[10]),
        peak=Level(row[11]),
        since=from_ms(row[12]),
        state_since=from_ms(row[13]),
        level_since=from_ms(row[14]),
        told=None if row[15] is None else Level(row[15]),
        told_at=time_or_none(row[16]),
        repeats=row[17],
        born=bool(row[18]),
        value=dec_or_none(row[19]),
        line=dec_or_none(row[20]),
        reason=row[21],
        steps=row[22],
        first_told_at=time_or_none(row[23]),
        owed=None if row[24] is None else NotifyReason(row[24]),
        acked_at=time_or_none(row[25]),
        escalated=tuple(map(int, row[26].split(","))) if row[26] else (),
        named=row[27],
    )


def ruling_row(ruling: Ruling) -> tuple[Any, ...]:
    """The RULING columns."""
    return (
        to_ms(ruling.at),
        ruling.code,
        ruling.rule,
        *subject_row(ruling.subject),
        int(ruling.level),
        ruling.named,
        text_or_none(ruling.value),
    )


def ruling_of(row: Row) -> Ruling:
    """The ruling of a row of RULING columns."""
    return Ruling(
        at=from_ms(row[0]),
        code=row[1],
        rule=row[2],
        subject=_subject_of(row[3:10]),
        level=Level(row[10]),
        named=row[11],
        value=dec_or_none(row[12]),
    )


def message_row(message: Message) -> tuple[Any, ...]:
    """The MESSAGE columns."""
    return (
        *subject_row(message.subject),
        message.id,
        message.code,
        int(message.level),
        message.why.value,
        storable(message.title),
        storable(message.body),
        to_ms(message.at),
    )


def message_of(row: Row) -> Message:
    """The message of a row of MESSAGE columns."""
    return Message(
        subject=_subject_of(row[:7]),
        id=row[7],
        code=row[8],
        level=Level(row[9]),
        why=NotifyReason(row[10]),
        title=row[11],
        body=row[12],
        at=from_ms(row[13]),
    )


def _subject_of(row: Row) -> Subject:
    kind, *rest = row
    return Subject(SubjectKind(kind), *rest)
