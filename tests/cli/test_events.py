import asyncio
import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.cli.life_documents import FIELDS
from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.lives.state import LifeChanges
from monitor.memory import Commit
from monitor.store.sqlite import SqliteStore
from tests.builders import NOW, at, key

D = Decimal


def event(kind, seconds=0, **changes):
    facts = {
        "key": key(),
        "epoch": 1,
        "kind": kind,
        "at": at(seconds),
        "seen_at": at(seconds + 1),
        "currency": "USDT",
        "unit": "BTC",
    }
    return LifeEvent(**{**facts, **changes})


def keep(terminal, *events):
    async def commit():
        store = await SqliteStore.open(terminal.store)
        try:
            await store.commit(Commit(at=NOW, lives=LifeChanges(events=events)), channels=[])
        finally:
            await store.close()

    asyncio.run(commit())


STORY = (
    event(EventKind.FOUND, 0, after=D(10)),
    event(EventKind.MARGIN_ADDED, 20, since=at(12), before=D(100), after=D("150.555"), amount=D("50.555"), actor="guard"),
    event(EventKind.LEVERAGE_CHANGED, 30, since=at(29.5), before=D(10), after=D(5)),
    event(
        EventKind.LIQUIDATED, 40, before=D(10), after=D(0), ended=True,
        breakdown=Breakdown(
            contracts=D(10), entry_price=D(100), margin=D(150), profit=D(-140), fees=D("-1.5"), insurance=D("-8.5"),
            missing=("funding",),
        ),
    ),
    event(EventKind.OPENED, 50, key=key("ETH/USDT:USDT"), since=at(42), after=D(3)),
)  # fmt: skip


@pytest.fixture
def kept(terminal):
    keep(terminal, *STORY)
    return terminal


def rows(terminal, *options):
    return [line.split() for line in terminal.run("events", *options).out.splitlines()[1:]]


def test_events_are_shown_oldest_first_with_how_exactly_their_time_is_known(kept):
    said = kept.run("events").out.splitlines()
    assert said[0].split() == ["when", "known", "account", "position", "what", "before", "->", "after", "amount", "by"]
    first, added, leverage, taken, opened = (line.split(maxsplit=2)[2] for line in said[1:])
    assert " ".join(first.split()) == "first look main BTC/USDT long found 10"
    assert "within 8 s before" in added
    # what was added is rounded down, and so are the margins before and after
    assert " ".join(added.split()[4:]) == "main BTC/USDT long margin added 100.00 -> 150.55 +50.55 USDT guard"
    assert "seen then" in leverage
    assert "10x -> 5x" in leverage
    # -140 - 1.5 - 8.5
    assert " ".join(taken.split()) == "exact main BTC/USDT long liquidated 10 -> 0 -150.00 USDT"
    assert " ".join(opened.split()[4:]) == "main ETH/USDT long opened 3"


def test_the_document_holds_all_that_is_known(kept):
    document = kept.run("events", "BTC/USDT", "--json").json
    assert (document["schema"], document["as_of"][-1]) == (1, "Z")
    found, added, _, taken = document["events"]
    assert list(found) == [*FIELDS, "breakdown"]
    assert (found["event"], found["since"], found["before"], found["breakdown"]) == ("found", None, None, None)
    assert (added["amount"], added["since"], added["actor"]) == ("50.555", "2026-11-22T03:00:12.000Z", "guard")
    assert taken["ended"] is True
    told = taken["breakdown"]
    assert (told["profit"], told["fees"], told["insurance"], told["funding"]) == ("-140", "-1.5", "-8.5", None)
    assert (told["added_times"], told["missing"]) == (0, ["funding"])


def test_the_csv_holds_the_same_figures_but_the_breakdown(kept):
    table = list(csv.DictReader(io.StringIO(kept.run("events", "--csv").out)))
    assert list(table[0]) == list(FIELDS)
    assert [row["event"] for row in table] == ["found", "margin_added", "leverage_changed", "liquidated", "opened"]
    assert table[1]["after"] == "150.555"


def test_events_are_shown_of_a_symbol_from_a_time_on_and_the_newest_few(kept):
    assert [row[-2] for row in rows(kept, "ETH/USDT")] == ["opened"]
    assert len(rows(kept, "--since", (at(30)).isoformat())) == 3
    assert len(rows(kept, "--limit", "2")) == 2
    assert kept.run("events", "--since", (NOW + timedelta(days=1)).isoformat()).out == "No event is kept.\n"


def test_no_event_is_said(terminal):
    keep(terminal)
    assert terminal.run("events").out == "No event is kept.\n"
    assert terminal.run("events", "XRP/USDT").out.startswith("No event of XRP/USDT is kept.")


@pytest.mark.parametrize("wrong", [("--json", "--csv"), ("--limit", "0"), ("--since", "yesterday")])
def test_bad_options_are_refused(kept, wrong):
    said = kept.run("events", *wrong)
    assert said.code == 2
    assert "Traceback" not in said.err
