from datetime import UTC, datetime, timedelta

import pytest

from monitor.exchanges.key_lines import end_line, key_lines
from monitor.margin.reading import KeyFacts

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(*rights, **changes):
    facts = KeyFacts(exchange="binance", account="main", rights=rights, **changes)
    return [(line.status, line.text) for line in key_lines(facts, NOW)]


@pytest.mark.parametrize(
    ("rights", "status", "text"),
    [
        (("read",), "ok", "can only read"),
        (("read", "trade"), "warn", "may trade"),
        (("read", "trade", "transfer"), "warn", "may trade and transfer"),
        (("read", "trade", "transfer", "withdraw"), "warn", "may trade, transfer and withdraw"),
        (("read", "withdraw"), "warn", "may withdraw"),
        (("trade",), "fail", "may not read: nothing can be guarded"),
    ],
)
def test_key_is_ok_only_when_it_can_read_and_no_more(rights, status, text):
    assert told(*rights) == [(status, text)]


def test_key_that_may_withdraw_is_advised_against():
    (line,) = key_lines(KeyFacts(exchange="okx", account="main", rights=("read", "withdraw")), NOW)
    assert line.advice == "Use a key that can only read."


@pytest.mark.parametrize(
    ("bound", "lines"),
    [(True, [("ok", "bound to an IP address")]), (False, [("warn", "can be used from any IP address")]), (None, [])],
)
def test_address_is_told_where_it_is_known(bound, lines):
    assert told("read", ip_bound=bound)[1:] == lines


@pytest.mark.parametrize(
    ("left", "status", "text"),
    [
        (timedelta(days=90), "ok", "ends in 90 days, on 2027-02-21"),
        (timedelta(days=14, seconds=1), "ok", "ends in 14 days, on 2026-12-07"),
        (timedelta(days=14), "warn", "ends in 14 days, on 2026-12-07"),
        (timedelta(days=1, hours=23), "warn", "ends in 1 day, on 2026-11-25"),
        (timedelta(hours=3), "warn", "ends in 0 days, on 2026-11-23"),
        (timedelta(hours=-3), "warn", "ends in 0 days, on 2026-11-23"),
    ],
)
def test_end_is_told_with_the_days_left_and_warned_of_two_weeks_before(left, status, text):
    assert told("read", expires_at=NOW + left)[1:] == [(status, text)]


def test_end_names_whose_key_it_is_where_the_topic_does_not():
    line = end_line("main", NOW + timedelta(days=3), NOW, whose="its top-up key")
    assert (line.topic, line.text) == ("main", "its top-up key ends in 3 days, on 2026-11-26")


def test_demo_trading_tells_nothing_of_its_key():
    assert [line.status for line in key_lines(None, NOW)] == ["ok"]
