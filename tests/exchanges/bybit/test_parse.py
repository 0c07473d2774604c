"""Bybit position rows: what becomes a position, what is told as not guarded, and what makes the whole family unreadable."""

from decimal import Decimal
from typing import Any

import pytest

from monitor.errors import BadReading
from monitor.exchanges.bybit.parse import AccountInfo, MarginMode, merge_pages, parse_account_info, parse_positions
from monitor.margin.position import Contract, Position, PositionStatus, Side
from tests.exchanges.bybit.rows import position_row, terms
from tests.shared import shared_json

NOW_MS = 1784000000100


def read(*rows: Any, mode: MarginMode | None = MarginMode.ISOLATED, family: str = "usdt", known: Any = None) -> tuple[Any, Any]:
    known = known or terms()
    return parse_positions(rows, family=family, mode=mode, terms_of=lambda _: known, now_ms=NOW_MS)


def only(*rows: Any, **how: Any) -> Position:
    positions, unguarded = read(*rows, **how)
    assert unguarded == ()
    assert len(positions) == 1
    position: Position = positions[0]
    return position


def test_position_carries_the_rows_figures_when_isolated():
    position = only(position_row())
    assert position.key.symbol == "BTC/USDT:USDT"
    assert position.key.side is Side.LONG
    assert position.family == "usdt"
    assert position.contracts == 1
    assert position.entry_price == 40000
    assert position.mark_price == 38000
    assert position.isolated_margin == Decimal("3821.56")
    assert position.leverage == 50
    assert position.taker_fee_rate == Decimal("0.00055")
    assert position.opened == "1784000000000"
    assert position.changed == "1784000000012|5723621632"
    assert position.status is PositionStatus.NORMAL
    assert not position.hedged
    assert not position.exchange_adds_margin
    assert position.degraded == ()


def test_position_keeps_the_exchanges_own_figures():
    says = only(position_row()).says
    assert says.liquidation_price == Decimal("36380.25")
    assert says.requirement == Decimal("211.56")
    # 211.56 / (3821.56 - 2000) = 211.56 / 1821.56
    assert says.margin_usage == Decimal("211.56") / Decimal("1821.56")


@pytest.mark.parametrize("nothing", ["", "0", "0.00"])
def test_exchange_says_nothing_when_its_figures_are_empty(nothing):
    says = only(position_row(liqPrice=nothing, positionMM=nothing, positionMMByMp=nothing)).says
    assert (says.liquidation_price, says.requirement, says.margin_usage) == (None, None, None)


def test_exchange_says_no_price_when_it_prints_the_highest_that_can_be_quoted():
    known = terms(highest_price=Decimal("999999.00"))
    assert only(position_row(liqPrice="999999.00"), known=known).says.liquidation_price is None


def test_usage_is_unknown_when_equity_is_gone():
    # 3821.56 - 4000 < 0: no usage, while the requirement stands.
    says = only(position_row(unrealisedPnl="-4000")).says
    assert says.margin_usage is None
    assert says.requirement == Decimal("211.56")


def test_both_legs_are_read_when_hedged():
    positions, _ = read(position_row(positionIdx=1), position_row(positionIdx=2, side="Sell", liqPrice="43000"))
    assert [(position.key.side, position.hedged) for position in positions] == [(Side.LONG, True), (Side.SHORT, True)]


@pytest.mark.parametrize("flat", [{"size": "0", "side": ""}, {"size": "0", "side": "None"}])
def test_row_is_left_out_when_flat(flat):
    assert read(position_row(**flat, markPrice="", avgPrice="", positionIM="")) == ((), ())


@pytest.mark.parametrize(("mode", "word"), [(MarginMode.CROSS, "cross"), (MarginMode.PORTFOLIO, "portfolio")])
def test_position_is_not_guarded_when_the_account_is_not_isolated(mode, word):
    # Cross rows may lack what only an isolated position needs.
    positions, unguarded = read(position_row(positionIM="", leverage=""), mode=mode)
    assert positions == ()
    assert [(one.symbol, one.side, one.mode) for one in unguarded] == [("BTC/USDT:USDT", Side.LONG, word)]


def test_rows_own_mode_counts_when_the_account_has_none():
    positions, unguarded = read(position_row(tradeMode=1), position_row(tradeMode="0", side="Sell", positionIdx=2), mode=None)
    assert [position.key.side for position in positions] == [Side.LONG]
    assert [(one.side, one.mode) for one in unguarded] == [(Side.SHORT, "cross")]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [("Liq", PositionStatus.LIQUIDATING), ("Adl", PositionStatus.DELEVERAGING), ("", PositionStatus.NORMAL)],
)
def test_status_is_told_when_the_exchange_acts(status, meaning):
    assert only(position_row(positionStatus=status)).status is meaning


def test_automatic_margin_is_told_when_on():
    assert only(position_row(autoAddMargin=1)).exchange_adds_margin
    assert only(position_row(autoAddMargin="1")).exchange_adds_margin


@pytest.mark.parametrize("absent", [{"openTime": 0}, {"openTime": "0"}, {"openTime": ""}, {"openTime": None}])
def test_open_time_is_empty_when_absent(absent):
    # createdTime is the first position ever on the symbol: never taken instead.
    assert only(position_row(**absent)).opened == ""


@pytest.mark.parametrize("name", ["mmrSysUpdatedTime", "mmrSysUpdateTime"])
def test_coming_risk_limit_is_noted_when_only_reducing_is_allowed(name):
    row = position_row(isReduceOnly=True, mmrSysUpdatedTime="")
    assert only(row | {name: str(NOW_MS + 1)}).degraded == ("risk_limit_changes",)
    assert only(row | {name: str(NOW_MS - 1)}).degraded == ()
    assert only(row | {name: str(NOW_MS + 1), "isReduceOnly": False}).degraded == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"markPrice": "0"},
        {"markPrice": ""},
        {"markPrice": "NaN"},
        {"avgPrice": "-1"},
        {"avgPrice": "1e400"},
        {"size": "1e30"},
        {"unrealisedPnl": "1e999999"},
        {"size": "-1"},
        {"side": ""},
        {"positionIM": "", "positionIMByMp": ""},
        {"leverage": "fast"},
        {"liqPrice": "inf"},
        {"isReduceOnly": True, "mmrSysUpdatedTime": "soon"},
    ],
)
def test_row_is_told_as_unreadable_and_the_others_go_on_when_it_cannot_be_true(broken):
    good, bad = position_row(symbol="ETHUSDT", side="Sell"), position_row(**broken)
    positions, unguarded = read(good, bad, bad)
    assert len(positions) == 1
    assert [(one.symbol, one.instrument_id, one.mode) for one in unguarded] == [("BTCUSDT", "BTCUSDT", "unreadable")]
    assert unguarded[0].why
    # without any that can be read the whole reading is worth nothing
    with pytest.raises(BadReading, match="BTCUSDT"):
        read(bad)


def test_cross_row_keeps_its_own_name_when_its_terms_cannot_be_told():
    def no_terms(symbol: str) -> Any:
        raise BadReading(symbol)

    _, unguarded = parse_positions(
        [position_row()], family="usdt", mode=MarginMode.CROSS, terms_of=no_terms, now_ms=NOW_MS
    )  # fmt: skip
    assert [(one.symbol, one.mode) for one in unguarded] == [("BTCUSDT", "cross")]


def test_family_is_unreadable_when_a_row_has_no_name():
    with pytest.raises(BadReading):
        read(position_row(symbol="ETHUSDT"), position_row(symbol=None, markPrice=""))


@pytest.mark.parametrize("size", [{}, {"size": None}, {"size": ""}])
def test_family_is_unreadable_when_a_row_has_no_size(size):
    # It is not flat: a position must not vanish because a figure did.
    with pytest.raises(BadReading, match="BTCUSDT"):
        read({"symbol": "BTCUSDT", "side": "Buy"} | size)


def test_pages_join_and_the_newer_row_wins_when_a_position_moved_between_them():
    old, new = position_row(size="1", updatedTime="10", seq=4), position_row(size="2", updatedTime="11", seq=5)
    other = position_row(symbol="ETHUSDT")
    assert merge_pages([[old, other], [new]]) == [new, other]
    assert merge_pages([[new], [other, old]]) == [new, other]


def test_pages_conflict_when_one_moment_has_two_contents():
    with pytest.raises(BadReading, match="BTCUSDT"):
        merge_pages([[position_row()], [position_row(size="2")]])
    # The mark moves by itself: that is no conflict.
    assert len(merge_pages([[position_row()], [position_row(markPrice="38001")]])) == 1


def test_pages_keep_both_legs_when_hedged():
    assert len(merge_pages([[position_row(positionIdx=1), position_row(positionIdx=2, side="Sell")]])) == 2


def test_pages_are_unreadable_when_a_row_is_not_an_object():
    page: Any = [position_row(), "BTCUSDT"]
    with pytest.raises(BadReading):
        merge_pages([page])


@pytest.mark.parametrize(
    ("family", "status", "mode"),
    [
        ("usdt", 5, MarginMode.ISOLATED),
        ("inverse", 6, MarginMode.ISOLATED),
        ("usdc", 4, MarginMode.ISOLATED),
        ("inverse", 3, None),
        ("inverse", 4, None),
        ("usdt", 1, None),
    ],
)
def test_account_mode_holds_when_the_account_is_unified(family, status, mode):
    assert AccountInfo(margin_mode=MarginMode.ISOLATED, unified_status=status).mode_of(family) is mode


def test_account_info_is_read_when_documented():
    example = shared_json("payloads/bybit_docs/account__account-info.json")["examples"][0]["result"]
    assert parse_account_info(example) == AccountInfo(margin_mode=MarginMode.CROSS, unified_status=4)


@pytest.mark.parametrize("info", [{}, {"marginMode": "HALF_MARGIN", "unifiedMarginStatus": 5}, {"unifiedMarginStatus": "new"}])
def test_account_info_is_unreadable_when_the_mode_is_unknown(info):
    with pytest.raises(BadReading):
        parse_account_info(info)


def test_account_info_needs_no_mode_when_classic():
    assert parse_account_info({"unifiedMarginStatus": 1}).mode_of("usdt") is None


def test_documented_inverse_row_is_read():
    example = shared_json("payloads/bybit_docs/position__position.json")["examples"][0]["result"]["list"][0]
    known = terms("BTC/USD:BTC", Contract.INVERSE)
    position = only(example, family="inverse", known=known)
    assert (position.contracts, position.key.side) == (Decimal(300), Side.SHORT)
    assert position.isolated_margin == Decimal("0.00010923")
    assert position.says.liquidation_price is None
    assert position.says.requirement == Decimal("0.0000015")
    assert position.exchange_adds_margin
    assert position.opened == ""


def test_recorded_unified_rows_are_read_whole():
    rows = [
        case["payload"]
        for case in shared_json("payloads/positions.json")
        if case["exchange"] == "bybit" and {"positionIM", "markPrice", "side"} <= case["payload"].keys()
    ]
    assert len(rows) >= 6
    for row in rows:
        position = only(row)
        assert position.contracts == Decimal(row["size"])
        assert position.isolated_margin == Decimal(row["positionIM"])
        assert position.key.side is {"Buy": Side.LONG, "Sell": Side.SHORT}[row["side"]]
        assert position.entry_price == Decimal(row.get("avgPrice") or row["entryPrice"])


def test_flat_row_by_symbol_is_left_out_when_recorded():
    message = shared_json("payloads/jkorf/bybit__JsonResponses__V5__Trading__GetPositionsAsync2.json")["messages"][0]
    assert read(*message["result"]["list"]) == ((), ())
