"""Binance's records: recorded and documented rows read right, and who closed a position."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import MargincallError
from monitor.exchanges.binance import records_parse as parse
from monitor.exchanges.binance.records import read_records
from monitor.exchanges.records import Gathered
from monitor.lives.records import FillCause, FlowKind
from monitor.margin.position import Side
from tests import builders
from tests.exchanges.inquiries import NOW_MS, Answers, asked, held
from tests.shared import shared_json

TRADE, LIQUIDATION, DELEVERAGED = FillCause.TRADE, FillCause.LIQUIDATION, FillCause.DELEVERAGED
POSITION = held("binance", "usdm", "BTCUSDT")
DOCS = "docs/binance/{0}/endpoints/private/get_{1}_v1_positionmargin_history.md"


def trade(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": 100 + number,
        "side": "SELL",
        "price": "90",
        "qty": "4",
        "realizedPnl": "-40",
        "marginAsset": "USDT",
        "quoteQty": "360",
        "commission": "0.18",
        "commissionAsset": "USDT",
        "time": NOW_MS + number,
        "positionSide": "BOTH",
        "buyer": False,
        "maker": False,
    }
    return row | changes


def order(number: int = 1, client: str = "web_x") -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "orderId": 100 + number, "clientOrderId": client, "time": NOW_MS + number}


def income(number: int = 1, kind: str = "INSURANCE_CLEAR", amount: str = "-2.5", **changes: Any) -> dict[str, Any]:
    row = {"symbol": "BTCUSDT", "incomeType": kind, "income": amount, "asset": "USDT", "time": NOW_MS + number}
    return row | {"tranId": 900 + number, "tradeId": ""} | changes


def answers(trades, *, orders=(), liquidated=(), deleveraged=(), clear=(), funding=(), margin=(), by_id=()) -> Answers:
    """An account of these rows."""
    forced = {"LIQUIDATION": list(liquidated), "ADL": list(deleveraged)}
    incomes = {"INSURANCE_CLEAR": list(clear), "FUNDING_FEE": list(funding)}
    return Answers(
        {
            "UserTrades": lambda _: list(trades),
            "AllOrders": lambda ask: list(by_id) if "orderId" in ask else list(orders),
            "ForceOrders": lambda ask: forced[ask["autoCloseType"]],
            "Income": lambda ask: incomes[ask["incomeType"]],
            "PositionMarginHistory": lambda _: list(margin),
        }
    )


async def told(account: Answers, position=POSITION, **ask: Any) -> Gathered:
    found = Gathered()
    await read_records(asked(position, **ask), account, found)
    return found


@pytest.mark.parametrize(
    ("name", "symbol", "cause"),
    [
        ("order_update_calculated", "BTC/USDT:USDT", LIQUIDATION),
        ("order_update_insurance", "BTC/USDT:USDT", LIQUIDATION),
        ("py__ws_futures_order_update_liquidation", "BTC/USDT:USDT", LIQUIDATION),
        ("order_update_adl", "BTC/USDT:USDT", DELEVERAGED),
        ("py__ws_futures_order_update_adl_filled", "BTC/USDT:USDT", DELEVERAGED),
        ("py__ws_futures_order_update_settlement", "BTC/USDT:USDT", FillCause.SETTLED),
        ("order_update_settlement", "BTC/USDT:USDT", FillCause.SETTLED),
        ("order_update_delivery", "BTC/USD:BTC-240329", FillCause.DELIVERED),
    ],
)
async def test_recorded_orders_of_the_exchange_are_told_by_their_client_id(name, symbol, cause):
    # The stream's letters stand for the fields of the lists: t id, i orderId, c clientOrderId, l qty, L price, rp, n, N, T.
    payload = shared_json(f"payloads/nautilus/binance__{name}.json")
    told_by_stream = payload.get("data", payload)["o"]
    side = Side.LONG if told_by_stream["S"] == "SELL" else Side.SHORT
    hedged = told_by_stream["ps"] != "BOTH"
    position = held("binance", "usdm", told_by_stream["s"], symbol, side=side, hedged=hedged)
    row = trade(
        told_by_stream["t"],
        orderId=told_by_stream["i"],
        side=told_by_stream["S"],
        qty=told_by_stream["l"],
        price=told_by_stream["L"],
        realizedPnl=told_by_stream["rp"],
        commission=told_by_stream.get("n", "0"),
        commissionAsset=told_by_stream.get("N", "USDT"),
        positionSide=told_by_stream["ps"],
        time=NOW_MS,
    )
    marks = parse.causes([{"orderId": told_by_stream["i"], "clientOrderId": told_by_stream["c"]}], position)
    found = Gathered()
    (fill,) = parse.parse_fills([row], asked(position), marks, found)
    assert (fill.cause, fill.closes, fill.contracts) == (cause, True, Decimal(told_by_stream["l"]))
    assert (fill.price, fill.profit) == (Decimal(told_by_stream["L"]), Decimal(told_by_stream["rp"]))
    assert fill.fee == -Decimal(told_by_stream.get("n", "0"))
    assert found.missing == []


async def test_documented_margin_changes_are_by_hand_and_of_their_side():
    both = shared_json("payloads/official_doc_examples.json")
    for family, host, instrument, symbol in (
        ("usdm", "fapi", "BTCUSDT", "BTC/USDT:USDT"),
        ("coinm", "dapi", "BTCUSD_200925", "BTC/USD:BTC-200925"),
    ):
        rows = both[DOCS.format(family, host)][0]["json"]
        for hedged, amount in ((False, "23.36332311"), (True, "100")):
            found = Gathered()
            parse.add_margin(rows, asked(held("binance", family, instrument, symbol, hedged=hedged)), found)
            assert [(flow.kind, flow.amount) for flow in found.flows] == [(FlowKind.MARGIN_ADDED, Decimal(amount))]
            assert found.missing == []


@pytest.mark.parametrize(
    ("mark", "kind", "named"),
    [
        ("USER_ADJUST", FlowKind.MARGIN_ADDED, False),
        ("AUTO_ADD_MARGIN", FlowKind.AUTO_ADDED, False),
        ("NEWS", FlowKind.MARGIN_ADDED, True),
        ("TRADE", None, False),
    ],
)
async def test_a_margin_change_is_whose_its_mark_says(mark, kind, named):
    row = {"positionSide": "BOTH", "type": 1, "deltaType": mark, "amount": "5", "time": NOW_MS, "symbol": "BTCUSDT"}
    found = Gathered()
    parse.add_margin([row, row | {"positionSide": "LONG"}], asked(POSITION), found)
    assert [flow.kind for flow in found.flows] == ([] if kind is None else [kind])
    assert bool(found.missing) is named


async def test_unmarked_margin_changes_are_doubted_where_the_exchange_adds_margin_too():
    row = {"positionSide": "BOTH", "type": 2, "amount": "5", "time": NOW_MS}
    found = Gathered()
    parse.add_margin([row], asked(held("binance", "coinm", "BTCUSD_PERP", "BTC/USD:BTC", exchange_adds_margin=True)), found)
    assert [(flow.kind, flow.amount) for flow in found.flows] == [(FlowKind.MARGIN_TAKEN, Decimal(-5))]
    assert found.missing


async def test_a_close_by_the_owner_costs_no_dear_call():
    account = answers([trade()], orders=[order()])
    found = await told(account)
    assert [fill.cause for fill in found.fills] == [TRADE]
    assert account.count("ForceOrders") == 0
    assert account.count("Income") == 1  # funding
    assert (found.missing, found.again) == ([], False)


async def test_nothing_closed_asks_for_no_orders():
    account = answers([trade(side="BUY", realizedPnl="0")])
    found = await told(account)
    assert [fill.closes for fill in found.fills] == [False]
    assert account.count("AllOrders") == 0


async def test_what_only_became_larger_costs_a_look_at_the_trades_alone():
    bought = trade(side="BUY", realizedPnl="0")
    account = answers([bought])
    assert len((await told(account, money=False)).fills) == 1
    assert len(account.asked) == account.count("UserTrades") == 1
    sold = answers([bought, trade(2)], orders=[order(2)])
    await told(sold, money=False)
    assert sold.count("Income") == 1


async def test_the_forced_orders_decide_where_client_ids_are_silent():
    account = answers([trade(1), trade(2)], liquidated=[order(1, "?")], deleveraged=[order(2, "?")], clear=[income(tradeId="1")])
    found = await told(account)
    assert [fill.cause for fill in found.fills] == [LIQUIDATION, DELEVERAGED]
    assert [fill.insurance for fill in found.fills] == [Decimal("-2.5"), None]
    assert not found.again


async def test_an_order_that_rested_long_is_asked_for_by_its_id():
    account = answers([trade(1)], by_id=[order(1, "my-take-profit"), order(2, "autoclose-other")])
    found = await told(account)
    assert [fill.cause for fill in found.fills] == [TRADE]
    assert (found.missing, found.again) == ([], False)
    assert [ask["orderId"] for endpoint, ask in account.asked if "orderId" in ask] == ["101"]


async def test_an_order_that_nobody_tells_of_counts_as_the_owners_and_is_asked_again():
    found = await told(answers([trade(1)]))
    assert [fill.cause for fill in found.fills] == [TRADE]
    assert found.again
    assert any(text.startswith("who closed it") for text in found.missing)


async def test_an_insurance_row_that_is_late_is_asked_for_again():
    liquidated = {"orders": [order(1, "autoclose-1")], "liquidated": [order(1)]}
    late = await told(answers([trade(1)], **liquidated))
    assert late.again
    assert FlowKind.INSURANCE not in late.kept
    there = await told(answers([trade(1)], clear=[income()], **liquidated))
    assert [(flow.kind, flow.amount) for flow in there.flows] == [(FlowKind.INSURANCE, Decimal("-2.5"))]
    assert FlowKind.INSURANCE in there.kept


@pytest.mark.parametrize(("other", "kinds"), [(LIQUIDATION, []), (TRADE, [FlowKind.INSURANCE])])
async def test_insurance_without_a_trade_in_hedge_mode_is_of_the_one_side_that_was_liquidated(other, kinds):
    mine, theirs = trade(1, positionSide="LONG"), trade(2, positionSide="SHORT", side="BUY")
    liquidated = [order(1)] + ([order(2)] if other is LIQUIDATION else [])
    account = answers([mine, theirs], orders=[order(1, "autoclose-1"), order(2)], liquidated=liquidated, clear=[income()])
    found = await told(account, held("binance", "usdm", "BTCUSDT", hedged=True))
    assert [fill.id for fill in found.fills] == ["1"]
    assert [flow.kind for flow in found.flows] == kinds
    assert any("both sides" in text for text in found.missing) is (other is LIQUIDATION)


async def test_insurance_of_the_other_sides_trade_is_not_this_sides():
    trades = [trade(1, positionSide="LONG"), trade(2, positionSide="SHORT", side="BUY")]
    rows = [income(1, tradeId="1"), income(2, amount="-9", tradeId="2"), income(3, amount="0.5", tradeId="1")]
    account = answers(trades, orders=[order(1, "autoclose-1")], liquidated=[order(1), order(2)], clear=[*rows, rows[0]])
    found = await told(account, held("binance", "usdm", "BTCUSDT", hedged=True))
    assert [fill.insurance for fill in found.fills] == [Decimal(-2)]
    assert found.flows == []


async def test_fees_in_another_asset_are_unknown_and_named():
    found = Gathered()
    rows = [trade(1, commissionAsset="BNB"), trade(2), trade(3, commission="0", commissionAsset="BNB")]
    fills = parse.parse_fills(rows, asked(POSITION), {}, found)
    assert [fill.fee for fill in fills] == [None, Decimal("-0.18"), Decimal(0)]
    assert [fill.fee_elsewhere for fill in fills] == [True, False, False]
    assert found.missing == ["fees: some were paid in BNB"]


async def test_funding_of_longer_than_three_months_is_not_called_whole():
    found = Gathered()
    account = answers([], funding=[income(1, "FUNDING_FEE", "-0.5"), income(2, "FUNDING_FEE", "0.25")])
    await read_records(asked(POSITION, life_days=200), account, found)
    assert sum(flow.amount for flow in found.flows) == Decimal("-0.25")
    assert FlowKind.FUNDING not in found.kept
    assert any("three months" in text for text in found.missing)
    starts = [ask["startTime"] for endpoint, ask in account.asked if "Income" in endpoint]
    assert min(starts) >= NOW_MS - 89 * 24 * 3_600_000


@pytest.mark.parametrize(
    "reply", [{"code": 1}, [1], [trade(symbol="ETHUSDT")], [trade(qty="many")], [trade(price="-1")], [trade() | {"id": "x"}]]
)
async def test_trades_that_cannot_be_read_raise(reply):
    account = answers([])
    account._replies = {**account._replies, "UserTrades": lambda _: reply}
    with pytest.raises((MargincallError, ValueError)):
        await told(account)


@given(st.permutations([trade(n, time=NOW_MS + n // 3, side="BUY" if n % 4 == 0 else "SELL", qty="1") for n in range(9)]))
def test_the_order_of_rows_does_not_matter(rows):
    found = Gathered()
    fills = parse.parse_fills([*rows, *rows[:3]], asked(POSITION), {}, found)
    assert [fill.id for fill in fills] == [str(number) for number in range(9)]
    assert all(fill.at >= builders.NOW for fill in fills)
