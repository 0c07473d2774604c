"""One moment of the demo: everything that a face needs to show it, and nothing that changes while it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from monitor.demo.market import Act, Holding
from monitor.demo.phone import Ring
from monitor.demo.script import Script
from monitor.memory import PositionMemory

POINTS = 120
"""At most so many points of each price line are shown."""


class SeenRow(Protocol):
    """A position as `margincall positions` shows it: from the daemon's store, with its state in one word."""

    @property
    def seen(self) -> PositionMemory:
        """What the daemon knows of it."""
        ...

    @property
    def state(self) -> str:
        """ok, warning, critical, emergency or stale."""
        ...


Look = Callable[[Path], Sequence[SeenRow]]
"""Read the store at this path; raises our StoreFault classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFrame:
    """One position: as the daemon saw it last (None: not yet), and what the exchange did to it in the end.

    ``warned``: second of the first alert that the phone had of it. ``end``: the act that took it whole.
    """

    holding: Holding
    state: str
    seen: PositionMemory | None
    warned: Decimal | None
    end: Act | None
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One coin: its change since the start as a share, and the line that it drew, as shares."""

    base: str
    change: Decimal
    line: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The moment. ``stage``: what the demo is doing, in words, while nothing is played."""

    script: Script
    second: Decimal
    stage: str
    positions: Sequence[PositionFrame]
    rings: Sequence[Ring]
    acts: Sequence[Act]
    markets: Sequence[Market]

    @property
    def clock(self) -> str:
        """The scenario's clock."""
        return self.script.clock(self.second)

    @property
    def caption(self) -> str:
        """One sentence about what is going on."""
        return self.stage or self.script.part_at(self.second).caption


class Face(Protocol):
    """Shows frames; a context manager. ``show`` is called from a thread of its own, one call at a time."""

    def show(self, frame: Frame) -> None:
        """Show this moment."""

    def opened(self) -> AbstractContextManager[object]:
        """Within: ready to show."""
        ...


def belongs(ring: Ring, holding: Holding) -> bool:
    """Whether a message is about this position, by its first line."""
    return ring.text.startswith(f"{holding.symbol} {holding.side} on {holding.account} ")


def thinned(line: Sequence[float], points: int = POINTS) -> list[float]:
    """The line with at most so many points, the last one among them."""
    step = max(1, -(-len(line) // points))
    return list(line[::-1][::step])[::-1]
