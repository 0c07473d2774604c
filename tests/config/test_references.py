import pytest

from tests.config.files import DESK, DESK_SECRETS, desk, problems


def fallbacks(folder, **each: str) -> list[str]:
    text = DESK
    for channel, fallback in each.items():
        text = text.replace(f"{channel}_url}}", f"{channel}_url, fallback: {fallback}}}")
    return problems(folder, text, **DESK_SECRETS)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("levels: {info: {channels: [chta]}}", "levels.info.channels[0]"),
        ("levels: {emergency: {channels: [phone, chta]}}", "levels.emergency.channels[1]"),
        ("escalation: [{after: 2m, level: emergency, channels: [partner, chta]}]", "escalation[0].channels[1]"),
        ("routes: [{match: {side: long}, channels: [chta]}]", "routes[0].channels[0]"),
        ("digest: {at: '08:00', channels: [chta]}", "digest.channels[0]"),
    ],
)
def test_channel_must_exist_wherever_it_is_named(tmp_path, line, place):
    assert problems(tmp_path, f"{DESK}{line}\n", **DESK_SECRETS) == [
        f"config.yaml:8: {place}: there is no such channel; did you mean chat?"
    ]


def test_channels_that_there_are_are_named_when_none_is_near(tmp_path):
    assert problems(tmp_path, f"{DESK}digest: {{at: '08:00', channels: [zzz]}}\n", **DESK_SECRETS) == [
        "config.yaml:8: digest.channels[0]: there is no such channel; there are: phone, chat, partner"
    ]


def test_channel_of_the_environment_may_be_named_in_the_file(tmp_path):
    more = "digest: {at: '08:00', channels: [mail]}\n"
    assert "mail" in desk(tmp_path, more, MARGINCALL_CHANNELS__MAIL__URL_FROM="phone_url").settings.channels


def test_default_channel_that_is_not_there_is_refused_when_it_is_written(tmp_path):
    text = DESK.replace("  chat: {url_from: chat_url}\n", "") + "levels: {warning: {channels: [chat]}}\n"
    assert problems(tmp_path, text, **DESK_SECRETS) == [
        "config.yaml:7: levels.warning.channels[0]: there is no such channel; there are: phone, partner"
    ]


def test_fallbacks_may_form_a_chain_or_meet(tmp_path):
    assert fallbacks(tmp_path, phone="chat", chat="partner") == []
    assert fallbacks(tmp_path, phone="partner", chat="partner") == []


def test_fallback_must_exist(tmp_path):
    assert fallbacks(tmp_path, phone="chta", partner="Chat") == [
        "config.yaml:5: channels.phone.fallback: there is no such channel; did you mean chat?",
        "config.yaml:7: channels.partner.fallback: a name is lower-case letters, digits and _, and begins with a letter",
    ]


@pytest.mark.parametrize(
    ("each", "shown"),
    [
        ({"chat": "chat"}, "6: channels.chat.fallback: the fallbacks go round in a circle: chat -> chat"),
        (
            {"phone": "chat", "chat": "phone"},
            "5: channels.phone.fallback: the fallbacks go round in a circle: phone -> chat -> phone",
        ),
        (
            {"phone": "chat", "chat": "partner", "partner": "chat"},
            "6: channels.chat.fallback: the fallbacks go round in a circle: chat -> partner -> chat",
        ),
    ],
)
def test_fallbacks_are_refused_once_when_they_go_round_in_a_circle(tmp_path, each, shown):
    assert fallbacks(tmp_path, **each) == [f"config.yaml:{shown}"]


def test_references_are_told_together_with_every_other_problem(tmp_path):
    text = DESK + (
        "levels: {warning: {channels: [chta], repeat: 30}}\n"
        "routes: [{match: {account: tset, side: up}, channels: [chta]}]\n"
        "rules: [{kind: cushin}]\n"
    )
    assert [line.split(": ")[:2] for line in problems(tmp_path, text, **DESK_SECRETS)] == [
        ["config.yaml:8", "levels.warning.channels[0]"],
        ["config.yaml:8", "levels.warning.repeat"],
        ["config.yaml:9", "routes[0].channels[0]"],
        ["config.yaml:9", "routes[0].match.account"],
        ["config.yaml:9", "routes[0].match.side"],
        ["config.yaml:10", "rules[0].kind"],
    ]


def test_references_are_not_judged_when_there_is_nothing_to_hold_them_against(tmp_path):
    text = "accounts: none\nchannels: none\nroutes: [{match: {account: main}, channels: [chat]}]\n"
    assert problems(tmp_path, text) == [
        "config.yaml:1: accounts: must be a mapping of `name: ...` lines",
        "config.yaml:2: channels: must be a mapping of `name: ...` lines",
    ]
