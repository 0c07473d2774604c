"""The three writers against the practice exchange: what a good change looks like, and what evidence it leaves."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.errors import BadReply, ExchangeFault, WriteNotSent, WriteRefused
from monitor.exchanges import load, names
from monitor.exchanges.pacing import Pacer
from monitor.margin.position import Position, Side
from monitor.margin.reading import FamilySnapshot
from monitor.practice import Fault, FaultKind
from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Slot
from monitor.topups.ledger import IntentState
from tests import builders
from tests.exchanges.margins import EXCHANGES, INVERSE, LINEAR, Desk, desk

HISTORY = {"binance": "*positionMargin/history", "okx": "*account/bills"}
POSITIONS = {"binance": "*positionRisk", "bybit": "*position/list", "okx": "*account/positions"}


async def read(at: Desk, family: str) -> tuple[Position, ...]:
    """The positions as the watch reads them."""
    reader = load(at.name).build(at.with_key(), Pacer(at.writer.clock), at.writer.clock)
    snapshot = await reader.fetch_family(family)
    await reader.close()
    assert isinstance(snapshot, FamilySnapshot)
    return snapshot.positions


def test_every_exchange_can_write_in_steps_of_its_own():
    for name in names():
        spec = load(name)
        assert callable(spec.build_writer)
        assert "" in spec.grains
        assert all(0 < grain.step <= grain.least for grain in spec.grains.values())
    # Bybit takes four decimals at most, whatever the coin.
    assert {grain.step for grain in load("bybit").grains.values()} == {Decimal("0.0001")}


def by_hand(evidence):
    """The rows of margin that somebody moved; Binance lists what fills moved beside them."""
    return [row for row in evidence.rows if row.by_hand]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_writer_adds_exactly_what_the_intent_says(name):
    async with desk(name) as at:
        before = at.margin()
        intent = at.intent("12.3456")
        receipt = await at.writer.change_margin(intent)
        assert at.margin() - before == Decimal("12.3456")
        assert receipt.amount == Decimal("12.3456")
        assert receipt.at >= intent.submitted_at
        assert at.posts() == 1
        if name == "bybit":
            assert (receipt.isolated_margin, receipt.liquidation_price is None) == (at.margin(), False)


@pytest.mark.parametrize("currency", ["USDT", "BTC"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_amounts_of_the_exchanges_grain_are_accepted(name, currency):
    grains = load(name).grains
    grain = grains.get(currency) or grains[""]
    async with desk(name) as at:
        for amount in (grain.least, grain.step * 12347):
            await at.writer.change_margin(at.intent(str(amount), inverse=currency == "BTC"))
        assert at.changes() == [grain.least, grain.step * 12347]


@pytest.mark.parametrize("name", EXCHANGES)
async def test_writer_adds_coins_to_an_inverse_position(name):
    # ccxt's own add_margin rounds this to contracts and refuses it.
    async with desk(name) as at:
        before = at.margin(inverse=True)
        await at.writer.change_margin(at.intent("0.0021", inverse=True))
        assert at.margin(inverse=True) - before == Decimal("0.0021")


@pytest.mark.parametrize("name", EXCHANGES)
async def test_writer_takes_out_what_is_below_zero(name):
    async with desk(name) as at:
        await at.writer.change_margin(at.intent("100"))
        before = at.margin()
        receipt = await at.writer.change_margin(at.intent("-40.5"))
        assert (at.margin() - before, receipt.amount) == (Decimal("-40.5"), Decimal("-40.5"))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("name", EXCHANGES)
async def test_writer_names_the_side_of_a_hedged_position(name, side):
    async with desk(name, hedged=True) as at:
        slots = {Side.LONG: Slot.LONG, Side.SHORT: Slot.SHORT}
        before = {slot: at.margin(slot=slot) for slot in slots.values()}
        await at.writer.change_margin(at.intent("5", side=side))
        added = {slot: at.margin(slot=slot) - margin for slot, margin in before.items()}
        assert added == {slot: Decimal(5 if slot is slots[side] else 0) for slot in slots.values()}
        evidence = await at.writer.fetch_evidence(at.intent("5", side=side))
        assert evidence.isolated_margin == at.margin(slot=slots[side])
        if name == "binance":
            assert [(row.side, row.amount) for row in by_hand(evidence)] == [(side.value, Decimal(5))]
            other = Side.SHORT if side is Side.LONG else Side.LONG
            assert by_hand(await at.writer.fetch_evidence(at.intent("5", side=other))) == []


@pytest.mark.parametrize("amount", ["0.00000001", "1E+2", "0.10", "1000"])
async def test_amounts_are_sent_as_plain_decimals(amount):
    async with desk("binance") as at:
        await at.writer.change_margin(at.intent(amount))
        assert at.changes() == [Decimal(amount)]
        assert "E" not in at.server.log.last[-1].params["amount"]


@pytest.mark.parametrize("state", [IntentState.PLANNED, IntentState.UNKNOWN])
async def test_an_intent_that_was_not_committed_to_be_sent_is_not_sent(state):
    async with desk("binance") as at:
        with pytest.raises(WriteNotSent, match="not committed"):
            await at.writer.change_margin(at.intent(state=state))
        with pytest.raises(WriteNotSent, match="not committed"):
            await at.writer.change_margin(at.intent(submitted_at=None))
        assert at.posts() == 0


REFUSED = {
    "binance": {"99999": "-4050", "-9000": "-4051", "1.123456789": "-1111"},
    "bybit": {"99999": "110014", "-9000": "110078", "1.12345": "10001"},
    "okx": {"99999": "59303", "-9000": "59301", "0": "51000"},
}


@pytest.mark.parametrize(("name", "amount", "code"), [(n, a, c) for n, cases in REFUSED.items() for a, c in cases.items()])
async def test_refusals_of_the_exchange_change_nothing(name, amount, code):
    async with desk(name) as at:
        with pytest.raises(WriteRefused) as refused:
            await at.writer.change_margin(at.intent(amount))
        assert refused.value.code == code
        assert at.changes() == []


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_position_that_is_gone_is_a_refusal(name):
    async with desk(name) as at:
        at.engine.close("main", LINEAR[name][1])
        with pytest.raises(WriteRefused):
            await at.writer.change_margin(at.intent())
        evidence = await at.writer.fetch_evidence(at.intent())
        assert (evidence.isolated_margin, evidence.contracts, evidence.changed) == (None, None, "")


@pytest.mark.parametrize("inverse", [False, True], ids=["linear", "inverse"])
@pytest.mark.parametrize("name", EXCHANGES)
async def test_evidence_shows_the_change_and_the_position_as_the_reader_does(name, inverse):
    amount = "0.0123" if inverse else "12.3456"
    async with desk(name) as at:
        intent = at.intent(amount, inverse=inverse)
        nothing = await at.writer.fetch_evidence(intent)
        assert nothing.rows is None if name == "bybit" else by_hand(nothing) == []
        await at.writer.change_margin(intent)
        evidence = await at.writer.fetch_evidence(intent)
        assert evidence.isolated_margin - nothing.isolated_margin == Decimal(amount)
        assert nothing.free - evidence.free == Decimal(amount)
        assert evidence.changed != nothing.changed
        if name != "bybit":
            (row,) = by_hand(evidence)
            assert (row.amount, row.by_hand) == (Decimal(amount), True)
            assert abs(row.at - intent.submitted_at) < timedelta(seconds=5)
        (position,) = (one for one in await read(at, intent.family) if one.key == intent.key)
        assert evidence.isolated_margin == position.isolated_margin
        assert (evidence.contracts, evidence.entry_price) == (position.contracts, position.entry_price)
        assert (evidence.liquidation_price, evidence.changed) == (position.says.liquidation_price, position.changed)


@pytest.mark.parametrize("name", ["binance", "okx"])
async def test_what_was_taken_out_is_below_zero_in_the_record(name):
    async with desk(name) as at:
        await at.writer.change_margin(at.intent("50"))
        await at.writer.change_margin(at.intent("-20"))
        evidence = await at.writer.fetch_evidence(at.intent("-20"))
        # Binance is asked for one direction at a time.
        told = [row.amount for row in evidence.rows]
        assert told == ([Decimal(-20)] if name == "binance" else [Decimal(-20), Decimal(50)])


async def test_side_that_flipped_is_not_the_position_of_the_intent():
    for name in EXCHANGES:
        async with desk(name) as at:
            assert (await at.writer.fetch_evidence(at.intent(side=Side.SHORT))).isolated_margin is None


@pytest.mark.parametrize("name", EXCHANGES)
@pytest.mark.parametrize("hours", [-2, 3])
async def test_evidence_is_told_in_our_own_time_when_the_exchange_has_another(name, hours):
    async with desk(name) as at:
        at.server.clock = at.engine.clock = lambda: wall_clock_ms() + hours * 3_600_000
        intent = at.intent("3")
        await at.writer.change_margin(intent)
        evidence = await at.writer.fetch_evidence(intent)
        assert at.changes() == [Decimal(3)]
        if name != "bybit":
            (row,) = by_hand(evidence)
            assert abs(row.at - intent.submitted_at) < timedelta(seconds=5)


@pytest.mark.parametrize("name", ["binance", "okx"])
async def test_a_record_that_lags_shows_nothing_yet_while_the_position_does(name):
    async with desk(name) as at:
        before = at.margin()
        await at.writer.change_margin(at.intent("3"))
        at.server.faults.add(Fault(kind=FaultKind.HISTORY_LAG, amount=Decimal(10)))
        evidence = await at.writer.fetch_evidence(at.intent("3"))
        assert (evidence.rows, evidence.isolated_margin) == ((), before + 3)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_evidence_is_all_or_nothing_but_for_the_balance(name):
    async with desk(name) as at:
        for call in filter(None, (HISTORY.get(name), POSITIONS[name], "*time")):
            number = at.server.faults.add(Fault(kind=FaultKind.HTML, call=call))
            with pytest.raises(ExchangeFault):
                await at.writer.fetch_evidence(at.intent())
            at.server.faults.lift(number)
        at.server.faults.add(Fault(kind=FaultKind.HTML, call="*balance"))
        evidence = await at.writer.fetch_evidence(at.intent())
        assert (evidence.free, evidence.isolated_margin) == (None, at.margin())


@pytest.mark.parametrize("name", EXCHANGES)
async def test_evidence_of_a_strange_shape_is_a_bad_reply(name):
    async with desk(name) as at:
        at.server.faults.add(Fault(kind=FaultKind.NO_LIST, call=POSITIONS[name]))
        with pytest.raises(BadReply):
            await at.writer.fetch_evidence(at.intent())
        with pytest.raises(BadReply, match="never submitted"):
            await at.writer.fetch_evidence(at.intent(submitted_at=None))


@pytest.mark.parametrize(("name", "page"), [("binance", 500), ("okx", 100)])
async def test_a_full_page_of_the_record_is_not_taken_for_the_whole(name, page):
    async with desk(name) as at:
        contract = LINEAR[name][1]
        for _ in range(page):
            at.engine.change_margin("main", contract, Slot.NET, Decimal("0.01"))
        with pytest.raises(BadReply, match="not whole"):
            await at.writer.fetch_evidence(at.intent())


@pytest.mark.parametrize("name", EXCHANGES)
async def test_index_price_is_the_index_and_not_the_mark(name):
    async with desk(name) as at:
        for inverse, price in ((False, "98765.5"), (True, "97654.5")):
            family, contract = (INVERSE if inverse else LINEAR)[name][:2]
            at.engine.indexes[name, contract] = Decimal(price)
            (position,) = (one for one in await read(at, family) if one.instrument.instrument_id == contract)
            assert await at.writer.fetch_index_price(position) == Decimal(price)
            assert position.mark_price != Decimal(price)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_index_price_that_the_exchange_does_not_have_is_none(name):
    async with desk(name) as at:
        family, contract = LINEAR[name][:2]
        at.engine.indexes[name, contract] = Decimal(0)
        position = builders.position()
        position = replace(position, family=family, instrument=replace(position.instrument, instrument_id=contract))
        assert await at.writer.fetch_index_price(position) is None
        at.server.faults.add(Fault(kind=FaultKind.HTML, call="*"))
        with pytest.raises(BadReply):
            await at.writer.fetch_index_price(position)


@pytest.mark.parametrize("name", EXCHANGES)
async def test_a_shape_that_nobody_foresaw_is_a_bad_reply_and_not_a_crash(name, monkeypatch):
    async with desk(name) as at:

        async def strange(*_asked):
            raise KeyError("deltaType")

        monkeypatch.setattr(at.writer, "standing", strange)
        monkeypatch.setattr(at.writer, "index_price", strange)
        with pytest.raises(BadReply, match="KeyError"):
            await at.writer.fetch_evidence(at.intent())
        with pytest.raises(BadReply, match="KeyError"):
            await at.writer.fetch_index_price(builders.position())
        monkeypatch.setattr(at.writer, "free", strange)
        assert await at.writer._free_of(at.intent()) is None
