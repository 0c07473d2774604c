"""OKX's waiting algo orders and its position row's own: what counts as a stop; and the key's rights."""

from dataclasses import replace

import pytest

from monitor.errors import BadReply
from monitor.exchanges.okx import client
from monitor.exchanges.okx.account import key_facts
from monitor.exchanges.okx.dialect import DIALECT
from monitor.exchanges.okx.orders import parse_orders, row_orders
from monitor.margin.position import Side
from tests.exchanges.loopback import json_reply
from tests.exchanges.okx.rows import envelope, position_row
from tests.exchanges.okx.served import CONFIG, POSITIONS, good_answers, served

ALGO = "/api/v5/trade/orders-algo-pending"


@pytest.fixture(autouse=True)
def _no_gaps(monkeypatch):
    monkeypatch.setattr(client, "DIALECT", replace(DIALECT, gap=0.0))


def algo(**changes):
    row = {
        "algoId": "1",
        "instId": "BTC-USDT-SWAP",
        "ordType": "conditional",
        "tdMode": "isolated",
        "side": "sell",
        "posSide": "net",
        "sz": "5",
        "closeFraction": "",
        "reduceOnly": "true",
        "slTriggerPx": "92500",
        "triggerPx": "",
        "state": "live",
    }
    return row | changes


def told(**changes):
    return [
        (one.closes, None if one.price is None else str(one.price), None if one.size is None else str(one.size), one.stops)
        for _, one in parse_orders([algo(**changes)])
    ]


def test_a_stop_loss_order_stops_a_long():
    assert told() == [(Side.LONG, "92500", "5", True)]
    assert told(ordType="oco", closeFraction="1", sz="", reduceOnly="false") == [(Side.LONG, "92500", None, True)]
    assert told(posSide="short", side="buy", reduceOnly="false") == [(Side.SHORT, "92500", "5", True)]


def test_a_trigger_order_does_not_tell_which_way_it_fires():
    assert told(ordType="trigger", slTriggerPx="", triggerPx="92500") == [(Side.LONG, "92500", "5", False)]


@pytest.mark.parametrize("changes", [{"slTriggerPx": ""}, {"tdMode": "cross"}, {"posSide": "short"}])
def test_what_takes_profit_opens_or_is_of_a_cross_position_is_left_out(changes):
    assert told(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"reduceOnly": "false"},
        {"ordType": "move_order_stop"},
        {"state": "pause"},
        {"slTriggerPx": "x"},
        {"sz": "0"},
        {"closeFraction": "half", "sz": ""},
    ],
)
def test_an_order_in_doubt_has_no_price(changes):
    ((closes, price, _, _),) = told(**changes)
    assert (closes, price) == (Side.LONG, None)


@pytest.mark.parametrize(
    ("attached", "prices"),
    [
        ([{"slTriggerPx": "1", "closeFraction": "1"}], ["1"]),
        ([{"slTriggerPx": "1", "closeFraction": "0.5"}, {"slTriggerPx": "", "closeFraction": "1"}], []),
        ([{"slTriggerPx": "x", "closeFraction": "1"}, 7], []),
        ("", []),
    ],
)
def test_a_row_names_the_stops_for_all_of_its_position(attached, prices):
    assert [str(one.price) for one in row_orders({"closeOrderAlgo": attached}, Side.LONG)] == prices


async def test_a_positions_own_stop_is_known_from_its_row():
    stop = [{"slTriggerPx": "0.5", "closeFraction": "1"}]
    async with served(good_answers(position_row(pos="1", closeOrderAlgo=stop))) as at:
        (position,) = (await at.snapshot()).positions
    assert [str(price) for price in position.stops or ()] == ["0.5"]


def near_answers(**orders):
    return good_answers(position_row(pos="1")) | {ALGO: [json_reply(envelope(page)) for page in orders.values()]}


async def polled(at, times):
    """So many polls two seconds apart, each with what runs beside it ended."""
    snapshots = []
    for _ in range(times):
        snapshots.append(await at.snapshot())
        await at.settled()
        at.clock.advance(2)
    return snapshots


async def test_orders_are_read_beside_the_polls_of_a_near_account_and_at_most_every_30_seconds():
    stop = algo(slTriggerPx="0.5", sz="100", closeFraction="1")
    async with served(near_answers(conditional=[stop], oco=[], trigger=[], moving=[])) as at:
        first, second, third = await polled(at, 3)
        # The first poll is calm, the second asks, the third knows.
        assert [snapshot.positions[0].stops for snapshot in (first, second)] == [None, None]
        assert [str(price) for price in third.positions[0].stops] == ["0.5"]
        assert [one.query["ordType"] for one in at.server.asked if one.path == ALGO] == [
            "conditional", "oco", "trigger", "move_order_stop",
        ]  # fmt: skip
        await polled(at, 10)
        assert at.server.count(ALGO) == 4
        await polled(at, 10)
        assert at.server.count(ALGO) == 8


async def test_stops_are_not_known_when_the_orders_cannot_be_read():
    async with served(good_answers(position_row(pos="1"))) as at:
        snapshots = await polled(at, 3)
        assert [snapshot.positions[0].stops for snapshot in snapshots] == [None] * 3
        assert at.server.count(ALGO) == 1


async def test_more_pages_of_orders_are_followed_and_an_endless_list_is_no_answer(monkeypatch):
    monkeypatch.setattr(client, "_PAGE_ROWS", 1)
    async with served(near_answers(first=[algo(algoId="7", slTriggerPx="0.5", closeFraction="1")], rest=[])) as at:
        last = (await polled(at, 3))[-1]
        assert last.positions[0].stops
        assert [one.query.get("after") for one in at.server.asked if one.path == ALGO] == [None, "7", None, None, None]
    async with served(good_answers(position_row(pos="1")) | {ALGO: json_reply(envelope([algo()]))}) as at:
        assert (await polled(at, 3))[-1].positions[0].stops is None


async def test_the_key_is_read_on_request():
    async with served(good_answers()) as at:
        facts = await at.exchange.fetch_key()
        assert facts is not None
        assert (facts.exchange, facts.account, facts.rights, facts.ip_bound) == ("okx", "main", ("read",), False)
        at.server.answers[CONFIG] = json_reply({"code": "50110", "msg": "", "data": []}, status=401)
        assert await at.exchange.fetch_key() is None
        assert at.server.count(POSITIONS) == 0


def test_key_facts_are_okx_words_in_ours():
    facts = key_facts([{"perm": "read_only,trade,withdraw", "ip": "1.2.3.4"}], account="main")
    assert facts.rights == ("read", "trade", "transfer", "withdraw")
    assert facts.ip_bound is True
    assert key_facts([{"perm": "read_only"}], account="main").ip_bound is None


@pytest.mark.parametrize("data", [[], [{}], [{"perm": ""}]])
def test_key_facts_are_refused_without_rights(data):
    with pytest.raises(BadReply):
        key_facts(data, account="main")
