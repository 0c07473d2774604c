import shutil
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from monitor.doctor.machine import clock_lines, disk_line, in_words

NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MIB = 1 << 20


def told(now=NOW, zone=BERLIN, *, by_default=False, matters=""):
    return {line.topic: line for line in clock_lines(now, zone, by_default=by_default, matters=matters)}


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (NOW, "ok"),
        (datetime(2026, 10, 31, tzinfo=UTC), "fail"),
        (datetime(1970, 1, 1, tzinfo=UTC), "fail"),
        (datetime(2060, 1, 1, tzinfo=UTC), "fail"),
    ],
)
def test_wall_clock_fails_when_it_shows_a_time_that_cannot_be(now, status):
    line = told(now)["wall clock"]
    assert line.status == status
    assert bool(line.advice) == (status == "fail")
    assert f"{now:%Y-%m-%d %H:%M} UTC" in line.text


def test_time_zone_is_told_with_its_time():
    # 12:05 UTC is 13:05 in Berlin's winter.
    assert told()["time zone"].text == "Europe/Berlin, where it is 13:05"


@pytest.mark.parametrize(
    ("zone", "by_default", "matters", "status"),
    [
        ("UTC", True, "quiet hours", "warn"),
        ("Etc/UTC", True, "digest", "warn"),
        ("UTC", True, "", "ok"),
        ("UTC", False, "quiet hours", "ok"),
        ("Europe/Berlin", True, "quiet hours", "ok"),
    ],
)
def test_time_zone_warns_when_hours_count_in_utc_by_default(zone, by_default, matters, status):
    line = told(zone=ZoneInfo(zone), by_default=by_default, matters=matters)["time zone"]
    assert line.status == status
    assert (line.text.endswith(f": {matters} counts in it")) == (status == "warn")


@pytest.mark.parametrize(
    ("free", "size", "status"),
    [
        (600 * MIB, 0, "ok"),
        (499 * MIB, 0, "warn"),
        # Four copies of a store of 200 MiB are 800 MiB.
        (799 * MIB, 200 * MIB, "warn"),
        (800 * MIB, 200 * MIB, "ok"),
        (49 * MIB, 0, "fail"),
    ],
)
def test_disk_is_told_when_there_is_little_room(tmp_path, monkeypatch, free, size, status):
    asked = []

    def usage(folder):
        asked.append(folder)
        return SimpleNamespace(free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    line = disk_line(tmp_path / "not" / "made" / "store.db", size)
    assert (line.status, line.text) == (status, f"{free // MIB} MiB free where the store lies")
    assert asked == [tmp_path]


def test_disk_warns_when_it_cannot_be_asked(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "secret text")

    monkeypatch.setattr(shutil, "disk_usage", refuse)
    line = disk_line(tmp_path / "store.db", 0)
    assert (line.status, line.text) == ("warn", "not known (Permission denied)")


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (2047, "1 KiB"), (3 * MIB, "3 MiB"), (1 << 32, "4 GiB")]
)
def test_sizes_are_rounded_down(size, words):
    assert in_words(size) == words
