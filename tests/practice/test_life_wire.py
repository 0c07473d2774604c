"""What the wires tell of each event: the marks by which a reader knows it, the amounts of the ledger, the documented fields."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.practice.engine.accounts import Kind, Mode, Slot
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.tiers import table
from monitor.practice.wire.binance import ROUTES as BINANCE
from monitor.practice.wire.bybit import ROUTES as BYBIT
from monitor.practice.wire.okx import ROUTES as OKX
from monitor.practice.wire.route import Request, Routes
from tests.practice.engines import contract, exchange
from tests.shared import shared_json

ROUTES: dict[str, Routes] = {"binance": BINANCE, "bybit": BYBIT, "okx": OKX}
STEPS = table(("1000", "0.005", 100), ("5000", "0.02", 25), ("50000", "0.2", 5))
STEPS_IN_CONTRACTS = table(("0.01", "0.004", 100), ("0.05", "0.01", 50), ("2", "0.05", 10), continuous=False)
NAMES = {"binance": "BTCUSDT", "bybit": "BTCUSDT", "okx": "BTC-USDT-SWAP"}


def life(name: str, *, long: bool = True, hedge: bool = False, contract_id: str = "", inverse: bool = False) -> PracticeExchange:
    """0.1 at 40,000 (inverse: 4,000 USD), with leverage 10."""
    listed = replace(contract(name, inverse=inverse), id=contract_id or NAMES[name])
    return opened(name, exchange(listed), long=long, hedge=hedge)


def stepped(name: str) -> PracticeExchange:
    """The same in the third tier of a small table: its first liquidation step leaves a rest."""
    tiers = STEPS_IN_CONTRACTS if name == "okx" else STEPS
    return opened(name, exchange(replace(contract(name, tiers=tiers), id=NAMES[name])), margin=Decimal(1500))


def opened(name: str, engine: PracticeExchange, *, long: bool = True, hedge: bool = False, **given: Any) -> PracticeExchange:
    engine.add_account("main", name, balances={"USDT": "10000", "BTC": "1"}, hedge=hedge, fee_rate=Decimal("0.0005"))
    (listed,) = engine.contracts.values()
    quantity = Decimal(4000) if listed.inverse else Decimal("0.1")
    engine.open("main", listed.id, long=long, quantity=quantity, leverage=Decimal(10), **given)
    return engine


def get(engine: PracticeExchange, path: str, **params: str) -> list[dict[str, Any]]:
    """The rows of one call."""
    account = engine.account("main")
    route = ROUTES[account.exchange]["GET", path]
    body = route.handler(Request(exchange=engine, caller=account, params=params, at=engine.clock()))
    if isinstance(body, list):
        return body
    return list(body["data"]) if "data" in body else list(body["result"]["list"])


def only(engine: PracticeExchange, path: str, *names: str, **params: str) -> list[tuple[Any, ...]]:
    """These fields of each row."""
    return [tuple(row[name] for name in names) for row in get(engine, path, **params)]


def contract_id(engine: PracticeExchange) -> str:
    return next(iter(engine.contracts))[1]


# Binance


def test_binance_lists_deleveraging_among_the_forced_orders() -> None:
    engine = life("binance")
    engine.deleverage("main", "BTCUSDT", quantity=Decimal("0.04"), price=Decimal(44000))
    engine.set_marks({("binance", "BTCUSDT"): Decimal(36000)})
    told = ("clientOrderId", "executedQty", "avgPrice", "side")
    adl = ("adl_autoclose", "0.04", "44000.00000000", "SELL")
    liquidation = only(engine, "/fapi/v1/forceOrders", *told, autoCloseType="LIQUIDATION")
    assert len(liquidation) == 1
    assert liquidation[0][0].startswith("autoclose-")
    assert only(engine, "/fapi/v1/forceOrders", *told, autoCloseType="ADL") == [adl]
    assert only(engine, "/fapi/v1/forceOrders", *told) == [adl, *liquidation]
    assert get(engine, "/fapi/v1/forceOrders", autoCloseType="OTHER") == []
    # each forced order has its trade; the order ids say which
    orders = {row["orderId"] for row in get(engine, "/fapi/v1/forceOrders")}
    trades = get(engine, "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [row["orderId"] in orders for row in trades] == [False, True, True]
    assert (trades[1]["realizedPnl"], trades[1]["commission"]) == ("160.00000000", "0.88000000")


@pytest.mark.parametrize(("name", "inverse", "site"), [("BTCUSDT_271231", False, "fapi"), ("BTCUSD_271231", True, "dapi")])
def test_binance_tells_a_delivery_by_its_order_and_income(name: str, inverse: bool, site: str) -> None:
    engine = life("binance", contract_id=name, inverse=inverse)
    (record,) = engine.deliver("binance", name, Decimal(50000))
    income = [(row["incomeType"], Decimal(row["income"])) for row in get(engine, f"/{site}/v1/income", symbol=name)]
    assert income[-2:] == [("DELIVERED_SETTELMENT", record.profit), ("COMMISSION", record.fee)]
    order = get(engine, f"/{site}/v1/allOrders", symbol=name)[-1]
    assert order["clientOrderId"] == f"settlement_autoclose-{order['orderId']}"
    assert get(engine, f"/{site}/v1/userTrades", symbol=name)[-1]["orderId"] == order["orderId"]
    assert get(engine, f"/{site}/v1/forceOrders", symbol=name) == []


def test_binance_tells_its_own_margin_apart_from_the_owners_and_from_fills() -> None:
    engine = life("binance")
    engine.change_margin("main", "BTCUSDT", Slot.NET, Decimal(10))
    engine.change_margin("main", "BTCUSDT", Slot.NET, Decimal(-4))
    engine.set_auto_add("main", "BTCUSDT")
    assert get(engine, "/fapi/v2/positionRisk")[0]["isAutoAddMargin"] == "true"
    assert get(engine, "/fapi/v1/symbolConfig")[0]["isAutoAddMargin"] is True
    engine.set_marks({("binance", "BTCUSDT"): Decimal(36000)})  # 404 of margin, 400 lost
    rows = only(engine, "/fapi/v1/positionMargin/history", "type", "deltaType", "amount", symbol="BTCUSDT")
    assert rows == [
        (1, "TRADE", "398"),
        (1, "USER_ADJUST", "10"),
        (2, "USER_ADJUST", "4"),
        (1, "AUTO_ADD_MARGIN", "400"),
    ]
    assert len(get(engine, "/fapi/v1/positionMargin/history", symbol="BTCUSDT", type="2")) == 1


def test_binance_marks_a_liquidation_step_and_the_takeover_after_it_alike() -> None:
    engine = stepped("binance")
    price = engine.liquidation_price(engine.account("main").positions["BTCUSDT", Slot.NET])
    assert price is not None
    engine.set_marks({("binance", "BTCUSDT"): price - 1})
    engine.set_marks({("binance", "BTCUSDT"): Decimal(1)})
    step, takeover = engine.account("main").records[-2:]
    assert (step.kind, takeover.kind) == (Kind.CUT, Kind.TAKEOVER)
    orders = get(engine, "/fapi/v1/forceOrders", autoCloseType="LIQUIDATION")
    assert [row["clientOrderId"] for row in orders] == [f"autoclose-{row['orderId']}" for row in orders]
    assert [Decimal(row["executedQty"]) for row in orders] == [step.quantity, takeover.quantity]
    cleared = only(engine, "/fapi/v1/income", "income", "tradeId", incomeType="INSURANCE_CLEAR")
    assert [(Decimal(amount), int(trade)) for amount, trade in cleared] == [
        (step.penalty, orders[0]["orderId"]),
        (takeover.penalty, orders[1]["orderId"]),
    ]


def test_binance_tells_a_flip_as_one_trade() -> None:
    engine = life("binance")
    engine.flip("main", "BTCUSDT", quantity=Decimal("0.05"), price=Decimal(42000))
    trades = only(engine, "/fapi/v1/userTrades", "side", "qty", "realizedPnl", "commission", symbol="BTCUSDT")
    assert trades[1:] == [("SELL", "0.15", "200.00000000", "3.15000000")]
    assert len({row["tradeId"] for row in get(engine, "/fapi/v1/income", symbol="BTCUSDT")}) == 2
    assert get(engine, "/fapi/v3/positionRisk")[0]["positionAmt"] == "-0.05"


# Bybit


@pytest.mark.parametrize(("name", "inverse", "kind"), [("BTCUSDT-31DEC27", False, "Delivery"), ("BTCUSDZ27", True, "Settle")])
def test_bybit_tells_a_delivery_by_its_kind_of_execution(name: str, inverse: bool, kind: str) -> None:
    engine = life("bybit", contract_id=name, inverse=inverse)
    (record,) = engine.deliver("bybit", name, Decimal(41000))
    category = "inverse" if inverse else "linear"
    (row,) = get(engine, "/v5/execution/list", category=category, execType=kind)
    assert (row["createType"], row["closedSize"], Decimal(row["execFee"])) == ("CreateBySettle", row["execQty"], -record.fee)
    assert row["feeRate"] == "0.0005"
    assert only(engine, "/v5/position/closed-pnl", "execType", category=category) == [("Settle",)]
    logged = only(engine, "/v5/account/transaction-log", "type", "cashFlow", "tradeId", category=category, type="DELIVERY")
    assert [(kind, Decimal(flow), trade) for kind, flow, trade in logged] == [("DELIVERY", record.profit, row["execId"])]


def test_bybit_tells_deleveraging_liquidation_steps_and_takeover_apart() -> None:
    engine = stepped("bybit")
    engine.deleverage("main", "BTCUSDT", quantity=Decimal("0.001"), price=Decimal(44000))
    price = engine.liquidation_price(engine.account("main").positions["BTCUSDT", Slot.NET])
    assert price is not None
    engine.set_marks({("bybit", "BTCUSDT"): price - 1})
    engine.set_marks({("bybit", "BTCUSDT"): Decimal(1)})
    newest_first = only(engine, "/v5/execution/list", "execType", "createType", category="linear")
    assert newest_first == [
        ("BustTrade", "CreateByTakeOver_PassThrough"),
        ("Trade", "CreateByLiq"),
        ("AdlTrade", "CreateByAdl_PassThrough"),
        ("Trade", "CreateByUser"),
    ]
    types = only(engine, "/v5/account/transaction-log", "type", category="linear")
    assert types[:4] == [("LIQUIDATION",), ("LIQUIDATION",), ("ADL",), ("TRADE",)]
    assert only(engine, "/v5/position/closed-pnl", "execType", category="linear") == [("BustTrade",), ("Trade",), ("Trade",)]


def test_bybit_tells_a_flip_as_one_execution_that_closed_less_than_it_traded() -> None:
    engine = life("bybit")
    engine.flip("main", "BTCUSDT", quantity=Decimal("0.05"), price=Decimal(42000))
    row = get(engine, "/v5/execution/list", category="linear")[0]
    assert (row["side"], row["execQty"], row["closedSize"], row["execPnl"]) == ("Sell", "0.15", "0.1", "200.00000000")
    log = get(engine, "/v5/account/transaction-log", category="linear")[:2]
    assert {entry["tradeId"] for entry in log} == {row["execId"]}
    assert sum(Decimal(entry["fee"]) for entry in log) == Decimal(row["execFee"])


@pytest.mark.parametrize(("long", "side"), [(True, "Buy"), (False, "Sell")])
def test_bybit_tells_the_side_of_the_position_that_funding_is_of(long: bool, side: str) -> None:
    engine = life("bybit", long=long, hedge=True)
    engine.settle_funding("bybit", "BTCUSDT", Decimal("0.001"))
    (row,) = get(engine, "/v5/account/transaction-log", type="SETTLEMENT")
    # 0.1 % of 4,000, from the long to the short
    assert (row["side"], row["size"], row["qty"], Decimal(row["funding"])) == (side, "0.1", "0.1", Decimal(-4 if long else 4))


def test_bybit_keeps_no_record_of_margin_leverage_and_mode() -> None:
    engine = life("bybit")
    before = len(get(engine, "/v5/account/transaction-log"))
    engine.set_auto_add("main", "BTCUSDT")
    assert get(engine, "/v5/position/list", category="linear", symbol="BTCUSDT")[0]["autoAddMargin"] == 1
    engine.set_marks({("bybit", "BTCUSDT"): Decimal(36000)})
    engine.set_leverage("main", "BTCUSDT", Slot.NET, Decimal(8))
    engine.set_cross("main", "BTCUSDT")
    kinds = [record.kind for record in engine.account("main").records]
    assert kinds[-3:] == [Kind.AUTO_ADD, Kind.LEVERAGE, Kind.MODE]
    assert len(get(engine, "/v5/account/transaction-log")) == before
    account = engine.account("main")
    info = BYBIT["GET", "/v5/account/info"].handler(Request(exchange=engine, caller=account, params={}, at=0))
    assert info["result"]["marginMode"] == "REGULAR_MARGIN"


# OKX


@pytest.mark.parametrize(
    ("long", "hedge", "adl", "step", "takeover", "delivery"),
    [
        (True, False, "128", "103", "107", "112"),
        (False, False, "127", "102", "106", "113"),
        (True, True, "125", "100", "104", "112"),
        (False, True, "126", "101", "105", "113"),
    ],
)
def test_okx_tells_by_the_subtype_who_closed_which_side(
    long: bool, hedge: bool, adl: str, step: str, takeover: str, delivery: str
) -> None:
    listed = replace(contract("okx", tiers=STEPS_IN_CONTRACTS), id="BTC-USDT-SWAP")
    engine = opened("okx", exchange(listed), long=long, hedge=hedge, margin=Decimal(1500))
    ((_, slot),) = engine.account("main").positions
    engine.deleverage("main", "BTC-USDT-SWAP", slot, quantity=Decimal("0.001"))
    price = engine.liquidation_price(engine.account("main").positions["BTC-USDT-SWAP", slot])
    assert price is not None
    engine.set_marks({("okx", "BTC-USDT-SWAP"): price - 5 if long else price + 5})
    engine.set_marks({("okx", "BTC-USDT-SWAP"): Decimal(1) if long else Decimal(10**6)})
    told = only(engine, "/api/v5/account/bills", "type", "subType")
    assert told[:3] == [("5", takeover), ("5", step), ("9", adl)]
    engine.set_marks({("okx", "BTC-USDT-SWAP"): Decimal(40000)})
    engine.open("main", "BTC-USDT-SWAP", long=long, quantity=Decimal("0.01"), leverage=Decimal(10))
    engine.deliver("okx", "BTC-USDT-SWAP")
    assert only(engine, "/api/v5/account/bills", "type", "subType", "ordId")[0] == ("3", delivery, "")


def test_okx_positions_history_tells_the_latest_way_out() -> None:
    engine = stepped("okx")
    name = "BTC-USDT-SWAP"
    path, seen = "/api/v5/account/positions-history", []

    def told() -> None:
        (row,) = get(engine, path)
        seen.append((row["type"], row["triggerPx"]))

    engine.close("main", name, quantity=Decimal("0.001"))
    told()
    engine.deleverage("main", name, quantity=Decimal("0.001"), price=Decimal(44000))
    told()
    price = engine.liquidation_price(engine.account("main").positions[name, Slot.NET])
    assert price is not None
    engine.set_marks({("okx", name): Decimal(round(price) - 5)})
    told()
    engine.set_marks({("okx", name): Decimal(2)})
    told()
    assert seen == [("1", ""), ("5", "40000"), ("4", str(round(price) - 5)), ("3", "2")]
    (row,) = get(engine, path)
    records = [record for record in engine.account("main").records if record.contract is not None]
    # all that the position cost its owner
    assert Decimal(row["realizedPnl"]) == sum(record.own_change for record in records)


@pytest.mark.parametrize("delivered", [True, False])
def test_okx_positions_history_tells_when_nothing_is_left(delivered: bool) -> None:
    engine = life("okx")
    engine.grow("main", "BTC-USDT-SWAP", quantity=Decimal("0.1"))
    engine.close("main", "BTC-USDT-SWAP", quantity=Decimal("0.15"))
    engine.grow("main", "BTC-USDT-SWAP", quantity=Decimal("0.01"))
    if delivered:
        engine.deliver("okx", "BTC-USDT-SWAP", Decimal(41000))
    else:
        engine.deleverage("main", "BTC-USDT-SWAP")
    told = only(engine, "/api/v5/account/positions-history", "type", "closeTotalPos", "openMaxPos")
    assert told == [("2" if delivered else "6", "0.21", "0.2")]


@pytest.mark.parametrize(("leverage", "subtype", "moved"), [("20", "161", "-200"), ("5", "160", "400")])
def test_okx_bills_the_margin_that_a_leverage_change_moves(leverage: str, subtype: str, moved: str) -> None:
    engine = life("okx")
    engine.set_leverage("main", "BTC-USDT-SWAP", Slot.NET, Decimal(leverage))
    bill = get(engine, "/api/v5/account/bills", type="6")[0]
    assert (bill["subType"], bill["posBalChg"], Decimal(bill["balChg"])) == (subtype, moved, -Decimal(moved))


def test_okx_lists_a_cross_position_beside_an_isolated_one() -> None:
    engine = life("okx")
    engine.open("main", "BTC-USDT-SWAP", long=False, quantity=Decimal("0.2"), leverage=Decimal(5), mode=Mode.CROSS)
    told = only(engine, "/api/v5/account/positions", "mgnMode", "instId", "posSide", "pos", "margin")
    assert told == [("cross", "BTC-USDT-SWAP", "net", "-0.2", ""), ("isolated", "BTC-USDT-SWAP", "net", "0.1", "400")]
    engine.close("main", "BTC-USDT-SWAP cross")
    assert only(engine, "/api/v5/account/positions-history", "mgnMode", "type") == [("cross", "2")]
    assert only(engine, "/api/v5/account/bills", "mgnMode")[:3] == [("cross",), ("cross",), ("isolated",)]


def test_okx_tells_a_flip_as_two_bills_of_one_trade() -> None:
    engine = life("okx")
    engine.flip("main", "BTC-USDT-SWAP", quantity=Decimal("0.05"), price=Decimal(42000))
    opening, closing = get(engine, "/api/v5/account/bills")[:2]
    assert (opening["sz"], closing["sz"], opening["subType"], closing["subType"]) == ("0.05", "0.1", "2", "2")
    assert opening["tradeId"] == closing["tradeId"]


# The documented fields


def fields(rows: list[dict[str, Any]]) -> set[str]:
    return set().union(*rows) if rows else set()


def test_rows_have_the_documented_fields_of_bybit() -> None:
    engine = life("bybit")
    engine.deleverage("main", "BTCUSDT")
    topic = shared_json("payloads/nautilus/bybit__ws_account_execution_adl.json")["data"][0]
    # the topic has its category and lending beside the row of the list
    assert set(topic) - fields(get(engine, "/v5/execution/list", category="linear")) == {"category", "isLeverage"}
    log = shared_json("payloads/bybit_docs/account__transaction-log.json")["examples"][0]["result"]["list"]
    assert fields(log) == fields(get(engine, "/v5/account/transaction-log", category="linear"))
    closed = shared_json("payloads/bybit_docs/position__close-pnl.json")["examples"][0]["result"]["list"]
    assert fields(closed) - fields(get(engine, "/v5/position/closed-pnl", category="linear")) == set()


def test_rows_have_the_documented_fields_of_okx() -> None:
    engine = life("okx")
    engine.deleverage("main", "BTC-USDT-SWAP")
    page = shared_json("payloads/jkorf/okx__Endpoints__UnifiedApi__Account__GetAccountPositionHistory.json")
    assert fields(page["messages"][0]["data"]) - fields(get(engine, "/api/v5/account/positions-history")) == set()


def test_rows_have_the_documented_fields_of_binance() -> None:
    pages = shared_json("payloads/official_doc_examples.json")
    page = pages["docs/binance/usdm/endpoints/private/get_fapi_v1_positionmargin_history.md"][0]["json"]
    rows = get(life("binance"), "/fapi/v1/positionMargin/history", symbol="BTCUSDT")
    # clientTranId is in real replies only
    assert fields(rows) - fields(page) == {"clientTranId"}
    assert fields(page) - fields(rows) == set()
