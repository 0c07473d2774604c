import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from monitor.cli.history import FIELDS, moment
from monitor.margin.position import ExchangeSays
from tests.builders import position, snapshot

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def kept(terminal):
    """Three readings of one position, and one of another beside the last."""
    marks = ("100", "96.5", "93")
    readings = [snapshot(position(mark), when=START + timedelta(seconds=10 * n)) for n, mark in enumerate(marks)]
    both = (*readings[2].positions, position("50", symbol="ETH/USDT:USDT", leverage=None, entry_price=Decimal(70)))
    terminal.keep(*readings[:2], snapshot(*both, when=readings[2].at))
    return terminal


def test_readings_are_shown_oldest_first_and_rounded_to_the_safe_side(kept):
    lines = kept.run("history", "BTC/USDT:USDT").out.splitlines()
    assert " ".join(lines[0].split()) == "read at account position cushion mark liquidation usage equity requirement"
    assert [line.split("  ")[0] for line in lines[1:]] == [f"2026-11-22 03:00:{second:02}Z" for second in (0, 10, 20)]
    # at 93: headroom 20.7 of 90, usage 9.3 / 30, liquidation 900 / 9.9 = 90.909 -> up
    assert lines[3].split()[3:] == ["BTC/USDT", "long", "23", "%", "93", "90.9091", "31", "%", "30.00", "USDT", "9.30", "USDT"]


def test_the_document_and_the_csv_hold_the_same_exact_figures(kept):
    document = kept.run("history", "--json").json
    assert (document["schema"], document["as_of"][-1]) == (1, "Z")
    said = kept.run("history", "--csv")
    assert "\r" not in said.out
    table = list(csv.DictReader(io.StringIO(said.out)))
    assert list(table[0]) == list(document["readings"][0]) == list(FIELDS)
    assert [{name: value or None for name, value in row.items()} for row in table] == document["readings"]
    btc = [row for row in table if row["symbol"] == "BTC/USDT:USDT"]
    assert [row["mark_price"] for row in btc] == ["100", "96.5", "93"]
    assert btc[2]["cushion"] == "0.23"
    assert btc[2]["as_of"] == "2026-11-22T03:00:20.000Z"
    # equity 100 - 200 is gone: its usage is without bound, which is null, and nothing in CSV
    (eth,) = (row for row in table if row["symbol"] == "ETH/USDT:USDT")
    assert (eth["equity"], eth["margin_usage"]) == ("-100", "")


def test_the_newest_readings_are_kept_when_there_is_a_limit(kept):
    rows = kept.run("history", "BTC/USDT:USDT", "--limit", "2", "--json").json["readings"]
    assert [row["mark_price"] for row in rows] == ["96.5", "93"]
    assert kept.run("history", "BTC/USDT", "--limit", "2", "--json").json["readings"] == rows


def test_an_unbounded_usage_and_a_missing_price_are_words_in_the_table(kept):
    assert "over 100 %" in kept.run("history", "ETH/USDT:USDT").out


def test_the_worse_figure_is_shown_in_the_table_when_the_exchange_differs(terminal):
    terminal.keep(snapshot(position("100", says=ExchangeSays(requirement=Decimal(85))), when=START))
    # theirs: 85 of 100
    assert "85 %" in terminal.run("history").out
    assert terminal.run("history", "--json").json["readings"][0]["requirement"] == "10"


@pytest.mark.parametrize(("symbol", "words"), [([], "No reading is kept."), (["BTCUSDT"], "No reading of BTCUSDT is kept.")])
def test_nothing_kept_is_said_in_words_and_is_an_empty_list_for_scripts(terminal, symbol, words):
    terminal.keep()
    assert words in terminal.run("history", *symbol).out
    assert terminal.run("history", *symbol, "--json").json["readings"] == []
    assert terminal.run("history", *symbol, "--csv").out.splitlines() == [",".join(FIELDS)]


@pytest.fixture
def hour(terminal):
    """A reading every ten minutes from three o'clock on, the mark going down and up again."""
    marks = ("100", "96", "93", "95", "97", "99", "98")
    terminal.keep(*(snapshot(position(mark), when=START + timedelta(minutes=10 * n)) for n, mark in enumerate(marks)))
    return terminal


@pytest.mark.parametrize(
    ("options", "marks"),
    [
        (("--since", "2026-11-22T03:30"), ["95", "97", "99", "98"]),
        (("--since", "2026-11-22T04:30+01:00", "--limit", "2"), ["99", "98"]),
        (("--since", "2026-11-23"), []),
        (("--every", "30m"), ["93", "95", "98"]),
        (("--every", "1h"), ["93", "98"]),
        (("--every", "1h", "--limit", "1"), ["98"]),
        (("--since", "2026-11-22T03:30", "--every", "1d"), ["95"]),
    ],
)
def test_readings_are_shown_from_a_time_on_and_one_for_each_span_the_worst(hour, options, marks):
    rows = hour.run("history", *options, "--json").json["readings"]
    assert [row["mark_price"] for row in rows] == marks


def test_since_counts_back_from_now():
    assert moment("90m", START) == START - timedelta(minutes=90)


@pytest.mark.parametrize(
    "wrong",
    [("--json", "--csv"), ("--limit", "0"), ("--limit", "x"), ("--since", "yesterday"), ("--since", "5"), ("--every", "0s")],
)
def test_bad_options_are_refused(kept, wrong):
    said = kept.run("history", *wrong)
    assert said.code == 2
    assert "Traceback" not in said.err
