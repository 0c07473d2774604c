"""Real channels, by real apprise URLs, to a receiver on loopback."""

import asyncio
import logging
import subprocess
import sys
import threading
import traceback
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.alerts.model import NotifyReason
from monitor.errors import ChannelRefused, ChannelUnavailable
from monitor.notify.apprise import AppriseNotifier
from monitor.rules.base import Level
from tests.notify.notifier_suite import NotifierSuite
from tests.receiver import Cut, Drip, Hang, Receiver, Status
from tests.store.store_examples import message

ROOT = Path(__file__).parents[2]
SOON = 0.3
"""A send's limit where the test lets it run out."""


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


class TestAppriseNotifier(NotifierSuite):
    @pytest.fixture
    async def channel(self, receiver):
        self.receiver = receiver
        channel = AppriseNotifier("phone", receiver.url)
        yield channel
        await channel.close()

    def accepted(self):
        return [each.title for each in self.receiver.accepted]

    def ill(self, status):
        self.receiver.then(Status(status, {"Retry-After": "7"} if status == 429 else {}))


async def test_message_arrives_word_for_word(receiver):
    channel = AppriseNotifier("phone", receiver.url)
    body = "BTC/USDT_PERP <b>12 %</b> & *more*\nadd 85 USDT \N{WARNING SIGN}"
    await channel.send(message(title="BTC long & short", body=body))
    (received,) = receiver.accepted
    assert (received.title, received.text) == ("BTC long & short", body)


@pytest.mark.parametrize(
    ("level", "why", "kind"),
    [
        (Level.INFO, NotifyReason.EVENT, "info"),
        (Level.WARNING, NotifyReason.FIRST, "warning"),
        (Level.EMERGENCY, NotifyReason.WORSENED, "failure"),
        (Level.CRITICAL, NotifyReason.RESOLVED, "success"),
    ],
)
async def test_message_carries_its_level_in_the_services_own_word(receiver, level, why, kind):
    await AppriseNotifier("phone", receiver.url).send(message(level=level, why=why))
    assert receiver.accepted[0].payload["type"] == kind


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_send_is_refused_when_the_service_will_never_take_it(receiver, status):
    receiver.then(Status(status))
    with pytest.raises(ChannelRefused, match=str(status)):
        await AppriseNotifier("phone", receiver.url).send(message())


@pytest.mark.parametrize("status", [302, 402, 418, 500, 502, 503])
async def test_send_is_unavailable_when_the_service_may_take_it_later(receiver, status):
    receiver.then(Status(status))
    with pytest.raises(ChannelUnavailable, match=str(status)) as caught:
        await AppriseNotifier("phone", receiver.url).send(message())
    assert caught.value.retry_after is None


async def test_send_honours_the_wait_of_another_service(receiver):
    receiver.then(Status(429, {"Retry-After": "12.5"}))
    channel = AppriseNotifier("phone", f"ntfy://127.0.0.1:{receiver.port}/topic")
    with pytest.raises(ChannelUnavailable, match="429") as caught:
        await channel.send(message())
    assert caught.value.retry_after == 12.5
    await channel.send(message(title="hello"))
    assert receiver.accepted[0].title == "hello"


async def test_send_tries_without_markup_when_the_service_stumbles_over_the_text(receiver):
    receiver.then(Status(400))
    await AppriseNotifier("phone", receiver.url).send(message(body="a_b <c> 12 %"))
    assert [each.text for each in receiver.requests] == ["a_b <c> 12 %", "a b  c  12 %"]
    assert len(receiver.accepted) == 1


async def test_send_is_unavailable_when_the_service_refuses_the_plain_text_too(receiver):
    receiver.then(Status(400), Status(400))
    with pytest.raises(ChannelUnavailable, match="400"):
        await AppriseNotifier("phone", receiver.url).send(message())


async def test_send_is_unavailable_when_the_connection_is_refused_and_works_when_it_is_back(receiver):
    channel = AppriseNotifier("phone", receiver.url)
    receiver.down()
    with pytest.raises(ChannelUnavailable, match="no connection"):
        await channel.send(message())
    receiver.up()
    await channel.send(message())
    assert len(receiver.accepted) == 1


async def test_send_is_unavailable_when_the_connection_is_cut(receiver):
    receiver.then(Cut())
    with pytest.raises(ChannelUnavailable, match="no connection"):
        await AppriseNotifier("phone", receiver.url).send(message())


@pytest.mark.parametrize("illness", [Hang(), Drip()])
async def test_send_ends_at_its_limit_and_the_next_has_a_thread_of_its_own(receiver, illness):
    receiver.then(illness)
    channel = AppriseNotifier("phone", receiver.url, limit=SOON)
    with pytest.raises(ChannelUnavailable, match=r"0\.3 seconds"):
        await channel.send(message())
    channel._limit = 20
    await channel.send(message(title="through"))
    assert [each.title for each in receiver.accepted] == ["through"]


async def test_send_fails_at_once_while_two_earlier_ones_hang_and_works_when_one_is_back(receiver):
    receiver.then(Drip(), Drip())
    channel = AppriseNotifier("phone", receiver.url, limit=SOON)
    for _ in range(2):
        with pytest.raises(ChannelUnavailable, match="seconds"):
            await channel.send(message())
    with pytest.raises(ChannelUnavailable, match="still on their way"):
        await channel.send(message())
    assert len(receiver.requests) == 2
    stuck = channel._stuck[:]
    receiver.release()
    for lane in stuck:
        lane._thread.join(20)
    channel._limit = 20
    await channel.send(message(title="through"))
    assert [each.title for each in receiver.accepted] == ["through"]


async def test_healthy_channel_delivers_while_twelve_others_hang(receiver):
    with Receiver(usually=Drip()) as ill:
        slow = [AppriseNotifier(f"slow{number}", ill.url) for number in range(12)]
        hanging = [asyncio.create_task(channel.send(message())) for channel in slow]
        await asyncio.to_thread(ill.wait_for, 12, requests=True)
        await AppriseNotifier("healthy", receiver.url).send(message(title="through"))
        assert [each.title for each in receiver.accepted] == ["through"]
        assert not any(task.done() for task in hanging)
        for channel in slow:
            await channel.close()
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {ChannelUnavailable}


async def test_cancelled_send_stays_cancelled_and_leaves_the_channel_usable(receiver):
    receiver.then(Drip())
    channel = AppriseNotifier("phone", receiver.url)
    task = asyncio.create_task(channel.send(message()))
    await asyncio.to_thread(receiver.wait_for, 1, requests=True)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await channel.send(message(title="through"))
    assert [each.title for each in receiver.accepted] == ["through"]


async def test_cancelled_send_stays_cancelled_when_the_channel_is_closed_too(receiver):
    receiver.then(Drip())
    channel = AppriseNotifier("phone", receiver.url)
    task = asyncio.create_task(channel.send(message()))
    await asyncio.to_thread(receiver.wait_for, 1, requests=True)
    task.cancel()
    await channel.close()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_process_ends_at_once_while_a_send_hangs(receiver):
    receiver.then(Drip())
    code = f"""
import asyncio
from monitor.errors import ChannelUnavailable
from monitor.notify.apprise import AppriseNotifier
from tests.store.store_examples import message

async def main():
    try:
        await AppriseNotifier("phone", {receiver.url!r}, limit={SOON}).send(message())
    except ChannelUnavailable as error:
        print(error)

asyncio.run(main())
"""
    # The drip never ends by itself: without a thread that may be left behind, this would run into its timeout.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=40, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "channel phone: no answer within 0.3 seconds\n", "")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("tgram://canary:x/", "tgram://"),
        ("canary-token-pasted-alone", "not one that apprise knows"),
        ("canary://secret", "not one that apprise knows"),
        ("json://", "json://"),
        ("", "not one that apprise knows"),
    ],
)
def test_channel_is_refused_without_its_url_when_apprise_cannot_use_it(url, says, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ChannelRefused) as caught:
        AppriseNotifier("phone", url)
    assert says in caught.value.message
    # A traceback quotes the lines of this file, but no values.
    assert "canary" not in caplog.text + "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)


@pytest.mark.parametrize("illness", [Status(), Status(401), Status(500), Cut(), Status(400)])
async def test_secrets_of_a_url_are_nowhere_when_sending(receiver, illness, caplog, capfd):
    for name in ("", "apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    receiver.then(illness, illness)
    url = f"json://canaryuser:canarypass@127.0.0.1:{receiver.port}/canarypath/?+X-Token=canaryheader"
    errors = ""
    try:
        await AppriseNotifier("phone", url).send(message())
    except (ChannelRefused, ChannelUnavailable) as error:
        errors = f"{error!r} {error.__cause__!r} {error.__context__!r}" + "".join(traceback.format_exception(error))
    out, err = capfd.readouterr()
    assert "canaryheader" in str(receiver.requests[0].headers)
    assert "canary" not in caplog.text + errors + out + err
    # The basic authorisation is the pair in base64.
    assert "Y2FuYXJ5" not in caplog.text + errors + out + err


async def test_library_loggers_are_kept_from_debug_when_a_channel_is_made(receiver):
    for name in ("apprise", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    AppriseNotifier("phone", receiver.url)
    assert {logging.getLogger(name).level for name in ("apprise", "urllib3", "requests")} == {logging.INFO}


async def test_send_does_not_sleep_when_the_wall_clock_stepped_back(receiver):
    channel = AppriseNotifier("phone", receiver.url)
    channel._voices.usual.request_rate_per_sec = 0.01
    channel._voices.usual._last_io_datetime = datetime.now() + timedelta(hours=1)  # noqa: DTZ005 - as apprise keeps it
    await channel.send(message())
    assert len(receiver.accepted) == 1


async def test_messages_are_not_spaced_by_more_than_a_second():
    # apprise's own guess for this service is 5.5 seconds, a long time for the second alert of a falling market.
    assert AppriseNotifier("phone", "ntfy://topic")._voices.usual.request_rate_per_sec == 1


async def test_exception_in_a_services_code_is_unavailable_and_not_quoted(receiver):
    channel = AppriseNotifier("phone", receiver.url)

    def stumble(**_):
        raise RuntimeError("canary")

    channel._voices.usual.notify = stumble
    with pytest.raises(ChannelUnavailable) as caught:
        await channel.send(message())
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_apprise_is_not_imported_before_a_channel_is_made():
    code = "import sys, monitor.notify.apprise; print('apprise' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


async def test_threads_of_closed_channels_end(receiver):
    channel = AppriseNotifier("gone", receiver.url)
    await channel.send(message())
    thread = next(each for each in threading.enumerate() if each.name == "channel gone")
    await channel.close()
    thread.join(20)
    assert not thread.is_alive()
