from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.doctor.stored import store_lines
from monitor.errors import StoreCorrupt, StoreFault, StoreMissing
from monitor.ports import StoreHealth

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WELL = StoreHealth(
    schema=2, newest=2, size=5 << 20, whole=True, sqlite=(3, 51, 3), made_at=NOW - timedelta(days=30),
    copied_at=NOW - timedelta(hours=5),
)  # fmt: skip


def told(**changes):
    lines, size = store_lines(lambda: replace(WELL, **changes), NOW)
    assert size == WELL.size
    return {line.topic: (line.status, line.text) for line in lines}


def raising(error):
    def examine():
        raise error

    lines, size = store_lines(examine, NOW)
    assert size == 0
    return lines


def test_every_line_is_ok_when_the_store_is_well():
    assert told() == {
        "schema": ("ok", "schema 2"),
        "integrity": ("ok", "5 MiB, no damage found"),
        "backup": ("ok", "the newest copy is 5 h old"),
        "sqlite": ("ok", "3.51.3"),
    }


def test_schema_warns_when_it_is_older_than_the_program():
    assert told(schema=1)["schema"] == ("warn", "schema 1, older than 2")


def test_integrity_fails_when_the_store_is_damaged_and_says_so_when_it_was_seen_in_part():
    assert told(whole=False)["integrity"] == ("fail", "the store is damaged")
    assert told(whole=None)["integrity"][0] == "ok"
    assert "in the part that" in told(whole=None)["integrity"][1]


@pytest.mark.parametrize(
    ("copied", "made", "status", "text"),
    [
        (timedelta(days=2), timedelta(days=30), "ok", "the newest copy is 2 days old"),
        (timedelta(days=3), timedelta(days=30), "warn", "the newest copy is 3 days old"),
        # A copy from the future: the clock was set back since.
        (timedelta(days=-1), timedelta(days=30), "ok", "the newest copy is 0 s old"),
        (None, timedelta(days=1), "ok", "no copy of the store yet"),
        (None, timedelta(days=3), "warn", "no copy of the store yet"),
        (None, None, "ok", "no copy of the store yet"),
    ],
)
def test_backup_warns_when_the_newest_is_old_or_never_came(copied, made, status, text):
    ages = {"copied_at": copied, "made_at": made}
    assert told(**{name: age and NOW - age for name, age in ages.items()})["backup"] == (status, text)


@pytest.mark.parametrize(
    ("version", "has_the_bug"),
    [
        ((3, 40, 1), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
    ],
)
def test_sqlite_with_the_wal_reset_bug_is_noted(version, has_the_bug):
    status, text = told(sqlite=version)["sqlite"]
    assert status == "ok"
    assert ("WAL-reset bug" in text) == has_the_bug


def test_store_that_is_not_there_yet_is_no_trouble():
    (line,) = raising(StoreMissing("there is no store"))
    assert (line.status, line.text) == ("ok", "none yet: `margincall run` makes it")


def test_store_that_cannot_be_opened_fails_with_what_to_do():
    (damaged,) = raising(StoreCorrupt("the store is damaged"))
    assert (damaged.status, damaged.text) == ("fail", "the store is damaged")
    assert damaged.advice
    (foreign,) = raising(StoreFault("a database of another program", hint="Give `store:` another path."))
    assert (foreign.status, foreign.advice) == ("fail", "Give `store:` another path.")
