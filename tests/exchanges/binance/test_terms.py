import json
from decimal import Decimal

import pytest

from monitor.errors import BadReply
from monitor.exchanges.binance.guess import guess_inverse, guess_linear
from monitor.exchanges.binance.terms import parse_instruments, parse_settings, parse_tiers
from monitor.exchanges.guard import read_json
from monitor.margin.position import Contract
from monitor.margin.tiers import TierBasis
from tests.exchanges.binance.rows import coinm_row, replies, usdm_row
from tests.shared import shared_json

NEVER = 4133404800000


def market(**changes):
    row = {
        "symbol": "BTCUSDT",
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER,
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "status": "TRADING",
        "filters": [{"filterType": "PRICE_FILTER", "tickSize": "0.10"}],
    }
    return row | changes


def inverse_market(**changes):
    dated = {"symbol": "BTCUSD_PERP", "quoteAsset": "USD", "marginAsset": "BTC", "contractSize": 100}
    return market(**(dated | changes))


@pytest.fixture(scope="module")
def ccxt_binance():
    import ccxt

    return ccxt.binance()


@pytest.mark.parametrize(
    ("row", "symbol"),
    [
        (market(), "BTC/USDT:USDT"),
        (market(symbol="BTCUSDC", quoteAsset="USDC", marginAsset="USDC"), "BTC/USDC:USDC"),
        (market(symbol="BTCUSDT_250627", contractType="CURRENT_QUARTER", deliveryDate=1751011200000), "BTC/USDT:USDT-250627"),
        (market(symbol="TSLAUSDT", baseAsset="TSLA", contractType="TRADIFI_PERPETUAL"), "TSLA/USDT:USDT"),
        (market(symbol="BTCSTUSDT", baseAsset="BTCST", contractType=""), "BTCST/USDT:USDT"),
        (market(symbol="1000SHIBUSDT", baseAsset="1000SHIB"), "1000SHIB/USDT:USDT"),
        (market(symbol="YOYOUSDT", baseAsset="YOYO"), "YOYOW/USDT:USDT"),
        (market(symbol="ETHBTC", baseAsset="ETH", quoteAsset="BTC", marginAsset="BTC"), "ETH/BTC:BTC"),
        (inverse_market(), "BTC/USD:BTC"),
        (inverse_market(symbol="BTCUSD_260327", contractType="NEXT_QUARTER", deliveryDate=1774598400000), "BTC/USD:BTC-260327"),
    ],
)
def test_instrument_has_the_symbol_that_ccxt_builds(ccxt_binance, row, symbol):
    found = parse_instruments({"symbols": [row]}, ccxt_binance.safe_currency_code)[row["symbol"]]
    theirs = ccxt_binance.parse_market(row)
    assert found.symbol == symbol == theirs["symbol"]
    assert found.settle_currency == theirs["settle"]
    assert found.contract.value == ("linear" if theirs["linear"] else "inverse")
    assert float(found.contract_size) == theirs["contractSize"]


def test_instruments_leave_out_a_row_that_cannot_be_read():
    found = parse_instruments(replies("fapi_v1_exchangeInfo"), str.upper)
    assert sorted(found) == ["1000SHIBUSDT", "BTCUSDT", "BTCUSDT_260327", "ETHUSDC", "SOLUSDT", "TSLAUSDT"]
    assert found["BTCUSDT"].price_tick == Decimal("0.10")
    assert found["BTCUSDT"].contract_size == 1


def test_inverse_instruments_have_their_size_in_dollars():
    found = parse_instruments(replies("dapi_v1_exchangeInfo"), str.upper)
    assert (found["BTCUSD_PERP"].contract, found["BTCUSD_PERP"].contract_size) == (Contract.INVERSE, Decimal(100))
    assert found["ETHUSD_260327"].contract_size == 10


@pytest.mark.parametrize("payload", [[], {}, {"symbols": None}, {"symbols": {}}])
def test_instruments_refuse_another_envelope(payload):
    with pytest.raises(BadReply):
        parse_instruments(payload, str.upper)


def guessed_row(name, contract):
    if contract is Contract.LINEAR:
        return usdm_row(symbol=name, marginAsset="USDC" if "USDC" in name else "USDT")
    # COIN-M: contracts of 10 dollars but for bitcoin's 100: 40 of them are 400 dollars, 400 / 58250 coins.
    return coinm_row(symbol=name) if name.startswith("BTC") else coinm_row(symbol=name, notionalValue="0.00686695")


def test_guess_gives_the_same_instrument_as_the_list():
    for name, listed in parse_instruments(replies("fapi_v1_exchangeInfo"), str.upper).items():
        guessed = guess_linear(guessed_row(name, Contract.LINEAR), str.upper)
        assert (guessed.symbol, guessed.settle_currency) == (listed.symbol, listed.settle_currency)
    for name, listed in parse_instruments(replies("dapi_v1_exchangeInfo"), str.upper).items():
        guessed = guess_inverse(guessed_row(name, Contract.INVERSE), str.upper)
        assert (guessed.symbol, guessed.contract_size) == (listed.symbol, listed.contract_size)


def test_guess_tells_the_currencies_by_the_name_when_the_row_has_no_margin_asset():
    assert guess_linear(usdm_row(symbol="BTCUSDC", marginAsset=None), str.upper).symbol == "BTC/USDC:USDC"


def test_tiers_are_read_exactly():
    # 800000 * (0.0065 - 0.005) + 300000 * (0.005 - 0.004) = 1200 + 300 = 1500.
    tiers = parse_tiers(replies("fapi_v1_leverageBracket"), TierBasis.NOTIONAL)["BTCUSDT"]
    assert tiers.marks == ()
    ladder = [("0", "300000", "0.004", "0"), ("300000", "800000", "0.005", "300"), ("800000", "3000000", "0.0065", "1500")]
    assert [(tier.floor, tier.cap, tier.rate, tier.deduction) for tier in tiers.table.tiers] == [
        tuple(map(Decimal, row)) for row in ladder
    ]


def test_tiers_are_not_multiplied_by_the_accounts_coefficient():
    table = parse_tiers(replies("fapi_v1_leverageBracket"), TierBasis.NOTIONAL)["ETHUSDC"].table
    assert table.tiers[0].cap == 75000


def test_inverse_tiers_count_coins_in_either_spelling_and_any_order():
    found = parse_tiers(replies("dapi_v2_leverageBracket"), TierBasis.BASE)
    assert [tier.floor for tier in found["BTCUSD_PERP"].table.tiers] == [0, 5, 10]
    assert [tier.floor for tier in found["ETHUSD_260327"].table.tiers] == [0, 50]
    assert {tiers.table.basis for tiers in found.values()} == {TierBasis.BASE}


def bracket(floor, cap, rate, cum=None):
    row = {"notionalFloor": floor, "notionalCap": cap, "maintMarginRatio": rate}
    return row if cum is None else row | {"cum": cum}


def test_tiers_are_rebuilt_and_marked_when_the_deduction_is_missing():
    # GALA's real ladder begins so: 7500 * (0.025 - 0.01) = 112.5; 37500 * (0.05 - 0.025) + 112.5 = 1050.
    rows = [bracket(0, 7500, "0.01"), bracket(7500, 37500, "0.025"), bracket(37500, 150000, "0.05")]
    tiers = parse_tiers({"symbol": "GALAUSDT", "brackets": rows}, TierBasis.NOTIONAL)["GALAUSDT"]
    assert [tier.deduction for tier in tiers.table.tiers] == [0, Decimal("112.5"), 1050]
    assert tiers.marks == ("tiers_rebuilt",)


def test_tiers_are_marked_when_the_deductions_do_not_follow_from_the_rates():
    rows = [bracket(0, 7500, "0.01", "0"), bracket(7500, 37500, "0.025", "150")]
    tiers = parse_tiers([{"symbol": "GALAUSDT", "brackets": rows}], TierBasis.NOTIONAL)["GALAUSDT"]
    assert tiers.table.tiers[1].deduction == 150
    assert tiers.marks == ("tiers_uneven",)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"notionalCap": 7500, "maintMarginRatio": "0.01", "cum": 0}],
        [bracket(0, 7500, "abc", 0)],
        [bracket(0, 7500, "1.5", 0)],
        [bracket(0, 7500, "0.01", 0), bracket(7000, 9000, "0.02", 75)],
        [bracket(5000, 7500, "0.01")],
    ],
    ids=["empty", "no floor", "no number", "rate above 1", "overlap", "begins above zero without deduction"],
)
def test_tiers_of_one_symbol_that_cannot_be_true_are_left_out_and_spare_the_others(rows):
    good = {"symbol": "BTCUSDT", "brackets": [bracket(0, 7500, "0.01", 0)]}
    assert list(parse_tiers([{"symbol": "BADUSDT", "brackets": rows}, good], TierBasis.NOTIONAL)) == ["BTCUSDT"]


def test_inverse_tiers_without_any_floor_are_left_out_when_the_fields_are_renamed():
    # A missing floor must never make the last tier (rate 0.5) hold for everything.
    rows = [{"qtyCap": 5, "maintMarginRatio": "0.004", "cum": 0}, {"qtyCap": 9, "maintMarginRatio": "0.5", "cum": 0}]
    assert parse_tiers([{"symbol": "BTCUSD_PERP", "brackets": rows}], TierBasis.BASE) == {}


@pytest.mark.parametrize("payload", [{}, {"code": 1}, {"symbol": "BTCUSDT"}])
def test_tiers_refuse_another_envelope(payload):
    with pytest.raises(BadReply):
        parse_tiers(payload, TierBasis.NOTIONAL)


def test_tiers_of_real_symbols_all_follow_the_recurrence():
    columns = shared_json("tiers/binance_leverage_tiers_2026-09_compact.json")["tiers"]
    payload = [
        {"symbol": symbol, "brackets": [bracket(*(str(figure) for figure in row[:4])) for row in rows]}
        for symbol, rows in columns.items()
    ]
    found = parse_tiers(payload, TierBasis.NOTIONAL)
    assert len(found) == len(columns) == 907
    assert {tiers.marks for tiers in found.values()} == {()}


@pytest.mark.parametrize(
    ("name", "basis"),
    [
        ("jkorf/binance__Endpoints__UsdFutures__Account__GetBrackets.json", TierBasis.NOTIONAL),
        ("jkorf/binance__Endpoints__CoinFutures__Account__GetBrackets.json", TierBasis.BASE),
    ],
)
def test_tiers_of_the_documents_examples_are_read(name, basis):
    (message,) = shared_json(f"payloads/{name}")["messages"]
    (tiers,) = parse_tiers(read_json(json.dumps(message)), basis).values()
    assert tiers.table.tiers[0].floor == 0


def test_settings_read_flags_in_both_forms():
    settings = parse_settings(replies("fapi_v1_symbolConfig"))
    assert {symbol for symbol, setting in settings.items() if setting.adds_margin} == {"ETHUSDC"}
    assert {symbol for symbol, setting in settings.items() if not setting.isolated} == {"SOLUSDT"}
    assert settings["BTCUSDT_260327"].leverage == 5
