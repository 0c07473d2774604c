"""What is played: the scenario, how fast each part of it passes, and one sentence about each part.

Polls come every 0.2 s of the viewer's time (``POLLS``). At 5 times real speed that is one reading a second of the market's time,
the order of the product's own pace near a line (2 s), so that the lead times of the slow parts mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.practice import SCENARIOS, Scenario

POLLS = "200ms"
POLL_SECONDS = Decimal("0.2")
CRASH_BEGINS = datetime(2025, 10, 10, 20, 45, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """Up to second ``until`` of the scenario: times real speed, and what a viewer should know."""

    until: int
    speed: Decimal
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A scenario with its parts. ``begins``: the time of day that second 0 stands for; None: counted from 0:00."""

    scenario: Scenario
    title: str
    parts: tuple[Part, ...]
    begins: datetime | None = None
    seed: int = 0

    @property
    def pace(self) -> list[tuple[int, Decimal]]:
        """For the player."""
        return [(part.until, part.speed) for part in self.parts]

    def part_at(self, second: Decimal) -> Part:
        """The part that ``second`` lies in."""
        return next((part for part in self.parts if second < part.until), self.parts[-1])

    def clock(self, second: Decimal) -> str:
        """``21:17:25`` of the day that is played, else ``17:25`` since the beginning."""
        if self.begins is not None:
            return f"{self.begins + timedelta(seconds=int(second)):%H:%M:%S}"
        minutes, seconds = divmod(int(second), 60)
        return f"{minutes:02}:{seconds:02}"

    @property
    def slowest(self) -> Decimal:
        """The speed of its slowest part, times real."""
        return min(part.speed for part in self.parts)


def _parts(*rows: tuple[int, int, str]) -> tuple[Part, ...]:
    return tuple(Part(until, Decimal(speed), caption) for until, speed, caption in rows)


_CRASH = _parts(
    (1640, 400, "A quiet Friday evening. The daemon reads every position, again and again."),
    (1690, 15, "Prices begin to slide. First warnings come while there is plenty of time."),
    (1755, 5, "The first plunge: Bitcoin loses 2 % within 32 seconds."),
    (1835, 20, "A pause. Messages carry the amount that would bring each position back."),
    (1955, 5, "The altcoins fall through the floor."),
    (2085, 20, "Bitcoin stands still at the edge for two minutes."),
    (2170, 5, "The second plunge: Bitcoin loses 3 % within 15 seconds."),
    (2440, 60, "Who is still here?"),
    (2510, 10, "The lowest price of the night. One long is left by a hair."),
    (5400, 550, "The recovery, too late for those who are gone."),
)
_SCRIPTS = {
    "crash": ("the crash of 10 October 2025", _CRASH, CRASH_BEGINS),
    "calm": ("a calm market", _parts((600, 20, "Nothing happens, so the phone stays silent.")), None),
    "whipsaw": (
        "200 swings around a warning line",
        _parts(
            (60, 10, "Prices come down to a warning line ..."),
            (2060, 30, "... and swing around it. Each line is told once, not 200 times."),
        ),
        None,
    ),
    "gap": (
        "one jump past every line",
        _parts((120, 5, "After a quiet minute the price jumps down by 30 %, with nothing in between.")),
        None,
    ),
}


def script(name: str, *, seed: int = 0, speed: Decimal | None = None) -> Script:
    """The script of a scripted scenario; ``speed``: times real, everywhere, instead of its own pace."""
    title, parts, begins = _SCRIPTS[name]
    if speed is not None:
        parts = tuple(Part(part.until, speed, part.caption) for part in parts)
    return Script(scenario=SCENARIOS[name], title=title, parts=parts, begins=begins, seed=seed)
