"""Near: whether an account is to be polled at its near interval, because one of its positions is past a line."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerts.model import Subject, SubjectKind
from monitor.rules import kind_of


def makes_near(alerts: Iterable[tuple[str, Subject]], account: str) -> bool:
    """Whether any of ``alerts`` (rule kind and subject) says how near a position of ``account`` is to its end."""
    return any(
        subject.kind is SubjectKind.POSITION and subject.account == account and kind_of(kind).MAKES_NEAR
        for kind, subject in alerts
    )
