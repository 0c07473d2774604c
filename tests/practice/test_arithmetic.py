"""Liquidation prices found by halving, against figures that exchanges printed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.practice.engine.arithmetic import Stake, crossing
from monitor.practice.engine.binance import BinanceTerms
from monitor.practice.engine.bybit import BybitTerms
from monitor.practice.engine.okx import OkxTerms
from monitor.practice.engine.terms import Terms
from monitor.practice.tiers import ladder, table
from tests.practice.engines import contract, stake

BINANCE, BYBIT, OKX = BinanceTerms(), BybitTerms(), OkxTerms()

FOUR = ladder({"rate": "0.004"})
SMALL = table(("50000", "0.004", 125), ("250000", "0.005", 100), ("1000000", "0.01", 50))
DEAR = table(("5000", "0.005", 50), ("50000", "0.015", 25))
TWENTY = ladder({"rate": "0.02"})


@pytest.mark.parametrize(
    ("terms", "position", "printed", "within"),
    [
        # official positionRisk example, hedge LONG of tier 2
        (
            BINANCE,
            stake(contract(tiers=SMALL), long=True, quantity="20", entry="6563.665", margin="13200.70726908"),
            "5930.78",
            "0.006",
        ),
        # raw reply of 2024-07: short
        (
            BINANCE,
            stake(contract(tiers=FOUR), long=False, quantity=".002", entry="66351.2", margin="13.21988880"),
            "72670.46254980",
            "1e-8",
        ),
        # raw reply of 2024-10-24: tier 2, the notional at liquidation counts
        (
            BINANCE,
            stake(contract(tiers=DEAR), long=True, quantity="65457", entry=".4281605481461", margin="11962.99576933"),
            "0.24836096",
            "1.5e-8",
        ),
        # COIN-M: 2 contracts of 100 USD
        (
            BINANCE,
            stake(
                contract(inverse=True, size="100", tiers=FOUR),
                long=True,
                quantity="2",
                entry="37643.10000021",
                margin=".00268058",
            ),
            "25119.97445760",
            "1e-7",
        ),
        # help centre: 1 BTC at 40,000, 50x, 3,000 added: IM 800 + 21.56 + 3000
        (
            BYBIT,
            stake(contract("bybit"), long=True, quantity="1", entry="40000", margin="3821.56", leverage="50", fee_rate="0.00055"),
            "36380.25",
            "0.005",
        ),
        # recorded swaps: the price shown is one tick nearer to the mark
        (
            OKX,
            stake(
                contract("okx", size="10", tick="0.00001", tiers=TWENTY),
                long=True,
                quantity="613",
                entry="0.01305",
                margin="9.9995625",
            ),
            "0.0116677335375191",
            "1e-15",
        ),
        (
            OKX,
            stake(contract("okx", size="0.01", tiers=FOUR), long=False, quantity="1", entry="26598.3", margin="132.9915"),
            "39718.61577899453",
            "1e-10",
        ),
        (
            OKX,
            stake(
                contract("okx", inverse=True, size="10", tick="0.01"),
                long=False,
                quantity="9374",
                entry="4778.8384462538659751",
                margin="11.2907226596551759",
            ),
            "11198.22376279407",
            "1e-9",
        ),
        (
            OKX,
            stake(
                contract("okx", inverse=True, size="100", tiers=FOUR),
                long=True,
                quantity="1",
                entry="93511.7",
                margin="0.0002138769800998",
                fee_rate="0.0003",
            ),
            "78261.60025833434",
            "1e-9",
        ),
    ],
)
def test_liquidation_price_is_what_the_exchange_printed(terms: Terms, position: Stake, printed: str, within: str) -> None:
    found = terms.liquidation_price(position)
    assert found is not None
    assert abs(terms.published(position, found) - Decimal(printed)) <= Decimal(within)


def test_liquidation_price_is_none_when_an_inverse_short_is_fully_covered() -> None:
    # 4 contracts of 100 USD at 61,765: worth .00647614 BTC at entry; .00684259 of margin covers any rise
    covered = stake(contract(inverse=True, size="100"), long=False, quantity="4", entry="61765.49999957", margin=".00684259")
    assert BINANCE.liquidation_price(covered) is None


def test_liquidation_price_is_none_when_a_linear_long_is_fully_paid() -> None:
    assert BINANCE.liquidation_price(stake(contract(), long=True, quantity="1", entry="100", margin="100")) is None


def test_bybit_initial_margin_holds_the_closing_fee_of_the_official_example() -> None:
    # 40000 / 50 + 40000 x (1 - 1/50) x 0.055 % = 800 + 21.56
    position = stake(contract("bybit"), long=True, quantity="1", entry="40000", margin="0", leverage="50", fee_rate="0.00055")
    assert BYBIT.initial(position) == Decimal("821.56")


def test_bybit_requirement_at_entry_is_that_of_the_official_example() -> None:
    # 40000 x 0.5 % + 21.56
    position = stake(
        contract("bybit"), long=True, quantity="1", entry="40000", margin="821.56", leverage="50", fee_rate="0.00055"
    )
    assert BYBIT.requirement(position, Decimal(40000)) == Decimal("221.56")


def test_binance_removable_margin_is_that_of_the_faq() -> None:
    # min(13200.707 - 617.95, 13200.707 + 20 x (6679.50671178 - 6563.665) - 6679.50671178 x 20 x 10 %) = 2158.52808112
    position = stake(contract(tiers=SMALL), long=True, quantity="20", entry="6563.665", margin="13200.70726908")
    assert round(BINANCE.removable(position, Decimal("6679.50671178")), 8) == Decimal("2158.52808112")


def test_crossing_finds_a_falling_line_through_zero() -> None:
    found = crossing(lambda price: 300 - price, near=Decimal(1), rising=False)
    assert found is not None
    assert abs(found - 300) < Decimal("1e-11")


def test_crossing_is_none_when_the_line_never_reaches_zero() -> None:
    assert crossing(lambda price: price + 1, near=Decimal(5), rising=True) is None
