"""A random life: verdicts, clocks, requests and restarts in any order; the promises of the alert discipline hold throughout."""

from dataclasses import replace
from datetime import UTC, time, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from monitor.alerts.matching import EVERYTHING
from monitor.alerts.model import AlertState, NotifyReason, position_subject
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import EscalationStep, LevelPolicy, Routing
from monitor.decide import Decision, decide
from monitor.memory import Memory, shifted
from monitor.requests import acknowledge, silence
from monitor.rules.base import Level
from monitor.rules.cushion import Cushion
from monitor.rules.data_stale import DataStale
from tests.builders import at, failure, key, policy, position, snapshot

SUBJECT = ("cushion", position_subject(key()))
MARKS = ("105", "100", "96.5", "96", "95", "94.5", "93.5", "93", "91")


class AlertMachine(RuleBasedStateMachine):
    """One position, one rule with holds, quiet hours, escalation; every message of the cushion rule is checked as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.memory = Memory()
        self.policy = replace(
            policy(Cushion(hold=timedelta(seconds=3), clear_hold=timedelta(seconds=5)), DataStale()),
            quiet_hours=QuietHours(begin=time(4), end=time(5), zone=UTC),
            routing=Routing(
                levels={Level.WARNING: LevelPolicy(channels=("chat",), passes_quiet=False)},
                escalation=[EscalationStep(after=timedelta(minutes=2), level=Level.CRITICAL, channels=("partner",))],
            ),
        )
        self.open = False
        self.acked = False
        self.told_level: Level | None = None

    def _take(self, decision: Decision, before: Memory) -> None:
        self.memory = decision.memory
        for message in decision.commit.messages:
            if message.subject.kind.value != "position":
                continue
            if message.why is NotifyReason.FIRST:
                assert not self.open, "told twice as new"
                self.open, self.acked = True, False
            elif message.why is NotifyReason.RESOLVED:
                assert self.open, "an all-clear of what was never told"
                self.open = False
            elif message.why is NotifyReason.WORSENED:
                assert self.open or SUBJECT in before.alerts
                self.open, self.acked = True, False
            elif message.why in {NotifyReason.REPEAT, NotifyReason.ESCALATED}:
                assert self.open
                if self.acked:
                    alert = before.alerts[SUBJECT]
                    came_back = alert.state is AlertState.CLEARING
                    lapsed = alert.acked_at is None or at(self.seconds) - alert.acked_at >= self.policy.ack_lapses or came_back
                    assert lapsed, "it spoke although somebody has it"
                    self.acked = False

        if SUBJECT not in self.memory.alerts:
            self.open = False  # a silenced all-clear is not told, and what comes then is new

    def _read(self, reading) -> None:
        before = self.memory
        self._take(decide(reading, before, self.policy, at(self.seconds)), before)

    @rule(mark=st.sampled_from(MARKS), wait=st.sampled_from([1, 2, 6, 60]))
    def see(self, mark, wait):
        self.seconds += wait
        self._read(snapshot(position(mark), when=at(self.seconds)))

    @rule(wait=st.sampled_from([1, 10]))
    def fail(self, wait):
        self.seconds += wait
        held = self.memory.alerts.get(SUBJECT)
        self._read(failure(at(self.seconds)))
        assert held is None or SUBJECT in self.memory.alerts, "a failed reading ended an alert"

    @rule(wait=st.sampled_from([1, 30, 600]))
    def tick(self, wait):
        self.seconds += wait
        self._read(None)

    @precondition(lambda self: SUBJECT in self.memory.alerts)
    @rule()
    def somebody_has_it(self):
        self.memory = acknowledge(self.memory, (), at(self.seconds)).memory
        self.acked = self.open

    @rule(minutes=st.sampled_from([1, 20]), emergencies=st.booleans())
    def hush(self, minutes, emergencies):
        lasts = timedelta(minutes=minutes)
        self.memory = silence(self.memory, EVERYTHING, lasts, at(self.seconds), emergencies=emergencies).memory

    @rule()
    def restart(self):
        self.policy = replace(self.policy, watching_since=at(self.seconds))

    @rule(step=st.sampled_from([-3600, 600, 3600]))
    def clock_is_set(self, step):
        """The daemon moves the memory along; ages stay what they were."""
        alert = self.memory.alerts.get(SUBJECT)
        moved = shifted(self.memory, timedelta(seconds=step))
        if alert is not None:
            assert moved.alerts[SUBJECT].since - alert.since == timedelta(seconds=step)
        self.memory = shifted(moved, timedelta(seconds=-step))

    @invariant()
    def what_fires_was_told_or_is_owed(self):
        alert = self.memory.alerts.get(SUBJECT)
        if alert is not None and alert.state is AlertState.FIRING:
            assert alert.told is not None or alert.owed is not None or alert.acked_at is not None, "neither told, owed nor had"
            assert alert.peak >= alert.level


TestAlertMachine = AlertMachine.TestCase
TestAlertMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
