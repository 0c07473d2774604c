"""What the configuration says: its files, its rules, who hears of what, and who watches the guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.alerts.rounding import span
from monitor.config import Loaded
from monitor.config.discipline import routing
from monitor.ports import CheckLine
from monitor.rules.base import AccountRule, ChannelRule, FamilyRule, LifeRule, PositionRule, Rule, UnguardedRule

RULES: Mapping[type[Rule], str] = {
    PositionRule: "figures",
    LifeRule: "what happens to a position",
    UnguardedRule: "what is not guarded",
    FamilyRule: "readings",
    AccountRule: "keys",
    ChannelRule: "channels",
}
"""Every kind of rule, and what it looks at."""


def config_lines(loaded: Loaded) -> Iterator[CheckLine]:
    """What was read, and the rules in force by what they look at."""
    yield CheckLine(status="ok", topic="file", text=str(loaded.config))
    yield CheckLine(status="ok", topic="store", text=str(loaded.store))
    yield CheckLine(status="ok", topic="secrets", text=f"{len(loaded.secrets)} found")
    rules = loaded.settings.rules
    for kind, about in RULES.items():
        names = [rule.KIND for rule in rules if isinstance(rule, kind)]
        if names:
            yield CheckLine(status="ok", topic="rules", text=f"on {about}: {', '.join(names)}")
    if not rules:
        advice = "Take `off: true` away from the rules that you want."
        yield CheckLine(status="warn", topic="rules", text="none: nothing would ever be told", advice=advice)


def routing_lines(loaded: Loaded) -> Iterator[CheckLine]:
    """What goes where: each level, and who is called next."""
    rules = routing(loaded.settings)
    for level, told in rules.levels.items():
        steps = [step for step in rules.escalation if level >= step.level]
        later = "".join(f"; unanswered for {span(step.after)}: {', '.join(step.channels)} too" for step in steps)
        yield CheckLine(status="ok", topic=level.label, text=f"goes to {', '.join(told.channels)}{later}")
    if rules.routes:
        yield CheckLine(status="ok", topic="routes", text=f"{len(rules.routes)} of your own come before the levels")


def heartbeat_line(loaded: Loaded) -> CheckLine:
    """Whether somebody outside would notice that this machine is gone."""
    if loaded.settings.heartbeat is not None:
        return CheckLine(status="ok", topic="heartbeat", text="configured; `check --send` tries it")
    return CheckLine(
        status="warn",
        topic="heartbeat",
        text="none: nobody would tell you that this machine is down",
        advice="Set `heartbeat:` to a URL of a watcher outside (healthchecks.io and its like).",
    )
