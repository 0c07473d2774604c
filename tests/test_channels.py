"""A channel that breaks: the others hear of it once, and once more when it works again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.lifecycle import RepeatStep
from monitor.alerts.model import AlertState, NotifyReason, channel_subject
from monitor.alerts.routing import LevelPolicy, Routing
from monitor.decide import Decision, decide
from monitor.memory import ChannelMemory, Memory, shifted
from monitor.rules.base import Level
from monitor.rules.channel_broken import ChannelBroken
from tests.builders import NOW, at, policy

EVERYONE = ("phone", "chat", "mail")
REFUSED = "the service answered 401 (Unauthorized)"
MINUTE = 60


class Listening:
    """A memory that hears of channels and of time."""

    def __init__(self, routing: Routing | None = None, *, rules=()) -> None:
        self.policy = replace(policy(*rules), routing=routing or Routing(everyone=EVERYONE))
        self.memory = Memory()

    def hear(self, name: str, error: str | None, seconds: float) -> Decision:
        since = None if error is None else at(seconds)
        return self._after(ChannelMemory(name=name, broken_since=since, error=error or ""), seconds)

    def tick(self, seconds: float) -> Decision:
        return self._after(None, seconds)

    def _after(self, heard: ChannelMemory | None, seconds: float) -> Decision:
        decision = decide(heard, self.memory, self.policy, at(seconds))
        self.memory = decision.memory
        return decision


def test_other_channels_are_told_once_where_alerts_go_now():
    listening = Listening()
    (told,) = listening.hear("phone", REFUSED, 0).commit.messages
    assert (told.level, told.why, told.channels) == (Level.CRITICAL, NotifyReason.FIRST, ("chat", "mail"))
    assert told.title == "phone is broken; alerts go to chat and mail"
    code = told.code
    assert told.body == (
        "phone is broken: the service answered 401 (Unauthorized); alerts go to chat and mail.\n"
        f"Since 03:00. It is tried on; mend it, then `margincall test-alert phone`.\n#{code}"
    )
    assert [listening.tick(minutes * MINUTE).commit.messages for minutes in range(1, 600, 7)] == [()] * 86


def test_broken_channel_is_kept_with_the_time_at_which_it_broke():
    listening = Listening()
    first = listening.hear("phone", REFUSED, 0)
    again = listening.hear("phone", "the service answered 403 (Forbidden)", 300)
    same = listening.hear("phone", "the service answered 403 (Forbidden)", 600)
    assert first.commit.channels == (ChannelMemory(name="phone", broken_since=NOW, error=REFUSED),)
    assert again.commit.channels == (ChannelMemory(name="phone", broken_since=NOW, error="the service answered 403 (Forbidden)"),)
    assert (same.commit.channels, same.commit.messages) == ((), ())


def test_other_channels_are_told_that_it_works_again_once_it_has_worked_for_a_minute():
    listening = Listening()
    listening.hear("phone", REFUSED, 0)
    assert listening.hear("phone", None, 600).commit.messages == ()
    assert listening.tick(659).commit.messages == ()
    (told,) = listening.tick(660).commit.messages
    assert (told.why, told.channels, told.title) == (NotifyReason.RESOLVED, ("chat", "mail"), "phone works again")
    assert told.body.startswith("The channel phone takes messages again; it was broken for 11 min.\n#")
    assert listening.memory.alerts == {}


def test_channel_that_breaks_again_within_the_minute_is_not_told_anew():
    listening = Listening()
    listening.hear("phone", REFUSED, 0)
    listening.hear("phone", None, 600)
    assert listening.hear("phone", REFUSED, 630).commit.messages == ()
    (alert,) = listening.memory.alerts.values()
    assert alert.state is AlertState.FIRING


def test_channel_that_never_broke_says_nothing_when_it_works():
    assert Listening().hear("phone", None, 0).commit.messages == ()


@pytest.mark.parametrize(
    ("levels", "others"),
    [
        (("phone", "mail"), ("mail",)),  # who hears of criticals, but for itself
        (("phone",), ("chat", "mail")),  # nobody else would: then everyone
    ],
)
def test_those_who_hear_of_criticals_hear_of_it_or_else_everyone(levels, others):
    level = LevelPolicy(channels=levels, repeats=(RepeatStep(every=timedelta(minutes=5)),))
    listening = Listening(Routing(everyone=EVERYONE, levels={Level.CRITICAL: level}))
    (told,) = listening.hear("phone", REFUSED, 0).commit.messages
    assert told.channels == others


def test_channels_that_work_hear_of_it_before_those_that_are_broken_too():
    listening = Listening()
    listening.hear("phone", REFUSED, 0)
    (second,) = listening.hear("chat", REFUSED, 10).commit.messages
    (third,) = listening.hear("mail", REFUSED, 20).commit.messages
    assert second.channels == ("mail",)
    # All are broken: perhaps one of them gets through.
    assert third.channels == ("phone", "chat")
    assert third.title == "mail is broken; alerts go to phone and chat"


def test_nobody_is_told_when_there_is_no_other_channel():
    listening = Listening(Routing(everyone=("phone",)))
    assert listening.hear("phone", REFUSED, 0).commit.messages == ()
    assert listening.hear("phone", None, 600).commit.messages == ()
    assert listening.tick(700).commit.messages == ()


def test_nothing_is_told_when_the_rule_is_off():
    listening = Listening(rules=(object(),))
    decision = listening.hear("phone", REFUSED, 0)
    assert decision.commit.messages == ()
    assert decision.commit.channels[0].error == REFUSED


def test_ages_stay_when_the_clock_is_set():
    listening = Listening()
    listening.hear("phone", REFUSED, 0)
    listening.hear("chat", None, 0)
    moved = shifted(listening.memory, timedelta(hours=1))
    assert moved.channels["phone"].broken_since == at(3600)
    assert moved.channels["chat"].broken_since is None


def test_alert_on_a_channel_is_about_the_channel():
    listening = Listening()
    listening.hear("phone", REFUSED, 0)
    assert list(listening.memory.alerts) == [(ChannelBroken.KIND, channel_subject("phone"))]
