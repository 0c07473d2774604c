from dataclasses import replace
from datetime import timedelta

from monitor.alerts.lifecycle import REPEATS
from monitor.alerts.matching import Matcher
from monitor.alerts.model import AlertState
from monitor.alerts.routing import EscalationStep, LevelPolicy, Route, Routing
from monitor.rules.base import Level
from tests.alerts.test_muting import ALERT
from tests.builders import NOW, at

ROUTING = Routing(
    everyone=("phone", "chat"),
    levels={Level.WARNING: LevelPolicy(channels=("chat",), repeats=(), passes_quiet=False)},
    routes=[Route(match=Matcher(account=("test",)), channels=("log",))],
    escalation=[
        EscalationStep(after=timedelta(minutes=2), level=Level.EMERGENCY, channels=("partner",)),
        EscalationStep(after=timedelta(minutes=10), level=Level.CRITICAL, channels=("boss",)),
    ],
)


def test_channels_come_from_the_level_unless_a_route_matches():
    assert ROUTING.channels_for(Level.WARNING, ALERT.subject) == ("chat",)
    assert ROUTING.channels_for(Level.CRITICAL, ALERT.subject) == ("phone", "chat")
    assert ROUTING.channels_for(Level.CRITICAL, ALERT.subject._replace(account="test")) == ("log",)


def test_levels_without_a_policy_have_the_defaults():
    assert ROUTING.repeats_for(Level.WARNING) == ()
    assert ROUTING.repeats_for(Level.CRITICAL) == REPEATS[Level.CRITICAL]
    assert not ROUTING.passes_quiet(Level.WARNING)
    assert ROUTING.passes_quiet(Level.EMERGENCY)


def test_escalation_is_due_when_nobody_acknowledged_in_time():
    critical = replace(ALERT, level=Level.CRITICAL, told=Level.CRITICAL, told_at=NOW, first_told_at=NOW)
    assert ROUTING.escalations_due(critical, at(599)) == {}
    assert list(ROUTING.escalations_due(critical, at(600))) == [1]
    emergency = replace(critical, level=Level.EMERGENCY, escalated=(1,))
    assert list(ROUTING.escalations_due(emergency, at(700))) == [0]  # a step of another level is not one already taken
    for silent in ({"acked_at": NOW}, {"born": True}, {"state": AlertState.CLEARING}, {"first_told_at": None}):
        assert ROUTING.escalations_due(replace(critical, **silent), at(6000)) == {}
