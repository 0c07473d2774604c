"""What Bybit says around a position: ladders with their deductions, instruments named as ccxt names them, fees, free balance."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest

from monitor.errors import BadReading
from monitor.exchanges.bybit.guess import guess_instrument
from monitor.exchanges.bybit.terms import parse_fee_rates, parse_free, parse_instruments, parse_tiers
from monitor.margin.position import Contract
from monitor.margin.tiers import TierBasis
from tests.shared import shared_json

TESTDATA = Path(__file__).with_name("testdata")


def own_rows(name: str) -> list[Any]:
    """The rows of a reply of ours, named after its endpoint."""
    rows: list[Any] = json.loads((TESTDATA / f"{name}.json").read_text())["result"]["list"]
    return rows


# The head of BTCUSDT as served on 2026-08-05.
BTCUSDT = [
    (row["riskLimitValue"], Decimal(row["maintenanceMargin"]), Decimal(row["mmDeduction"] or 0))
    for row in own_rows("market__risk-limit")
]
LINEAR_ROWS = own_rows("market__instruments-info__linear")
INVERSE_ROWS = own_rows("market__instruments-info__inverse")


def ladder(scale: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [
        row | {name: str(Decimal(row[name]) * scale) for name in ("maintenanceMargin", "initialMargin")} | changes
        for row in own_rows("market__risk-limit")
    ]


def test_ladder_keeps_the_given_deductions_when_they_join():
    table, rebuilt = parse_tiers(reversed(ladder()), symbol="BTCUSDT", category="linear")
    assert not rebuilt
    assert table.basis is TierBasis.NOTIONAL
    assert [(tier.rate, tier.deduction) for tier in table.tiers] == [(rate, deduction) for _, rate, deduction in BTCUSDT]
    assert [tier.floor for tier in table.tiers] == [Decimal(0), *(Decimal(limit) for limit, _, _ in BTCUSDT[:-1])]


def test_ladder_is_in_shares_when_the_reply_is_in_percents():
    table, _ = parse_tiers(ladder(scale=100), symbol="BTCUSDT", category="linear")
    assert table.tiers[0].rate == Decimal("0.005")
    # A rate of one half is legal as a share: 2x leverage.
    steep_row = ladder(maintenanceMargin="0.25", initialMargin="0.5", maxLeverage="2")[0]
    steep, _ = parse_tiers([steep_row], symbol="BTCUSDT", category="linear")
    assert steep.tiers[0].rate == Decimal("0.25")


def test_deductions_are_rebuilt_when_the_reply_has_none():
    # 2,000,000 x (0.0056 - 0.005) = 1200; 1200 + 2,600,000 x 0.0007 = 3020; and so on: the served figures.
    table, rebuilt = parse_tiers(ladder(mmDeduction=""), symbol="BTCUSDT", category="linear")
    assert rebuilt
    assert [tier.deduction for tier in table.tiers] == [deduction for _, _, deduction in BTCUSDT]


def test_deductions_are_rebuilt_when_they_contradict_the_rule():
    rows = ladder()
    rows[3]["mmDeduction"] = "43000"
    table, rebuilt = parse_tiers(rows, symbol="BTCUSDT", category="linear")
    assert rebuilt
    assert table.tiers[3].deduction == 4300
    assert table.tiers[4].deduction == 5820


def test_ladder_counts_base_coin_when_inverse():
    row = shared_json("payloads/bybit_docs/market__risk-limit.json")["examples"][0]["result"]["list"][0]
    table, rebuilt = parse_tiers([row], symbol="BTCUSD", category="inverse")
    assert table.basis is TierBasis.BASE
    assert not rebuilt
    # The documented example is in percents: "0.5" is half a percent.
    assert [(tier.cap, tier.rate, tier.deduction) for tier in table.tiers] == [(Decimal(150), Decimal("0.005"), Decimal(0))]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"symbol": "ETHUSDT", "riskLimitValue": "1", "maintenanceMargin": "0.01", "initialMargin": "0.02", "maxLeverage": "50"}],
        [{"symbol": "BTCUSDT", "riskLimitValue": "1", "maintenanceMargin": "0.01", "initialMargin": "0.3", "maxLeverage": "50"}],
        [{"symbol": "BTCUSDT", "riskLimitValue": "", "maintenanceMargin": "0.01", "initialMargin": "0.02", "maxLeverage": "50"}],
        ["BTCUSDT"],
    ],
)
def test_ladder_is_refused_when_it_cannot_be_true(rows):
    with pytest.raises(BadReading):
        parse_tiers(rows, symbol="BTCUSDT", category="linear")


async def ccxt_symbols(category, rows):
    """What ccxt itself calls these instruments."""
    exchange = ccxt.bybit()

    async def reply(_params=None):
        return {"result": {"category": category, "list": rows, "nextPageCursor": None}}

    async def none(params=None):
        return await reply() if "status" not in (params or {}) else {"result": {"list": []}}

    exchange.publicGetV5MarketInstrumentsInfo = none
    try:
        return {market["id"]: market["symbol"] for market in await exchange.fetch_future_markets({"category": category})}
    finally:
        await exchange.close()


@pytest.mark.parametrize(("category", "rows"), [("linear", LINEAR_ROWS), ("inverse", INVERSE_ROWS)])
async def test_instruments_are_named_as_ccxt_names_them(category, rows):
    ours = {name: listing.instrument.symbol for name, listing in parse_instruments(rows, category).items()}
    assert ours == await ccxt_symbols(category, rows)


@pytest.mark.parametrize(
    ("family", "category", "rows"),
    [
        ("usdt", "linear", [row for row in LINEAR_ROWS if row["settleCoin"] == "USDT"]),
        ("usdc", "linear", [row for row in LINEAR_ROWS if row["settleCoin"] == "USDC"]),
        ("inverse", "inverse", INVERSE_ROWS),
    ],
)
def test_guess_is_right_when_instruments_cannot_be_had(family, category, rows):
    for name, listing in parse_instruments(rows, category).items():
        guess = guess_instrument(name, family)
        known = listing.instrument
        assert (guess.symbol, guess.contract, guess.settle_currency) == (known.symbol, known.contract, known.settle_currency)


@pytest.mark.parametrize("name", ["", "USDT", "BTC-99XXX24", "BTC-31FEB24"])
def test_guess_is_some_name_when_the_symbol_is_strange(name):
    assert guess_instrument(name, "usdt").instrument_id == name


def test_instrument_has_its_tick_and_a_size_of_one_when_recorded():
    reply = shared_json("payloads/nautilus/bybit__http_get_instruments_inverse.json")
    listing = parse_instruments(reply["result"]["list"], "inverse")["BTCUSD"]
    assert listing.instrument.contract is Contract.INVERSE
    assert listing.instrument.contract_size == 1
    assert listing.instrument.settle_currency == "BTC"
    assert listing.instrument.price_tick == Decimal(reply["result"]["list"][0]["priceFilter"]["tickSize"])


def test_instrument_is_left_out_when_its_row_cannot_be_read():
    rows: Any = [{"symbol": "X"}, "Y", *INVERSE_ROWS]
    assert set(parse_instruments(rows, "inverse")) == {"BTCUSD", "BTCUSDZ24"}


def test_fee_is_the_accounts_own_when_recorded():
    rates = parse_fee_rates(shared_json("payloads/nautilus/bybit__http_get_fee_rate.json")["result"]["list"])
    assert rates["SOLUSDT"] == Decimal("0.00075")
    assert parse_fee_rates([{"symbol": "A", "takerFeeRate": ""}, {"symbol": "B"}, {"symbol": "C", "takerFeeRate": "1"}]) == {}


def test_free_balance_leaves_out_what_is_held_lent_or_given():
    # 1000 - 400 - 50 - 5 - 30 - 15 = 500 (ccxt says 1000 - 400 - 50 - 5 = 545).
    coin = {
        "coin": "USDT",
        "walletBalance": "1000",
        "totalPositionIM": "400",
        "totalOrderIM": "50",
        "locked": "5",
        "bonus": "30",
        "spotBorrow": "15",
    }
    owing = {"coin": "BTC", "walletBalance": "0.1", "totalPositionIM": "0.2", "totalOrderIM": "", "locked": "", "bonus": ""}
    assert parse_free([{"coin": [coin, owing, {"coin": "ETH"}]}]) == {"USDT": Decimal(500), "BTC": Decimal(0)}
