"""What is said, and what is not said and why: mutes, acknowledgements, escalation and the audit, through whole decisions."""

from dataclasses import replace
from datetime import UTC, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from monitor.alerts.matching import Matcher
from monitor.alerts.model import NotifyReason, position_subject
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import EscalationStep, LevelPolicy, Routing
from monitor.decide import Decision, decide
from monitor.errors import NoSuchAlert
from monitor.margin.assessment import assess
from monitor.margin.position import PositionStatus, Side
from monitor.memory import Memory
from monitor.policy import Override, Policy
from monitor.requests import acknowledge, silence, unsilence
from monitor.rules.base import Level
from monitor.rules.cushion import Cushion
from monitor.speak import may_be_liquidated
from tests.builders import at, key, policy, position, snapshot
from tests.test_decide import CALM, CRITICAL, EMERGENCY, WARNING

RULE = Cushion(clear_hold=timedelta(0))


class Watch:
    """A memory carried through readings, requests and time, and everything that was told."""

    def __init__(self, **changes) -> None:
        self.policy: Policy = replace(policy(RULE), **changes)
        self.memory = Memory()
        self.told: list[tuple[float, str, str]] = []
        self.rulings: list[tuple[float, str]] = []

    def _note(self, decision: Decision, seconds: float) -> Decision:
        self.memory = decision.memory
        self.told += [(seconds, one.why.value, one.level.label) for one in decision.commit.messages]
        self.rulings += [(seconds, one.named) for one in decision.commit.rulings]
        return decision

    def see(self, mark: str, seconds: float, **changes) -> Decision:
        return self._note(
            decide(snapshot(position(mark, **changes), when=at(seconds)), self.memory, self.policy, at(seconds)), seconds
        )

    def tick(self, seconds: float) -> Decision:
        return self._note(decide(None, self.memory, self.policy, at(seconds)), seconds)

    def ack(self, seconds: float) -> None:
        self.memory = acknowledge(self.memory, (), at(seconds)).memory

    def silence(self, seconds: float, minutes: float, **changes) -> None:
        lasts = timedelta(minutes=minutes)
        self.memory = silence(self.memory, Matcher(symbol=("BTC/*",)), lasts, at(seconds), **changes).memory

    @property
    def said(self) -> list[tuple[float, str]]:
        return [(seconds, why) for seconds, why, _ in self.told]


def watched(mark: str = WARNING, **changes) -> Watch:
    """A watch whose position passed a line at second 10."""
    watch = Watch(**changes)
    watch.see(CALM, 0)
    watch.see(mark, 10)
    return watch


def test_an_acknowledged_alert_neither_repeats_nor_escalates():
    step = EscalationStep(after=timedelta(minutes=2), level=Level.WARNING, channels=("partner",))
    watch = watched(EMERGENCY, routing=Routing(escalation=[step]))
    watch.ack(20)
    for seconds in range(60, 3600, 60):
        watch.see(EMERGENCY, seconds)
    assert watch.said == [(10, "first")]


def test_an_acknowledgement_lapses_after_its_time():
    watch = watched(EMERGENCY, ack_lapses=timedelta(hours=1))
    watch.ack(20)
    watch.see(EMERGENCY, 3619)
    watch.see(EMERGENCY, 3620)
    assert watch.said == [(10, "first"), (3620, "repeat")]


def test_an_acknowledgement_lapses_when_it_worsens():
    watch = watched(WARNING)
    watch.ack(20)
    watch.see(CRITICAL, 30)
    watch.see(CRITICAL, 330)
    assert watch.said == [(10, "first"), (30, "worsened"), (330, "repeat")]


def test_an_acknowledgement_lapses_when_it_cleared_and_came_back():
    watch = Watch()
    watch.policy = replace(watch.policy, rules=(Cushion(clear_hold=timedelta(seconds=60)),))
    watch.see(CALM, 0)
    watch.see(EMERGENCY, 10)
    watch.ack(20)
    watch.see(CALM, 30)
    watch.see(EMERGENCY, 40)
    watch.see(EMERGENCY, 100)
    assert watch.said == [(10, "first"), (100, "repeat")]


def test_a_new_life_of_an_alert_is_not_acknowledged():
    watch = watched(WARNING)
    watch.ack(20)
    watch.see(CALM, 30)
    watch.see(WARNING, 40)
    assert watch.said == [(10, "first"), (30, "resolved"), (40, "first")]


def test_acknowledging_what_is_not_there_changes_nothing():
    watch = watched()
    with pytest.raises(NoSuchAlert, match="ZZZZ"):
        acknowledge(watch.memory, ("zzzz",), at(20))
    code = next(iter(watch.memory.alerts.values())).code
    granted = acknowledge(watch.memory, (f"#{code.lower()}",), at(20))
    assert [alert.code for alert in granted.alerts] == [code]
    assert [one.named for one in granted.commit.rulings] == ["acknowledged"]


def test_a_silenced_alert_is_owed_and_told_when_the_silence_ends():
    watch = Watch()
    watch.see(CALM, 0)
    watch.silence(5, minutes=10)
    watch.see(WARNING, 10)
    watch.tick(600)
    watch.tick(606)
    assert watch.said == [(606, "first")]
    assert [named for _, named in watch.rulings] == ["silenced", "first"]


def test_a_silence_taken_back_lets_it_speak():
    watch = Watch()
    watch.see(CALM, 0)
    watch.silence(5, minutes=10)
    watch.see(WARNING, 10)
    (name,) = watch.memory.silences
    granted = unsilence(watch.memory, name.lower(), at(20))
    assert granted.commit.silences[0].until == at(20)
    watch.memory = granted.memory
    watch.tick(21)
    assert watch.said == [(21, "first")]
    with pytest.raises(NoSuchAlert):
        unsilence(watch.memory, name, at(22))


def test_an_emergency_passes_a_silence_unless_it_said_otherwise():
    watch = Watch()
    watch.see(CALM, 0)
    watch.silence(5, minutes=10)
    watch.see(EMERGENCY, 10)
    assert watch.said == [(10, "first")]
    quiet = Watch()
    quiet.see(CALM, 0)
    quiet.silence(5, minutes=10, emergencies=True)
    quiet.see(EMERGENCY, 10)
    assert quiet.said == []


def test_a_silenced_all_clear_is_not_told_and_an_untold_alert_ends_silently():
    watch = watched(WARNING)
    watch.silence(20, minutes=10)
    watch.see(CALM, 30)
    assert watch.said == [(10, "first")]
    untold = Watch()
    untold.see(CALM, 0)
    untold.silence(5, minutes=10)
    untold.see(WARNING, 10)
    untold.see(CALM, 20)
    assert untold.said == []
    assert untold.rulings[-1] == (20, "over_untold")


# NOW is 03:00 UTC: the quiet hours of these tests end at 03:30, half an hour in.
QUIET: dict[str, Any] = {
    "quiet_hours": QuietHours(begin=time(1), end=time(3, 30), zone=UTC),
    "routing": Routing(levels={Level.WARNING: LevelPolicy(channels=(), passes_quiet=False)}),
}


def test_quiet_hours_hold_a_warning_until_their_end_and_let_the_urgent_pass():
    watch = watched(WARNING, **QUIET)
    watch.tick(1799)
    watch.tick(1801)
    assert watch.said == [(1801, "first")]
    assert watched(CRITICAL, **QUIET).said == [(10, "first")]


def test_what_worsens_in_quiet_hours_is_told_at_once_at_the_level_that_passes():
    watch = watched(WARNING, **QUIET)
    watch.see(CRITICAL, 60)
    assert watch.told == [(60, "worsened", "critical")]


def test_an_all_clear_in_quiet_hours_waits_for_their_end():
    routing = Routing(levels={Level.WARNING: LevelPolicy(channels=(), passes_quiet=False)})
    watch = watched(WARNING, routing=routing)
    watch.policy = replace(watch.policy, **QUIET)
    (message,) = watch.see(CALM, 60).commit.messages
    assert message.why is NotifyReason.RESOLVED
    assert message.not_before == at(1800)


def test_an_unanswered_alert_escalates_to_the_next_channels_once():
    step = EscalationStep(after=timedelta(minutes=2), level=Level.EMERGENCY, channels=("partner",))
    watch = watched(EMERGENCY, routing=Routing(escalation=[step]))
    watch.tick(129)
    (message,) = watch.tick(131).commit.messages[-1:]
    assert (message.why, message.channels) == (NotifyReason.ESCALATED, ("partner",))
    assert "nobody acknowledged it" in message.body
    watch.tick(132)
    assert [why for _, why in watch.said].count("escalated") == 1


def test_an_escalation_waits_while_the_alert_is_silenced():
    step = EscalationStep(after=timedelta(minutes=2), level=Level.WARNING, channels=("partner",))
    watch = watched(WARNING, routing=Routing(escalation=[step]))
    watch.silence(20, minutes=5)
    watch.tick(200)
    watch.tick(321)
    assert watch.said == [(10, "first"), (321, "escalated")]


def test_the_reason_is_kept_only_when_it_changes_and_not_at_each_swing_into_the_dead_band():
    watch = watched(WARNING)
    for seconds in range(11, 40):
        watch.see(WARNING, seconds)
    for seconds in range(40, 60, 2):
        watch.see("96.41", seconds)  # in the dead band
        watch.see(WARNING, seconds + 1)
    assert watch.rulings == [(10, "first"), (11, "deduplicated")]


def test_messages_go_to_the_channels_of_their_level():
    routing = Routing(everyone=("phone",), levels={Level.WARNING: LevelPolicy(channels=("chat",))})
    watch = Watch(routing=routing)
    watch.see(CALM, 0)
    (warning,) = watch.see(WARNING, 10).commit.messages
    (critical,) = watch.see(CRITICAL, 20).commit.messages
    assert (warning.channels, critical.channels) == (("chat",), ("phone",))


def test_an_override_gives_what_it_matches_its_own_rules():
    own = Override(match=Matcher(symbol=("BTC/*",), side=("long",)), rules=(Cushion(warning=Decimal("0.99")),))
    watch = Watch(overrides=[own])
    watch.see(CALM, 0)
    watch.see("99.5", 10)  # cushion about 94 %
    assert watch.said == [(10, "first")]
    watch.tick(11)
    other = Watch(overrides=[own])
    other.see("100.5", 0, side=Side.SHORT)
    assert other.said == []


def test_dust_is_not_judged_and_lets_go_of_what_was():
    watch = Watch(dust={"USDT": Decimal(2000)})
    watch.see(EMERGENCY, 0)
    assert watch.said == []
    watch = watched(EMERGENCY)
    watch.policy = replace(watch.policy, dust={"USDT": Decimal(2000)})
    watch.see(EMERGENCY, 20)
    assert watch.said == [(10, "first"), (20, "resolved")]
    assert ("cushion", position_subject(key())) not in watch.memory.alerts


@pytest.mark.parametrize(
    ("seen", "near"),
    [
        (position("100"), False),  # liquidation at 90.9 is 9.1 % away
        (position("95"), True),  # 4.3 % away
        (position("90"), True),  # past it: equity 0
        (position("100", status=PositionStatus.DELEVERAGING), True),
        (position("100", isolated_margin=Decimal(2000)), False),  # no price liquidates it
    ],
)
def test_position_that_vanished_near_its_end_may_have_been_liquidated(seen, near):
    assert may_be_liquidated(assess(seen)) is near
