"""OKX's records: recorded and documented rows read right, bills by their subtypes, and whose they are in hedge mode."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import BadReply, MargincallError
from monitor.exchanges.okx import records_parse as parse
from monitor.exchanges.okx.records import read_records
from monitor.exchanges.records import Gathered
from monitor.lives.records import FillCause, FlowKind, Totals
from monitor.margin.position import Side
from tests.exchanges.inquiries import NOW_MS, Answers, asked, held
from tests.exchanges.lives import total
from tests.shared import shared_json

SWAP = "BTC-USDT-SWAP"
POSITION = held("okx", "okx", SWAP)
LONG, SHORT = (held("okx", "okx", SWAP, side=side, hedged=True) for side in Side)
DAY = 24 * 3_600_000


def bill(number: int = 1, kind: str = "2", subtype: str = "2", **changes: Any) -> dict[str, Any]:
    row = {
        "billId": str(number),
        "ts": str(NOW_MS + number),
        "type": kind,
        "subType": subtype,
        "instId": SWAP,
        "mgnMode": "isolated",
        "sz": "4",
        "px": "90",
        "pnl": "-40",
        "fee": "-0.2",
        "balChg": "0",
        "posBalChg": "-40.2",
        "posBal": "59.8",
        "ordId": f"order-{number}",
    }
    return row | changes


def closed(kind: str = "2", **changes: Any) -> dict[str, Any]:
    row = {
        "instId": SWAP,
        "mgnMode": "isolated",
        "direction": "long",
        "cTime": str(NOW_MS - 5000),
        "uTime": str(NOW_MS + 5000),
        "type": kind,
        "pnl": "-40",
        "fee": "-0.3",
        "fundingFee": "-0.1",
        "liqPenalty": "-1.5",
        "openAvgPx": "100",
        "closeAvgPx": "90",
        "triggerPx": "89.5",
        "closeTotalPos": "10",
        "openMaxPos": "10",
    }
    return row | changes


def data(rows) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def answers(bills, *, history=(), archive=()) -> Answers:
    """An account of these rows."""

    def listing(rows):
        def page(ask):
            fits = [row for row in rows if int(ask["begin"]) < int(row["ts"]) < int(ask["end"])]
            fits = [row for row in fits if ask.get("type") in {None, row["type"]}]
            fits.sort(key=lambda row: int(row["billId"]), reverse=True)
            after = [row for row in fits if "after" not in ask or int(row["billId"]) < int(ask["after"])]
            return data(after[: int(ask["limit"])])

        return page

    return Answers({"BillsArchive": listing(archive), "Bills": listing(bills), "PositionsHistory": lambda _: data(history)})


async def told(account: Answers, position=POSITION, **ask: Any) -> Gathered:
    found = Gathered()
    await read_records(asked(position, **ask), account, found)
    return found


def sums(found: Gathered) -> Totals:
    assert found.totals is not None
    return found.totals


def fills(rows, position=POSITION) -> list[Any]:
    return parse.parse_fills(rows, asked(position))


@pytest.mark.parametrize(
    ("subtype", "cause", "side", "closes"),
    [
        ("1", FillCause.TRADE, Side.LONG, False),
        ("2", FillCause.TRADE, Side.LONG, True),
        ("3", FillCause.TRADE, Side.LONG, False),
        ("4", FillCause.TRADE, Side.SHORT, False),
        ("5", FillCause.TRADE, Side.LONG, True),
        ("6", FillCause.TRADE, Side.SHORT, True),
        ("100", FillCause.REDUCTION, Side.LONG, True),
        ("101", FillCause.REDUCTION, Side.SHORT, True),
        ("102", FillCause.REDUCTION, Side.SHORT, True),
        ("103", FillCause.REDUCTION, Side.LONG, True),
        ("104", FillCause.LIQUIDATION, Side.LONG, True),
        ("105", FillCause.LIQUIDATION, Side.SHORT, True),
        ("106", FillCause.LIQUIDATION, Side.SHORT, True),
        ("107", FillCause.LIQUIDATION, Side.LONG, True),
        ("112", FillCause.SETTLED, Side.LONG, True),
        ("113", FillCause.SETTLED, Side.SHORT, True),
        ("125", FillCause.DELEVERAGED, Side.LONG, True),
        ("126", FillCause.DELEVERAGED, Side.SHORT, True),
        ("127", FillCause.DELEVERAGED, Side.SHORT, True),
        ("128", FillCause.DELEVERAGED, Side.LONG, True),
        ("205", FillCause.TRADE, Side.LONG, True),
        ("329", FillCause.TRADE, Side.SHORT, True),
    ],
)
def test_a_bill_is_what_its_subtype_says(subtype, cause, side, closes):
    named = subtype not in {"1", "2", "102", "103", "106", "107", "127", "128", "205"}
    mine, other = (LONG, SHORT) if side is Side.LONG else (SHORT, LONG)
    (fill,) = fills([bill(subtype=subtype)], mine if named else held("okx", "okx", SWAP, side=side))
    assert (fill.cause, fill.closes, fill.contracts, fill.price) == (cause, closes, 4, 90)
    assert (fill.profit, fill.fee, fill.margin_change) == (-40, Decimal("-0.2"), Decimal("-40.2"))
    if named:
        assert fills([bill(subtype=subtype)], other) == []


def test_the_fund_took_what_a_liquidation_cost_beyond_loss_and_fee():
    # 100 of margin are gone, 95 lost, 0.5 paid in fees: the fund has 4.5.
    row = bill(subtype="104", pnl="-95", fee="-0.5", posBalChg="-100", balChg="0")
    assert fills([row], LONG)[0].insurance == Decimal("-4.5")
    assert fills([row | {"balChg": ""}], LONG)[0].insurance is None
    assert fills([row | {"subType": "5"}], LONG)[0].insurance is None


@pytest.mark.parametrize("name", ["nautilus/okx__http_get_account_positions-history.json", "jkorf"])
async def test_recorded_closed_positions_are_the_sums_of_their_life(name):
    if name == "jkorf":
        payload = shared_json("payloads/jkorf/okx__Endpoints__UnifiedApi__Account__GetAccountPositionHistory.json")["messages"][0]
    else:
        payload = shared_json(f"payloads/{name}")
    (row,) = payload["data"]
    position = held("okx", "okx", row["instId"], "ETH/USDT:USDT", opened=row["cTime"])
    found = Gathered()
    parse.add_totals([row], asked(position), found)
    totals = sums(found)
    assert total((totals.profit, totals.fees, totals.funding, totals.insurance)) == Decimal(row["realizedPnl"])
    assert (totals.entry_price, totals.exit_price) == (Decimal(row["openAvgPx"]), Decimal(row["closeAvgPx"]))
    assert totals.final is (row["type"] == "2")


@pytest.mark.parametrize(
    ("kind", "subtype", "final"),
    [("1", "5", False), ("2", "5", True), ("3", "104", True), ("4", "100", False), ("5", "125", False), ("6", "125", True)],
)
async def test_the_trigger_is_of_the_last_fill_of_its_kind(kind, subtype, final):
    # The fund's 1.5 of the sums is 0.7 and 0.8 by the bills.
    first, second = ({"posBalChg": "-40.9"}, {"posBalChg": "-41"})
    rows = [bill(1, subtype=subtype, **first), bill(2, subtype=subtype, **second), bill(3, "6", "160")]
    found = await told(answers(rows, history=[closed(kind)]), LONG)
    forced = subtype != "5"
    assert [fill.trigger_price for fill in found.fills] == [None, Decimal("89.5") if forced else None]
    assert sums(found).final is final
    assert sums(found).insurance == Decimal("-1.5")


@pytest.mark.parametrize(
    ("changes", "insurance", "named"),
    [
        ({}, Decimal("-1.5"), False),  # as in the sums
        ({"posBalChg": "-41"}, Decimal("-0.8"), False),  # some of the sum is of a step before
        ({"posBalChg": "-99"}, Decimal("-1.5"), True),  # more than the sum: the bill means something else
        ({"balChg": ""}, Decimal("-1.5"), True),
    ],
)
async def test_the_funds_part_by_the_bills_fits_in_the_sum_over_the_life(changes, insurance, named):
    # pnl -40, fee -0.2: what the owner has less beyond 40.2 is the fund's
    row = bill(1, subtype="104", posBalChg="-41.7") | changes
    found = await told(answers([row], history=[closed("3")]), LONG)
    assert [fill.insurance for fill in found.fills] == [insurance]
    assert any(text.startswith("insurance") for text in found.missing) is named


async def test_sums_of_another_life_or_side_are_not_taken():
    position = held("okx", "okx", SWAP, opened=str(NOW_MS - 5000))
    others = [closed(direction="short"), closed(cTime="1"), closed(mgnMode="cross"), closed(instId="ETH-USDT-SWAP")]
    found = await told(answers([bill()], history=others), position)
    assert found.totals is None
    assert found.again
    assert any("has none yet" in text for text in found.missing)
    nothing = await told(answers([], history=others), position)
    assert not nothing.again


async def test_margin_changes_are_told_apart_by_who_made_them():
    rows = [
        bill(1, "6", "160", sz="5", posBalChg="5", posBal="105", pnl="0", fee="0"),
        bill(2, "6", "161", sz="2", posBalChg="-2", posBal="103", pnl="0", fee="0"),
        bill(3, "6", "162", sz="9", posBalChg="", posBal="112", pnl="0", fee="0"),
    ]
    found = await told(answers(rows))
    assert [(flow.kind, flow.amount, flow.margin_after) for flow in found.flows] == [
        (FlowKind.MARGIN_ADDED, 5, 105),
        (FlowKind.MARGIN_TAKEN, -2, 103),
        (FlowKind.AUTO_ADDED, 9, 112),
    ]
    assert found.kept == set(FlowKind)


async def test_clawback_is_the_funds_and_what_is_unknown_is_named():
    rows = [bill(1, "10", "108", balChg="-3", posBalChg="0"), bill(2, "99", "999")]
    found = await told(answers(rows))
    assert [(flow.kind, flow.amount) for flow in found.flows] == [(FlowKind.INSURANCE, Decimal(-3))]
    assert found.missing == ["a bill of type 99 and subtype 999 is not known here"]


def hedged_bills() -> list[dict[str, Any]]:
    """The long's margin goes 100, 105, 104.5 (funding), 60; the short's 70, 77, 77.4."""
    return [
        bill(1, "6", "160", sz="5", posBalChg="5", posBal="105", pnl="0"),
        bill(2, "6", "160", sz="7", posBalChg="7", posBal="77", pnl="0"),
        bill(3, "8", "173", posBalChg="-0.5", posBal="104.5", pnl="-0.5"),
        bill(4, "8", "174", posBalChg="0.4", posBal="77.4", pnl="0.4"),
        bill(5, subtype="5", posBalChg="-44.5", posBal="60"),
        bill(6, subtype="6", posBalChg="-77.4", posBal="0"),
    ]


@given(st.permutations(hedged_bills()))
async def test_bills_without_a_side_hang_with_the_margin_that_they_changed(rows):
    long = await told(answers(rows, history=[closed()]), LONG)
    assert [(flow.kind, flow.amount) for flow in long.flows] == [
        (FlowKind.MARGIN_ADDED, 5),
        (FlowKind.FUNDING, Decimal("-0.5")),
    ]
    assert long.missing == []
    short = await told(answers(rows, history=[closed(direction="short")]), SHORT)
    assert [(flow.kind, flow.amount) for flow in short.flows] == [(FlowKind.MARGIN_ADDED, 7), (FlowKind.FUNDING, Decimal("0.4"))]


async def test_bills_that_could_be_of_either_side_are_left_out_and_named():
    rows = [
        bill(1, "6", "160", sz="5", posBalChg="5", posBal="105", pnl="0"),
        bill(2, subtype="6", posBalChg="-100", posBal="0"),
        bill(3, subtype="5", posBalChg="-50", posBal="55"),
    ]
    found = await told(answers(rows, history=[closed(fundingFee="")]), LONG)
    assert found.flows == []
    assert FlowKind.MARGIN_ADDED not in found.kept
    assert FlowKind.FUNDING not in found.kept
    assert any("hedge mode" in text for text in found.missing)


async def test_bills_of_two_sides_with_the_same_margin_are_of_neither():
    # the short's 50, and nothing that names the short: both had 100
    rows = [
        bill(1, "6", "160", sz="50", posBalChg="50", posBal="150", pnl="0"),
        bill(2, subtype="5", posBalChg="-50", posBal="50"),
    ]
    assert [flow.amount for flow in (await told(answers(rows, history=[closed()]), LONG)).flows] == [50]
    for margin in (100, 150):  # read before or after it
        found = await told(answers(rows, history=[closed()]), LONG, other_margin=Decimal(margin))
        assert found.flows == []
        assert FlowKind.MARGIN_ADDED not in found.kept


async def test_sums_from_before_the_newest_fill_are_not_there_yet():
    taken = bill(1, subtype="104", ts=str(NOW_MS + 60_000))
    early = closed("4", uTime=str(NOW_MS + 50_000), liqPenalty="-3")
    found = await told(answers([taken], history=[early]))
    assert (found.totals, found.again) == (None, True)
    assert any("newest fill" in text for text in found.missing)
    late = await told(answers([taken], history=[early, closed("3", uTime=str(NOW_MS + 60_020))]))
    assert (sums(late).insurance, late.again) == (Decimal("-1.5"), False)


async def test_sums_of_a_life_are_not_late_for_what_a_later_life_closed():
    rows = [bill(1, subtype="2", sz="10", ts=str(NOW_MS + 1000)), bill(2, subtype="1", sz="4", ts=str(NOW_MS + 5000))]
    rows.append(bill(3, subtype="2", sz="4", ts=str(NOW_MS + 60_000)))
    found = await told(answers(rows, history=[closed(uTime=str(NOW_MS + 1010))]))
    assert (sums(found).funding, found.again) == (Decimal("-0.1"), False)


async def test_what_only_became_larger_costs_a_look_at_the_bills_alone():
    account = answers([bill(1, subtype="1")])
    assert len((await told(account, money=False)).fills) == 1
    assert account.count("PositionsHistory") == 0
    sold = answers([bill(1, subtype="1"), bill(2)])
    await told(sold, money=False)
    assert sold.count("PositionsHistory") == 1


async def test_older_funding_is_read_from_the_archive_back_to_the_birth_of_the_position():
    funding = [bill(n, "8", "173", ts=str(NOW_MS - n * DAY), pnl="-0.1", billId=str(1000 - n)) for n in range(1, 40)]
    recent = [row for row in funding if int(row["ts"]) > NOW_MS - 7 * DAY]
    account = answers([bill(), *recent], archive=funding, history=[closed(cTime=str(NOW_MS - 20 * DAY))])
    born = held("okx", "okx", SWAP, opened=str(NOW_MS - 20 * DAY))
    found = await told(account, born, life_days=60)
    paid = [flow for flow in found.flows if flow.kind is FlowKind.FUNDING]
    assert len(paid) == 20
    assert FlowKind.FUNDING in found.kept


async def test_funding_of_longer_than_the_archive_is_whole_only_by_the_sums():
    with_sums = await told(answers([bill()], history=[closed()]), life_days=200)
    assert (with_sums.missing, FlowKind.FUNDING in with_sums.kept) == ([], False)
    without = await told(answers([bill()]), life_days=200)
    assert any(text.startswith("funding") for text in without.missing)


async def test_pages_of_bills_and_of_closed_positions_are_followed():
    bills = [bill(number, ts=str(NOW_MS + number // 50), sz="1") for number in range(1, 251)]
    position = held("okx", "okx", SWAP, contracts=Decimal(300))
    assert len((await told(answers(bills, history=[closed()]), position)).fills) == 250

    account = answers([])
    full = [closed(uTime=str(NOW_MS + 200 - number), cTime="1") for number in range(100)]
    account._replies = {
        **account._replies,
        "PositionsHistory": lambda ask: data([closed()] if "after" in ask else full),
    }
    born = held("okx", "okx", SWAP, opened=str(NOW_MS - 5000))
    assert (await told(account, born)).totals is not None
    assert [ask.get("after") for endpoint, ask in account.asked if "History" in endpoint] == [None, str(NOW_MS + 101)]


async def test_pages_that_never_end_are_a_bad_reply():
    account = answers([])
    account._replies = {**account._replies, "Bills": lambda _: data(bill(number) for number in range(100))}
    with pytest.raises(BadReply, match="no end"):
        await told(account)


@pytest.mark.parametrize("bad", [{"sz": "x"}, {"ts": ""}, {"px": "nan"}, {"billId": "a"}])
def test_bills_that_cannot_be_read_raise(bad):
    with pytest.raises((MargincallError, ValueError)):
        fills([bill(**bad)])


@given(st.permutations([bill(n, ts=str(NOW_MS + n // 3), sz="1") for n in range(9)]))
def test_the_order_of_rows_does_not_matter(rows):
    assert [fill.id for fill in fills([*rows, *rows[:3]])] == [str(number) for number in range(9)]
