import json
from decimal import Decimal

import pytest

from monitor.errors import BadReading, BadReply
from monitor.exchanges.binance.parse import open_rows, parse_free, tells_no_mode
from monitor.exchanges.binance.terms import SymbolSetting, parse_settings, parse_tiers
from monitor.exchanges.guard import read_json
from monitor.margin.position import Position, Side
from monitor.margin.reading import Unguarded
from monitor.margin.tiers import TierBasis
from tests.exchanges.binance.rows import coinm_row, parsed, position, replies, usdm_row
from tests.shared import shared_json

ISOLATED = SymbolSetting(isolated=True, leverage=Decimal(10), adds_margin=False)
CROSS = SymbolSetting(isolated=False, leverage=Decimal(10), adds_margin=False)


def test_linear_row_becomes_a_position():
    # Binance's usage: the requirement of 116.5 over the equity of 2225.5.
    found = position(usdm_row(), setting=ISOLATED)
    assert found.key.symbol == "BTC/USDT:USDT"
    assert (found.key.side, found.hedged) == (Side.LONG, False)
    assert (found.contracts, found.entry_price, found.mark_price) == (Decimal("0.5"), Decimal(60000), Decimal(58250))
    assert found.isolated_margin == Decimal("3100.5")
    assert found.leverage == 10
    assert found.says.requirement == Decimal("116.5")
    assert found.says.liquidation_price == Decimal("54015.06024096")
    assert found.says.margin_usage == Decimal("116.5") / Decimal("2225.5")
    assert found.changed == "1763800000123"


def test_inverse_row_becomes_a_position():
    found = position(coinm_row())
    assert found.key.symbol == "BTC/USD:BTC"
    assert (found.contracts, found.instrument.contract_size) == (Decimal(40), Decimal(100))
    assert found.isolated_margin == Decimal("0.0142")
    assert found.leverage == 5
    assert found.says.requirement is None
    assert found.degraded == ("no_tiers", "contract_size_inferred")


def test_inverse_short_row_is_a_short():
    found = position(replies("dapi_v1_positionRisk")[1])
    assert (found.key.symbol, found.key.side, found.contracts) == ("ETH/USD:ETH-260327", Side.SHORT, Decimal(55))
    assert found.exchange_adds_margin


def test_hedge_rows_are_two_positions():
    rows = replies("fapi_v3_positionRisk_hedge")
    legs = [position(row) for row in rows]
    assert [(leg.key.side, leg.hedged, leg.contracts) for leg in legs] == [
        (Side.LONG, True, Decimal(6)),
        (Side.SHORT, True, Decimal(2)),
    ]


def test_position_carries_its_tiers_and_no_mark_when_all_is_known():
    tiers = parse_tiers(replies("fapi_v1_leverageBracket"), TierBasis.NOTIONAL)["BTCUSDT"]
    instrument = position(usdm_row()).instrument
    found = position(usdm_row(), tiers=tiers, instrument=instrument, setting=ISOLATED)
    assert found.tiers is tiers.table
    assert found.degraded == ()


def test_leverage_is_worked_out_and_marked_when_no_setting_is_known():
    # notional 29125 / positionInitialMargin 2912.5 = 10
    found = position(usdm_row())
    assert found.leverage == 10
    assert "leverage_inferred" in found.degraded
    bare = position(usdm_row(positionInitialMargin=None))
    assert bare.leverage is None
    assert "no_leverage" in bare.degraded


def test_wallet_is_worked_out_when_an_older_shape_lacks_it():
    assert position(usdm_row(isolatedWallet=None)).isolated_margin == Decimal("3100.5")


@pytest.mark.parametrize(
    ("changes", "setting", "guarded"),
    [
        ({}, None, True),
        ({}, CROSS, True),
        ({"isolatedWallet": "0", "isolatedMargin": "0"}, None, False),
        ({"isolatedWallet": "0", "isolatedMargin": "0"}, CROSS, False),
        ({"isolatedWallet": "0", "isolatedMargin": "0.00000000"}, ISOLATED, True),
        ({"isolatedWallet": "-1.5", "isolatedMargin": "0"}, None, True),
        ({"marginType": "cross"}, ISOLATED, False),
        ({"marginType": "isolated", "isolatedWallet": "0", "isolatedMargin": "0"}, None, True),
    ],
)
def test_margin_mode_is_told_by_the_row_first_and_the_setting_where_the_row_is_silent(changes, setting, guarded):
    assert isinstance(parsed(usdm_row(**changes), setting=setting), Position) is guarded


def test_cross_row_is_told_as_unguarded_even_if_its_figures_are_odd():
    row = usdm_row(isolatedWallet="0", isolatedMargin="0", entryPrice="0.0", markPrice=None)
    assert parsed(row) == Unguarded(symbol="BTC/USDT:USDT", side=Side.LONG, mode="cross")


@pytest.mark.parametrize(
    ("symbol", "profit", "size"),
    [
        # 40 contracts from 60000 to 58000: 40 x 5 x (1/60000 - 1/58000) = -0.00011494
        ("XYZUSD_PERP", "-0.00011494", "5"),
        ("BTCUSD_PERP", "-0.00229885", "100"),
        ("XYZUSD_PERP", "-0.00000001", "10"),  # no whole dollar: the usual one
        ("XYZUSD_PERP", "0", "10"),
        ("BTCUSD_PERP", "", "100"),
    ],
)
def test_contract_size_of_a_row_without_notional_follows_from_the_profit_or_is_the_usual_one(symbol, profit, size):
    row = coinm_row(
        symbol=symbol, notionalValue="", positionAmt="40", entryPrice="60000", markPrice="58000", unRealizedProfit=profit
    )  # fmt: skip
    if not profit:
        row["isolatedWallet"] = "0.01"
    assert position(row).instrument.contract_size == Decimal(size)


def test_cross_row_of_an_unknown_instrument_needs_no_contract_size():
    row = coinm_row(symbol="NEWCOIN_PERP", marginType="cross", notionalValue="0")
    assert parsed(row) == Unguarded(symbol="NEWCOIN_PERP", side=Side.LONG, mode="cross")


@pytest.mark.parametrize(
    ("row", "silent"),
    [
        (usdm_row(), False),
        (usdm_row(isolatedWallet="0", isolatedMargin="0"), True),
        (usdm_row(isolatedWallet="0", isolatedMargin="0", marginType="isolated"), False),
        (usdm_row(isolatedWallet=None, isolatedMargin=None), True),
    ],
)
def test_row_tells_no_mode_only_when_v3_shows_an_empty_wallet(row, silent):
    assert tells_no_mode(row) is silent


@pytest.mark.parametrize(
    "changes",
    [
        {"markPrice": "0"},
        {"markPrice": "-5"},
        {"markPrice": "NaN"},
        {"markPrice": ""},
        {"markPrice": None},
        {"entryPrice": "1e999999999"},
        {"isolatedWallet": "plenty"},
        {"isolatedWallet": None, "isolatedMargin": None},
        {"positionAmt": "--"},
        {"positionSide": None},
        {"positionSide": "SHORT"},
        {"liquidationPrice": "soon"},
        {"maintMargin": "Infinity"},
    ],
)
def test_row_that_cannot_be_true_is_refused_by_name(changes):
    with pytest.raises(BadReading, match=r"^BTCUSDT: "):
        parsed(usdm_row(**changes))


@pytest.mark.parametrize("price", ["0", "", "0.00000000", "-3"])
def test_liquidation_price_of_nothing_is_no_figure(price):
    assert position(usdm_row(liquidationPrice=price)).says.liquidation_price is None


def test_usage_is_no_figure_when_the_equity_is_gone():
    assert position(usdm_row(isolatedMargin="-4")).says.margin_usage is None


def test_open_rows_leave_out_symbols_without_a_position():
    rows = open_rows(replies("fapi_v3_positionRisk"))
    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDC", "BTCUSDT_260327", "SOLUSDT"]
    assert len(open_rows(replies("dapi_v1_positionRisk"))) == 3


@pytest.mark.parametrize("amount", ["0", "0.000", "-0.0", 0, "0E-8", "0e-10"])
def test_open_rows_know_every_spelling_of_zero(amount):
    assert open_rows([usdm_row(positionAmt=amount)]) == []


@pytest.mark.parametrize("amount", ["", "-", "0.0001", "-1", "1E-8", "x0"])
def test_open_rows_drop_nothing_that_is_not_plainly_zero(amount):
    assert len(open_rows([usdm_row(positionAmt=amount)])) == 1


@pytest.mark.parametrize(
    "payload", [{}, {"positions": []}, [[]], [None], [{}], [{"positionAmt": "1"}], [{"symbol": 1, "positionAmt": "1"}]]
)
def test_open_rows_refuse_another_envelope(payload):
    with pytest.raises(BadReply):
        open_rows(payload)


def test_free_balances_are_never_negative():
    free = parse_free(replies("fapi_v3_balance"), str.upper)
    assert free == {"USDT": Decimal("412.5"), "USDC": Decimal(0)}


def recorded():
    return [
        row for row in shared_json("payloads/positions.json") if row["exchange"] == "binance" and "markPrice" in row["payload"]
    ]


def test_recorded_rows_are_read_to_the_last_digit():
    # Binance's own identity: isolatedMargin = isolatedWallet + unRealizedProfit, and its liquidation price follows from it.
    for case in recorded():
        row = read_json(json.dumps(case["payload"]))
        found = parsed(row)
        if case["marginMode"] == "cross":
            assert isinstance(found, Unguarded), case["id"]
            continue
        assert isinstance(found, Position)
        assert found.isolated_margin + Decimal(row["unRealizedProfit"]) == Decimal(row["isolatedMargin"])
        assert found.says.liquidation_price == Decimal(row["liquidationPrice"])
        if case["product"] == "coinm":
            assert found.instrument.contract_size == case["params"]["contractSize"]


def test_recorded_symbol_settings_are_read():
    examples = shared_json("payloads/official_doc_examples.json")[
        "docs/binance/usdm/endpoints/private/get_fapi_v1_symbolconfig.md"
    ]
    assert parse_settings(examples[0]["json"]) == {
        "BTCUSDT": SymbolSetting(isolated=False, leverage=Decimal(21), adds_margin=False)
    }


def test_entry_of_zero_is_inferred_from_the_profit_of_a_row():
    # profit -875 on 0.5: entry 58250 + 875 / 0.5 = 60000
    found = position(usdm_row(entryPrice="0.00000", unRealizedProfit="-875"), setting=ISOLATED)
    assert found.entry_price == Decimal(60000)
    assert "entry_inferred" in found.degraded


def test_entry_of_zero_is_inferred_on_a_documented_short_leg():
    rows = shared_json("payloads/nautilus/binance__py__http_futures_account_positions_hedge.json")
    found = position(rows[1])
    # 6679.50671178 - (-1156.4671178) / (-10) = 6563.86; with 0.5 % less 50 the exchange's own liquidation price comes out
    assert found.entry_price == Decimal("6563.86")
    wallet, quantity = found.isolated_margin, Decimal(10)
    price = (wallet + quantity * found.entry_price + 50) / (quantity * Decimal("1.005"))
    assert round(price, 2) == Decimal("7189.95")


def test_entry_of_zero_is_inferred_on_an_inverse_row():
    # 40 contracts of 100 at mark 50000 are 0.08 coin; 0.01 coin of profit: 1 / entry = 1 / 50000 + 0.01 / 4000
    found = position(coinm_row(entryPrice="0.0", markPrice="50000", notionalValue="0.08", unRealizedProfit="0.01"))
    assert abs(found.entry_price - 1 / (Decimal(1) / 50000 + Decimal("0.01") / 4000)) < Decimal("1e-20")


def test_row_is_refused_when_neither_entry_nor_profit_leads_to_a_price():
    with pytest.raises(BadReading, match="BTCUSDT"):
        position(usdm_row(entryPrice="0", unRealizedProfit="999999999"), setting=ISOLATED)
    with pytest.raises(BadReading, match="BTC"):
        position(coinm_row(entryPrice="0", unRealizedProfit="-999"))
