import asyncio
import csv
import io

import pytest

from monitor.cli.topup_documents import CHANGE_FIELDS
from monitor.memory import Commit
from monitor.store.sqlite import SqliteStore
from monitor.topups.changes import ChangeCause
from tests.builders import NOW, at
from tests.store.journal_examples import change, stand
from tests.store.store_examples import D

CHANGES = (
    change(
        at=NOW, since=at(-8), before=stand(margin_usage=D("0.5"), liquidation_price=D(58000)),
        after=stand(equity=D("2487.5"), margin_usage=None, liquidation_price=None),
    ),
    change(
        at=at(60), since=at(60), amount=D("100.009"), cause=ChangeCause.TOP_UP, actor="guard", intent="i1", record="r-77",
        before=stand(margin_usage=D("0.5"), liquidation_price=D(58000)),
        after=stand(equity=D("2600.009"), margin_usage=D("0.401"), liquidation_price=D(57800)),
    ),
)  # fmt: skip


@pytest.fixture
def kept(terminal):
    async def commit():
        store = await SqliteStore.open(terminal.store)
        try:
            for one in CHANGES:
                await store.commit(Commit(at=NOW, margin_changes=(one,)), channels=[])
        finally:
            await store.close()

    asyncio.run(commit())
    return terminal


def test_a_change_that_the_exchange_recorded_stands_beside_one_that_was_only_seen(kept):
    header, seen, recorded = (" ".join(line.split()) for line in kept.run("margin", "log").out.splitlines())
    assert header == "when known account position amount by equity usage liquidation"
    # taken out is rounded away from nought, added down: neither looks better than it is
    assert seen.split(" ", 2)[2].endswith(
        "main BTC/USDT long -12.50 USDT elsewhere 2,500.00 -> 2,487.50 50 % -> over 100 % 58,000 -> none"
    )
    assert recorded.split(" ", 2)[2] == (
        "recorded main BTC/USDT long +100.00 USDT guard 2,500.00 -> 2,600.00 50 % -> 41 % 58,000 -> 57,800"
    )


def test_the_document_tells_the_record_and_since_when_it_may_have_been(kept):
    changes = kept.run("margin", "log", "BTC/USDT", "--json").json["changes"]
    assert [(one["record"], one["cause"], one["actor"]) for one in changes] == [
        (None, "elsewhere", None),
        ("r-77", "top_up", "guard"),
    ]
    assert changes[1]["since"] == changes[1]["at"] == "2026-11-22T03:01:00.000Z"
    assert changes[1]["after"] == {"equity": "2600.009", "margin_usage": "0.401", "liquidation_price": "57800"}


def test_the_csv_holds_the_stand_before_and_after(kept):
    table = list(csv.DictReader(io.StringIO(kept.run("margin", "log", "--csv").out)))
    assert list(table[0]) == list(CHANGE_FIELDS)
    assert (table[1]["amount"], table[1]["equity_before"], table[1]["liquidation_price_after"]) == ("100.009", "2500", "57800")
    assert kept.run("margin", "log", "ETH/USDT", "--csv").out.splitlines() == [",".join(CHANGE_FIELDS)]


def test_csv_and_json_are_not_both_given_and_nothing_is_said_in_words(kept):
    assert kept.run("margin", "log", "--csv", "--json").code == 2
    assert kept.run("margin", "log", "ETH/USDT").out == "No margin was changed yet.\n"
