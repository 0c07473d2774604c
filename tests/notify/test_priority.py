"""An emergency sets what the real plugins send, and nothing milder does."""

import importlib
from pathlib import Path

import pytest

from monitor.alerts.model import NotifyReason
from monitor.errors import ChannelUnavailable
from monitor.notify.apprise import AppriseNotifier
from monitor.notify.priority import EMERGENCIES, Voices, schemes_of
from monitor.rules.base import Level
from tests.notify.services import SAMPLES, channel_to
from tests.receiver import Receiver, Status
from tests.store.store_examples import message

ROOT = Path(__file__).parents[2]


def service_of(url):
    return importlib.import_module("apprise").Apprise.instantiate(url)


def voices_of(url):
    return Voices(service_of(url), url)


def kind_of(scheme):
    manager = importlib.import_module("apprise.manager_plugins").NotificationManager()
    return manager[scheme]


@pytest.mark.parametrize("name", EMERGENCIES)
def test_every_name_of_the_table_is_a_service_whose_source_sets_these_attributes(name):
    kind = kind_of(name)
    source = Path(importlib.import_module(kind.__module__).__file__ or "").read_text()
    assert name in schemes_of(kind)
    for attribute in {**EMERGENCIES[name].sets, **EMERGENCIES[name].again}:
        assert f"self.{attribute} =" in source or f"self.{attribute}:" in source, attribute


@pytest.mark.parametrize("name", SAMPLES)
def test_emergency_speaks_as_loud_as_the_service_can_and_milder_as_the_url_says(name):
    voices = voices_of(SAMPLES[name])
    before = {key: getattr(voices.usual, key, None) for key in EMERGENCIES[name].sets}
    loud = voices.for_message(message(level=Level.EMERGENCY))
    assert {key: getattr(loud, key) for key in EMERGENCIES[name].sets} == EMERGENCIES[name].sets
    assert voices.for_message(message(level=Level.CRITICAL)) is voices.usual
    assert voices.for_message(message(level=Level.EMERGENCY, why=NotifyReason.RESOLVED)) is voices.usual
    assert {key: getattr(voices.usual, key, None) for key in before} == before


@pytest.mark.parametrize("url", ["json://127.0.0.1", "mmost://127.0.0.1/" + "a" * 24])
def test_service_without_priorities_speaks_as_always(url):
    voices = voices_of(url)
    assert voices.for_message(message(level=Level.EMERGENCY)) is voices.usual


@pytest.mark.parametrize(
    "url",
    [
        SAMPLES["twilio"] + "?method=sms",
        SAMPLES["twilio"].replace("@15555555555", "@55555"),
        SAMPLES["twilio"].replace("@15555555555", "@w%3A15555555555"),
        SAMPLES["twilio"].replace("/15555555556", "/w:15555555556"),
    ],
)
def test_twilio_writes_when_the_url_says_so_or_the_number_cannot_call(url):
    assert voices_of(url).for_message(message(level=Level.EMERGENCY)).method == "sms"


def test_url_that_cannot_be_taken_apart_has_no_options():
    voices = Voices(service_of(SAMPLES["twilio"]), "twilio://[broken")
    assert voices.for_message(message(level=Level.EMERGENCY)).method == "call"


async def test_pushover_rings_until_confirmed_and_repeats_do_not_start_that_anew():
    with Receiver() as receiver:
        channel = channel_to("pover", receiver.port)
        await channel.send(message(level=Level.CRITICAL))
        for why in (NotifyReason.WORSENED, NotifyReason.REPEAT):
            await channel.send(message(level=Level.EMERGENCY, why=why))
        mild, loud, again = (each.payload for each in receiver.accepted)
    assert (mild["priority"], mild.get("retry")) == ("0", None)
    assert (loud["priority"], loud["retry"], loud["expire"]) == ("2", "30", "10800")
    assert (again["priority"], again.get("retry")) == ("1", None)


async def test_ntfy_sends_an_emergency_at_its_highest_priority():
    with Receiver() as receiver:
        channel = channel_to("ntfy", receiver.port, "priority=low")
        await channel.send(message(level=Level.EMERGENCY))
        await channel.send(message(level=Level.CRITICAL))
        assert [each.headers["X-Priority"] for each in receiver.accepted] == ["max", "low"]


@pytest.mark.parametrize("status", [400, 403])
async def test_emergency_that_a_service_refuses_at_this_priority_goes_as_the_url_says(status):
    with Receiver() as receiver:
        receiver.then(Status(status))
        channel = channel_to("gotify", receiver.port)
        await channel.send(message(level=Level.EMERGENCY))
        assert [each.payload["priority"] for each in receiver.requests] == [10, 5]


async def test_emergency_is_not_tried_twice_when_the_service_is_only_busy():
    with Receiver() as receiver:
        receiver.then(Status(429))
        channel = channel_to("gotify", receiver.port)
        with pytest.raises(ChannelUnavailable):
            await channel.send(message(level=Level.EMERGENCY))
        assert len(receiver.requests) == 1


def test_every_service_of_the_table_is_in_the_documents():
    text = (ROOT / "docs" / "channels.md").read_text()
    for name in EMERGENCIES:
        assert f"`{name}://`" in text, name


def test_channel_keeps_its_url_to_itself():
    channel = AppriseNotifier("phone", SAMPLES["pover"])
    assert SAMPLES["pover"] not in repr(vars(channel)) + repr(vars(channel._voices))
