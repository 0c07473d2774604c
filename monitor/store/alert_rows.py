"""Alerts and messages as rows."""

from __future__ import annotations

from typing import Any

from monitor.alerts.model import Alert, AlertState, Message, NotifyReason, Ruling, Subject, SubjectKind
from monitor.margin.quantities import dec_or_none
from monitor.rules.base import Level
from monitor.store.codec import Row, from_ms, ms_or_none, storable, text_or_none, time_or_none, to_ms

SUBJECT = ("kind", "exchange", "account", "symbol", "side", "family")

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
        subject=_subject_of(row[1:7]),
        code=row[7],
        state=AlertState(row[8]),
        level=Level(row[9]),
        peak=Level(row[10]),
        since=from_ms(row[11]),
        state_since=from_ms(row[12]),
        level_since=from_ms(row[13]),
        told=None if row[14] is None else Level(row[14]),
        told_at=time_or_none(row[15]),
        repeats=row[16],
        born=bool(row[17]),
        value=dec_or_none(row[18]),
        line=dec_or_none(row[19]),
        reason=row[20],
        steps=row[21],
        first_told_at=time_or_none(row[22]),
        owed=None if row[23] is None else NotifyReason(row[23]),
        acked_at=time_or_none(row[24]),
        escalated=tuple(map(int, row[25].split(","))) if row[25] else (),
        named=row[26],
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
        subject=_subject_of(row[3:9]),
        level=Level(row[9]),
        named=row[10],
        value=dec_or_none(row[11]),
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
        subject=_subject_of(row[:6]),
        id=row[6],
        code=row[7],
        level=Level(row[8]),
        why=NotifyReason(row[9]),
        title=row[10],
        body=row[11],
        at=from_ms(row[12]),
    )


def _subject_of(row: Row) -> Subject:
    kind, *rest = row
    return Subject(SubjectKind(kind), *rest)
