"""No text stops an alert: anything goes through real services, cut to their limits, over loopback."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import ChannelUnavailable
from monitor.rules.base import Level
from tests.notify.services import LOOPBACK, channel_to
from tests.receiver import Receiver, Status
from tests.store.store_examples import message

TEXT_FIELDS = {"json": "message", "ntfy": "message", "gotify": "message", "bark": "body", "mmost": "text", "tgram": "text"}
ODD = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.text(st.sampled_from("<>&*_`[]~|\\\"'#\n \t\x00\u202e\ud800{}%"), max_size=60),
)
TEXTS = st.builds(lambda text, times: text * times, ODD, st.sampled_from([1, 1, 3, 200, 2000]))


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.mark.parametrize("service", LOOPBACK)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=ODD, body=TEXTS)
def test_any_text_is_accepted_within_the_limits_of_the_service(service, receiver, title, body):
    async def send():
        channel = channel_to(service, receiver.port)
        await channel.send(message(level=Level.EMERGENCY, title=title, body=f"{body}\n#K7Q2"))
        await channel.close()
        return channel._voices.usual

    before = len(receiver.requests)
    sent = asyncio.run(send())
    (request,) = receiver.requests[before:]
    if service in TEXT_FIELDS:
        text = request.payload[TEXT_FIELDS[service]]
        assert 0 < len(text) <= sent.body_maxlen
        assert "#K7Q2" in text


async def test_long_text_is_cut_and_keeps_its_code(receiver):
    channel = channel_to("tgram", receiver.port)
    await channel.send(message(title="BTC & ETH", body="a & b < c\n" * 2000 + "#K7Q2"))
    text = receiver.requests[-1].payload["text"]
    assert 4080 < len(text) <= 4096
    assert text.startswith("<b>BTC &amp; ETH</b>")
    assert text.endswith("#K7Q2")
    assert "&am\N{HORIZONTAL ELLIPSIS}" not in text


async def test_text_is_split_when_the_url_says_so(receiver):
    channel = channel_to("discord", receiver.port, "overflow=split")
    before = len(receiver.requests)
    await channel.send(message(body="words of a message\n" * 200))
    assert len(receiver.requests) - before > 1


async def test_empty_text_is_sent_as_its_title(receiver):
    channel = channel_to("json", receiver.port)
    for title, body, text in (("Still there", " \n", "Still there"), ("", "", "margincall")):
        await channel.send(message(title=title, body=body))
        assert receiver.requests[-1].text == text


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_text_that_a_service_refuses_is_sent_short_and_plain(receiver, status):
    channel = channel_to("json", receiver.port)
    receiver.then(Status(status))
    await channel.send(message(title="<BTC>", body="odd \N{EURO SIGN} _text_ " * 100 + "\n#K7Q2"))
    plain = receiver.requests[-1]
    assert plain.title == "BTC"
    assert plain.text.startswith("odd ?  text ")
    assert plain.text.endswith("#K7Q2")
    assert len(plain.text) <= 300


async def test_text_is_sent_though_it_cannot_be_measured(receiver):
    channel = channel_to("json", receiver.port)

    def stumble(**_):
        raise RuntimeError("canary")

    measure = channel._voices.usual._build_send_calls

    def once(**how):
        return stumble() if how.get("overflow") == "upstream" else measure(**how)

    channel._voices.usual._build_send_calls = once
    await channel.send(message(body="hello"))
    assert receiver.requests[-1].text == "hello"


@pytest.mark.parametrize(
    ("service", "body", "wait"),
    [
        ("tgram", b'{"ok":false,"error_code":429,"parameters":{"retry_after":37}}', 37),
        ("json", b'{"message":"slow down","retry_after":0.5,"global":false}', 0.5),
        ("json", b'{"retry_after":true}', None),
        ("json", b'{"retry_after":"7"}', None),
        ("json", b'{"retry_after":-3}', 0),
        ("json", b'{"retry_after":1e999}', None),
        ("json", b'{"parameters":{}}', None),
        ("json", b"[429]", None),
        ("json", b"not json", None),
        ("json", b'{"retry_after":7}' + b" " * 70_000, None),
    ],
)
async def test_wait_is_read_in_the_reply_when_there_is_no_header(receiver, service, body, wait):
    channel = channel_to(service, receiver.port)
    receiver.then(Status(429, {}, body))
    with pytest.raises(ChannelUnavailable) as caught:
        await channel.send(message())
    assert caught.value.retry_after == wait
