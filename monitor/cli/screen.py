"""The screen: one console for every verb; whole lines where nobody looks at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 240
"""Columns when the output is a file or a pipe: nothing is cut for a width that is not there."""


def console() -> Console:
    """Standard output."""
    from rich.console import Console

    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=WIDE)
