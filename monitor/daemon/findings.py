"""What the daily look of the doctor found: what of it is new, and the one message that tells it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from monitor.alerts.notices import count_of
from monitor.alerts.wording import fit
from monitor.ports import CheckLine
from monitor.rules.base import Level

Section = tuple[str, Sequence[CheckLine]]
"""What some lines are about, and the lines."""

SHOWN = 8
_FIGURES = re.compile(r"\d+")


def findings(sections: Iterable[Section]) -> dict[str, tuple[str, CheckLine]]:
    """Every line that is not ok, with what it is about, by a mark that stays the same while only its figures change.

    A question without an answer is no finding: that an exchange did not answer once is no news.
    """
    return {
        "|".join((line.status, about, line.topic, _FIGURES.sub("#", line.text))): (about, line)
        for about, lines in sections
        for line in lines
        if line.status != "ok" and line.known
    }


def summary(found: Iterable[CheckLine]) -> str:
    """``all well``, or how many failed and how many are warnings."""
    states = [line.status for line in found]
    failed, warned = states.count("fail"), states.count("warn")
    return ", ".join([f"{failed} failed"] * bool(failed) + [count_of(warned, "warning")] * bool(warned)) or "all well"


def news_text(new: Mapping[str, tuple[str, CheckLine]]) -> tuple[str, str, Level]:
    """Title, body and level of the message that tells findings, of which there is at least one; failures first."""
    ordered = sorted(new.values(), key=lambda one: one[1].status != "fail")
    lines = []
    for about, line in ordered[:SHOWN]:
        mark = "FAILED" if line.status == "fail" else "Warning"
        lines.append(f"{mark}: {about}, {line.topic}: {line.text}." + (f" {line.advice}" if line.advice else ""))
    if len(ordered) > SHOWN:
        lines.append(f"and {len(ordered) - SHOWN} more")
    lines.append("`margincall check` shows everything. This is told once.")
    level = Level.WARNING if ordered[0][1].status == "fail" else Level.INFO
    return fit(f"margincall's daily check: {summary(line for _, line in ordered)}"), "\n".join(lines), level
