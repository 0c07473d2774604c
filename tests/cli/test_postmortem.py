"""`margincall postmortem`: on the store that a daemon left behind."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.cli.postmortem import lines
from monitor.cli.timeline import BLOCKS, curve
from monitor.decide import decide
from monitor.lives.event import EventKind
from monitor.lives.state import LifeChanges
from monitor.memory import Commit
from monitor.postmortem.composed import composed
from monitor.postmortem.record import IncidentKind
from monitor.store.sqlite import SqliteStore
from tests.builders import NOW, at, policy, position, snapshot
from tests.cli.terminal import on_screen
from tests.postmortem.scenes import event, incident, moment, point, record, taken

D = Decimal
FALL = {0: "99", 30: "96", 40: "94", 50: "92.5", 58: "91.2"}
"""Marks by second: a warning at 30, the end at 60."""


def keep(terminal, marks, *events):
    """What a daemon would have kept; the phone takes each message a second after it was raised."""

    async def run():
        store = await SqliteStore.open(terminal.store)
        memory, rules = await store.load(), policy()
        try:
            for second, mark in marks.items():
                there = () if mark is None else (position(mark),)
                decision = decide(snapshot(*there, when=at(second)), memory, rules, at(second))
                memory = decision.memory
                await store.commit(decision.commit, channels=["phone"])
                for delivery in await store.claim("phone", at(second), lease=timedelta(seconds=5)):
                    await store.settle(delivery, "accepted", at(second + 1))
            await store.commit(Commit(at=at(70), lives=LifeChanges(events=events)), channels=[])
        finally:
            await store.close()

    asyncio.run(run())


@pytest.fixture
def lost(terminal):
    """Liquidated 30 s after the first warning, and the margin with it."""
    keep(terminal, {**FALL, 61: None, 63: None}, taken(60))
    return terminal


@pytest.fixture
def missed(terminal):
    """Down to 91.2 and up again."""
    keep(terminal, {**FALL, 70: "97", 90: "99", 110: "99.5"})
    return terminal


def test_the_last_one_is_told_from_its_first_alert_to_what_would_have_saved_it(lost):
    said = lost.run("postmortem").out
    assert said == lost.run("postmortem", "last").out
    assert "BTC/USDT long on main (Binance) was liquidated" in said
    for heading in ("What happened", "Who was told", "Margin added by margincall", "How it went", "What would have saved it"):
        assert f"\n{heading}\n" in said
    assert "29 s before the end" in said  # raised at 30, taken by the phone's service at 31
    assert "(phone after 1 s)" in " ".join(said.split())
    assert "  the last reading before the end" in said
    assert "LIQUIDATED, -100.00 USDT" in said
    assert "30.00 USDT for a cushion of 25 % at that mark" in " ".join(said.split())


def test_every_line_fits_the_terminal(lost):
    assert max(map(len, lost.run("postmortem").out.splitlines())) <= 80
    for columns in (60, 100):
        shown = on_screen(["postmortem", "--config", str(lost.config)], columns=columns)
        assert max(map(len, shown)) <= columns
        assert any("What would have saved it" in line for line in shown)


def test_a_near_miss_is_told_too(missed):
    said = missed.run("postmortem").out
    assert "was past its emergency line and came back" in " ".join(said.split())
    assert "What it would have taken" in said
    assert "nearest to the end" in said


def test_the_list_names_each_by_a_code_that_shows_it(lost):
    header, row = (line.split() for line in lost.run("postmortem", "--list").out.splitlines())
    assert header == ["id", "when", "account", "position", "what", "lasted"]
    assert row[3:] == ["main", "BTC/USDT", "long", "liquidated", "30", "s"]
    assert lost.run("postmortem", f"#{row[0].lower()}").out == lost.run("postmortem").out
    assert lost.run("postmortem", "--list", "--symbol", "ETH/USDT").out == "No liquidation and no near miss is in the store.\n"


def test_the_list_has_a_document(lost):
    (row,) = lost.run("postmortem", "--list", "--json").json["incidents"]
    assert {name: row[name] for name in ("kind", "account", "exchange", "symbol", "side", "life", "since", "at")} == {
        "kind": "liquidated", "account": "main", "exchange": "binance", "symbol": "BTC/USDT:USDT", "side": "long", "life": 1,
        "since": "2026-11-22T03:00:30.000Z", "at": "2026-11-22T03:01:00.000Z",
    }  # fmt: skip


def test_the_document_holds_all_of_it(lost):
    told = lost.run("postmortem", "--json").json["postmortem"]
    assert (told["cost"], told["returned"], told["acknowledged_at"], told["not_out_in_time"]) == ("-100", "0", None, [])
    assert told["first_alert"] == {
        "title": "WARNING: BTC/USDT long cushion 56 %, liq 5.3 % away", "channel": "phone", "at": "2026-11-22T03:00:31.000Z",
        "seconds_before": 29.0,
    }  # fmt: skip
    # at 91.2: headroom 12 - 9.12 of 90
    assert told["nearest"] == {
        "at": "2026-11-22T03:00:58.000Z", "mark_price": "91.2", "equity": "12", "cushion": "0.032", "margin_usage": "0.76",
    }  # fmt: skip
    assert (told["worst_mark"]["known"], told["worst_mark_after"]) == ("liquidation", None)
    assert told["emergency_line"] == {"figure": "cushion", "value": "0.25"}
    assert [one["at"][17:19] for one in told["rescues"]] == ["30", "58"]
    assert told["rescues"][0]["to_survive_after"] is None
    assert [one["kind"] for one in told["timeline"]][-2:] == ["blow", "told"]
    assert told["timeline"][-1]["mark_price"] is None
    (ended,) = told["events"]
    assert ended["breakdown"]["profit"] == "-99"


def test_nothing_to_tell_is_said_and_is_null_for_scripts(terminal):
    keep(terminal, {0: "99"})
    assert terminal.run("postmortem").out == "No liquidation and no near miss is in the store.\n"
    assert terminal.run("postmortem", "--list").out == "No liquidation and no near miss is in the store.\n"
    assert terminal.run("postmortem", "--json").json["postmortem"] is None
    assert terminal.run("postmortem", "--list", "--json").json["incidents"] == []


def test_an_unknown_code_is_bad_input(lost):
    said = lost.run("postmortem", "ZZZZ")
    assert said.code == 2
    assert "--list" in said.err
    assert "Traceback" not in said.err


def test_a_missing_store_is_told(terminal):
    assert terminal.run("postmortem").code == 2


def test_the_curve_falls_from_full_to_nothing_and_is_blank_where_nothing_was_read():
    points = [point(0, cushion=D("1.4")), point(1, cushion=D("0.5")), point(8, cushion=None), point(10, cushion=D("-0.1"))]
    assert curve(points, 10) == f"{BLOCKS[-1]}{BLOCKS[3]}      {BLOCKS[-1]}{BLOCKS[0]}"


def test_the_figures_give_way_on_a_narrow_terminal_and_the_words_stay():
    told = composed(record(), [moment(10, "96")])
    shown = list(lines(told, 44))
    assert "  time      what (and who took it)" in shown
    assert max(map(len, shown)) <= 44


def test_a_record_without_readings_is_told_without_a_curve():
    bare = composed(record(points=(), events=(), sendings=(), what=incident(IncidentKind.GONE)), [])
    shown = list(lines(bare, 80))
    assert not any(block in line for line in shown for block in BLOCKS)
    assert any("no reading of that time is kept" in line for line in shown)


def test_gone_without_a_record_is_told_as_such(terminal):
    keep(terminal, {**FALL, 61: None, 63: None}, event(EventKind.GONE, 63, since=NOW, ended=True))
    said = " ".join(terminal.run("postmortem").out.split())
    assert "is gone, closed or liquidated: no record of the exchange tells which" in said
    assert "the exchange's records do not tell it yet" in said


def test_every_key_of_its_documents_is_documented(lost):
    def names(document):
        for name, value in document.items():
            yield name
            for inner in [value] if isinstance(value, dict) else value if isinstance(value, list) else []:
                yield from names(inner) if isinstance(inner, dict) else ()

    text = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    section = text.partition("`margincall events --json`")[2].partition("- `margincall calc`")[0]
    documents = [lost.run(*verb, "--json").json for verb in (["postmortem"], ["postmortem", "--list"], ["events"])]
    told = {name for document in documents for name in names(document)} - {"schema", "as_of"}
    told -= {"to_survive_after", "to_stay_calm_after"}  # "the same `..._after`"
    assert sorted(name for name in told if f"`{name}`" not in section) == []
