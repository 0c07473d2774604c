"""Rows that cannot be read, beside good ones, on the real program: they are told, and stop nobody."""

import json

import pytest

from monitor.practice import Replay, ServerThread
from tests.e2e import rows

UNREAD = "NOT guarded: {name} cannot be read"


def with_rows(description, exchange, *more):
    """The description with more positions of the same exchange."""
    part = description[exchange]
    return {exchange: part | {"positions": [*part["positions"], *more]}}


def changed(description, exchange, **fields):
    """The one position of a description, with other fields."""
    return description[exchange]["positions"][0] | fields


BINANCE, BYBIT, OKX = rows.binance(rows.binance_long("91000")), rows.bybit("36500"), rows.okx("91000")


@pytest.mark.parametrize(
    ("exchange", "description", "odd", "name"),
    [
        ("binance", BINANCE, changed(BINANCE, "binance", symbol="ETHUSDT", markPrice="0"), "ETHUSDT"),
        # a contract that trades before its launch has no mark price yet
        ("bybit", BYBIT, changed(BYBIT, "bybit", symbol="NEWUSDT", markPrice=""), "NEWUSDT"),
        ("okx", OKX, changed(OKX, "okx", instId="ETH-USDT-SWAP", margin=""), "ETH-USDT-SWAP"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_the_others_alarm(make_program, receiver, exchange, description, odd, name):
    with ServerThread(Replay(with_rows(description, exchange, odd))) as server:
        program = make_program(server.url, exchange)
        program.run("run", "--once")
        assert {message.title.split(" cushion")[0] for message in receiver.accepted} == {
            "EMERGENCY: BTC/USDT long", UNREAD.format(name=name),
        }  # fmt: skip
        program.run("run", "--once")
        checked = json.loads(program.run("check", "--json"))["checks"]
    assert len(receiver.accepted) == 2
    document = program.positions()
    assert [one["symbol"] for one in document["positions"]] == ["BTC/USDT:USDT"]
    assert (document["accounts"][0]["state"], document["accounts"][0]["not_guarded"]) == ("ok", 1)
    told = next(one["text"] for one in checked if one["text"].startswith("NOT guarded"))
    assert told.startswith(UNREAD.format(name=name))


@pytest.mark.parametrize(
    "foreign",
    [
        {"instType": "EVENTS", "instId": "ELECTION-2028"},
        {"instType": "SPREAD", "instId": "BTCSPREAD", "pos": "", "markPx": ""},
        {"instType": "OPTION", "instId": "BTC-USD-281229-100000-C", "mgnMode": "cross", "posSide": "?"},
    ],
)
def test_a_kind_of_position_that_nobody_knows_is_counted_and_stops_nobody(make_program, receiver, foreign):
    replay = Replay(OKX)
    with ServerThread(replay) as server:
        held = [OKX["okx"]["positions"][0], changed(OKX, "okx", **foreign)]
        replay.set("GET", "/api/v5/account/positions", {"code": "0", "msg": "", "data": held})
        program = make_program(server.url, "okx")
        program.run("run", "--once")
    assert [message.title.split(" cushion")[0] for message in receiver.accepted] == ["EMERGENCY: BTC/USDT long"]
    account = program.positions()["accounts"][0]
    assert (account["state"], account["not_guarded"]) == ("ok", 1)


def test_coinm_is_guarded_from_its_rows_alone(make_program, receiver):
    """The documented row: no notionalValue; and no list of contracts either."""
    row = {
        "symbol": "BTCUSD_PERP", "positionAmt": "100", "positionSide": "BOTH", "entryPrice": "60000", "markPrice": "59000",
        "unRealizedProfit": "-0.00282486", "liquidationPrice": "0", "leverage": "20", "marginType": "isolated", "updateTime": 1,
        "isolatedMargin": "0.00551", "isolatedWallet": "0.00833486", "isAutoAddMargin": "false", "notionalValue": "",
    }  # fmt: skip
    description = {"binance": {"positions": [row], "tiers": {"BTCUSD_PERP": {"rate": "0.004", "deduction": "0"}}}}
    replay = Replay(description)
    with ServerThread(replay) as server:
        replay.set("GET", "/dapi/v1/exchangeInfo", b"")
        program = make_program(server.url, "binance")
        program.run("run", "--once")
    (position,) = program.positions()["positions"]
    assert (position["symbol"], position["contract_size"]) == ("BTC/USD:BTC", "100")
    assert "contract_size_inferred" in position["degraded"]
