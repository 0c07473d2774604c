from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.matching import Matcher
from monitor.alerts.model import Alert, AlertState, Subject, SubjectKind
from monitor.alerts.muting import MuteReason, QuietHours, Silence, mute_of
from monitor.rules.base import Level
from tests.builders import NOW, at

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours(begin=time(23), end=time(7), zone=BERLIN)
ALERT = Alert(
    code="K7Q2",
    rule="cushion",
    subject=Subject(SubjectKind.POSITION, "binance", "main", "BTC/USDT:USDT", "long"),
    state=AlertState.FIRING,
    level=Level.WARNING,
    peak=Level.WARNING,
    since=NOW,
    state_since=NOW,
    level_since=NOW,
)
SILENCE = Silence(id="S1", match=Matcher(symbol=("BTC/*",)), since=NOW, until=at(3600))


def utc(*parts: int) -> datetime:
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        (utc(2026, 11, 22, 21, 59), False),  # 22:59 in Berlin
        (utc(2026, 11, 22, 22, 0), True),  # 23:00
        (utc(2026, 11, 23, 5, 59), True),  # 06:59
        (utc(2026, 11, 23, 6, 0), False),  # 07:00
        (utc(2026, 7, 1, 21, 0), True),  # summer time: 23:00
        (utc(2026, 7, 1, 5, 0), False),  # 07:00
    ],
)
def test_quiet_hours_follow_the_wall_clock_there(moment, quiet):
    assert NIGHT.cover(moment) is quiet


def test_quiet_hours_within_a_day_do_not_wrap():
    siesta = QuietHours(begin=time(13), end=time(15), zone=UTC)
    assert siesta.cover(utc(2026, 1, 1, 14, 0))
    assert not siesta.cover(utc(2026, 1, 1, 15, 0))
    assert not siesta.cover(utc(2026, 1, 1, 12, 0))
    assert siesta.over_at(utc(2026, 1, 1, 14, 0)) == utc(2026, 1, 1, 15, 0)


def test_quiet_hours_are_over_in_the_morning_also_when_the_clocks_change():
    # the night of 28 to 29 March 2026 loses an hour: 07:00 summer time is 05:00 UTC
    assert NIGHT.over_at(utc(2026, 3, 28, 22, 30)) == utc(2026, 3, 29, 5, 0)
    # the night of 24 to 25 October 2026 gains one: 07:00 winter time is 06:00 UTC
    assert NIGHT.over_at(utc(2026, 10, 24, 21, 30)) == utc(2026, 10, 25, 6, 0)
    assert NIGHT.over_at(utc(2026, 10, 25, 3, 0)) == utc(2026, 10, 25, 6, 0)
    assert NIGHT.over_at(utc(2026, 10, 25, 12, 0)) == utc(2026, 10, 25, 12, 0)


@given(st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1)))  # noqa: DTZ001 - made aware below
def test_quiet_hours_end_within_a_day_and_outside_themselves(naive):
    now = naive.replace(tzinfo=UTC)
    end = NIGHT.over_at(now)
    assert now <= end <= now + timedelta(hours=9)
    assert not NIGHT.cover(end)


def test_a_silence_covers_what_it_matches_until_its_end_but_no_emergency():
    assert SILENCE.covers(ALERT, NOW)
    assert not SILENCE.covers(ALERT, at(3600))
    assert not SILENCE.covers(replace(ALERT, level=Level.EMERGENCY), NOW)
    assert replace(SILENCE, emergencies=True).covers(replace(ALERT, level=Level.EMERGENCY), NOW)
    assert not replace(SILENCE, match=Matcher(symbol=("ETH/*",))).covers(ALERT, NOW)


def test_mute_names_why_and_silence_comes_first():
    night = utc(2026, 11, 22, 23, 0)
    long_silence = replace(SILENCE, until=night + timedelta(hours=1))
    arguments: dict[str, Any] = {"quiet_hours": NIGHT, "passes_quiet": False}
    assert mute_of(ALERT, night, silences=[long_silence], **arguments) is MuteReason.SILENCED
    assert mute_of(ALERT, night, silences=[], **arguments) is MuteReason.QUIET
    assert mute_of(ALERT, night, silences=[], quiet_hours=NIGHT, passes_quiet=True) is None
    assert mute_of(ALERT, night, silences=[], quiet_hours=None, passes_quiet=False) is None
