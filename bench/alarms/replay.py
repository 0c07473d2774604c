"""One position, left alone on one path: what the product would have told, and when the exchange would have ended it.

The monitor polls every 10 s, every 2 s while an alert is in force (never finer than the path); repeats come with the tick.
The exchange sees every mark of the path. Nobody answers an alert: no top-up, no close, no acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from bench.alarms.book import TICK, Entry
from bench.alarms.prices import Path
from bench.alarms.stretches import assessment_at, liquidated_at, stretches, tick_of
from bench.alarms.variants import Variant
from monitor.alerts.lifecycle import NO_VERDICT, advance, repeat_due
from monitor.alerts.model import Alert, AlertState, NotifyReason, Subject, SubjectKind
from monitor.rules.base import Judgement, Level, PositionRule

CALM, NEAR = 10, 2
START = datetime(2000, 1, 1, tzinfo=UTC)
SUBJECT = Subject(SubjectKind.POSITION, "binance", "main", "COIN", "-")


class Notice(NamedTuple):
    """One rule's reason to speak."""

    rule: str
    level: Level
    why: NotifyReason


class Spoken(NamedTuple):
    """One message: the second of the path and every notice in it."""

    second: int
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A position from its entry to ``until`` (liquidation, or the end of the watch). ``known``: the path is known so far.

    ``liquidated``: the second of liquidation, also after ``until``; None where none is known.
    """

    leverage: int
    opened: int
    until: int
    known: int
    liquidated: int | None
    spoken: tuple[Spoken, ...]


def replay(path: Path, entry: Entry, variant: Variant, *, watch: int, known: int) -> Watched:
    """Watch a position for ``watch`` seconds, and look on, unwatched, until the second ``known`` of the path."""
    price = path.at(entry.second)
    end = liquidated_at(entry.shape)
    low, high = ((end + 0.5) * price / TICK, float("inf")) if entry.shape.long else (0.0, (end - 0.5) * price / TICK)
    liquidated = path.leaves(entry.second, low, high)
    if liquidated is not None and liquidated > known:
        liquidated = None
    stop = min(entry.second + watch, known)
    until = stop if liquidated is None else min(stop, liquidated)
    spoken = _Watcher(path, entry, variant, price).run(until)
    return Watched(entry.shape.leverage, entry.second, until, known, liquidated, spoken)


class _Watcher:
    """The monitor's part for one position: its alerts, and the next second at which anything can happen."""

    def __init__(self, path: Path, entry: Entry, variant: Variant, price: float) -> None:
        self.path, self.entry, self.price = path, entry, price
        self.rules, self.repeats = variant.rules, variant.repeats
        self.alerts: dict[str, Alert] = {}
        self.spoken: list[Spoken] = []

    def run(self, until: int) -> tuple[Spoken, ...]:
        """All messages before ``until``: polls that could change nothing are skipped, repeats come when they are due."""
        now = poll = self.entry.first_poll
        while now < until:
            self._step(now, poll=now == poll)
            if now == poll:
                poll = self._next_poll(now)
            now = min(poll, self._next_repeat(now, until))
        return tuple(self.spoken)

    def _step(self, now: int, *, poll: bool) -> None:
        """One poll, or a tick between polls: every rule's alert goes on as the product's own table has it."""
        at = START + timedelta(seconds=now)
        born = now == self.entry.first_poll
        tick = tick_of(self.path.at(now), self.price)
        notices = []
        for rule in self.rules:
            alert = self.alerts.get(rule.KIND)
            judgement = NO_VERDICT
            if poll:
                judgement = self._judged(rule, alert, tick, exact=born)
            if alert is None and judgement.level is None:
                continue
            ladder = self.repeats[alert.level] if alert is not None else ()
            step = advance(alert, judgement, rule=rule, subject=SUBJECT, now=at, born=born, repeats=ladder)
            told = step.alert or step.ended
            if step.alert is not None:
                self.alerts[rule.KIND] = step.alert
            else:
                self.alerts.pop(rule.KIND, None)
            if step.why is not None and told is not None:
                notices.append(Notice(rule.KIND, told.level, step.why))
        if notices:
            self.spoken.append(Spoken(now, tuple(notices)))

    def _judged(self, rule: PositionRule, alert: Alert | None, tick: int, *, exact: bool) -> Judgement:
        """The rule's judgement; with its exact figures where the table of lives looks at more than the verdict (born alerts)."""
        if exact or (alert is not None and alert.born):
            return rule.judge(assessment_at(self.entry.shape, tick), _held(alert))
        return stretches(self.entry.shape, rule, _held(alert)).judged(tick)

    def _next_poll(self, polled: int) -> int:
        """The first poll that can change anything; those between it and the last one would say what that one said."""
        interval = max(NEAR if self.alerts else CALM, self.path.step)
        poll = polled + interval
        if any(self._restless(alert) for alert in self.alerts.values()):
            return poll
        tick = tick_of(self.path.at(polled), self.price)
        around = [stretches(self.entry.shape, rule, _held(self.alerts.get(rule.KIND))).around(tick) for rule in self.rules]
        low = (max(low for low, _ in around) - 0.5) * self.price / TICK
        high = (min(high for _, high in around) - 0.5) * self.price / TICK
        while (left := self.path.leaves(poll, low, high)) is not None:
            poll += -(-(left - poll) // interval) * interval
            if poll > self.path.seconds or not low <= self.path.at(poll) < high:
                return poll
        return self.path.seconds + interval

    @staticmethod
    def _restless(alert: Alert) -> bool:
        """Whether the alert may change although the verdict does not: it waits for a hold, or was born past its line."""
        return alert.state is not AlertState.FIRING or alert.born

    def _next_repeat(self, now: int, until: int) -> int:
        """The second of the next repeat, if nothing changes before; ``until`` where there is none."""
        due = [repeat_due(alert, self.repeats[alert.level]) for alert in self.alerts.values() if alert.state is AlertState.FIRING]
        seconds = [int((one - START).total_seconds()) for one in due if one is not None]
        return min([max(second, now + 1) for second in seconds], default=until)


def _held(alert: Alert | None) -> Level | None:
    """The level that a rule is told its alert is at, as ``decide`` tells it."""
    return alert.level if alert is not None and alert.told is not None else None
