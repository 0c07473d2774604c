"""Crash points: named places at which a test lets the whole program die as if the power had failed.

With ``MARGINCALL_CRASHPOINT=name`` or ``name:n`` in the environment the process sends itself SIGKILL when it passes that place
for the n-th time: no handler, no ``finally``, no flush runs. Without it a crash point is one comparison. Open to all, like
``errors``: what survives a crash (alerts now, the journal of added margin) is tested at these places, not at random moments.

A name says what has just happened; one that ends in ``ing`` is about to, or happens in a transaction that is not committed yet.
Each place is planted once, and the table in ``tests/e2e/chaos/table.py`` holds every name, with what it takes to get there.
"""

from __future__ import annotations

import itertools
import os
import signal

VARIABLE = "MARGINCALL_CRASHPOINT"

_name, _, _nth = os.environ.get(VARIABLE, "").partition(":")
_last = int(_nth) if _nth.isascii() and _nth.isdigit() else 1
_passings = itertools.count(1)


def crashpoint(name: str) -> None:
    """Die here, if this is the place and the passing that the environment names."""
    if name == _name and next(_passings) == _last:
        os.kill(os.getpid(), signal.SIGKILL)
