"""A clock that was set back while no daemon ran: the memory of the earlier run must not lie in the future."""

from dataclasses import replace
from datetime import timedelta

from monitor.alerts.matching import Matcher
from monitor.alerts.model import NotifyReason
from monitor.decide import decide
from monitor.memory import ChannelMemory, Memory, not_ahead
from monitor.requests import silence
from tests.builders import NOW, USDM, at, policy, position, snapshot

HOUR = 3600.0
WARNING, EMERGENCY = "96", "93"


def watched() -> Memory:
    """Read at an hour past NOW, with an emergency that was told then."""
    memory = Memory()
    for mark, seconds in ((WARNING, HOUR - 10), (EMERGENCY, HOUR)):
        memory = decide(snapshot(position(mark), when=at(seconds)), memory, policy(), at(seconds)).memory
    return memory


def test_memory_is_as_it_was_when_it_is_not_ahead():
    memory = watched()
    assert not_ahead(memory, at(HOUR)) is memory
    assert not_ahead(Memory(), NOW) == Memory()


def test_latest_of_the_memory_is_now_and_all_ages_stay_when_it_was_ahead():
    moved = not_ahead(watched(), NOW)
    family = moved.families[USDM]
    assert family.last_good == NOW
    (alert,) = moved.alerts.values()
    assert (alert.told_at, alert.since) == (NOW, at(-10))


def test_alert_repeats_in_its_own_time_when_the_clock_was_set_back_meanwhile():
    """An emergency repeats after a minute, not after an hour and a minute."""
    again = decide(None, not_ahead(watched(), NOW), policy(), at(60))
    assert [message.why for message in again.commit.messages if "BLIND" not in message.title] == [NotifyReason.REPEAT]


def test_what_lies_ahead_by_its_nature_moves_nothing():
    memory = silence(Memory(), Matcher(), timedelta(days=1), NOW).memory
    assert not_ahead(memory, NOW) is memory


def test_every_kind_of_memory_counts():
    broken = replace(Memory(), channels={"chat": ChannelMemory(name="chat", broken_since=at(HOUR), error="401")})
    assert not_ahead(broken, NOW).channels["chat"].broken_since == NOW
