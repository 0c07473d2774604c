"""Rows that cannot be read: each becomes an open position that is not guarded and says why, and the others go on.

Where no position of the reply can be read, the reply is at fault and the whole reading has failed.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field

from monitor.errors import BadReading
from monitor.margin.position import Side
from monitor.margin.reading import UNREADABLE, Unguarded


@dataclass(slots=True)
class UnreadRows:
    """The rows of one reply that could not be read, in their order."""

    rows: list[Unguarded] = field(default_factory=list)
    _errors: list[BadReading] = field(default_factory=list)

    def add(self, error: BadReading, *, name: object, why: str) -> None:
        """A row on the exchange's instrument ``name``, both of its sides taken together. Raises ``error`` without a name.

        It counts as a long, since its side may be what cannot be read: whoever looks for it goes by its name alone.
        """
        if not isinstance(name, str) or not name:
            raise error
        self._errors.append(error)
        if all(row.instrument_id != name for row in self.rows):
            self.rows.append(Unguarded(symbol=name, side=Side.LONG, mode=UNREADABLE, instrument_id=name, why=why))

    def told(self, positions: Sized) -> list[Unguarded]:
        """All of them beside the ``positions`` that could be read; raises the first error where there are none."""
        if self._errors and not positions:
            raise self._errors[0]
        return self.rows
