"""What `check` tells of the key that an account is watched with: what it may do, from where, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from monitor.margin.reading import KeyFacts
from monitor.ports import CheckLine

TOPIC = "key"
FEW = timedelta(days=14)
"""From so long before its end on a key is worth a warning."""


def key_lines(facts: KeyFacts | None, now: datetime) -> Iterator[CheckLine]:
    """A line each for rights, address and end; ``facts`` None: demo trading, where nobody says."""
    if facts is None:
        yield CheckLine(status="ok", topic=TOPIC, text="its rights are not told (demo trading)")
        return
    yield _rights_line(facts)
    if facts.ip_bound is False:
        advice = "Bind it to this machine's IP address."
        yield CheckLine(status="warn", topic=TOPIC, text="can be used from any IP address", advice=advice)
    elif facts.ip_bound:
        yield CheckLine(status="ok", topic=TOPIC, text="bound to an IP address")
    if facts.expires_at is not None:
        yield end_line(TOPIC, facts.expires_at, now)


def end_line(topic: str, end: datetime, now: datetime, *, whose: str = "") -> CheckLine:
    """How many whole days are left until ``end``; ``whose``: the key's name in the line, "" where the topic says it."""
    days = max(0, (end - now) // timedelta(days=1))
    text = f"{whose} ends in {days} {'day' if days == 1 else 'days'}, on {end:%Y-%m-%d}".strip()
    if end - now > FEW:
        return CheckLine(status="ok", topic=topic, text=text)
    advice = "Make another key; without a valid one nothing is guarded." if not whose else "Make another key."
    return CheckLine(status="warn", topic=topic, text=text, advice=advice)


def _rights_line(facts: KeyFacts) -> CheckLine:
    """To watch, reading is enough; whatever more a key may do is a danger in the wrong hands."""
    if "read" not in facts.rights:
        return CheckLine(status="fail", topic=TOPIC, text="may not read: nothing can be guarded", advice="Let it read.")
    more = [right for right in facts.rights if right != "read"]
    if not more:
        return CheckLine(status="ok", topic=TOPIC, text="can only read")
    advice = (
        "Use a key that can only read." if facts.may_withdraw else "Reading is enough to watch: use a key that can only read."
    )
    return CheckLine(status="warn", topic=TOPIC, text=f"may {_listed(more)}", advice=advice)


def _listed(rights: list[str]) -> str:
    return " and ".join((", ".join(rights[:-1]), rights[-1])) if len(rights) > 1 else rights[0]
