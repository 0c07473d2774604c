"""`margincall test-alert` over a loopback receiver and the real channel code."""

import re

import pytest

from tests.receiver import Receiver, Status


@pytest.fixture
def receiver():
    with Receiver() as listening:
        yield listening


@pytest.fixture
def terminal(terminal, receiver, monkeypatch):
    terminal.write(
        "accounts:\n  main: {exchange: binance}\nchannels:\n  phone: {url_from: phone_url}\n"
        "  chat: {url_from: chat_url}\ntimezone: Europe/Berlin\n"
    )
    monkeypatch.setenv("MARGINCALL_SECRET_PHONE_URL", receiver.url)
    monkeypatch.setenv("MARGINCALL_SECRET_CHAT_URL", receiver.url + "chat")
    return terminal


def test_every_channel_is_tried_when_none_is_named(terminal, receiver):
    said = terminal.run("test-alert")
    assert (said.code, said.out) == (0, "phone: accepted\nchat: accepted\n")
    assert sorted(message.path for message in receiver.accepted) == ["/", "/chat"]
    assert receiver.accepted[0].title == "TEST warning: margincall reaches you"
    assert "Nothing is wrong" in receiver.accepted[0].text
    assert re.search(r"\d\d:\d\d:\d\d CES?T", receiver.accepted[0].text)


def test_only_the_named_channels_are_tried_each_once(terminal, receiver):
    assert terminal.run("test-alert", "chat", "chat").code == 0
    assert [message.path for message in receiver.accepted] == ["/chat"]


@pytest.mark.parametrize(("level", "paths"), [("warning", ["/chat"]), ("emergency", ["/", "/chat"])])
def test_a_level_is_tried_where_its_alerts_go(terminal, receiver, level, paths):
    said = terminal.run("test-alert", "--level", level)
    assert said.code == 0
    assert sorted(message.path for message in receiver.accepted) == paths
    assert {message.title for message in receiver.accepted} == {f"TEST {level}: margincall reaches you"}


def test_a_level_is_tried_on_the_named_channels_alone_as_loud_as_it_is(terminal, receiver):
    terminal.run("test-alert", "phone", "--level", "emergency")
    (message,) = receiver.accepted
    # apprise's own word for the two loudest levels
    assert (message.path, message.payload["type"]) == ("/", "failure")


def test_an_unknown_level_is_bad_input(terminal, receiver):
    said = terminal.run("test-alert", "--level", "loud")
    assert said.code == 2
    assert "must be one of info, warning, critical, emergency" in " ".join(said.err.split())
    assert receiver.accepted == []


def test_one_refusal_is_told_and_fails(terminal, receiver):
    receiver.usually = Status(401)
    said = terminal.run("test-alert", "phone")
    assert said.code == 1
    assert said.out.startswith("phone: NOT accepted: channel phone: the service answered 401")
    assert "test-alert" not in said.err


def test_an_unusable_address_is_told_and_fails(terminal, monkeypatch):
    monkeypatch.setenv("MARGINCALL_SECRET_PHONE_URL", "nothing://like/that")
    said = terminal.run("test-alert", "phone")
    assert said.code == 1
    assert "NOT accepted: channel phone: its URL is not one that apprise knows" in said.out


def test_an_unknown_channel_is_bad_input(terminal, receiver):
    said = terminal.run("test-alert", "pager")
    assert said.code == 2
    assert "no channel named pager; there are: phone, chat" in " ".join(said.err.split())
    assert receiver.accepted == []
