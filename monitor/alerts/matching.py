"""Matching: which subjects a route, an override or a silence speaks of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from monitor.alerts.model import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Each field is a list of patterns (``*``, ``?`` as in file names) of which one must fit; an empty list fits everything."""

    exchange: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    symbol: tuple[str, ...] = ()
    side: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    code: tuple[str, ...] = ()

    def matches(self, subject: Subject, rule: str = "", code: str = "") -> bool:
        """Whether it speaks of this subject (and of this rule's alert with this code, where those are named)."""
        return (
            _fits(self.exchange, subject.exchange)
            and _fits(self.account, subject.account)
            and _fits(self.symbol, subject.symbol)
            and _fits(self.side, subject.side)
            and _fits(self.rule, rule)
            and _fits(self.code, code)
        )

    def describe(self) -> str:
        """``account main, symbol DOGE/*``; ``everything`` where nothing is named."""
        parts = [f"{field.name} {' or '.join(getattr(self, field.name))}" for field in fields(self) if getattr(self, field.name)]
        return ", ".join(parts) or "everything"


EVERYTHING = Matcher()


def _fits(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)
