"""The words about an account's key: that it expires, may do too much, or may do less than it could."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.alerts.model import Notice, NotifyReason
from monitor.alerts.rounding import span
from monitor.alerts.wording import WHY_AGAIN, exchange_name, fit
from monitor.margin.reading import KeyFacts

WHAT_TO_DO = {
    "key_expiring": "Without it nothing of this account can be read. Make a new one, bound to this machine's IP address.",
    "key_rights": "To guard, a key needs to read only, from this machine's IP address.",
    "key_reduced": "If that was not you, look at the exchange's page of keys.",
}


def key_title(lead: Notice) -> str:
    """The one line about a key."""
    alert = lead.alert
    where = f"{alert.subject.account} ({exchange_name(alert.subject.exchange)})"
    if lead.why is NotifyReason.RESOLVED:
        return fit(f"Settled: the key of {where}", f"Settled: key of {alert.subject.account}")
    head = f"{WHY_AGAIN.get(lead.why, '')}{alert.level.label.upper()}"
    return fit(f"{head}: {where}: {alert.reason}", f"{head}: {alert.subject.account}: {alert.reason}")


def key_body(notices: Sequence[Notice], facts: KeyFacts, now: datetime) -> str:
    """What is the matter with the key, what to do, and what it may do now."""
    lead = notices[0]
    subject = lead.alert.subject
    lines = [f"The key of {subject.account} ({exchange_name(subject.exchange)}):"]
    for notice in notices:
        alert = notice.alert
        if notice.why is NotifyReason.RESOLVED:
            lines.append(f"{alert.rule.replace('_', ' ')}: over after {span(now - alert.since)}.")
        else:
            left = f" (in {span(facts.expires_at - now)})" if alert.rule == "key_expiring" and facts.expires_at else ""
            lines.append(f"{alert.reason[:1].upper()}{alert.reason[1:]}{left}.")
            lines.append(WHAT_TO_DO[alert.rule])
    lines.append(f"It may now: {', '.join(facts.rights) or 'nothing that we know of'}.")
    lines.append(" ".join(dict.fromkeys(f"#{notice.alert.code}" for notice in notices)))
    return "\n".join(lines)
