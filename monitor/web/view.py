"""What the pages read: the guard's memory and a few figures of the daemon, handed in by whoever puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.memory import Memory
from monitor.policy import Policy
from monitor.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How an account's polls go. ``took``: seconds of the last one from question to commit; ``weight``: request weight used in
    the exchange's own window, where it tells.
    """

    took: float | None = None
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Totals that the store keeps: rulings by named reason, deliveries by channel and state."""

    rulings: Mapping[str, int] = field(default_factory=dict)
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The daemon as the pages see it. ``kept``: the last commit succeeded; ``late``: workers that hang; ``lag``: how late the
    event loop is, in seconds. ``counts`` reads the store and may raise StoreFault.
    """

    clock: Clock
    memory: Callable[[], Memory]
    policy: Callable[[], Policy]
    kept: Callable[[], bool]
    late: Callable[[], Sequence[str]]
    paces: Callable[[], Mapping[str, Pace]]
    lag: Callable[[], float]
    usual_lag: Callable[[], float]
    counts: Callable[[], Counts]
    channels: Callable[[], Sequence[str]] = tuple
