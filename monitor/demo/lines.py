"""Without a terminal: one plain line for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from monitor.demo import words
from monitor.demo.frame import Frame


class LinesFace:
    """Writes what is new in a frame through ``write``, one line each."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._caption = ""
        self._rings = 0
        self._acts = 0

    def show(self, frame: Frame) -> None:
        """The captions, what the exchanges did, and the phone's messages, since the last frame, in the order of their time."""
        new: list[tuple[Decimal, str]] = []
        for act in frame.acts[self._acts :]:
            story = next((f": {words.end_words(one)}" for one in frame.positions if one.end is act), "")
            new.append((act.second, f"exchange  {words.act_words(act)}{story}"))
        new += [(ring.second, f"phone     {ring.title}") for ring in frame.rings[self._rings :]]
        if frame.caption != self._caption:
            new.append((frame.second, f"-- {frame.caption}"))
        for second, line in sorted(new, key=lambda one: one[0]):
            self._write(f"{frame.script.clock(second)}  {line}")
        self._caption, self._acts, self._rings = frame.caption, len(frame.acts), len(frame.rings)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Nothing to open."""
        yield


class NoFace:
    """Shows nothing, for ``--json``."""

    def show(self, frame: Frame) -> None:
        """Nothing."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Nothing to open."""
        yield
