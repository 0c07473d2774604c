"""The fields of one JSON object, read one by one: every problem is written down, none of them stops the reading."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, NamedTuple

from monitor.margin.quantities import ONE, ZERO, dec

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
# Sizes and prices of real contracts lie between 1e-18 and 1e18; beyond this the arithmetic would lose digits or never end.
_LARGEST_EXPONENT = 30

LEAST = 4
"""Letters that a field needs to be taken for a slip of a known one: shorter ones are alike by chance."""


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which keys were given more than once (JSON itself keeps only the last)."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = sorted(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)


class Limits(NamedTuple):
    """Which numbers a field can hold, and how to say so."""

    holds: Callable[[Decimal], bool]
    words: str


ANY = Limits(lambda _: True, "")
POSITIVE = Limits(lambda value: value > 0, "must be above 0")
NOT_NEGATIVE = Limits(lambda value: value >= 0, "must not be negative")
SHARE = Limits(lambda value: ZERO <= value <= ONE, "must be a share between 0 and 1 (0.5 % is 0.005)")
FEE = Limits(lambda value: ZERO <= value < ONE, "must be a positive share below 1 (0.05 % is 0.0005)")


class Fields:
    """One object under ``path`` (``[0] `` or ``[0] tiers[1].``); ``problems`` is the shared list that lines are added to.

    A bad or missing field gives a stand-in (1, or the empty text), so that the reading goes on; what is read counts only while
    ``problems`` is empty.
    """

    def __init__(self, values: JsonObject, path: str, problems: list[str]) -> None:
        self._values = values
        self._path = path
        self._problems = problems

    def add(self, field: str, what: str) -> None:
        """Write down what is wrong with a field."""
        self._problems.append(f"{self._path}{field}: {what}")

    def given(self, field: str) -> Any:
        """The field as it stands in the file; None where it is missing or null."""
        return self._values.get(field)

    def check_names(self, known: Sequence[str], required: Sequence[str]) -> None:
        """Write down fields that look like a slip of a known one, are given twice, or are missing (``null`` is missing).

        Other fields are the caller's own (an id, a note) and left alone.
        """
        for field in self._values:
            slip = field not in known and len(field) >= LEAST
            near = get_close_matches(field, known, n=1) if slip else []
            if near:
                self.add(_on_one_line(field), f"is not a known field; did you mean {near[0]}?")
        for field in self._values.repeated:
            self.add(_on_one_line(field), "is given more than once")
        self.require(required)

    def require(self, required: Sequence[str], why: str = "is missing") -> None:
        """Write down which of these fields are missing."""
        for field in required:
            if self._values.get(field) is None:
                self.add(field, why)

    def choice(self, field: str, choices: Sequence[str]) -> str:
        """One of ``choices``, or "" where the field is missing or something else."""
        value = self._values.get(field)
        if value is None:
            return ""
        if isinstance(value, str) and value in choices:
            return value
        near = get_close_matches(value.lower(), choices, n=1) if isinstance(value, str) else []
        self.add(field, f"must be one of {', '.join(choices)}" + (f"; did you mean {near[0]}?" if near else ""))
        return ""

    def number(self, field: str, limits: Limits) -> Decimal:
        """A number within ``limits``; 1 stands in where it is missing or bad."""
        value = self.number_or_none(field, limits)
        return ONE if value is None else value

    def number_or_none(self, field: str, limits: Limits) -> Decimal | None:
        """A number within ``limits``, None where it is missing, null or bad."""
        text = self._values.get(field)
        if text is None:
            return None
        if not isinstance(text, str) or not _NUMBER.fullmatch(text):
            self.add(field, "must be a finite number, as a string or a JSON number")
            return None
        value = dec(text)
        if value and abs(value.adjusted()) > _LARGEST_EXPONENT:
            self.add(field, "is too large or too small to be true")
            return None
        if not limits.holds(value):
            self.add(field, limits.words)
            return None
        return value


def _on_one_line(name: str) -> str:
    """A foreign field name, quoted and escaped where it is not plain."""
    return name if name.isidentifier() else json.dumps(name)
