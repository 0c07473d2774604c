"""The words about a configuration that was read again: what is in force now, what waits for a restart, why one was refused."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.alerts.notices import count_of
from monitor.alerts.wording import fit

SHOWN = 10


def reloaded_text(changed: Sequence[str], restart: Sequence[str], unsent: Sequence[str]) -> tuple[str, str]:
    """Title and body after a reload. ``unsent``: titles of the messages that waited for a channel which is no more."""
    title = "margincall: configuration reloaded"
    lines = [f"In force now: {', '.join(changed)}." if changed else "Nothing else is in force than before."]
    if restart:
        title += ", part needs a restart"
        lines.append(f"As before until a restart: {', '.join(restart)}.")
    if unsent:
        lines.append(f"{count_of(len(unsent), 'message')} waited for a channel that was removed without a fallback:")
        lines.extend(_some(unsent))
    return fit(title), "\n".join(lines)


def refused_text(problems: Sequence[str]) -> tuple[str, str]:
    """Title and body when the new configuration cannot be used."""
    lines = ["The configuration was read again and cannot be used. The one before stays in force:", *_some(problems)]
    lines.append("Mend the file and reload again; `margincall check` looks at it without touching the guard.")
    return fit("margincall: new configuration refused, the old one holds"), "\n".join(lines)


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *[f"and {more} more"] * (more > 0)]
