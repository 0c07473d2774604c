"""Bybit's records: recorded and documented rows read right, and who made each execution."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import BadReply, MargincallError
from monitor.exchanges.bybit import records_parse as parse
from monitor.exchanges.bybit.records import read_records
from monitor.exchanges.records import Gathered
from monitor.lives.records import FillCause, FlowKind
from monitor.margin.position import Side
from tests.exchanges.inquiries import NOW_MS, Answers, asked, held
from tests.shared import shared_json

POSITION = held("bybit", "usdt", "BTCUSDT")
NO_MARGIN = "margin changes: Bybit keeps no record of them"


def execution(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTCUSDT",
        "orderId": f"order-{number}",
        "side": "Sell",
        "execFee": "0.2",
        "feeCurrency": "",
        "execId": f"exec-{number}",
        "execPrice": "90",
        "execQty": "4",
        "execType": "Trade",
        "execTime": str(NOW_MS + number),
        "closedSize": "4",
        "execPnl": "-40",
        "createType": "CreateByUser",
        "markPrice": "89",
        "extraFees": "",
        "seq": number,
    }
    return row | changes


def logged(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {"id": f"log-{number}", "symbol": "BTCUSDT", "side": "None", "type": "SETTLEMENT", "funding": "-0.5"}
    return row | {"transactionTime": str(NOW_MS + number), "cashFlow": "0", "tradeId": ""} | changes


def enveloped(rows, cursor: str = "") -> dict[str, Any]:
    return {"retCode": 0, "result": {"category": "linear", "list": list(rows), "nextPageCursor": cursor}}


def answers(executions, *, log=(), closed=()) -> Answers:
    """An account of these rows."""

    def of_log(ask):
        return enveloped(row for row in log if ask.get("type") in {None, row["type"]})

    return Answers(
        {
            "ExecutionList": lambda _: enveloped(executions),
            "ClosedPnl": lambda _: enveloped(closed),
            "TransactionLog": of_log,
        }
    )


async def told(account: Answers, position=POSITION, **ask: Any) -> Gathered:
    found = Gathered()
    await read_records(asked(position, **ask), account, found)
    return found


def fills(rows, position=POSITION) -> tuple[list[Any], Gathered]:
    found = Gathered()
    return parse.parse_fills(rows, asked(position), found), found


@pytest.mark.parametrize(
    ("kind", "maker", "cause", "named"),
    [
        ("Trade", "CreateByUser", FillCause.TRADE, False),
        ("Trade", "CreateByStopLoss", FillCause.TRADE, False),
        ("Trade", "CreateByLiq", FillCause.REDUCTION, False),
        ("BustTrade", "CreateByTakeOver_PassThrough", FillCause.LIQUIDATION, False),
        ("BustTrade", "", FillCause.LIQUIDATION, False),
        ("Trade", "CreateByTakeOver_PassThrough", FillCause.LIQUIDATION, False),
        ("AdlTrade", "", FillCause.DELEVERAGED, False),
        ("Trade", "CreateByAdl_PassThrough", FillCause.DELEVERAGED, False),
        ("Delivery", "CreateBySettle", FillCause.SETTLED, False),
        ("Settle", "", FillCause.SETTLED, False),
        ("Trade", "CreateByAdminClosing", FillCause.SETTLED, False),
        ("Trade", "", FillCause.TRADE, True),
        ("ReverseSplitSettle", "", FillCause.SETTLED, True),
    ],
)
def test_an_execution_is_whose_its_type_and_its_order_say(kind, maker, cause, named):
    (fill,), found = fills([execution(execType=kind, createType=maker)])
    assert (fill.cause, fill.closes, fill.contracts) == (cause, True, 4)
    assert bool(found.missing) is named
    assert (fill.trigger_price is not None) is (cause.value in {"reduction", "liquidation", "deleveraged"})


def test_a_dated_contract_is_delivered():
    dated = held("bybit", "usdt", "BTCUSDT-31DEC27", "BTC/USDT:USDT-271231")
    (fill,), _ = fills([execution(symbol="BTCUSDT-31DEC27", execType="Delivery", createType="CreateBySettle")], dated)
    assert fill.cause is FillCause.DELIVERED


async def test_the_recorded_deleveraging_is_read_and_its_profit_found_in_the_log():
    (row,) = shared_json("payloads/nautilus/bybit__ws_account_execution_adl.json")["data"]
    row["execTime"] = str(NOW_MS)
    # The recorded execution has no execPnl; the log says what it brought.
    account = answers([row], log=[logged(type="ADL", tradeId=row["execId"], cashFlow="-1234.5"), logged(2)])
    found = await told(account)
    (fill,) = found.fills
    assert (fill.cause, fill.closes, fill.contracts, fill.price) == (FillCause.DELEVERAGED, True, Decimal("0.5"), 95850)
    assert (fill.profit, fill.fee, fill.trigger_price) == (Decimal("-1234.5"), 0, 95850)
    assert found.missing == [NO_MARGIN]


async def test_the_documented_execution_pays_its_tax_too():
    messages = shared_json("payloads/bybit_docs/websocket__private__execution.json")["examples"]
    (row,) = next(message["data"] for message in messages if "data" in message)
    row["execTime"] = str(NOW_MS)
    (fill,), found = fills([row])
    # 26.3725275 of fee and 0.006403779 of tax on it, both in USDT
    assert (fill.fee, fill.profit) == (Decimal("-26.378931279"), Decimal("0.05"))
    assert (fill.cause, fill.closes, fill.contracts) == (FillCause.TRADE, True, Decimal("0.5"))
    assert found.missing == []


async def test_the_documented_log_is_read_as_funding_of_its_symbol():
    (reply,) = shared_json("payloads/bybit_docs/account__transaction-log.json")["examples"]
    rows = [row | {"transactionTime": str(NOW_MS)} for row in reply["result"]["list"]]
    found = Gathered()
    parse.add_funding(rows, asked(held("bybit", "usdt", "XRPUSDT", "XRP/USDT:USDT")), found)
    assert [(flow.kind, flow.amount) for flow in found.flows] == [(FlowKind.FUNDING, Decimal("-0.003676"))]
    assert FlowKind.FUNDING in found.kept
    other = Gathered()
    parse.add_funding(rows, asked(POSITION), other)
    assert other.flows == []


async def test_the_documented_closed_order_without_an_execution_is_waited_for():
    (reply,) = shared_json("payloads/bybit_docs/position__close-pnl.json")["examples"]
    (row,) = reply["result"]["list"]
    position = held("bybit", "usdc", row["symbol"], "ETH/USDC:USDC")
    late = answers([], closed=[row | {"updatedTime": str(NOW_MS + 5)}])
    found = await told(late, position)
    assert found.again
    there = answers([execution(symbol=row["symbol"], orderId=row["orderId"])], closed=[row | {"updatedTime": str(NOW_MS + 5)}])
    assert not (await told(there, position)).again
    session = answers([], closed=[row | {"updatedTime": str(NOW_MS + 5), "execType": "SessionSettlePnL"}])
    assert not (await told(session, position)).again
    older = answers([], closed=[row | {"updatedTime": str(NOW_MS - 5)}])
    assert not (await told(older, position)).again


def test_what_an_execution_opened_is_told_from_what_it_closed():
    # 10 are sold, which close 4 of a long and open 6 of a short: 4 / 10 of the fee of 0.05 is 0.02.
    row = execution(execQty="10", closedSize="4", execFee="0.05")
    (closing,), _ = fills([row])
    assert (closing.closes, closing.contracts, closing.fee, closing.profit) == (True, 4, Decimal("-0.02"), -40)
    (opening,), _ = fills([row], held("bybit", "usdt", "BTCUSDT", side=Side.SHORT))
    assert (opening.closes, opening.contracts, opening.fee, opening.profit) == (False, 6, Decimal("-0.03"), 0)


@pytest.mark.parametrize("blank", ["", "0", None])
def test_what_closed_nothing_is_of_the_other_side_unless_the_exchange_made_it(blank):
    assert fills([execution(closedSize=blank)])[0] == []
    (forced,), _ = fills([execution(closedSize=blank, execType="BustTrade")])
    assert forced.contracts == 4
    row = execution()
    del row["closedSize"]
    (closing,), _ = fills([row])
    assert closing.contracts == 4


def test_funding_executions_are_no_fills_and_other_fees_are_unknown():
    rows = [execution(1, execType="Funding", execFee="0.4"), execution(2, feeCurrency="MNT"), execution(3, symbol="ETHUSDT")]
    (fill,), found = fills(rows)
    assert (fill.id, fill.fee, fill.fee_elsewhere) == ("exec-2", None, True)
    taxed = execution(2, feeCurrency="MNT", extraFees=[{"fee": "0.1", "feeCoin": "USDT"}])
    assert (fills([taxed])[0][0].fee, fills([taxed])[0][0].fee_elsewhere) == (None, False)
    assert "fees: some were paid in MNT" in found.missing


async def test_a_profit_that_no_record_tells_stays_unknown():
    found = await told(answers([execution(execPnl="")]))
    assert found.fills[0].profit is None


async def test_what_only_became_larger_costs_a_look_at_the_executions_alone():
    bought = execution(side="Buy", closedSize="0", execPnl="0")
    account = answers([bought])
    assert len((await told(account, money=False)).fills) == 1
    assert len(account.asked) == account.count("ExecutionList") == 1
    sold = answers([bought, execution(2)])
    await told(sold, money=False)
    assert sold.count("TransactionLog") == 1


async def test_funding_in_hedge_mode_is_of_the_side_that_the_row_says():
    rows = [logged(1, side="Buy"), logged(2, side="Sell", funding="0.3")]
    found = await told(answers([], log=rows), held("bybit", "usdt", "BTCUSDT", hedged=True))
    assert [flow.amount for flow in found.flows] == [Decimal("-0.5")]
    assert found.kept == {FlowKind.FUNDING}


async def test_funding_of_the_side_that_came_after_is_not_this_sides_in_one_way_mode_either():
    rows = [logged(1, side="Buy"), logged(2, side="Sell", funding="3")]
    found = await told(answers([], log=rows))
    assert [flow.amount for flow in found.flows] == [Decimal("-0.5")]


async def test_settlements_of_two_sides_that_share_their_name_are_two():
    rows = [logged(1, side="Sell", funding="0.5"), logged(1, side="Buy")]
    for hedged in (True, False):
        found = await told(answers([], log=[*rows, rows[1]]), held("bybit", "usdt", "BTCUSDT", hedged=hedged))
        assert [flow.amount for flow in found.flows] == [Decimal("-0.5")]


async def test_funding_in_hedge_mode_is_all_or_nothing():
    rows = [logged(1, side="Buy"), logged(2), logged(3, side="Sell")]
    found = await told(answers([], log=rows), held("bybit", "usdt", "BTCUSDT", hedged=True))
    assert (found.flows, found.kept) == ([], set())
    assert any(text.startswith("funding: in hedge mode") for text in found.missing)


async def test_funding_before_this_life_is_left_out_and_session_settlements_are_named():
    rows = [logged(1), logged(2, cashFlow="-12"), logged(-50)]
    position = held("bybit", "usdt", "BTCUSDT", opened=str(NOW_MS - 10))
    found = await told(answers([], log=rows), position)
    assert sum(flow.amount for flow in found.flows) == -1
    assert any("session settlement" in text for text in found.missing)


async def test_a_long_life_is_asked_week_by_week():
    account = answers([])
    await told(account, life_days=20)
    spans = [(ask["startTime"], ask["endTime"]) for endpoint, ask in account.asked if "TransactionLog" in endpoint]
    assert len(spans) == 3
    assert all(end - start < 7 * 24 * 3_600_000 for start, end in spans)


@pytest.mark.parametrize("again", [True, False])
async def test_pages_are_followed_to_their_end_and_no_further(again):
    pages = {"": ("a", [execution(1)]), "a": ("b", [execution(2)]), "b": ("a" if again else "", [execution(3)])}

    def page(ask):
        cursor, rows = pages[ask.get("cursor", "")]
        return enveloped(rows, cursor)

    account = answers([])
    account._replies = {**account._replies, "ExecutionList": page}
    if again:
        with pytest.raises(BadReply, match="no end"):
            await told(account)
    else:
        assert [fill.id for fill in (await told(account)).fills] == ["exec-1", "exec-2", "exec-3"]


@pytest.mark.parametrize("bad", [{"execPrice": "0"}, {"execQty": ""}, {"side": "None"}, {"execTime": "soon"}])
def test_executions_that_cannot_be_read_raise(bad):
    with pytest.raises((MargincallError, ValueError, KeyError)):
        fills([execution(**bad)])


@given(st.permutations([execution(n, execTime=str(NOW_MS + n // 3)) for n in range(9)]))
def test_the_order_of_rows_does_not_matter(rows):
    ordered, _ = fills([*rows, *rows[:3]])
    assert [fill.id for fill in ordered] == [f"exec-{number}" for number in range(9)]
