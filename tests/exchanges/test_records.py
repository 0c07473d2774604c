"""What the accounts tell of a position's life, over the wire, held against the practice exchange's own ledger."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.errors import BadReply, ExchangeFault, RateLimited
from monitor.exchanges import records as asking
from monitor.exchanges.pacing import Pause
from monitor.lives.records import FillCause, FlowKind
from monitor.margin.position import Side
from monitor.practice import Fault, FaultKind
from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Kind, Slot
from tests.exchanges.lives import BIG, life, steps, sums, totals
from tests.exchanges.margins import EXCHANGES

FILLS = {"binance": "*userTrades", "bybit": "*execution/list", "okx": "*account/bills"}
MORE = {
    "binance": ("*allOrders", "*forceOrders", "*income", "*positionMargin/history", "*balance"),
    "bybit": ("*closed-pnl", "*transaction-log", "*wallet-balance"),
    "okx": ("*positions-history", "*account/balance"),
}
TAKEN_OVER = FillCause.LIQUIDATION
STEP = {"binance": FillCause.LIQUIDATION, "bybit": FillCause.REDUCTION, "okx": FillCause.REDUCTION}
"""Binance's first order cannot be told from a takeover by its record."""


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("inverse", [False, True], ids=["linear", "inverse"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_whole_life_equals_the_ledger_to_the_last_unit(name, inverse, side):
    async with life(name, inverse=inverse) as at:
        at.open(side, quantity=BIG["inverse" if inverse else "linear"][name])
        position, since = await at.position(side)
        # So much that some can be taken out again: on Binance the opening fee came out of the margin.
        added = Decimal("2.2345") if inverse else Decimal("9000.2345")
        at.engine.change_margin("main", at.contract, Slot.NET, added)
        at.engine.change_margin("main", at.contract, Slot.NET, Decimal("-0.0345"))
        at.fund("0.00013")
        worse = "0.999" if side is Side.LONG else "1.001"
        for _ in range(300):
            if at.happened(Kind.CUT):
                break
            at.move(worse)
        at.fund("-0.00007")
        at.move("0.8" if side is Side.LONG else "1.2")
        assert {record.kind for record in at.happened()} >= {Kind.CUT, Kind.TAKEOVER}

        told = await at.told(position, since)
        ledger = at.ledger()
        if name == "bybit":
            assert ledger.pop("margin") == added - Decimal("0.0345")
            assert sums(told).pop("margin") == 0
            assert told.missing == ("margin changes: Bybit keeps no record of them",)
            assert told.kept == {FlowKind.FUNDING}
        else:
            assert told.missing == ()
            assert told.kept == set(FlowKind)
        assert {part: amount for part, amount in sums(told).items() if part in ledger} == ledger
        assert not told.again
        assert told.free == at.engine.free(at.engine.account("main"), position.instrument.settle_currency)
        cuts = [(STEP[name], True, record.quantity) for record in at.happened(Kind.CUT)]
        whole = at.happened(Kind.TAKEOVER)[0].quantity
        assert steps(told.fills) == [(FillCause.TRADE, False, position.contracts), *cuts, (TAKEN_OVER, True, whole)]
        if name != "binance":
            trigger = Decimal(at.happened(Kind.TAKEOVER)[0].mark)
            assert told.fills[-1].trigger_price == trigger


@pytest.mark.parametrize("name", ["okx"])
async def test_the_sums_over_a_life_are_the_exchanges_own(name):
    async with life(name) as at:
        at.open(quantity=BIG["linear"][name])
        position, since = await at.position()
        at.fund()
        at.engine.close("main", at.contract, quantity=Decimal(1000))
        partly = totals(await at.told(position, since))
        at.pass_time()
        at.move("0.8")
        wholly = totals(await at.told(position, since))
        ledger = at.ledger()
        assert (partly.final, wholly.final) == (False, True)
        assert (wholly.profit, wholly.fees) == (ledger["profit"], ledger["fees"])
        assert (wholly.funding, wholly.insurance) == (ledger["funding"], ledger["insurance"])
        assert wholly.entry_price == position.entry_price


@pytest.mark.parametrize("inverse", [False, True], ids=["linear", "inverse"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_closing_by_the_owner_and_deleveraging_are_told_apart(name, inverse):
    async with life(name, inverse=inverse) as at:
        at.open(quantity="100")
        position, since = await at.position()
        at.engine.close("main", at.contract, quantity=Decimal(30))
        at.move("1.01")
        at.engine.deleverage("main", at.contract, quantity=Decimal(20))
        at.engine.deleverage("main", at.contract)
        told = await at.told(position, since)
        assert steps(told.fills)[1:] == [
            (FillCause.TRADE, True, Decimal(30)),
            (FillCause.DELEVERAGED, True, Decimal(20)),
            (FillCause.DELEVERAGED, True, Decimal(50)),
        ]
        assert (sums(told)["profit"], sums(told)["fees"]) == (at.ledger()["profit"], at.ledger()["fees"])
        assert told.missing == (("margin changes: Bybit keeps no record of them",) if name == "bybit" else ())
        assert told.totals is None or told.totals.final


@pytest.mark.parametrize("dated", [False, True], ids=["perpetual", "dated"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_contract_that_ends_delivers_or_settles(name, dated):
    async with life(name, dated=dated) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.engine.deliver(name, at.contract)
        told = await at.told(position, since)
        ended = FillCause.DELIVERED if dated else FillCause.SETTLED
        assert steps(told.fills)[1:] == [(ended, True, Decimal(10))]
        assert (sums(told)["profit"], sums(told)["fees"]) == (at.ledger()["profit"], at.ledger()["fees"])


@pytest.mark.parametrize("name", ["binance", "bybit"])
async def test_margin_that_the_exchange_adds_by_itself_is_not_by_hand(name):
    async with life(name) as at:
        at.open(quantity="10")
        at.engine.set_auto_add("main", at.contract)
        position, since = await at.position()
        at.move("0.95")
        assert at.happened(Kind.AUTO_ADD)
        told = await at.told(position, since)
        added = [flow.amount for flow in told.flows if flow.kind is FlowKind.AUTO_ADDED]
        assert added == ([] if name == "bybit" else [record.into_margin for record in at.happened(Kind.AUTO_ADD)])


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_fill_through_zero_is_shared_by_both_sides(name):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.engine.flip("main", at.contract, quantity=Decimal(4))
        short, later = await at.position(Side.SHORT)
        at.engine.close("main", at.contract)
        long_part, short_part = await at.told(position, since), await at.told(short, later)
        opening, *closing = steps(long_part.fills)
        assert opening == (FillCause.TRADE, False, Decimal(10))
        assert closing == [(FillCause.TRADE, True, Decimal(10))]
        assert steps(short_part.fills) == [(FillCause.TRADE, False, Decimal(4)), (FillCause.TRADE, True, Decimal(4))]
        # The two sides' parts are the whole, to the last unit: no fee is lost or counted twice.
        whole = at.ledger()
        both = [sums(told) for told in (long_part, short_part)]
        assert sum(part["fees"] for part in both) == whole["fees"]
        assert sum(part["profit"] for part in both) == whole["profit"]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_hedged_side_is_told_apart_from_the_other(name, side):
    slot = Slot.LONG if side is Side.LONG else Slot.SHORT
    async with life(name, hedged=True) as at:
        at.open(Side.LONG, quantity="10")
        at.open(Side.SHORT, quantity="7")
        position, since = await at.position(side)
        at.engine.change_margin("main", at.contract, Slot.LONG, Decimal("12.5"))
        at.engine.change_margin("main", at.contract, Slot.SHORT, Decimal("7.25"))
        at.fund()
        at.engine.close("main", at.contract, Slot.SHORT, quantity=Decimal(3))
        at.move("0.8" if side is Side.LONG else "1.2")
        told = await at.told(position, since)
        ledger, parts = at.ledger(slot), sums(told)
        assert told.fills[-1].cause is FillCause.LIQUIDATION
        assert {told.closes for told in told.fills} == {True, False}
        assert (parts["profit"], parts["fees"]) == (ledger["profit"], ledger["fees"])
        assert parts["insurance"] == ledger["insurance"]
        if name == "okx":
            assert totals(told).funding == ledger["funding"]
        if name == "binance":
            assert FlowKind.FUNDING not in told.kept
            assert any(text.startswith("funding: in hedge mode") for text in told.missing)
        else:
            assert parts["funding"] == ledger["funding"]
        if name != "bybit":
            assert parts["margin"] == ledger["margin"]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_more_rows_than_a_page_are_all_read(name, monkeypatch):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        for number in range(130):
            at.pass_time(1)
            at.fund("0.000001" if number % 2 else "-0.0000013")
        for _ in range(120):
            at.pass_time(1)
            at.engine.close("main", at.contract, quantity=Decimal("0.05"))
        if name == "binance":
            for page in ("_TRADES", "_ORDERS", "_INCOME"):
                monkeypatch.setattr(f"monitor.exchanges.binance.records.{page}", 40)
        told = await at.told(position, since)
        assert len([fill for fill in told.fills if fill.closes]) == 120
        assert len([flow for flow in told.flows if flow.kind is FlowKind.FUNDING]) == 130
        assert sums(told)["funding"] == at.ledger()["funding"]
        assert sums(told)["fees"] == at.ledger()["fees"]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_what_has_no_end_is_named_and_not_asked_for_again(name, monkeypatch):
    monkeypatch.setattr(asking, "MOST_CALLS", 2)
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        told = await at.told(replace(position, opened=""), since, life_since=since - timedelta(days=60))
        assert any("more than 2 pages" in text for text in told.missing)
        assert FlowKind.FUNDING not in told.kept
        assert not told.again


@pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.CUT_BODY, FaultKind.NO_LIST, FaultKind.INTERNAL])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_fills_that_cannot_be_read_are_a_fault(name, kind):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.server.faults.add(Fault(kind=kind, call=FILLS[name]))
        with pytest.raises(ExchangeFault):
            await at.told(position, since)


@pytest.mark.parametrize(("name", "call"), [(name, call) for name, calls in MORE.items() for call in calls])
async def test_all_else_may_be_missing_is_named_and_asked_for_again(name, call):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.fund()
        at.move("0.8")
        whole = await at.told(position, since)
        at.server.faults.add(Fault(kind=FaultKind.HTML, call=call))
        told = await at.told(position, since)
        assert len(told.missing) > len(whole.missing)
        assert told.again
        assert [fill.id for fill in told.fills] == [fill.id for fill in whole.fills]
        if call.endswith("balance"):
            assert (told.free, told.fills) == (None, whole.fills)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_an_exchange_whose_clock_cannot_be_read_is_a_fault(name):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.reader.session.clock_offset = None
        at.server.faults.add(Fault(kind=FaultKind.HTML, call="*time"))
        with pytest.raises(ExchangeFault):
            await at.told(position, since)


@pytest.mark.parametrize("readable", [True, False])
async def test_a_clock_that_was_measured_slowly_is_looked_at_again(readable):
    async with life("bybit") as at:
        at.open(quantity="10")
        position, since = await at.position()
        session = at.reader.session
        session.clock_offset, session.round_trip = 20.0, 3.0
        if not readable:
            at.server.faults.add(Fault(kind=FaultKind.HTML, call="*time"))
        (opening,) = (await at.told(position, since)).fills
        # Measured again it is right; where it cannot be, what is known of it is better than no answer.
        late = (opening.at - since).total_seconds()
        assert abs(late - (0 if readable else 20)) < 10


@pytest.mark.parametrize("hours", [-2, 3])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_records_are_told_in_our_own_time_when_the_exchange_has_another(name, hours):
    async with life(name) as at:
        at.server.clock = at.engine.clock = lambda: wall_clock_ms() + hours * 3_600_000
        at.open(quantity="10")
        position, _ = await at.position()
        since = at.clock.now()
        at.engine.close("main", at.contract)
        told = await at.told(position, since, until=since + timedelta(minutes=2))
        opening, closing = told.fills
        assert abs(opening.at - since) < timedelta(seconds=10)
        assert abs(closing.at - opening.at - timedelta(seconds=30)) < timedelta(seconds=10)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_what_happened_outside_the_asked_time_is_not_told(name):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        for _ in range(4):
            at.pass_time()
        at.engine.close("main", at.contract)
        told = await at.told(position, since, until=since + timedelta(seconds=5))
        assert [fill.closes for fill in told.fills] == [False]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_nobody_asks_for_longer_than_twenty_seconds(name, monkeypatch):
    monkeypatch.setattr(asking, "_LAST_SECONDS", 0.05)
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        at.server.faults.add(Fault(kind=FaultKind.HANG, call=FILLS[name]))
        with pytest.raises(ExchangeFault, match="in time"):
            await at.told(position, since)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_near_a_limit_the_polls_go_on_and_the_records_wait(name):
    async with life(name) as at:
        at.open(quantity="10")
        position, since = await at.position()
        for scope in ("ip", "account"):
            at.pacer.spare(getattr(at.way, f"{scope}_scope")(name), Pause(scope=scope, seconds=60, hush=True))
        with pytest.raises(RateLimited):
            await at.told(position, since)
        assert (await at.position())[0].key == position.key


async def test_okx_is_never_asked_so_often_that_it_refuses():
    # Seven pages of the archive, of which five may be asked in two seconds; one refusal would silence the polls too.
    async with life("okx") as at:
        at.engine.clock = lambda: wall_clock_ms() - 10 * 24 * 3_600_000
        at.open(quantity="10")
        position, since = await at.position()
        for _ in range(620):
            at.pass_time(1)
            at.fund("0.0000001")
        told = await at.told(position, since)
        assert len([flow for flow in told.flows if flow.kind is FlowKind.FUNDING]) == 620
        assert told.missing == ()


async def test_a_position_of_a_family_that_is_unheard_of_is_a_bad_reply():
    async with life("binance") as at:
        at.open(quantity="10")
        position, since = await at.position()
        with pytest.raises(BadReply, match="KeyError"):
            await at.told(replace(position, family="options"), since)
