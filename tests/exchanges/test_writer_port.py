"""What every MarginWriter does, the fake of the tests included."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.errors import ExchangeFault, OutcomeUnknown, WriteNotSent, WriteRefused
from monitor.margin.position import PositionKey, Side
from monitor.ports import MarginWriter
from monitor.practice import Fault, FaultKind
from monitor.topups.ledger import Intent, IntentState
from tests import builders
from tests.exchanges.margins import EXCHANGES, NOTHING, desk
from tests.fake_writer import FakeWriter, Meets
from tests.fakes import FakeClock

NEVER = Decimal(-1)


@dataclass
class Scene:
    """A writer with one position behind it, and what its exchange can be made to do."""

    writer: MarginWriter
    intent: Callable[..., Intent]
    margin: Callable[[], Decimal]
    applied: Callable[[], list[Decimal]]
    lose_answer: Callable[[bool], Any]
    refuse_connection: Callable[[], Any]
    blind: Callable[[], Any]
    close_position: Callable[[], Any]


@asynccontextmanager
async def fake() -> AsyncIterator[Scene]:
    clock = FakeClock()
    key = PositionKey(exchange="binance", account="main", symbol="BTC/USDT:USDT", side=Side.LONG)
    writer = FakeWriter(clock, margins={key: Decimal(500)}, free=Decimal(20000))

    def intent(amount: str = "12.3456", **changes: Any) -> Intent:
        made = Intent(
            id="one",
            key=key,
            family="usdm",
            instrument_id="BTCUSDT",
            hedged=False,
            currency="USDT",
            amount=Decimal(amount),
            epoch=1,
            lease=1,
            state=IntentState.SUBMITTING,
            planned_at=clock.now(),
            submitted_at=clock.now(),
            valid_until=clock.now() + writer.window,
            before=NOTHING,
        )
        return replace(made, **changes)

    yield Scene(
        writer=writer,
        intent=intent,
        margin=lambda: writer.margin(key),
        applied=lambda: writer.applied,
        lose_answer=lambda works: writer.meets(Meets.NO_ANSWER, applies_after=0 if works else None),
        refuse_connection=lambda: writer.meets(Meets.NO_CONNECTION),
        blind=lambda: setattr(writer, "blind", True),
        close_position=lambda: writer.close_position(key),
    )
    await writer.close()


@asynccontextmanager
async def real(name: str) -> AsyncIterator[Scene]:
    async with desk(name) as at:
        await at.writer.session.tune()

        def lose_answer(works: bool) -> None:
            executes = Decimal(0) if works else NEVER
            at.server.faults.add(Fault(kind=FaultKind.RESET, method="POST", times=1, executes=executes))

        async def refuse_connection() -> None:
            await at.server.refuse()

        yield Scene(
            writer=at.writer,
            intent=at.intent,
            margin=at.margin,
            applied=at.changes,
            lose_answer=lose_answer,
            refuse_connection=refuse_connection,
            blind=lambda: at.server.faults.add(Fault(kind=FaultKind.HTML)),
            close_position=lambda: at.engine.close("main", at.intent().instrument_id),
        )


def scene(name: str) -> Any:
    return fake() if name == "fake" else real(name)


each_writer = pytest.mark.parametrize("name", ["fake", *EXCHANGES])


@each_writer
async def test_confirmed_change_is_in_the_margin_and_in_the_evidence(name: str) -> None:
    async with scene(name) as at:
        before, intent = at.margin(), at.intent()
        receipt = await at.writer.change_margin(intent)
        assert (receipt.amount, at.margin() - before) == (intent.amount, intent.amount)
        evidence = await at.writer.fetch_evidence(intent)
        assert evidence.isolated_margin == at.margin()
        if evidence.rows is not None:
            assert [row.amount for row in evidence.rows if row.by_hand] == [intent.amount]


@each_writer
@pytest.mark.parametrize("works", [True, False])
async def test_lost_answer_is_unknown_and_evidence_tells_which(name: str, works: bool) -> None:
    async with scene(name) as at:
        before, intent = at.margin(), at.intent()
        at.lose_answer(works)
        with pytest.raises(OutcomeUnknown):
            await at.writer.change_margin(intent)
        evidence = await at.writer.fetch_evidence(intent)
        assert evidence.isolated_margin - before == (intent.amount if works else 0)
        assert at.applied() == ([intent.amount] if works else [])
        if evidence.rows is not None:
            assert sum(row.by_hand for row in evidence.rows) == int(works)


@each_writer
async def test_more_than_is_free_is_refused_with_a_code(name: str) -> None:
    async with scene(name) as at:
        with pytest.raises(WriteRefused) as refused:
            await at.writer.change_margin(at.intent("999999"))
        assert refused.value.code
        assert at.applied() == []


@each_writer
async def test_only_what_is_committed_to_be_sent_is_sent(name: str) -> None:
    async with scene(name) as at:
        for state in IntentState:
            if state is not IntentState.SUBMITTING:
                with pytest.raises(WriteNotSent):
                    await at.writer.change_margin(at.intent(state=state))
        assert at.applied() == []


@each_writer
async def test_without_a_connection_nothing_was_sent(name: str) -> None:
    async with scene(name) as at:
        closing = at.refuse_connection()
        if closing is not None:
            await closing
        with pytest.raises(WriteNotSent):
            await at.writer.change_margin(at.intent())
        assert at.applied() == []


@each_writer
async def test_position_that_is_gone_shows_no_margin(name: str) -> None:
    async with scene(name) as at:
        intent = at.intent()
        at.close_position()
        evidence = await at.writer.fetch_evidence(intent)
        assert (evidence.isolated_margin, evidence.contracts, evidence.changed) == (None, None, "")
        with pytest.raises(WriteRefused):
            await at.writer.change_margin(intent)


@each_writer
async def test_blind_reads_raise_and_a_key_that_cannot_be_read_is_none(name: str) -> None:
    async with scene(name) as at:
        key = await at.writer.fetch_key()
        assert key is not None
        assert key.rights == ("read", "trade")
        at.blind()
        with pytest.raises(ExchangeFault):
            await at.writer.fetch_evidence(at.intent())
        family = "usdm" if name == "fake" else at.intent().family
        with pytest.raises(ExchangeFault):
            await at.writer.fetch_index_price(replace(builders.position(), family=family))
        assert await at.writer.fetch_key() is None
