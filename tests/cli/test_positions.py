import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from monitor.cli.columns import Column, fitting
from monitor.margin.position import Contract, ExchangeSays, Instrument, Side
from monitor.margin.reading import FamilyNotOpened, Unguarded
from monitor.store.lock import InstanceLock
from tests.builders import COINM, USDM, failure, policy, position, snapshot
from tests.cli.terminal import now, on_screen

CALM, WARNING, EMERGENCY = "100", "96", "93"
TICK = Decimal("0.1")
KEYS = [
    "account", "exchange", "symbol", "instrument_id", "side", "contract", "hedged", "contracts", "contract_size", "entry_price",
    "mark_price", "settle_currency", "notional", "isolated_margin", "unrealized_pnl", "equity", "tier", "requirement",
    "maintenance_rate", "margin_ratio", "margin_usage", "buffer", "headroom", "cushion", "liquidation_price",
    "liquidation_distance", "leverage", "effective_leverage", "exchange_says", "diverges", "as_of", "state",
]  # fmt: skip
MORE_KEYS = ["judged", "degraded", "margin_mode"]


def read(*positions, ago=3.0, **changes):
    return snapshot(*positions, when=now() - timedelta(seconds=ago), **changes)


def coin_short(**changes):
    """1,000 contracts of 10 dollars short at 50,000: worth 0.2 BTC at entry, 0.2 x 50000 / mark at a mark."""
    short = position("50000", symbol="BTC/USD:BTC-251226", side=Side.SHORT, **changes)
    instrument = Instrument(
        symbol="BTC/USD:BTC-251226", instrument_id="BTCUSD_251226", contract=Contract.INVERSE, contract_size=Decimal(10),
        settle_currency="BTC", price_tick=TICK,
    )  # fmt: skip
    return replace(
        short, instrument=instrument, family="coinm", contracts=Decimal(1000), entry_price=Decimal(50000),
        isolated_margin=Decimal("0.02"), hedged=True,
    )  # fmt: skip


def test_the_document_is_the_one_that_scripts_were_promised(terminal):
    terminal.keep(read(position(EMERGENCY)), read(coin_short(), family=COINM))
    said = terminal.run("positions", "--json")
    assert (said.code, said.err) == (0, "")
    document = said.json
    assert list(document) == ["schema", "as_of", "accounts", "positions"]
    assert document["schema"] == 1
    assert datetime.fromisoformat(document["as_of"]).tzinfo is not None
    assert document["as_of"].endswith("Z")
    long, short = document["positions"]
    assert list(long) == list(short) == KEYS + MORE_KEYS
    # 10 x 93 = 930 of notional; profit 10 x (93 - 100) = -70; equity 30; requirement 1 % = 9.3; headroom 20.7 of 90
    shown = {
        name: long[name] for name in KEYS if name not in {"margin_ratio", "buffer", "liquidation_price", "liquidation_distance"}
    }
    assert shown == {
        "account": "main", "exchange": "binance", "symbol": "BTC/USDT:USDT", "instrument_id": "BTCUSDT", "side": "long",
        "contract": "linear", "hedged": False, "contracts": "10", "contract_size": "1", "entry_price": "100", "mark_price": "93",
        "settle_currency": "USDT", "notional": "930", "isolated_margin": "100", "unrealized_pnl": "-70", "equity": "30",
        "tier": 1, "requirement": "9.3", "maintenance_rate": "0.01", "margin_usage": "0.31", "headroom": "20.7",
        "cushion": "0.23", "leverage": "10", "effective_leverage": "31", "as_of": long["as_of"], "state": "emergency",
        "diverges": False, "exchange_says": {"liquidation_price": None, "requirement": None, "margin_usage": None},
    }  # fmt: skip
    # liquidation where 10 p - 900 = 0.1 p: p = 900 / 9.9
    assert long["liquidation_price"].startswith("90.909090")
    assert long["liquidation_distance"].startswith("0.022482")
    assert long["as_of"].endswith("Z")
    assert (short["contract"], short["hedged"], short["side"], short["settle_currency"]) == ("inverse", True, "short", "BTC")
    assert (short["notional"], short["isolated_margin"]) == ("0.2", "0.02")


def test_numbers_are_plain_and_what_is_unbounded_is_null_in_the_document(terminal):
    tiny = position("0.00001304", symbol="1000000BOB/USDT:USDT", entry_price=Decimal("0.00001304"), contracts=Decimal("1E+7"))
    gone = position("89", symbol="ETH/USDT:USDT", leverage=None, tiers=None)
    terminal.keep(read(tiny, gone))
    (broke, small) = terminal.run("positions", "--json").json["positions"]
    assert (small["mark_price"], small["contracts"]) == ("0.00001304", "10000000")
    # equity 100 - 110 = -10: usage and leverage without bound; no table, no tier
    assert (broke["equity"], broke["margin_usage"], broke["effective_leverage"]) == ("-10", None, None)
    assert (broke["tier"], broke["leverage"]) == (None, None)
    assert broke["degraded"] == ["no_tiers"]
    assert broke["state"] == "emergency"


def test_ours_theirs_and_what_was_judged_are_in_the_document_when_they_differ(terminal):
    terminal.keep(read(position(CALM, says=ExchangeSays(requirement=Decimal(85)))))
    (one,) = terminal.run("positions", "--json").json["positions"]
    assert one["diverges"]
    assert (one["requirement"], one["exchange_says"]["requirement"], one["judged"]["requirement"]) == ("10", "85", "85")
    assert one["state"] == "emergency"


def test_accounts_tell_how_fresh_they_are_in_the_document(terminal):
    cross = (Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)
    terminal.keep(
        read(position(CALM), unguarded=cross, ago=4),
        failure(now() - timedelta(seconds=2), family=COINM),
        FamilyNotOpened(key=replace(USDM, exchange="okx", account="second", family="okx"), at=now(), message="no such account"),
        rules=None,
    )
    main, second = terminal.run("positions", "--json").json["accounts"]
    assert list(main) == ["name", "exchange", "state", "last_good_poll", "age_seconds", "error", "not_guarded", "families"]
    assert (main["name"], main["exchange"], main["state"], main["error"]) == (
        "main",
        "binance",
        "starting",
        "no reply within 5 s",
    )
    assert (main["last_good_poll"], main["age_seconds"], main["not_guarded"]) == (None, None, 1)
    by_name = {one["name"]: one for one in main["families"]}
    assert list(by_name["usdm"]) == ["name", "state", "age_seconds", "error"]
    assert (by_name["usdm"]["state"], by_name["usdm"]["error"], by_name["coinm"]["age_seconds"]) == ("ok", None, None)
    assert 4 <= by_name["usdm"]["age_seconds"] < 25
    assert isinstance(by_name["usdm"]["age_seconds"], float)
    assert (second["state"], [one["state"] for one in second["families"]]) == ("ok", ["not_opened"])


def test_positions_are_stale_when_nobody_keeps_them_fresh(terminal):
    terminal.keep(read(position(CALM), position(EMERGENCY, symbol="ETH/USDT:USDT"), ago=40))
    document = terminal.run("positions", "--json").json
    assert [one["state"] for one in document["positions"]] == ["emergency", "stale"]
    assert document["accounts"][0]["state"] == "stale"
    said = terminal.run("positions")
    assert "stale USD-M, read 40 s ago" in said.out or "stale USD-M, read 4" in said.out
    assert "nobody watches" in said.out


def test_positions_are_fresh_for_longer_when_a_daemon_runs(terminal):
    terminal.keep(read(position(CALM), ago=40))
    with InstanceLock(terminal.store):
        said = terminal.run("positions")
    assert "nobody watches" not in said.out
    assert "ok main (Binance), read 4" in said.out
    assert "nobody watches" in terminal.run("positions").out


def test_worst_comes_first_in_the_table(terminal):
    positions = [
        position(CALM, symbol="CALM/USDT:USDT"),
        position("91", symbol="EDGE/USDT:USDT"),
        position("90.9", symbol="PAST/USDT:USDT"),
        position(WARNING, symbol="WARM/USDT:USDT"),
        # far from its liquidation: no level counts, however thin the cushion
        position("60", symbol="WIDE/USDT:USDT", isolated_margin=Decimal(700), leverage=Decimal(1)),
    ]
    terminal.keep(read(*positions))
    lines = terminal.run("positions").out.splitlines()
    assert [line.split("/USDT")[0].split()[-1] for line in lines if "/USDT" in line] == ["PAST", "EDGE", "WARM", "WIDE", "CALM"]


def test_a_piped_table_has_every_column_unwrapped(terminal):
    terminal.keep(
        read(
            position(EMERGENCY, symbol="1000000BOB/USDT:USDT"),
            position(CALM, tiers=None),
            position(CALM, symbol="ETH/USDT:USDT", says=ExchangeSays(requirement=Decimal(85))),
        )
    )
    said = terminal.run("positions")
    header, first, *_ = said.out.splitlines()
    assert header.split("  ")[0] == "state"
    assert header.split()[-3:] == ["usage", "equity", "contracts"]
    assert "…" not in said.out
    assert first.startswith("emergency  main (Binance)  ")
    assert "≠ differs from the exchange's own figure" in said.out
    assert "! something was missing" in said.out


@pytest.mark.parametrize(("columns", "shown"), [(80, False), (160, True)])
def test_the_table_is_whole_at_the_width_of_a_terminal(terminal, columns, shown):
    tiny = position("0.00001304", symbol="1000000BOB/USDT:USDT", entry_price=Decimal("0.0000135"), contracts=Decimal("1E+8"))
    tiny = replace(tiny, instrument=replace(tiny.instrument, price_tick=Decimal("0.00000001")), isolated_margin=Decimal(140))
    terminal.keep(read(tiny, position("93000", entry_price=Decimal(100_000), isolated_margin=Decimal(100_000))))
    lines = on_screen(["positions", "--config", str(terminal.config)], columns=columns)
    assert max(map(len, lines)) <= columns
    table = lines[:3]
    assert table[0].split()[0] == "state"
    assert ("account" in table[0]) is ("equity" in table[0]) is ("contracts" in table[0]) is shown
    assert not any("…" in line for line in lines)
    text = "\n".join(table)
    for whole in ("1000000BOB/USDT long", "0.00001304", "93,000", "90,909.1", "23 %", "2.2 %"):
        assert whole in text


def test_only_columns_that_can_wait_give_way():
    columns = [Column(name="a"), Column(name="b", rank=2), Column(name="c"), Column(name="d", rank=1)]
    widths = [5, 5, 5, 5]
    # two spaces between columns: a c = 12, a c d = 19, all = 26
    assert fitting(columns, widths, 80) == [0, 1, 2, 3]
    assert fitting(columns, widths, 26) == [0, 1, 2, 3]
    assert fitting(columns, widths, 25) == [0, 2, 3]
    assert fitting(columns, widths, 18) == [0, 2]
    assert fitting(columns, widths, 3) == [0, 2]


def test_an_empty_store_says_so(terminal):
    terminal.keep(read())
    said = terminal.run("positions")
    assert "No open isolated position." in said.out
    assert "ok main (Binance), read" in said.out


def test_a_position_that_turned_cross_is_named_as_such(terminal):
    cross = (Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross"),)
    terminal.keep(read(position(CALM), ago=5), read(unguarded=cross, ago=4))
    said = terminal.run("positions")
    assert "critical" in said.out
    assert "BTC/USDT long cross" in said.out
    assert "NOT guarded: 1 cross" in said.out
    assert terminal.run("positions", "--json").json["positions"][0]["margin_mode"] == "cross"


def test_a_text_of_an_exchange_is_printed_as_it_is(terminal):
    terminal.keep(failure(now(), "[red]no[/] [Errno 11]"))
    assert "[red]no[/] [Errno 11]" in terminal.run("positions").out


def test_a_missing_store_is_told_with_its_path(terminal):
    for verb in (["positions"], ["positions", "--json"], ["history"], ["history", "--csv"]):
        said = terminal.run(*verb)
        assert (said.code, said.out) == (2, "")
        assert f"there is no store at {terminal.store}" in said.err


def test_a_damaged_store_is_told_without_a_traceback(terminal):
    terminal.store.write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    said = terminal.run("positions")
    assert said.code == 1
    assert "Traceback" not in said.err
    assert str(terminal.store) in said.err


def test_the_document_can_be_read_as_json_when_there_is_nothing(terminal):
    terminal.keep()
    assert json.loads(terminal.run("positions", "--json").out)["positions"] == []


def test_the_same_position_on_two_accounts_is_told_apart_where_the_account_has_no_room(terminal):
    terminal.write(
        "accounts:\n  main: {exchange: binance}\n  other: {exchange: binance}\nchannels:\n  phone: {url_from: phone_url}\n"
        "store: ./store.db\n"
    )
    other = replace(position(WARNING), key=replace(position(WARNING).key, account="other"))
    both = policy()
    both = replace(both, intervals={**both.intervals, "other": both.intervals["main"]})
    terminal.keep(read(position(CALM)), read(other, family=replace(USDM, account="other")), rules=both)
    said = "\n".join(on_screen(["positions", "--config", str(terminal.config)], columns=80))
    assert "BTC/USDT long (main)" in said
    assert "BTC/USDT long (other)" in said
    assert "no room here for: account" in said
