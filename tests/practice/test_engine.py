"""The engine: refusals change nothing, liquidation goes step by step as each exchange does it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.practice.engine.accounts import Kind, Mode, Slot
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.tiers import table
from tests.practice.engines import TestClock, contract, exchange


def one_account(
    name: str = "binance", *, hedge: bool = False, clock: TestClock | None = None, **terms: object
) -> PracticeExchange:
    made = exchange(contract(name, **terms), clock=clock)  # type: ignore[arg-type]
    made.add_account("main", name, balances={"USDT": "10000", "BTC": "10"}, hedge=hedge, fee_rate=Decimal("0.0005"))
    return made


def opened(
    engine: PracticeExchange, *, long: bool = True, quantity: str = "0.1", leverage: str = "10", margin: str | None = None
) -> None:
    given_margin = None if margin is None else Decimal(margin)
    engine.open("main", "TEST", long=long, quantity=Decimal(quantity), leverage=Decimal(leverage), margin=given_margin)


def move(engine: PracticeExchange, price: str) -> None:
    key = next(iter(engine.contracts))
    engine.set_marks({key: Decimal(price)})


def test_opening_takes_the_fee_from_the_margin_on_binance() -> None:
    # 0.1 x 40,000 = 4,000: margin 400, fee 2
    engine = one_account("binance")
    opened(engine)
    position = engine.account("main").positions["TEST", Slot.NET]
    assert engine.margin(position) == Decimal(398)
    assert engine.free(engine.account("main"), "USDT") == Decimal(9600)


def test_opening_takes_the_fee_from_the_wallet_on_okx() -> None:
    engine = one_account("okx", size="1")
    opened(engine)
    position = engine.account("main").positions["TEST", Slot.NET]
    assert engine.margin(position) == Decimal(400)
    assert engine.free(engine.account("main"), "USDT") == Decimal(9598)


@pytest.mark.parametrize(
    ("name", "margin", "free"), [("binance", "394", "9600"), ("okx", "396", "9598"), ("bybit", "401.8", "9592.2")]
)
def test_funding_comes_from_the_margin_or_on_bybit_from_the_wallet(name: str, margin: str, free: str) -> None:
    # 0.1 % of 4,000 is 4; bybit's margin holds 4000 x 0.9 x 0.05 % = 1.8 of closing fee; wallet 10000 - 401.8 - 2 - 4
    engine = one_account(name)
    opened(engine)
    engine.settle_funding(name, "TEST", Decimal("0.001"))
    account = engine.account("main")
    assert engine.margin(account.positions["TEST", Slot.NET]) == Decimal(margin)
    assert engine.free(account, "USDT") == Decimal(free)


def test_funding_comes_from_the_margin_on_bybit_when_the_wallet_is_empty() -> None:
    engine = one_account("bybit")
    opened(engine)
    account = engine.account("main")
    engine.deposit("main", "USDT", 1 - engine.free(account, "USDT"))
    engine.settle_funding("bybit", "TEST", Decimal("0.001"))  # 4: 1 from the wallet, 3 from the margin
    assert engine.free(account, "USDT") == 0
    assert engine.margin(account.positions["TEST", Slot.NET]) == Decimal("398.8")


def test_liquidation_comes_at_the_mark_where_equity_meets_the_requirement() -> None:
    # margin 398, long 0.1 at 40,000, rate 0.5 %: (398 - 4000) / (0.0005 - 0.1) = 36,201.005...
    engine = one_account("binance")
    opened(engine)
    move(engine, "36201.01")
    assert engine.account("main").positions
    move(engine, "36201.00")
    assert not engine.account("main").positions


@pytest.mark.parametrize(
    ("name", "price", "fee", "penalty"),
    [
        # mark 36,000: profit -400, margin 398: the fund gives 2
        ("binance", "36020.1005", "0", "2"),
        # beyond the bankruptcy price: the loss is the margin
        ("okx", "36000", "0", "0"),
        # closed where margin, loss and fee of 0.05 % meet: (4000 - 401.8) / 0.9995 / 0.1 = 36,000
        ("bybit", "36000", "-1.8", "0"),
    ],
)
def test_takeover_costs_the_owner_the_whole_margin_and_no_more(name: str, price: str, fee: str, penalty: str) -> None:
    engine = one_account(name)
    opened(engine)
    account = engine.account("main")
    margin = engine.margin(account.positions["TEST", Slot.NET])
    move(engine, "36000")
    record = account.records[-1]
    assert record.kind is Kind.TAKEOVER
    assert record.profit + record.fee + record.penalty == -margin
    if name != "binance":
        assert abs(record.price - Decimal(price)) < Decimal("0.001")
    assert (record.fee, record.penalty) == (Decimal(fee), Decimal(penalty))
    assert engine.ledger.total("USDT") == 0


def test_liquidation_steps_down_one_tier_on_bybit_and_leaves_the_rest_open() -> None:
    # 10 coins at 1,000 in tier 3 (over 5,000): cut to 5,000 worth at the mark
    tiers = table(("1000", "0.005", 100), ("5000", "0.02", 25), ("50000", "0.1", 5))
    engine = one_account("bybit", tiers=tiers, start="1000")
    opened(engine, quantity="10", leverage="5", margin="2000")
    price = engine.liquidation_price(engine.account("main").positions["TEST", Slot.NET])
    assert price is not None
    move(engine, str(round(price - Decimal("0.01"), 2)))
    position = engine.account("main").positions["TEST", Slot.NET]
    kinds = [record.kind for record in engine.account("main").records]
    assert kinds == [Kind.DEPOSIT, Kind.DEPOSIT, Kind.OPEN, Kind.CUT]
    assert position.quantity * engine.mark(position.contract) <= 5000
    assert position.liquidating_since is None


def test_liquidation_goes_two_tiers_down_on_okx_from_the_third_on() -> None:
    tiers = table(("10", "0.004", 100), ("50", "0.01", 50), ("200", "0.05", 10), continuous=False)
    engine = one_account("okx", tiers=tiers, start="100", lot="1")
    opened(engine, quantity="100", leverage="5", margin="2000")
    price = engine.liquidation_price(engine.account("main").positions["TEST", Slot.NET])
    assert price is not None
    move(engine, str(round(price - Decimal("0.2"), 2)))
    assert engine.account("main").positions["TEST", Slot.NET].quantity == 10


def test_liquidation_goes_whole_on_okx_in_the_second_tier() -> None:
    tiers = table(("10", "0.004", 100), ("500", "0.01", 50), continuous=False)
    engine = one_account("okx", tiers=tiers, start="100", lot="1")
    opened(engine, quantity="100", leverage="5", margin="2000")
    move(engine, "80.5")
    assert not engine.account("main").positions


def test_liquidation_goes_whole_on_binance_when_the_fee_would_eat_all_that_is_left() -> None:
    # tier 2 asks 0.5 % - 1; cutting 40,000 worth to 20,000 costs 1.25 % of 20,000 = 250, with about 200 left
    tiers = table(("20000", "0.004", 100), ("500000", "0.005", 75))
    engine = one_account("binance", tiers=tiers)
    opened(engine, quantity="1", leverage="10", margin="4000")
    price = engine.liquidation_price(engine.account("main").positions["TEST", Slot.NET])
    assert price is not None
    move(engine, str(round(price, 2)))
    assert [record.kind for record in engine.account("main").records][-1] is Kind.TAKEOVER
    assert not engine.account("main").positions


def test_liquidation_steps_down_on_binance_while_the_fee_leaves_enough() -> None:
    # 10 coins at 1,000, tier 3 asks 20 %: about 1,600 left when it comes, cutting 3,000 worth costs 37.5
    tiers = table(("1000", "0.005", 100), ("5000", "0.02", 25), ("50000", "0.2", 5))
    engine = one_account("binance", tiers=tiers, start="1000")
    opened(engine, quantity="10", leverage="5", margin="3000")
    price = engine.liquidation_price(engine.account("main").positions["TEST", Slot.NET])
    assert price is not None
    move(engine, str(round(price - Decimal("0.01"), 2)))
    cut = engine.account("main").records[-1]
    assert cut.kind is Kind.CUT
    assert cut.penalty == -(cut.quantity * cut.price * Decimal("0.0125")).quantize(Decimal("1e-8"), rounding="ROUND_DOWN")
    assert engine.account("main").positions["TEST", Slot.NET].quantity * cut.price <= 5000


def test_gap_beyond_bankruptcy_is_paid_by_the_insurance_fund() -> None:
    engine = one_account("binance")
    opened(engine)
    move(engine, "20000")  # loss 2,000 on a margin of 398
    assert engine.ledger.balance("USDT", "insurance") == Decimal(398 - 2000)
    assert engine.free(engine.account("main"), "USDT") == Decimal(9600)


def test_margin_change_is_refused_while_the_position_is_being_liquidated() -> None:
    clock = TestClock()
    engine = exchange(contract(), clock=clock, freeze_ms=500)
    engine.add_account("main", "binance", balances={"USDT": "10000"})
    opened(engine)
    move(engine, "36100")
    with pytest.raises(Refused) as refused:
        engine.change_margin("main", "TEST", Slot.NET, Decimal(100))
    assert refused.value.reason is Reason.LIQUIDATING
    clock.at += 500
    engine.judge()
    assert not engine.account("main").positions


def test_hedge_legs_have_their_own_margin_and_end() -> None:
    engine = one_account("binance", hedge=True)
    opened(engine)
    opened(engine, long=False)
    move(engine, "36000")
    assert list(engine.account("main").positions) == [("TEST", Slot.SHORT)]


def test_cross_position_is_never_liquidated() -> None:
    engine = one_account("okx")
    engine.open("main", "TEST", long=True, quantity=Decimal("0.1"), leverage=Decimal(10), mode=Mode.CROSS)
    move(engine, "1")
    assert engine.account("main").positions
    assert engine.liquidation_price(engine.account("main").positions["TEST cross", Slot.NET]) is None


def test_tighter_tiers_liquidate_who_falls_under_them() -> None:
    engine = one_account("binance")
    opened(engine)
    engine.change_tiers("binance", "TEST", Decimal(10))  # 5 %: 200 asked, 398 there
    assert engine.account("main").positions
    engine.change_tiers("binance", "TEST", Decimal(2))  # 10 %: 400 asked
    assert not engine.account("main").positions


def test_refused_margin_change_leaves_everything_as_it_was() -> None:
    engine = one_account("binance")
    opened(engine)
    before, records = engine.ledger.places(), len(engine.account("main").records)
    for amount in ("9600.00000001", "-398", "0.000000001"):
        with pytest.raises(Refused):
            engine.change_margin("main", "TEST", Slot.NET, Decimal(amount))
    assert engine.ledger.places() == before
    assert len(engine.account("main").records) == records
