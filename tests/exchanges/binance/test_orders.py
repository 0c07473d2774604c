"""Binance's waiting orders: what counts as a stop, and the key's rights."""

import pytest

from monitor.errors import BadReply
from monitor.exchanges import load
from monitor.exchanges.binance.keys import key_facts
from monitor.exchanges.binance.orders import parse_orders
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Side
from monitor.margin.reading import FamilySnapshot
from tests.exchanges.binance.rows import binance
from tests.exchanges.binance.test_client import settled
from tests.exchanges.loopback import HandClock, access, html, json_reply

ALGO, OPEN, COINM_OPEN = "/fapi/v1/openAlgoOrders", "/fapi/v1/openOrders", "/dapi/v1/openOrders"
RIGHTS = "/sapi/v1/account/apiRestrictions"


def algo(**changes):
    row = {
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "positionSide": "BOTH",
        "quantity": "0.01",
        "algoStatus": "NEW",
        "triggerPrice": "92500.0",
        "closePosition": False,
        "reduceOnly": True,
    }
    return row | changes


def plain(**changes):
    row = {
        "type": "STOP_MARKET",
        "symbol": "BTCUSD_PERP",
        "side": "BUY",
        "positionSide": "SHORT",
        "origQty": "10",
        "executedQty": "4",
        "status": "NEW",
        "stopPrice": "105000",
        "closePosition": False,
    }
    return row | changes


def told(row):
    return [(symbol, one.closes, one.price, one.size) for symbol, one in parse_orders([row])]


def test_a_reduce_only_stop_is_one_in_both_lists():
    assert [(s, c, str(p), str(z)) for s, c, p, z in told(algo())] == [("BTCUSDT", Side.LONG, "92500.0", "0.01")]
    # 10 - 4 contracts are left of it
    assert [(s, c, str(p), str(z)) for s, c, p, z in told(plain())] == [("BTCUSD_PERP", Side.SHORT, "105000", "6")]


def test_a_stop_that_closes_the_position_has_no_size():
    ((_, _, price, size),) = told(algo(closePosition=True, quantity="0", reduceOnly=False))
    assert (str(price), size) == ("92500.0", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"reduceOnly": False},  # one-way: it could open a short
        {"orderType": "TRAILING_STOP_MARKET"},
        {"orderType": "SOMETHING_NEW"},
        {"algoStatus": "TRIGGERING"},
        {"triggerPrice": "0.000"},
        {"triggerPrice": "nonsense"},
        {"quantity": "0"},
    ],
)
def test_an_order_in_doubt_has_no_price(changes):
    ((_, closes, price, _),) = told(algo(**changes))
    assert (closes, price) == (Side.LONG, None)


@pytest.mark.parametrize(
    "row",
    [algo(orderType="TAKE_PROFIT"), plain(type="LIMIT"), plain(positionSide="LONG"), algo(positionSide="SHORT")],
)
def test_what_takes_profit_or_opens_is_left_out(row):
    assert told(row) == []


def test_key_facts_are_binances_switches_in_our_words():
    facts = key_facts({"enableReading": True, "enableFutures": False, "ipRestrict": True}, account="main")
    assert (facts.rights, facts.ip_bound, facts.expires_at) == (("read",), True, None)
    more = {"enableReading": True, "enableFutures": True, "enableWithdrawals": True, "permitsUniversalTransfer": True}
    facts = key_facts(more, account="main")
    assert facts.rights == ("read", "trade", "transfer", "withdraw")
    assert facts.may_trade
    assert facts.may_withdraw
    assert facts.ip_bound is None


@pytest.mark.parametrize("payload", [[], {}, {"code": 0}])
def test_key_facts_are_refused_in_another_shape(payload):
    with pytest.raises(BadReply):
        key_facts(payload, account="main")


async def near_positions(server, family, **changes):
    """The positions of a third poll, two seconds after the second: by then the orders are known."""
    clock = HandClock()
    reader = load("binance").build(access(server, **changes), Pacer(clock), clock)
    for _ in range(3):
        snapshot = await reader.fetch_family(family)
        await settled(reader)
        clock.advance(2)
    await reader.close()
    assert isinstance(snapshot, FamilySnapshot)
    return {position.instrument.instrument_id: position.stops for position in snapshot.positions}


async def test_stops_are_known_when_both_lists_of_a_symbol_came():
    async with binance() as server:
        stop = algo(triggerPrice="1.0", closePosition=True)
        server.answers |= {ALGO: [json_reply([stop]), json_reply([])], OPEN: json_reply([])}
        stops = await near_positions(server, "usdm")
        assert [str(price) for price in stops.pop("BTCUSDT")] == ["1.0"]
        assert set(stops.values()) == {()}
        assert [one.query["symbol"] for one in server.asked if one.path == ALGO] == ["BTCUSDT", "BTCUSDT_260327", "ETHUSDC"]
        del server.answers[OPEN]
        assert set((await near_positions(server, "usdm")).values()) == {None}


async def test_all_orders_are_asked_for_at_once_when_there_are_many_symbols(monkeypatch):
    monkeypatch.setattr("monitor.exchanges.binance.client._FEW", 1)
    async with binance() as server:
        server.answers[COINM_OPEN] = json_reply([])
        stops = await near_positions(server, "coinm")
        assert set(stops.values()) == {()}
        assert ["symbol" in one.query for one in server.asked if one.path == COINM_OPEN] == [False]


async def test_the_key_is_read_and_what_its_host_refuses_holds_up_no_poll():
    async with binance() as server:
        server.answers[RIGHTS] = [json_reply({"enableReading": True, "ipRestrict": False}), html(403)]
        clock = HandClock()
        reader = load("binance").build(access(server), Pacer(clock), clock)
        facts = await reader.fetch_key()
        assert facts is not None
        assert (facts.exchange, facts.account, facts.rights, facts.ip_bound) == ("binance", "main", ("read",), False)
        assert await reader.fetch_key() is None
        assert isinstance(await reader.fetch_family("usdm"), FamilySnapshot)
        await reader.close()


async def test_demo_trading_has_no_key_to_ask_for():
    async with binance() as server:
        clock = HandClock()
        reader = load("binance").build(access(server, demo_trading=True), Pacer(clock), clock)
        assert await reader.fetch_key() is None
        await reader.close()
        assert server.count(RIGHTS) == 0
