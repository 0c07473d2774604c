"""What happens in the life of a position, to the last unit: each amount is worked out beside it.

Long 0.1 at 40,000 with leverage 10 and a fee of 0.05 %: Binance 400 less the fee of 2 = 398 of margin, OKX 400, Bybit 400 and the
reserved closing fee of 4,000 x 0.9 x 0.05 % = 1.8. Free of 10,000: 9,600, 9,598 and 9,596.2.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.practice.engine.accounts import Kind, Mode, Position, Record, Slot
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.engine.refusal import Reason, Refused
from tests.practice.engines import contract, exchange

EXCHANGES = ("binance", "bybit", "okx")


def life(name: str, *, long: bool = True, hedge: bool = False, inverse: bool = False) -> PracticeExchange:
    """One account with a position, as the module says; an inverse one has 4,000 contracts of 1 USD."""
    engine = exchange(contract(name, inverse=inverse))
    engine.add_account("main", name, balances={"USDT": "10000", "BTC": "1"}, hedge=hedge, fee_rate=Decimal("0.0005"))
    quantity = Decimal(4000) if inverse else Decimal("0.1")
    engine.open("main", "TEST", long=long, quantity=quantity, leverage=Decimal(10))
    return engine


def position(engine: PracticeExchange, slot: Slot = Slot.NET) -> Position:
    return engine.account("main").positions["TEST", slot]


def free(engine: PracticeExchange) -> Decimal:
    return engine.free(engine.account("main"), "USDT")


def last(engine: PracticeExchange) -> Record:
    return engine.account("main").records[-1]


def reason(refused: pytest.ExceptionInfo[Refused]) -> Reason:
    return refused.value.reason


@pytest.mark.parametrize(
    ("name", "margin", "free_after"),
    [
        # 440 more at 44,000, fee 2.2
        ("binance", "835.8", "9160"),
        # and 4,400 x 0.9 x 0.05 % = 1.98 of closing fee; the fee of opening from the wallet
        ("bybit", "843.78", "9152.02"),
        ("okx", "840", "9155.8"),
    ],
)
def test_growing_takes_margin_for_what_is_added_and_averages_the_entry(name: str, margin: str, free_after: str) -> None:
    engine = life(name)
    engine.grow("main", "TEST", quantity=Decimal("0.1"), price=Decimal(44000))
    held = position(engine)
    assert (held.quantity, held.entry, engine.margin(held)) == (Decimal("0.2"), Decimal(42000), Decimal(margin))
    assert free(engine) == Decimal(free_after)
    assert (last(engine).kind, last(engine).left) == (Kind.OPEN, Decimal("0.2"))


def test_growing_averages_the_entry_of_an_inverse_position_by_its_coins() -> None:
    # 4,000 / 40,000 + 4,400 / 44,000 = 0.2 coins for 8,400 USD
    engine = life("binance", inverse=True)
    engine.grow("main", "TEST", quantity=Decimal(4400), price=Decimal(44000))
    assert position(engine).entry == Decimal(42000)


@pytest.mark.parametrize(
    ("name", "margin", "free_after"),
    [
        # half at 42,000: profit 100, fee 1.05, and half of the margin
        ("binance", "199", "9897.95"),
        ("bybit", "200.9", "9896.05"),
        ("okx", "200", "9896.95"),
    ],
)
def test_closing_a_part_gives_back_its_share_of_the_margin(name: str, margin: str, free_after: str) -> None:
    engine = life(name)
    record = engine.close("main", "TEST", quantity=Decimal("0.05"), price=Decimal(42000))
    assert (record.kind, record.left, record.profit, record.fee) == (
        Kind.CLOSE,
        Decimal("0.05"),
        Decimal(100),
        Decimal("-1.05"),
    )
    assert (engine.margin(position(engine)), free(engine)) == (Decimal(margin), Decimal(free_after))


def test_loss_of_a_part_beyond_the_whole_margin_is_paid_by_the_insurance_fund() -> None:
    # half at 30,000 loses 500 and 0.75 of fee, with 398 of margin
    engine = life("binance")
    record = engine.close("main", "TEST", quantity=Decimal("0.05"), price=Decimal(30000))
    assert (record.penalty, record.into_margin) == (Decimal("102.75"), Decimal(-398))
    assert (engine.margin(position(engine)), free(engine)) == (Decimal(0), Decimal(9600))
    assert engine.ledger.balance("USDT", "insurance") == Decimal("-102.75")


def test_more_than_there_is_cannot_be_closed() -> None:
    engine = life("binance")
    for quantity, why in (("0.11", Reason.TOO_MANY_CONTRACTS), ("0", Reason.NOT_POSITIVE)):
        with pytest.raises(Refused) as refused:
            engine.close("main", "TEST", quantity=Decimal(quantity))
        assert reason(refused) is why


def test_flip_closes_one_side_and_opens_the_other_with_one_fill() -> None:
    # at 42,000: 200 of profit less 2.1 come back with 398; short 0.05 takes 210, of which 1.05 is its fee
    engine = life("binance")
    old = position(engine).id
    engine.flip("main", "TEST", quantity=Decimal("0.05"), price=Decimal(42000))
    held = position(engine)
    assert (held.long, held.quantity, held.entry, held.id != old) == (False, Decimal("0.05"), Decimal(42000), True)
    assert (engine.margin(held), free(engine)) == (Decimal("208.95"), Decimal("9985.9"))
    closed, opened = engine.account("main").records[-2:]
    assert (closed.kind, opened.kind, opened.fill == closed.fill, opened.id != closed.id) == (Kind.CLOSE, Kind.OPEN, True, True)


def test_flip_that_the_money_does_not_reach_changes_nothing() -> None:
    engine = life("okx")
    before, count = engine.ledger.places(), len(engine.account("main").records)
    with pytest.raises(Refused):
        engine.flip("main", "TEST", quantity=Decimal(10))
    assert (engine.ledger.places(), len(engine.account("main").records)) == (before, count)
    assert position(engine).long


def test_flip_needs_one_way_mode() -> None:
    with pytest.raises(Refused) as refused:
        life("okx", hedge=True).flip("main", "TEST", quantity=Decimal("0.1"))
    assert reason(refused) is Reason.NO_POSITION


@pytest.mark.parametrize(
    ("name", "leverage", "margin"),
    [
        ("okx", "20", "200"),
        ("okx", "5", "800"),
        # the reserve goes with it: 4,000 x 0.95 x 0.05 % = 1.9; 4,000 x 0.8 x 0.05 % = 1.6
        ("bybit", "20", "201.9"),
        ("bybit", "5", "801.6"),
        ("binance", "20", "398"),
    ],
)
def test_leverage_moves_margin_where_the_exchange_does_so(name: str, leverage: str, margin: str) -> None:
    engine = life(name)
    before, had = free(engine), engine.margin(position(engine))
    engine.set_leverage("main", "TEST", Slot.NET, Decimal(leverage))
    held = position(engine)
    assert (held.leverage, engine.margin(held)) == (Decimal(leverage), Decimal(margin))
    assert free(engine) == before + had - Decimal(margin)
    assert last(engine).kind is Kind.LEVERAGE


@pytest.mark.parametrize(
    ("name", "leverage", "why"),
    [
        ("binance", "5", Reason.LEVERAGE_DOWN),
        ("okx", "10", Reason.NOTHING_CHANGES),
        ("okx", "0", Reason.NOT_POSITIVE),
        # 20 of margin, 22 asked
        ("okx", "200", Reason.WOULD_LIQUIDATE),
        ("bybit", "0.1", Reason.NOT_ENOUGH_FREE),
    ],
)
def test_leverage_is_refused_when(name: str, leverage: str, why: Reason) -> None:
    engine = life(name)
    before = engine.ledger.places()
    with pytest.raises(Refused) as refused:
        engine.set_leverage("main", "TEST", Slot.NET, Decimal(leverage))
    assert (reason(refused), engine.ledger.places(), position(engine).leverage) == (why, before, Decimal(10))


def test_leverage_of_both_sides_changes_on_binance_and_of_one_elsewhere() -> None:
    for name, other in (("binance", 20), ("bybit", 10), ("okx", 10)):
        engine = life(name, hedge=True)
        engine.open("main", "TEST", long=False, quantity=Decimal("0.1"), leverage=Decimal(10))
        engine.set_leverage("main", "TEST", Slot.LONG, Decimal(20))
        assert [position(engine, slot).leverage for slot in (Slot.LONG, Slot.SHORT)] == [20, other]


def test_the_exchange_adds_the_initial_margin_again_and_again_before_it_liquidates() -> None:
    # 401.8 of margin: equity 1.8 at 36,000; 803.6: 3.6 at 32,000, where 16 and the reserve are asked
    engine = life("bybit")
    engine.set_auto_add("main", "TEST")
    engine.set_marks({("bybit", "TEST"): Decimal(36000)})
    assert engine.margin(position(engine)) == Decimal("803.6")
    engine.set_marks({("bybit", "TEST"): Decimal(32000)})
    assert engine.margin(position(engine)) == Decimal("1205.4")
    assert [record.kind for record in engine.account("main").records[-2:]] == [Kind.AUTO_ADD, Kind.AUTO_ADD]
    assert free(engine) == Decimal("9596.2") - 2 * Decimal("401.8")


def test_the_exchange_adds_no_more_than_makes_the_leverage_one() -> None:
    # 4,000 of margin cover the whole position: nothing can liquidate it
    engine = life("bybit")
    engine.set_auto_add("main", "TEST")
    engine.set_marks({("bybit", "TEST"): Decimal(1)})
    assert engine.margin(position(engine)) == Decimal(4000)


@pytest.mark.parametrize("name", ["binance", "bybit"])
def test_the_exchange_adds_all_that_is_left_and_liquidates_when_that_is_too_little(name: str) -> None:
    engine = life(name)
    engine.set_auto_add("main", "TEST")
    engine.deposit("main", "USDT", 50 - free(engine))
    engine.set_marks({(name, "TEST"): Decimal(35000)})  # 500 lost; 50 more do not reach
    kinds = [(record.kind, record.into_margin) for record in engine.account("main").records[-2:]]
    assert (kinds[0], kinds[1][0]) == ((Kind.AUTO_ADD, Decimal(50)), Kind.TAKEOVER)
    assert free(engine) == 0


def test_the_exchange_adds_nothing_when_it_is_switched_off_again() -> None:
    engine = life("binance")
    engine.set_auto_add("main", "TEST")
    engine.set_auto_add("main", "TEST", on=False)
    engine.set_marks({("binance", "TEST"): Decimal(36000)})
    assert last(engine).kind is Kind.TAKEOVER


@pytest.mark.parametrize(("name", "inverse"), [("okx", False), ("bybit", True)])
def test_auto_margin_cannot_be_switched_on_where_there_is_none(name: str, inverse: bool) -> None:
    with pytest.raises(Refused) as refused:
        life(name, inverse=inverse).set_auto_add("main", "TEST")
    assert reason(refused) is Reason.NO_AUTO_MARGIN


def test_cross_frees_every_margin_of_the_account_on_bybit() -> None:
    engine = life("bybit", hedge=True)
    engine.open("main", "TEST", long=False, quantity=Decimal("0.1"), leverage=Decimal(10))
    engine.set_cross("main", "TEST", Slot.LONG)
    account = engine.account("main")
    assert [held.mode for held in account.positions.values()] == [Mode.CROSS, Mode.CROSS]
    assert (account.margin_mode, free(engine)) == ("REGULAR_MARGIN", Decimal(9996))
    assert [record.kind for record in account.records[-2:]] == [Kind.MODE, Kind.MODE]
    with pytest.raises(Refused):
        engine.set_cross("main", "TEST", Slot.LONG)


@pytest.mark.parametrize("name", ["binance", "okx"])
def test_cross_is_refused_under_an_open_position_elsewhere(name: str) -> None:
    with pytest.raises(Refused) as refused:
        life(name).set_cross("main", "TEST")
    assert reason(refused) is Reason.HAS_POSITION


def test_funding_that_a_cross_position_cannot_pay_is_paid_by_the_insurance_fund() -> None:
    # 1 % of 4,000 is 40, with 25 free
    engine = life("bybit")
    engine.set_cross("main", "TEST")
    engine.deposit("main", "USDT", 25 - free(engine))
    engine.settle_funding("bybit", "TEST", Decimal("0.01"))
    assert (last(engine).amount, free(engine), engine.margin(position(engine))) == (Decimal(-25), Decimal(0), Decimal(0))
    assert (engine.ledger.balance("USDT", "funding"), engine.ledger.balance("USDT", "insurance")) == (Decimal(40), Decimal(-15))


def test_cross_and_isolated_of_one_contract_stand_side_by_side_on_okx_only() -> None:
    cross = {"long": True, "quantity": Decimal("0.2"), "leverage": Decimal(10), "mode": Mode.CROSS}
    for name in ("binance", "bybit"):
        with pytest.raises(Refused) as refused:
            life(name).open("main", "TEST", **cross)  # type: ignore[arg-type]
        assert reason(refused) is Reason.TAKEN
    engine = life("okx")
    engine.open("main", "TEST", **cross)  # type: ignore[arg-type]
    assert engine.close("main", "TEST").mode is Mode.ISOLATED
    (left,) = engine.account("main").positions.values()
    assert (left.mode, left.quantity) == (Mode.CROSS, Decimal("0.2"))
    engine.open("main", "TEST", long=True, quantity=Decimal("0.1"), leverage=Decimal(10))
    assert engine.close("main", "TEST cross").mode is Mode.CROSS
    engine.close("main", "TEST")
    # opened and closed at 40,000, twice 0.1 and once 0.2: fees of 4 x 2 + 2 x 4
    assert free(engine) == Decimal(10000 - 16)


@pytest.mark.parametrize(
    ("name", "margin", "free_after", "fee"),
    [
        # 0.04 of 0.1 at 44,000: profit 160, four tenths of the margin; Binance takes 1,760 x 0.05 %
        ("binance", "238.8", "9918.32", "-0.88"),
        ("bybit", "241.08", "9916.92", "0"),
        ("okx", "240", "9918", "0"),
    ],
)
def test_deleveraging_closes_a_part_at_the_given_price(name: str, margin: str, free_after: str, fee: str) -> None:
    engine = life(name)
    record = engine.deleverage("main", "TEST", quantity=Decimal("0.04"), price=Decimal(44000))
    assert (record.kind, record.profit, record.fee, record.left) == (
        Kind.DELEVERAGE,
        Decimal(160),
        Decimal(fee),
        Decimal("0.06"),
    )
    assert (engine.margin(position(engine)), free(engine)) == (Decimal(margin), Decimal(free_after))
    engine.deleverage("main", "TEST")
    assert not engine.account("main").positions


@pytest.mark.parametrize(("name", "fee"), [("binance", "-0.615"), ("bybit", "-2.05"), ("okx", "-0.41")])
def test_delivery_closes_everybodys_positions_and_ends_the_contract(name: str, fee: str) -> None:
    # 4,100 x 0.015 %, 0.05 %, 0.01 %
    engine = life(name)
    engine.add_account("other", name, balances={"USDT": "1000"})
    engine.open("other", "TEST", long=False, quantity=Decimal("0.1"), leverage=Decimal(10))
    records = engine.deliver(name, "TEST", Decimal(41000))
    assert [(record.kind, record.profit) for record in records] == [(Kind.DELIVERY, Decimal(100)), (Kind.DELIVERY, Decimal(-100))]
    assert records[0].fee == Decimal(fee)
    assert free(engine) == Decimal(10000 - 2 + 100) + Decimal(fee)
    assert not [held for account in engine.accounts.values() for held in account.positions]
    with pytest.raises(Refused) as refused:
        engine.open("main", "TEST", long=True, quantity=Decimal("0.1"), leverage=Decimal(10))
    assert reason(refused) is Reason.DELIVERED
