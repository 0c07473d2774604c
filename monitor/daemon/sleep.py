"""Sleep: whether the machine was suspended, which no timer of the event loop notices."""

from __future__ import annotations

from monitor.ports import Clock

SLEPT_SECONDS = 2.0
"""From here on the machine counts as having slept."""


class Sleep:
    """The machine's sleep as one worker notices it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asleep = clock.asleep()

    def noticed(self) -> float:
        """For how many seconds the machine has slept since this was last above 0."""
        slept = self._clock.asleep() - self._asleep
        if slept < SLEPT_SECONDS:
            return 0.0
        self._asleep += slept
        return slept
