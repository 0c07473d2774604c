"""`margincall calc`: margin figures of positions written down in a file; needs no account, no network and no configuration."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from monitor.margin.assessment import assess
from monitor.margin.casefile import parse_cases, render_figures

BAD_INPUT = 2


def calc(path: str, keep_going: bool) -> int:  # noqa: FBT001 - a verb's flag, handed on as it is
    """Write the figures of every case in ``path`` (``-``: standard input) to standard output as a JSON array.

    Returns the exit code: 0, or 2 where anything is wrong with the input. Then each problem is one line on standard error, and
    standard output stays empty, or with ``keep_going`` holds null at the bad indexes.
    """
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        return _refused([f"input: cannot read {path}: {error.strerror}"])
    except UnicodeDecodeError:
        return _refused(["input: is not UTF-8 text"])
    positions, problems = parse_cases(text)
    if problems and not (keep_going and positions):
        return _refused(problems)
    figures = [None if position is None else render_figures(assess(position)) for position in positions]
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return _refused(problems) if problems else 0


def _refused(problems: list[str]) -> int:
    """Tell the problems, one line each; the exit code for them."""
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return BAD_INPUT
