"""After a time in which no daemon ran, what is still past a line is told once more; a mere restart repeats nothing."""

from dataclasses import replace

import pytest

from monitor.alerts.matching import Matcher
from monitor.alerts.model import NotifyReason, position_subject
from monitor.alerts.muting import Silence
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.decide import AWAY, Decision, decide
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.requests import acknowledge
from monitor.rules.base import Level
from tests.builders import COINM, at, failure, key, policy, position, snapshot

# As in test_decide: 96 is past the warning line of 60 % cushion, 93 past the emergency line.
CALM, WARNING, EMERGENCY = "100", "96", "93"
BACK = 10 + AWAY.total_seconds()
"""When the daemon runs again; the last reading before was at 10 s. A warning repeats after 30 min: that is none of those."""


class Runs:
    """A memory over several runs of the daemon."""

    def __init__(self) -> None:
        self.policy: Policy = policy()
        self.memory = Memory()

    def see(self, mark: str, seconds: float) -> Decision:
        return self.take(snapshot(position(mark), when=at(seconds)), seconds)

    def take(self, reading, seconds: float) -> Decision:
        decision = decide(reading, self.memory, self.policy, at(seconds))
        self.memory = decision.memory
        return decision

    def restart(self, seconds: float) -> None:
        """Another run begins."""
        self.policy = replace(self.policy, watching_since=at(seconds))


def told(decision: Decision) -> list[tuple[NotifyReason, str]]:
    return [(message.why, message.level.label) for message in decision.commit.messages]


def alerted(mark: str = WARNING) -> Runs:
    """An alert that was told at 10 s, of a position that was calm before; the next run begins at ``BACK``."""
    runs = Runs()
    runs.see(CALM, 0)
    runs.see(mark, 10)
    runs.restart(BACK)
    return runs


def test_alert_that_still_holds_is_told_once_more():
    runs = alerted()
    assert told(runs.see(WARNING, BACK)) == [(NotifyReason.REPEAT, "warning")]
    assert told(runs.see(WARNING, BACK + 2)) == []


def test_alert_born_with_its_position_is_told_once_more_at_each_downtime_and_never_else():
    runs = Runs()
    assert told(runs.see(EMERGENCY, 10)) == [(NotifyReason.FIRST, "emergency")]
    runs.restart(BACK)
    assert told(runs.see(EMERGENCY, BACK)) == [(NotifyReason.REPEAT, "emergency")]
    assert told(runs.see(EMERGENCY, BACK + 7200)) == []
    runs.restart(BACK + 7200 + AWAY.total_seconds())
    assert told(runs.see(EMERGENCY, BACK + 7200 + AWAY.total_seconds())) == [(NotifyReason.REPEAT, "emergency")]


def test_nothing_is_repeated_when_it_was_a_mere_restart():
    runs = alerted()
    runs.restart(BACK - 1)
    assert told(runs.see(WARNING, BACK - 1)) == []


def test_nothing_is_repeated_when_the_family_was_only_blind_for_a_while():
    runs = Runs()
    runs.see(CALM, 0)
    runs.see(WARNING, 10)
    assert told(runs.see(WARNING, BACK)) == []


def test_repeat_waits_for_the_first_good_reading():
    runs = alerted()
    runs.take(failure(at(BACK)), BACK)
    assert told(runs.take(None, BACK + 1)) == []
    assert told(runs.see(WARNING, BACK + 2)) == [(NotifyReason.REPEAT, "warning")]


def test_what_got_better_or_worse_meanwhile_is_told_as_that():
    assert told(alerted().see(EMERGENCY, BACK)) == [(NotifyReason.WORSENED, "emergency")]
    runs = alerted()
    assert told(runs.see(CALM, BACK)) == []
    assert told(runs.see(CALM, BACK + 11)) == [(NotifyReason.RESOLVED, "warning")]


def test_nothing_is_repeated_when_somebody_has_it():
    runs = alerted()
    runs.memory = acknowledge(runs.memory, (), at(20)).memory
    assert told(runs.see(WARNING, BACK)) == []


@pytest.mark.parametrize("once", [True, False])
def test_single_runs_never_count_as_a_downtime(once):
    runs = alerted()
    runs.policy = replace(runs.policy, once=once)
    assert bool(told(runs.see(WARNING, BACK))) is not once


def test_nothing_is_repeated_when_the_level_never_is():
    runs = alerted()
    never = {Level.WARNING: LevelPolicy(channels=("phone",), repeats=(), passes_quiet=True)}
    runs.policy = replace(runs.policy, routing=Routing(everyone=("phone",), levels=never))
    assert told(runs.see(WARNING, BACK)) == []


def test_repeat_that_is_muted_is_owed_and_kept():
    runs = alerted()
    until = at(BACK + 60)
    mute = Silence(id="S1", match=Matcher(), since=at(0), until=until)
    runs.memory = replace(runs.memory, silences={"S1": mute})
    silent = runs.see(WARNING, BACK)
    assert told(silent) == []
    assert [alert.owed for alert in silent.commit.alerts] == [NotifyReason.REPEAT]
    assert told(runs.see(WARNING, BACK + 61)) == [(NotifyReason.REPEAT, "warning")]


def test_other_families_do_not_matter():
    runs = alerted()
    other = snapshot(when=at(BACK), family=COINM)
    assert told(runs.take(other, BACK)) == []
    assert runs.memory.alerts["cushion", position_subject(key())].owed is None
