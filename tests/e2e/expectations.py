"""What must arrive on a channel and when; a comparison of what must and what did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.e2e.stage import Arrival

TOLERANCE = 2.0
"""Seconds that a message may come late on a slow machine with two busy cores; a poll itself takes 0.3 s."""
EARLY = 0.05
"""Seconds by which clocks of two threads may differ."""


class Window(NamedTuple):
    """From ``start`` to ``end``, seconds."""

    start: float
    end: float


def between(start: float, end: float) -> Window:
    """The time in which something must come."""
    return Window(start, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that went otherwise. ``about``: whom the expectation named; ``arrival``: the message that nobody expected."""

    text: str
    about: str = ""
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One message that must come on ``channel``, with all ``words`` in its title and body."""

    channel: str
    words: tuple[str, ...]
    window: Window
    about: str

    def fits(self, arrival: Arrival) -> bool:
        """It is this message, whenever it came."""
        return arrival.channel == self.channel and all(word in arrival.text for word in self.words)


def compared(expected: Sequence[Expected], arrivals: Sequence[Arrival], seconds: Callable[[float], float]) -> list[Problem]:
    """Each expectation takes the first message that fits it, in time; what is left on either side is a problem.

    ``seconds`` turns an arrival's moment into the timeline's.
    """
    problems = []
    left = list(arrivals)
    for one in sorted(expected, key=lambda each: each.window.end):
        earliest, latest = one.window.start - EARLY, one.window.end + TOLERANCE
        fitting = [arrival for arrival in left if one.fits(arrival)]
        timely = [arrival for arrival in fitting if earliest <= seconds(arrival.at) <= latest]
        if timely:
            left.remove(timely[0])
            continue
        wanted = f"expected on {one.channel} between {one.window.start:.1f} and {one.window.end:.1f} s: {' & '.join(one.words)}"
        when = ", ".join(f"{seconds(arrival.at):.2f} s" for arrival in fitting)
        problems.append(Problem(text=f"{wanted}; {f'it came at {when}' if fitting else 'nothing like it came'}", about=one.about))
    for arrival in left:
        text = f"nobody expected on {arrival.channel} at {seconds(arrival.at):.2f} s: {arrival.text!r}"
        problems.append(Problem(text=text, arrival=arrival))
    return problems
