"""What OKX says around a position: instruments named as ccxt names them, ladders in contracts, fees, free balance."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.async_support as ccxt
import pytest

from monitor.errors import BadQuantity
from monitor.exchanges.okx.terms import infer_listing, parse_fee_rates, parse_free, parse_instruments, parse_tiers
from monitor.margin.position import Contract
from monitor.margin.tiers import TierBasis
from tests.exchanges.okx.rows import instrument_row, position_row, tier_rows
from tests.shared import shared_json

# The last of them is a dollar-margined future: its family is not its underlying, and it is linear.
INSTRUMENTS = json.loads((Path(__file__).with_name("testdata") / "public__instruments.json").read_text())["data"]


async def test_instruments_are_named_as_ccxt_names_them():
    exchange = ccxt.okx()
    try:
        theirs = {row["instId"]: exchange.parse_market(row)["symbol"] for row in INSTRUMENTS}
    finally:
        await exchange.close()
    assert {name: listing.instrument.symbol for name, listing in parse_instruments(INSTRUMENTS).items()} == theirs
    assert theirs["BTC-USD_UM_XPERP-310404"] == "BTC/USD:USD-310404"


def test_contract_is_told_by_its_type_then_by_its_settlement():
    listings = parse_instruments(INSTRUMENTS)
    kinds = {name: listing.instrument.contract for name, listing in listings.items()}
    inverse = {name for name, contract in kinds.items() if contract is Contract.INVERSE}
    assert inverse == {"BTC-USD-SWAP", "BTC-USD-210430"}
    bare = parse_instruments([row | {"ctType": ""} for row in INSTRUMENTS])
    assert {name: listing.instrument.contract for name, listing in bare.items()} == kinds


def test_contract_size_counts_the_multiplier():
    listing = parse_instruments([instrument_row(ctVal="0.01", ctMult="10")])["BTC-USDT-SWAP"]
    assert listing.instrument.contract_size == Decimal("0.1")
    assert listing.instrument.price_tick == Decimal("0.1")
    assert parse_instruments([instrument_row(ctVal="0.01", ctMult="")])["BTC-USDT-SWAP"].instrument.contract_size == Decimal(
        "0.01"
    )


def test_instrument_is_left_out_when_only_announced():
    announced = {"instId": "ETH-USD_UM-SWAP", "instType": "SWAP", "state": "preopen"}
    rows: Any = [announced, "X", instrument_row(ctVal="0"), INSTRUMENTS[1]]
    assert set(parse_instruments(rows)) == {"BTC-USD-SWAP"}


def test_recorded_instruments_are_read():
    listings = parse_instruments(shared_json("payloads/nautilus/okx__http_get_instruments_swap.json")["data"])
    assert listings["BTC-USD-SWAP"].instrument.contract_size == 100
    assert listings["ETH-USDT-SWAP"].instrument.contract_size == Decimal("0.1")
    assert listings["ETH-USDT-SWAP"].inst_family == "ETH-USDT"


@pytest.mark.parametrize(
    ("row", "symbol", "size"),
    [
        # 995.9 / (16.5 x 60349.6) = 0.00100013: USDT was not quite a dollar.
        (position_row(), "BTC/USDT:USDT", "0.001"),
        (position_row(instId="BTC-USD-SWAP", ccy="BTC", pos="-3", notionalUsd="300"), "BTC/USD:BTC", "100"),
        # 613 x 0.01304 x 25 = 199.838: a size of two digits stays what it is.
        (position_row(pos="613", markPx="0.01304", notionalUsd="199.9"), "BTC/USDT:USDT", "25"),
        # 0.05115 / (16.5 x 3.1) = 0.001: the profit tells where the notional is missing.
        (position_row(notionalUsd=""), "BTC/USDT:USDT", "0.001"),
        (position_row(notionalUsd="", markPx="", mgnMode="cross"), "BTC/USDT:USDT", "1"),
    ],
)
def test_instrument_is_inferred_from_the_row_when_the_list_is_missing(row, symbol, size):
    instrument = infer_listing(row).instrument
    assert (instrument.symbol, instrument.contract_size) == (symbol, Decimal(size))
    assert instrument.price_tick is None


def test_inferred_name_is_ccxts_when_dated():
    row = position_row(
        instType="FUTURES", instId="BTC-USD_UM_XPERP-310404", ccy="USD", pos="1", markPx="100000", notionalUsd="10"
    )
    listing = infer_listing(row)
    assert listing.instrument.symbol == "BTC/USD:USD-310404"
    assert listing.instrument.contract is Contract.LINEAR
    assert listing.inst_family == "BTC-USD_UM_XPERP"


def test_recorded_future_is_inferred():
    row = shared_json("payloads/jkorf/okx__Endpoints__UnifiedApi__Account__GetAccountPositions.json")["messages"][0]["data"][0]
    listing = infer_listing(row)
    assert listing.instrument.symbol == "ETH/USD:ETH-210430"
    assert listing.instrument.contract is Contract.INVERSE


@pytest.mark.parametrize("missing", [{"notionalUsd": "", "upl": ""}, {"notionalUsd": "0", "upl": "0"}, {"markPx": "x"}])
def test_nothing_is_inferred_when_the_row_has_no_value(missing):
    with pytest.raises(BadQuantity):
        infer_listing(position_row(**missing))


def test_ladder_counts_contracts_and_leaves_no_gap():
    table = parse_tiers(list(reversed(tier_rows())))["BTC-USDT"]
    assert table.basis is TierBasis.CONTRACTS
    assert [(tier.floor, tier.cap, tier.rate, tier.deduction) for tier in table.tiers] == [
        (Decimal(0), Decimal(50000), Decimal("0.004"), Decimal(0)),
        (Decimal(50000), Decimal(100000), Decimal("0.005"), Decimal(0)),
    ]
    assert table.index_at(Decimal("50000.5")) == 1


def test_ladders_of_several_families_come_apart():
    rows = tier_rows("BTC-USDT") + tier_rows("ETH-USDT", ("0", "10", "0.01"))
    assert {family: len(table.tiers) for family, table in parse_tiers(rows).items()} == {"BTC-USDT": 2, "ETH-USDT": 1}


def test_family_is_left_out_when_its_ladder_cannot_be_true():
    rows: list[Any] = tier_rows("BTC-USDT", ("0", "10", "0.4"), ("11", "20", "1.5")) + tier_rows("ETH-USDT")
    rows += [*tier_rows("X", ("0", "?", "0")), "Y"]
    assert set(parse_tiers(rows)) == {"ETH-USDT"}


def test_ladder_belongs_to_the_asked_family_when_rows_do_not_say():
    rows = [row | {"instFamily": "", "uly": ""} for row in tier_rows()]
    assert set(parse_tiers(rows, only_family="BTC-USDT")) == {"BTC-USDT"}
    assert parse_tiers(rows) == {}


def test_fee_is_positive_when_charged():
    row = {"taker": "-0.0005", "takerU": "-0.0003", "takerUSDC": "0.0001"}
    assert parse_fee_rates([row]) == {"": Decimal("0.0005"), "USDT": Decimal("0.0003")}
    recorded = parse_fee_rates(shared_json("payloads/nautilus/okx__http_get_trade_fee_response.json")["data"])
    assert recorded == {"": Decimal("0.001")}


def test_free_balance_is_the_available_one_not_the_equity():
    details = [{"ccy": "USDT", "availBal": "94.4", "availEq": "200"}, {"ccy": "BTC", "availBal": ""}, {"ccy": "ETH"}]
    assert parse_free([{"details": details}]) == {"USDT": Decimal("94.4"), "BTC": Decimal(0)}
    recorded = parse_free(shared_json("payloads/nautilus/okx__http_get_account_balance.json")["data"])
    assert recorded == {"USDT": Decimal("94.42612990333333")}
