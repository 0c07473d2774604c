"""Levels: who hears of each, how often it is repeated, and whether it waits for the end of quiet hours."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import PlainValidator

from monitor.alerts.lifecycle import REPEATS, Ladder, RepeatStep
from monitor.alerts.routing import LevelPolicy
from monitor.config.channels import ChannelNames
from monitor.config.strict import Strict, complain_at
from monitor.config.units import complain, parse_duration
from monitor.rules.base import Level

NEVER = "never"
LEAST = timedelta(seconds=1)

DEFAULTS: dict[Level, LevelPolicy] = {
    Level.INFO: LevelPolicy(channels=("chat",), repeats=REPEATS[Level.INFO], passes_quiet=False),
    Level.WARNING: LevelPolicy(channels=("chat",), repeats=REPEATS[Level.WARNING], passes_quiet=False),
    Level.CRITICAL: LevelPolicy(channels=("phone", "chat"), repeats=REPEATS[Level.CRITICAL], passes_quiet=True),
    Level.EMERGENCY: LevelPolicy(channels=("phone", "chat"), repeats=REPEATS[Level.EMERGENCY], passes_quiet=True),
}
"""What holds where nothing is written. Which of these channels there are is another question: see ``discipline``."""

_STEP = re.compile(r"(.+?)(?:\s+for\s+(.+))?")


def parse_repeat(value: object) -> Ladder:
    """``30m``, ``never``, or steps such as ``[1m for 10m, 5m for 1h, 30m]``.

    What stands behind ``for`` is the age up to which the step holds, counted from the alert's entry into its level; the last
    step has none. ``never`` as the last step ends the repeats.
    """
    if not isinstance(value, list):
        return _ladder([_step(value, last=True)])
    if not value:
        complain("name at least one step, or write never")
    steps: list[RepeatStep | None] = []
    complaints: dict[int, str] = {}
    age = timedelta(0)
    for index, text in enumerate(value):
        try:
            step = _step(text, last=index == len(value) - 1)
        except ValueError as error:
            complaints[index] = str(error)
            continue
        steps.append(step)
        if step is not None and step.until is not None:
            if step.until <= age:
                complaints[index] = (
                    "`for` is the alert's whole age up to which the step holds: longer than that of the step before"
                )
            age = step.until
    if complaints:
        complain_at(complaints)
    return _ladder(steps)


def _ladder(steps: list[RepeatStep | None]) -> Ladder:
    return tuple(step for step in steps if step is not None)


def _step(value: object, *, last: bool) -> RepeatStep | None:
    """One step, None for ``never``."""
    found = _STEP.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        complain("must be a duration such as 30m, never, or a list such as [1m for 10m, 5m for 1h, 30m]")
    if last and found[2]:
        complain("the last step holds for as long as the alert lasts: leave out its `for`, or let a step `never` follow")
    if not last and not found[2]:
        complain("every step but the last says up to which age it holds, such as 1m for 10m")
    if found[1] == NEVER:
        if not last:
            complain("never can only be the last step")
        return None
    every = parse_duration(found[1])
    if every < LEAST:
        complain("a repeat comes at least 1s after the last message; write never for none")
    return RepeatStep(every=every, until=parse_duration(found[2]) if found[2] else None)


class LevelSettings(Strict):
    """How one level is told; what is left out is as it is by default."""

    channels: ChannelNames | None = None
    """Who hears of it."""
    repeat: Annotated[Ladder | None, PlainValidator(parse_repeat)] = None
    """How often it is told again while it lasts: a duration, never, or steps that slow down with its age."""
    quiet_hours: Literal["hold", "pass"] | None = None
    """Whether it waits for the end of quiet hours: hold or pass."""


class LevelsSettings(Strict):
    """How each level is told."""

    info: LevelSettings = LevelSettings()
    """Good to know; by default to chat, never repeated, held in quiet hours."""
    warning: LevelSettings = LevelSettings()
    """The first line; by default to chat, repeated every 30m, held in quiet hours."""
    critical: LevelSettings = LevelSettings()
    """Act soon; by default to phone and chat, repeated every 5m, in quiet hours too."""
    emergency: LevelSettings = LevelSettings()
    """Act now; by default to phone and chat, repeated every 1m for 10m, 5m for 1h, then 30m, in quiet hours too."""

    def written(self, level: Level) -> LevelSettings:
        """What is written for this level."""
        settings: LevelSettings = getattr(self, level.label)
        return settings
