"""Log lines for people: short, wrapped by words under their own text, and one thing first: what happened.

    02:48:11 family.read main usdm positions=3
    02:48:19 WARNING family.read_failed main usdm cause=timed_out
             error="no whole answer within 5 seconds"

Times are local, with a line of its own for each new day. Whom it is about stands first, without saying that it is an account or a
symbol; what is empty is left out, and nothing else: what does not fit goes on the next line.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, TextIO

INDENT = " " * 9
NARROWEST = 40
ELSEWHERE = 80
"""The width where the terminal does not tell one."""
COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m", "debug": "\x1b[2m"}
PLAIN = "\x1b[0m"
FIRST = ("account", "family", "channel", "symbol", "side")
"""What an event is about stands before what there is to say of it."""
_TOLD = frozenset({*FIRST, "event", "level", "logger", "timestamp", "exception", "stack", "stack_info"})


def width_of(stream: TextIO) -> int:
    """The columns of the terminal that ``stream`` writes to."""
    try:
        return max(NARROWEST, os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):
        return ELSEWHERE


class Lines:
    """structlog's last processor where a person reads along; ``ours``: the loggers that need no naming."""

    def __init__(
        self,
        *,
        ours: frozenset[str],
        width: Callable[[], int] = lambda: ELSEWHERE,
        now: Callable[[], datetime] = datetime.now,
        colours: bool = False,
    ) -> None:
        self._ours = ours
        self._width = width
        self._now = now
        self._colours = colours
        self._day = ""

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        """One event as its lines."""
        del logger, method
        now = self._now().astimezone()
        level, name = str(event.get("level", "info")), str(event.get("logger", ""))
        words = [level.upper()] if level != "info" else []
        words += [f"{name}:"] if name and name not in self._ours else []
        words.append(printable(str(event.get("event", ""))))
        words += [_value(event[key]) for key in FIRST if key in event]
        words += [f"{key}={_value(value)}" for key, value in event.items() if key not in _TOLD and value not in ("", None, [])]
        text = textwrap.fill(
            " ".join(words),
            self._width(),
            initial_indent=f"{now:%H:%M:%S} ",
            subsequent_indent=INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if self._colours and (colour := COLOURS.get(level)):
            text = text.replace(words[0], f"{colour}{words[0]}{PLAIN}", 1)
        traces = [str(event[key]) for key in ("stack", "exception") if event.get(key)]
        lines = [*self._date(now), text, *(printable(line) for trace in traces for line in trace.splitlines())]
        return "\n".join(lines)

    def _date(self, now: datetime) -> list[str]:
        day = f"{now:%A %Y-%m-%d, UTC%z}"
        if day == self._day:
            return []
        self._day = day
        return [f"-- {day} --"]


def printable(text: str) -> str:
    """``text`` without what could move a terminal's cursor: what an exchange answers must not be able to draw on it."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def _value(value: Any) -> str:
    """A fact; quoted where it would not be clear where it ends."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    text = printable(str(value))
    return f'"{text}"' if not text or " " in text else text
