"""What is told of a key that may change margins: its fitness first, then its end."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.cli.topup_checks import top_up_key_lines
from monitor.margin.reading import KeyFacts

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(*rights, demo=False, **changes):
    facts = KeyFacts(exchange="binance", account="main", rights=rights, **changes) if rights else None
    lines = list(top_up_key_lines("main", facts, NOW, demo=demo))
    assert {line.topic for line in lines} == {"main"}
    return [(line.status, line.text) for line in lines]


@pytest.mark.parametrize(
    ("rights", "status", "words"),
    [
        (("read", "trade"), "ok", "its top-up key may read, trade"),
        (("read",), "fail", "may not trade"),
        (("read", "trade", "withdraw"), "fail", "may withdraw"),
        (("read", "trade", "transfer"), "fail", "may transfer"),
    ],
)
def test_top_up_key_must_trade_and_take_nothing_away(rights, status, words):
    ((said, text),) = told(*rights, ip_bound=True)
    assert said == status
    assert words in text


def test_top_up_key_warns_when_it_can_be_used_from_anywhere():
    assert told("read", "trade", ip_bound=False) == [("warn", "its top-up key may read, trade, from any IP address")]


def test_top_up_key_whose_rights_are_not_told_fails_but_in_demo_trading():
    assert told() == [("fail", "the rights of its top-up key cannot be read")]
    assert told(demo=True)[0][0] == "warn"


@pytest.mark.parametrize(("days", "status"), [(60, "ok"), (14, "warn"), (3, "warn")])
def test_top_up_key_tells_when_it_ends(days, status):
    fitness, end = told("read", "trade", ip_bound=True, expires_at=NOW + timedelta(days=days))
    assert fitness[0] == "ok"
    assert end[0] == status
    assert end[1].startswith(f"its top-up key ends in {days} days, on ")
