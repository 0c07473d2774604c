"""Bybit's waiting orders and its position row's own stop: what counts as a stop; and the key's rights and end."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import BadReply
from monitor.exchanges.bybit.keys import key_facts
from monitor.exchanges.bybit.orders import parse_orders
from monitor.margin.position import Side
from tests.exchanges.bybit.rows import listing, position_row
from tests.exchanges.bybit.served import KEY, good_answers, served
from tests.exchanges.loopback import json_reply

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def conditional(**changes):
    row = {
        "symbol": "BTCUSDT",
        "side": "Sell",
        "positionIdx": 0,
        "stopOrderType": "Stop",
        "triggerDirection": 2,
        "triggerPrice": "92500",
        "qty": "0.5",
        "leavesQty": "0.5",
        "reduceOnly": True,
        "closeOnTrigger": False,
        "orderStatus": "Untriggered",
    }
    return row | changes


def told(**changes):
    return [
        (one.closes, None if one.price is None else str(one.price), None if one.size is None else str(one.size))
        for _, one in parse_orders([conditional(**changes)])
    ]


def test_a_reduce_only_order_that_fires_when_the_price_falls_stops_a_long():
    assert told() == [(Side.LONG, "92500", "0.5")]
    assert told(side="Buy", triggerDirection=1, triggerPrice="105000") == [(Side.SHORT, "105000", "0.5")]


def test_a_stop_loss_of_the_whole_position_has_no_size():
    assert told(stopOrderType="StopLoss", qty="0", leavesQty="0", reduceOnly=False) == [(Side.LONG, "92500", None)]
    assert told(stopOrderType="PartialStopLoss", reduceOnly=False) == [(Side.LONG, "92500", "0.5")]


@pytest.mark.parametrize(
    "changes",
    [
        {"stopOrderType": "TakeProfit"},
        {"triggerDirection": 1},  # fires on a rise: takes profit
        {"positionIdx": 2},  # opens the short leg
    ],
)
def test_what_takes_profit_or_opens_is_left_out(changes):
    assert told(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"reduceOnly": False},
        {"stopOrderType": "TrailingStop"},
        {"triggerDirection": 0},
        {"orderStatus": "Triggered"},
        {"triggerPrice": ""},
        {"triggerPrice": "x"},
        {"qty": "", "leavesQty": ""},
    ],
)
def test_an_order_in_doubt_has_no_price(changes):
    ((closes, price, _),) = told(**changes)
    assert (closes, price) == (Side.LONG, None)


@pytest.mark.parametrize(
    ("changes", "stops"),
    [
        ({}, None),
        ({"stopLoss": "1"}, ("1",)),
        ({"stopLoss": "0.00"}, None),
        ({"stopLoss": "x"}, None),
        ({"stopLoss": "99999999"}, None),  # on the winning side: not a stop, and nothing is known
        ({"stopLoss": "1", "tpslMode": "Partial"}, None),
    ],
)
async def test_a_position_row_tells_its_own_stop(changes, stops):
    async with served(good_answers(position_row(side="Buy", **changes))) as at:
        (position,) = (await at.snapshot()).positions
    assert position.stops == (None if stops is None else tuple(map(type(position.mark_price), stops)))


def reply(**changes):
    result = {
        "readOnly": 1,
        "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []},
        "ips": ["*"],
        "deadlineDay": 6,
        "expiredAt": "2026-11-28T12:00:00Z",
    }
    return {"retCode": 0, "result": result | changes}


def facts(**changes):
    return key_facts(reply(**changes), account="main", now=NOW)


def test_key_facts_tell_rights_addresses_and_the_end():
    told = facts()
    assert told.rights == ("read",)  # read-only, whatever the groups say
    assert told.ip_bound is False
    assert told.expires_at == datetime(2026, 11, 28, 12, tzinfo=UTC)
    able = facts(readOnly=0, permissions={"ContractTrade": ["Order"], "Wallet": ["AccountTransfer", "Withdraw"]}, ips=["1.2.3.4"])
    assert able.rights == ("read", "trade", "transfer", "withdraw")
    assert able.ip_bound is True
    assert facts(ips=[]).ip_bound is None


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"expiredAt": "2026-11-28T12:00:00"}, datetime(2026, 11, 28, 12, tzinfo=UTC)),
        ({"expiredAt": "soon"}, NOW + timedelta(days=6)),
        ({"expiredAt": "1970-01-01T00:00:00Z"}, NOW + timedelta(days=6)),  # it was just used: it has not ended
        ({"deadlineDay": -2}, None),
        ({"deadlineDay": None}, None),
    ],
)
def test_the_end_counts_only_beside_a_deadline(changes, end):
    assert facts(**changes).expires_at == end


@pytest.mark.parametrize("answer", [[], {}, {"result": {}}, {"result": {"permissions": []}}])
def test_key_facts_are_refused_in_another_shape(answer):
    with pytest.raises(BadReply):
        key_facts(answer, account="main", now=NOW)


ORDERS = "/v5/order/realtime"


async def near_stops(at):
    """The stops of the one position at a third poll, two seconds after the second: by then the orders are known."""
    for _ in range(3):
        snapshot = await at.snapshot()
        await at.settled()
        at.clock.advance(2)
    return snapshot.positions[0].stops


async def test_stops_are_known_from_all_pages_of_orders():
    row = position_row(side="Buy", size="0.5")
    pages = [json_reply(listing(conditional(triggerPrice="1"), cursor="next")), json_reply(listing())]
    async with served(good_answers(row) | {ORDERS: pages}) as at:
        assert [str(price) for price in await near_stops(at)] == ["1"]
        asked = [one.query for one in at.server.asked if one.path == ORDERS]
        assert asked[0] == {"category": "linear", "settleCoin": "USDT", "orderFilter": "StopOrder", "limit": "50"}
        assert [one.get("cursor") for one in asked] == [None, "next"]


async def test_stops_are_not_known_when_the_pages_have_no_end(monkeypatch):
    monkeypatch.setattr("monitor.exchanges.bybit.client._MOST_PAGES", 2)
    endless = json_reply(listing(conditional(), cursor="again"))
    async with served(good_answers(position_row()) | {ORDERS: endless}) as at:
        assert await near_stops(at) is None


async def test_the_key_is_read_on_request():
    async with served({KEY: json_reply(reply())}) as at:
        facts = await at.exchange.fetch_key()
        assert facts is not None
        assert facts.rights == ("read",)
