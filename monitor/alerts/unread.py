"""The words of a message about single positions that cannot be read while the rest of their family can."""

from __future__ import annotations

from datetime import datetime

from monitor.alerts.model import Notice, NotifyReason
from monitor.alerts.notices import SHOWN, FamilyStory, count_of, one_line, where_of
from monitor.alerts.rounding import span
from monitor.alerts.wording import WHY_AGAIN, fit


def unread_title(lead: Notice, story: FamilyStory) -> str:
    """The one line that must do."""
    if lead.why is NotifyReason.RESOLVED:
        where = where_of(lead.alert.subject)
        return fit(f"All positions can be read again: {where}", f"All read again: {where}")
    names, again = [one.symbol for one in story.unreadable], WHY_AGAIN.get(lead.why, "")
    what = names[0] if len(names) == 1 else count_of(len(names), "position")
    return fit(f"{again}NOT guarded: {what} cannot be read", f"{again}NOT guarded: a position cannot be read")


def unread_body(lead: Notice, story: FamilyStory, now: datetime) -> str:
    """Which positions cannot be read and why, and the last that was known of them."""
    where, lasted = where_of(lead.alert.subject), span(now - lead.alert.since)
    if lead.why is NotifyReason.RESOLVED:
        return f"Every open position of {where} can be read again, {lasted} after the alert.\n#{lead.alert.code}"
    unread = story.unreadable
    lines = [f"{where} is read, but for {count_of(len(unread), 'position')}:"]
    lines += [f"{one.symbol} cannot be read: {one.why or 'its row makes no sense'}" for one in unread[:SHOWN]]
    if len(unread) > SHOWN:
        lines.append(f"and {len(unread) - SHOWN} more")
    lines.append("Nobody guards what cannot be read. All else there is guarded as ever.")
    names = {one.symbol for one in unread}
    known = [one for one in story.known if one.position.instrument.instrument_id in names]
    lines += ["Last known:", *map(one_line, known[:SHOWN])] if known else []
    lines.append("Look at it on the exchange's own page; if it lasts, report what the exchange sends.")
    return "\n".join([*lines, f"#{lead.alert.code}"])
