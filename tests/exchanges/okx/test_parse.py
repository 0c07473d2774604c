"""OKX position rows: what becomes a position, what is told as not guarded, and what makes the family unreadable."""

from decimal import Decimal
from typing import Any

import pytest

from monitor.errors import BadReading
from monitor.exchanges.okx.parse import parse_positions
from monitor.exchanges.okx.terms import TAKER_FEE_RATE
from monitor.margin.position import Contract, Position, Side
from tests.exchanges.okx.rows import position_row, terms
from tests.shared import shared_json


def read(*rows: Any, known: Any = None, fee: Any = None, contracts: Any = frozenset(Contract)) -> tuple[Any, Any]:
    known = known or terms()
    return parse_positions(rows, family="okx", terms_of=lambda _: known, contracts=contracts, fee_of=lambda _: fee)


def only(*rows: Any, **how: Any) -> Position:
    positions, unguarded = read(*rows, **how)
    assert unguarded == ()
    assert len(positions) == 1
    position: Position = positions[0]
    return position


def test_position_carries_the_rows_figures_when_isolated():
    position = only(position_row())
    assert position.key.side is Side.LONG
    assert position.contracts == Decimal("16.5")
    assert position.entry_price == Decimal("60346.5")
    assert position.mark_price == Decimal("60349.6")
    assert position.isolated_margin == Decimal("995.5680960124100264")
    assert position.leverage == 1
    assert (position.opened, position.changed) == ("1725000000000", "1725000001000")
    assert not position.hedged
    assert position.degraded == ()


def test_fee_rate_is_the_one_inside_the_ratio():
    # (995.6192460124100264 / 222.18893603782877 - 3.9830736) / 995.7684 = 0.0005
    assert only(position_row(), fee=Decimal("0.0003")).taker_fee_rate == Decimal("0.0005")


def test_exchange_says_its_requirement_with_the_fee_in_it():
    says = only(position_row()).says
    assert says.liquidation_price == Decimal("9.180497851849454")
    assert says.requirement is not None
    assert says.margin_usage is not None
    # mmr 3.9830736 + fee 995.7684 x 0.05 % = 4.4809578
    assert abs(says.requirement - Decimal("4.4809578")) < Decimal("1e-13")
    assert abs(says.margin_usage - 1 / Decimal("222.18893603782877")) < Decimal("1e-20")


def test_fee_rate_is_the_accounts_when_the_row_does_not_tell():
    position = only(position_row(mgnRatio=""), fee=Decimal("0.0003"))
    assert position.taker_fee_rate == Decimal("0.0003")
    assert position.says.requirement is None
    assert position.degraded == ()


@pytest.mark.parametrize("hidden", [{"mgnRatio": ""}, {"mmr": ""}, {"upl": ""}])
def test_fee_rate_is_assumed_and_marked_when_nobody_tells(hidden):
    position = only(position_row(**hidden))
    assert position.taker_fee_rate == TAKER_FEE_RATE
    assert position.degraded == ("fee_assumed",)


@pytest.mark.parametrize("mmr", ["5", "2"])
def test_derived_fee_is_dropped_when_it_is_no_taker_fee(mmr):
    # requirement 4.4809578 less mmr 5 is negative; less mmr 2 it is 0.25 % of the value: a disagreement, not a fee.
    assert only(position_row(mmr=mmr), fee=Decimal("0.0004")).taker_fee_rate == Decimal("0.0004")


def test_usage_is_unbounded_when_equity_is_gone():
    # equity 1 - 2 = -1 at ratio -0.25: the requirement is 4 all the same.
    says = only(position_row(margin="1", upl="-2", mgnRatio="-0.25", mmr="3.9")).says
    assert says.margin_usage is None
    assert says.requirement == 4


@pytest.mark.parametrize("none", ["", "0", "-3.5", None])
def test_there_is_no_liquidation_price_when_the_exchange_gives_none(none):
    assert only(position_row(liqPx=none)).says.liquidation_price is None


def test_side_is_the_sign_when_one_way():
    position = only(position_row(pos="-16.5"))
    assert (position.key.side, position.contracts, position.hedged) == (Side.SHORT, Decimal("16.5"), False)


@pytest.mark.parametrize("amount", ["16.5", "-16.5"])
def test_side_is_named_when_hedged(amount):
    positions, _ = read(position_row(posSide="long"), position_row(posSide="short", pos=amount))
    assert [(one.key.side, one.hedged, one.contracts) for one in positions] == [
        (Side.LONG, True, Decimal("16.5")),
        (Side.SHORT, True, Decimal("16.5")),
    ]


def test_row_is_left_out_when_flat():
    assert read(position_row(pos="0", avgPx="", markPx="", margin="")) == ((), ())


def test_position_is_not_guarded_when_cross():
    positions, unguarded = read(position_row(mgnMode="cross", margin="", pos="-1"))
    assert positions == ()
    assert [(one.symbol, one.side, one.mode) for one in unguarded] == [("BTC/USDT:USDT", Side.SHORT, "cross")]


def test_cross_and_isolated_stand_side_by_side():
    positions, unguarded = read(position_row(), position_row(mgnMode="cross", margin=""))
    assert (len(positions), len(unguarded)) == (1, 1)


def test_contract_is_left_out_when_the_account_does_not_want_it():
    positions, unguarded = read(position_row(), contracts=frozenset({Contract.INVERSE}))
    assert (positions, [one.mode for one in unguarded]) == ((), ["left out by config"])
    assert len(read(position_row(), contracts=frozenset({Contract.LINEAR}))[0]) == 1


def test_spot_margin_and_options_are_told_as_not_guarded():
    long = position_row(instType="MARGIN", instId="LTC-USDT", pos="0.07", posCcy="LTC", ccy="LTC", liabCcy="USDT")
    short = long | {"posCcy": "", "ccy": "USDT", "liabCcy": "LTC"}
    option = position_row(instType="OPTION", instId="BTC-USD-220325-194000-P", ccy="BTC", pos="-2", mgnMode="cross")
    positions, unguarded = read(long, short, option)
    assert positions == ()
    assert [(one.symbol, one.side, one.mode) for one in unguarded] == [
        ("LTC/USDT", Side.LONG, "isolated spot margin"),
        ("LTC/USDT", Side.SHORT, "isolated spot margin"),
        ("BTC/USD:BTC-220325-194000-P", Side.SHORT, "cross"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {"markPx": ""},
        {"markPx": "0"},
        {"avgPx": "-1"},
        {"avgPx": "1e400"},
        {"pos": "1e30"},
        {"mgnRatio": "1e-999990"},
        {"margin": ""},
        {"pos": "many"},
        {"pos": ""},
        {"pos": None},
        {"posSide": "up"},
        {"mgnMode": "both"},
        {"mgnRatio": "NaN"},
    ],
)
def test_row_is_told_as_unreadable_and_the_others_go_on_when_it_cannot_be_true(broken):
    good, bad = position_row(instId="ETH-USDT-SWAP", posSide="short"), position_row(**broken)
    positions, unguarded = read(good, bad, bad)
    assert len(positions) == 1
    assert [(one.symbol, one.instrument_id, one.mode) for one in unguarded] == [
        ("BTC-USDT-SWAP", "BTC-USDT-SWAP", "unreadable")
    ]  # fmt: skip
    assert unguarded[0].why
    # without any that can be read the whole reading is worth nothing
    with pytest.raises(BadReading, match="BTC-USDT-SWAP"):
        read(bad, position_row(instId="ETH-USDT-SWAP", mgnMode="cross"))


@pytest.mark.parametrize(
    ("foreign", "told"),
    [
        ({"instType": "OPTION", "posSide": "up"}, ("BTC/USDT:USDT-SWAP", Side.LONG, "isolated option")),
        ({"instType": "EVENTS", "pos": "-3"}, ("BTC/USDT:USDT-SWAP", Side.SHORT, "isolated events")),
        ({"instType": "EVENTS", "pos": "-3", "posSide": "long"}, ("BTC/USDT:USDT-SWAP", Side.LONG, "isolated events")),
        ({"instType": "EVENTS", "instId": "ELECTION", "mgnMode": "cash"}, ("ELECTION", Side.LONG, "cash")),
        ({"instType": "MARGIN", "instId": "BTC", "pos": ""}, ("BTC", Side.LONG, "isolated spot margin")),
        ({"instType": None, "pos": None, "mgnMode": ""}, ("BTC/USDT:USDT-SWAP", Side.LONG, "isolated of an unknown kind")),
    ],
)
def test_foreign_row_is_told_as_far_as_it_can_be_read_and_never_stops_the_others(foreign, told):
    positions, unguarded = read(position_row(**foreign), position_row(instId="ETH-USDT-SWAP"))
    assert len(positions) == 1
    assert [(one.symbol, one.side, one.mode) for one in unguarded] == [told]
    assert read(position_row(**foreign))[0] == ()


def test_foreign_row_is_nothing_when_it_is_flat():
    assert read(position_row(instType="EVENTS", pos="0")) == ((), ())


@pytest.mark.parametrize("rows", [["BTC"], [{"instType": "SWAP", "pos": "1"}], [{"pos": "1"}]])
def test_family_is_unreadable_when_rows_are_no_rows(rows):
    with pytest.raises(BadReading):
        read(*rows)


CASES = [
    case
    for case in shared_json("payloads/positions.json")
    if case["exchange"] == "okx" and case["payload"]["instType"] in {"SWAP", "FUTURES"}
]


def known_of(case: dict[str, Any]):
    params, payload = case["params"], case["payload"]
    base, quote = payload["instId"].split("-")[:2]
    inverse = payload["ccy"] == base
    return terms(
        f"{base}/{quote}:{payload['ccy']}",
        Contract.INVERSE if inverse else Contract.LINEAR,
        size=str(params["ctVal"]),
        tick=format(params["tick"], "f") if "tick" in params else None,
        rate=str(params["mmr"]),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_recorded_row_is_read_whole(case):
    positions, unguarded = read(case["payload"], known=known_of(case))
    if case["marginMode"] == "isolated":
        assert positions[0].isolated_margin == Decimal(case["payload"]["margin"])
        assert positions[0].taker_fee_rate == Decimal(str(case["params"]["taker"]))
    else:
        assert unguarded[0].mode == "cross"


@pytest.mark.parametrize("case", [case for case in CASES if case["marginMode"] == "isolated"], ids=lambda case: case["id"])
def test_assessment_meets_the_exchanges_ratio_and_price_when_recorded(case):
    from monitor.margin.assessment import assess

    row = case["payload"]
    figures = assess(only(row, known=known_of(case))).ours
    assert figures.buffer is not None
    assert figures.liquidation_price is not None
    assert abs(figures.buffer / Decimal(row["mgnRatio"]) - 1) < Decimal("1e-9")
    assert abs(figures.liquidation_price - Decimal(row["liqPx"])) < Decimal("1e-9")
