from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from monitor.alerts.lifecycle import ACK_LAPSES
from monitor.alerts.muting import QuietHours
from monitor.alerts.routing import EscalationStep
from monitor.config import discipline
from monitor.config.channels import Limit
from monitor.rules.base import Level
from tests.config.files import CANARY, SMALLEST, desk, desk_problems, loaded, not_here

CLOCK = 'must be a time of day such as "23:00" (24 hour clock; midnight is "00:00")'
AMOUNT = "must be an amount above 0, such as 20, without the currency: that is the key"
SPAN = "must be longer than nothing, such as 30s or 5m"
LIMIT = "must be messages per duration, such as 20 per 1h"


def test_everything_beside_the_levels_is_off_when_nothing_is_written(tmp_path):
    settings = desk(tmp_path, "").settings
    assert (settings.quiet_hours, settings.heartbeat, settings.digest) == (None, None, None)
    assert discipline.quiet_hours(settings) is None
    assert discipline.routing(settings).escalation == ()
    assert discipline.dust(settings) == {}
    assert discipline.digest_channels(settings) == ()
    assert settings.ack_lapses_after == ACK_LAPSES == timedelta(hours=4)
    assert [(channel.fallback, channel.limit) for channel in settings.channels.values()] == [(None, None)] * 3


@pytest.mark.parametrize(
    ("begin", "end", "hours"),
    [
        ("'23:00'", "'07:00'", (time(23), time(7))),
        ("23:00", "07:00", (time(23), time(7))),
        ("23:00", "7:05", (time(23), time(7, 5))),
        ("0:00", "06:30", (time(0), time(6, 30))),
    ],
)
def test_quiet_hours_are_times_of_the_configured_zone_quoted_or_not(tmp_path, begin, end, hours):
    for written in (f"{{from: {begin}, to: {end}}}", f"\n  from: {begin}\n  to: {end}"):
        settings = desk(tmp_path, f"timezone: Europe/Berlin\nquiet_hours: {written}\n").settings
        assert discipline.quiet_hours(settings) == QuietHours(begin=hours[0], end=hours[1], zone=ZoneInfo("Europe/Berlin"))


def test_quiet_hours_come_from_the_environment_too(tmp_path):
    times = {"MARGINCALL_QUIET_HOURS__FROM": "22:15", "MARGINCALL_QUIET_HOURS__TO": "06:00"}
    hours = discipline.quiet_hours(desk(tmp_path, "", **times).settings)
    assert hours is not None
    assert (hours.begin, hours.end) == (time(22, 15), time(6))
    off = desk(tmp_path, "quiet_hours: {from: 23:00, to: 07:00}\n", MARGINCALL_QUIET_HOURS="null").settings
    assert discipline.quiet_hours(off) is None


def test_escalation_dust_digest_and_lapse_are_what_is_written(tmp_path):
    settings = desk(
        tmp_path,
        "escalation:\n"
        "  - {after: 2m, level: emergency, channels: [partner]}\n"
        "  - {after: 1h, level: warning, channels: [phone, partner]}\n"
        "ignore: {notional_below: {USDT: 20, BTC: 0.0005}}\n"
        "ack_lapses_after: 90m\n"
        "digest: {at: 08:00, channels: [partner]}\n",
    ).settings
    assert discipline.routing(settings).escalation == (
        EscalationStep(after=timedelta(minutes=2), level=Level.EMERGENCY, channels=("partner",)),
        EscalationStep(after=timedelta(hours=1), level=Level.WARNING, channels=("phone", "partner")),
    )
    assert discipline.dust(settings) == {"USDT": Decimal(20), "BTC": Decimal("0.0005")}
    assert settings.ack_lapses_after == timedelta(minutes=90)
    assert settings.digest is not None
    assert settings.digest.at == time(8)
    assert discipline.digest_channels(settings) == ("partner",)


def test_digest_goes_to_chat_or_whoever_stands_in_when_it_names_no_channel(tmp_path):
    assert discipline.digest_channels(desk(tmp_path, "digest: {at: '08:00'}\n").settings) == ("chat",)
    assert discipline.digest_channels(loaded(tmp_path, SMALLEST + "digest: {at: '08:00'}\n").settings) == ("phone",)


def test_heartbeat_is_a_secret_by_its_name(tmp_path):
    whole = desk(tmp_path, "heartbeat: {url_from: heartbeat_url}\n")
    assert whole.settings.heartbeat is not None
    assert whole.settings.heartbeat.url_from == "heartbeat_url"
    assert whole.secrets["heartbeat_url"].get_secret_value() == f"https://beat.example/{CANARY}"
    assert CANARY not in repr(whole)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/ping/x", "HTTPS://hc.example"])
def test_heartbeat_is_taken_when_its_secret_is_a_url_of_the_web(tmp_path, url):
    assert desk_problems(tmp_path, "heartbeat: {url_from: heartbeat_url}\n", MARGINCALL_SECRET_HEARTBEAT_URL=url) == []


@pytest.mark.parametrize(
    "url", [CANARY, f"ntfy://{CANARY}", f"https:///{CANARY}", f"https://{CANARY} x", f"see https://{CANARY}"]
)
def test_heartbeat_is_refused_when_its_secret_is_no_url_of_the_web(tmp_path, url):
    assert desk_problems(tmp_path, "heartbeat: {url_from: heartbeat_url}\n", MARGINCALL_SECRET_HEARTBEAT_URL=url) == [
        "8: heartbeat.url_from: the secret heartbeat_url is not a URL that can be called (https://...)"
    ]


def test_heartbeat_is_refused_at_its_line_when_its_secret_is_missing(tmp_path):
    (line,) = desk_problems(tmp_path, "heartbeat: {url_from: beat}\n")
    assert line.startswith("8: heartbeat.url_from: the secret beat is missing: ")


@pytest.mark.parametrize(
    ("heartbeat", "place"),
    [
        (f"https://hc.example/{CANARY}", "heartbeat"),
        (f"{{url_from: 'https://hc.example/{CANARY}'}}", "heartbeat.url_from"),
        (f"{{url_from: {CANARY}}}", "heartbeat.url_from"),
        (f"{{url: 'https://hc.example/{CANARY}'}}", "heartbeat.url"),
        (f"{{token: {CANARY}}}", "heartbeat.token"),
    ],
)
def test_heartbeat_that_holds_the_url_itself_is_refused_and_never_shown(tmp_path, heartbeat, place):
    shown = not_here("the heartbeat's URL", "heartbeat_url", "heartbeat: {url_from: heartbeat_url}")
    assert f"8: {place}: {shown}" in desk_problems(tmp_path, f"heartbeat: {heartbeat}\n")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("quiet_hours: {from: 24:00, to: 7am}", [f"quiet_hours.from: {CLOCK}", f"quiet_hours.to: {CLOCK}"]),
        ("quiet_hours: {from: 23:00, to: 7}", [f"quiet_hours.to: {CLOCK}"]),
        ("quiet_hours: {from: 23:00, to: 07:00:30}", [f"quiet_hours.to: {CLOCK}"]),
        ("quiet_hours: {from: '23:00'}",
         ['quiet_hours.to: is missing: When they end, such as "07:00"; on the next day if that is earlier than `from`.']),
        ("quiet_hours: {from: '23:00', too: '07:00', to: '07:00'}", ["quiet_hours.too: unknown key; did you mean to?"]),
        ("quiet_hours: {from: '23:00', to: '07:00', x: 1}", ["quiet_hours.x: unknown key; known here: from, to"]),
        ("quiet_hours: {from: '23:00', to: '23:00'}",
         ["quiet_hours: from and to are the same time: that could mean all day or never; leave quiet_hours out for never"]),
        ("quiet_hours: 23:00-07:00", ["quiet_hours: must be a mapping of `option: value` lines"]),
        ("escalation: [{after: 2, level: emergency, channels: [partner]}]",
         ["escalation[0].after: a duration needs its unit: write 2s for seconds (or ms, m, h, d)"]),
        ("escalation: [{after: 0s, level: worst, channels: []}]",
         [f"escalation[0].after: {SPAN}", "escalation[0].level: must be one of info, warning, critical, emergency",
          "escalation[0].channels: name at least one channel, each once"]),
        ("escalation: [{level: emergancy, to: [partner]}]",
         ["escalation[0].after: is missing: How long after it was told nobody has acknowledged it, such as 2m.",
          "escalation[0].level: must be one of info, warning, critical, emergency; did you mean emergency?",
          "escalation[0].channels: is missing: Who hears of it too.",
          "escalation[0].to: unknown key; known here: after, level, channels"]),
        ("escalation: {after: 2m, level: emergency, channels: [partner]}", ["escalation: must be a list"]),
        ("ignore: {notional_below: 20}", ["ignore.notional_below: must be a mapping of `name: ...` lines"]),
        ("ignore: {notional_below: {USDT: 20 USDT, BTC: 0, ETH: -1, SOL: .5}}",
         [f"ignore.notional_below.{coin}: {AMOUNT}" for coin in ("USDT", "BTC", "ETH", "SOL")]),
        ("ignore: {notional_below: {usdt: 20}}", ["ignore.notional_below.usdt: a currency is written in capitals, such as USDT"]),
        ("ignore: {notional_bellow: {USDT: 20}}", ["ignore.notional_bellow: unknown key; did you mean notional_below?"]),
        ("ack_lapses_after: 4", ["ack_lapses_after: a duration needs its unit: write 4s for seconds (or ms, m, h, d)"]),
        ("ack_lapses_after: 0s", [f"ack_lapses_after: {SPAN}"]),
        ("digest: {at: 8, channels: [chat]}", [f"digest.at: {CLOCK}"]),
        ("digest: {}", ['digest.at: is missing: When, such as "08:00", by the clock of `timezone`.']),
        ("heartbeat: {}",
         ["heartbeat.url_from: is missing: Names the secret with the http(s) URL to call (healthchecks.io and its like)."]),
        ("heartbeat: {url_from: Beat}",
         ["heartbeat.url_from: a name is lower-case letters, digits and _, and begins with a letter"]),
        ("escalatoin: []", ["escalatoin: unknown key; did you mean escalation?"]),
    ],
)  # fmt: skip
def test_option_is_refused_with_its_line_when_it_is_wrong(tmp_path, line, shown):
    assert desk_problems(tmp_path, f"{line}\n") == [f"8: {one}" for one in shown]


def test_problem_names_the_variable_when_the_environment_is_wrong(tmp_path):
    assert desk_problems(tmp_path, "", MARGINCALL_LEVELS__WARNING__CHANNELS="[chta]", MARGINCALL_DIGEST__AT="8") == [
        "MARGINCALL_LEVELS__WARNING__CHANNELS: levels.warning.channels[0]: there is no such channel; did you mean chat?",
        f"MARGINCALL_DIGEST__AT: digest.at: {CLOCK}",
    ]


@pytest.mark.parametrize(
    ("written", "limit"),
    [("20 per 1h", Limit(20, timedelta(hours=1))), ("1  per 500ms", Limit(1, timedelta(milliseconds=500))), ("null", None)],
)
def test_limit_of_a_channel_is_messages_per_duration(tmp_path, written, limit):
    text = SMALLEST.replace("phone_url}", f"phone_url, limit: {written}}}")
    assert loaded(tmp_path, text).settings.channels["phone"].limit == limit


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("20", LIMIT), ("20 per hour", LIMIT), ("0 per 1h", LIMIT), ("[20]", LIMIT), ("20/1h", LIMIT), ("x per 1h", LIMIT),
        ("20 per 60", "a duration needs its unit: write 60s for seconds (or ms, m, h, d)"),
        ("20 per 0s", SPAN),
    ],
)  # fmt: skip
def test_limit_of_a_channel_is_refused_when_it_is_not(tmp_path, written, shown):
    assert desk_problems(tmp_path, "", MARGINCALL_CHANNELS__CHAT__LIMIT=written) == [
        f"MARGINCALL_CHANNELS__CHAT__LIMIT: channels.chat.limit: {shown}"
    ]
