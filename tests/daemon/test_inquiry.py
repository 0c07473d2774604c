"""The inquiry carries open questions to the exchanges and the answers back, whatever goes wrong on the way."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from monitor.daemon import inquiry as module
from monitor.daemon.inquiry import Inquiry
from monitor.errors import ExchangeDown
from monitor.lives.event import EventKind
from monitor.lives.records import Fill, FillCause, Records
from monitor.margin.position import Side
from tests.builders import NOW, at, position, snapshot
from tests.daemon.guarding import Post
from tests.fakes import FakeExchange

D = Decimal
END = Fill(at=at(12), cause=FillCause.TRADE, contracts=D(10), closes=True, price=D(95), profit=D(-50), fee=D(-1))


class Desk:
    """A guard that lost sight of its only position, and whoever asks why. ``at``: what the clock says."""

    def __init__(self) -> None:
        self.post = Post()
        self.exchange = FakeExchange()
        self.inquiry = Inquiry([self.exchange], self.post.guard, self.post.clock)

    async def lose(self) -> None:
        for seconds, held in ((0, [position()]), (10, [position()]), (20, []), (30, [])):
            self.post.clock.advance(seconds - (self.post.clock.now() - NOW).total_seconds())
            await self.post.guard.take(snapshot(*held, when=at(seconds)))

    async def ask(self) -> None:
        self.inquiry.look_round()
        await self.inquiry.settled()

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for commit in self.post.store.kept for event in commit.lives.events]

    @property
    def cases(self) -> list[object]:
        return list(self.post.guard.memory.lives.cases.values())


@pytest.fixture
async def desk():
    made = Desk()
    await made.lose()
    return made


async def test_what_happened_is_asked_with_the_times_of_the_question_and_told(desk):
    desk.exchange.tell(Records(at=at(30), fills=(END,)))
    await desk.ask()
    (asked,) = desk.exchange.inquiries
    assert (asked.since, asked.until, asked.life_since) == (at(10), at(30), at(0))
    assert (asked.position.contracts, asked.other_margin) == (10, None)
    assert desk.kinds == [EventKind.FOUND, EventKind.CLOSED]
    assert "BTC/USDT long closed, -51.00 USDT" in desk.post.outbox
    assert desk.cases == []


async def test_margin_of_the_other_side_is_named_where_there_is_one():
    desk = Desk()
    short = position(side=Side.SHORT, hedged=True, isolated_margin=D(70))
    for seconds in (0, 10, 20, 30):
        desk.post.clock.advance(10 if seconds else 0)
        held = [position(hedged=True)] if seconds < 20 else []
        await desk.post.guard.take(snapshot(*held, short, when=at(seconds)))
    desk.exchange.tell(Records(at=at(30), fills=(END,)))
    await desk.ask()
    (asked,) = desk.exchange.inquiries
    assert asked.other_margin == 70


async def test_one_that_may_be_back_is_not_asked_about():
    desk = Desk()
    await desk.post.guard.take(snapshot(position(), when=at(0)))
    await desk.post.guard.take(snapshot(when=at(10)))
    await desk.ask()
    assert desk.exchange.inquiries == []


@pytest.mark.parametrize("fault", [ExchangeDown("busy"), TimeoutError(), ValueError("odd")])
async def test_whatever_goes_wrong_is_asked_again_later(desk, monkeypatch, fault):
    async def fails(_):
        raise fault

    monkeypatch.setattr(desk.exchange, "fetch_records", fails)
    with capture_logs() as logs:
        await desk.ask()
    (case,) = desk.cases
    assert (case.tries, case.due > at(30)) == (1, True)
    assert logs[-1]["event"] == ("inquiry.stumbled" if isinstance(fault, ValueError) else "inquiry.failed")
    assert "odd" not in logs[-1].get("error", "")
    await desk.ask()
    assert desk.cases == [case], "not before it is due"


async def test_exchange_that_hangs_is_given_up_on_and_holds_nobody_else_up(desk, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.01)

    async def hangs(_):
        await asyncio.Event().wait()

    monkeypatch.setattr(desk.exchange, "fetch_records", hangs)
    await desk.ask()
    (case,) = desk.cases
    assert case.tries == 1


async def test_account_is_asked_one_question_at_a_time_and_one_of_another_program_not_at_all(desk):
    gate = asyncio.Event()
    asked = []

    async def waits(question):
        asked.append(question)
        await gate.wait()
        return Records(at=at(30), fills=(END,))

    desk.exchange.fetch_records = waits
    desk.inquiry.look_round()
    await asyncio.sleep(0)
    desk.inquiry.look_round()
    gate.set()
    await desk.inquiry.settled()
    assert len(asked) == 1
    stranger = Inquiry([FakeExchange("other")], desk.post.guard, desk.post.clock)
    stranger.look_round()
    await stranger.settled()


async def test_end_is_asked_about_before_what_only_moved_a_margin():
    desk = Desk()
    other, third = (position(symbol=f"{coin}/USDT:USDT") for coin in ("ETH", "SOL"))
    richer = (replace(other, isolated_margin=D(105)), replace(third, contracts=D(12), isolated_margin=D(120)))
    for seconds, held in ((0, (position(), other, third)), (10, (other, third)), (20, richer)):
        desk.post.clock.advance(seconds - (desk.post.clock.now() - NOW).total_seconds())
        await desk.post.guard.take(snapshot(*held, when=at(seconds)))
    desk.exchange.tell(Records(at=at(20)))
    await desk.ask()
    assert [asked.position.key.symbol[:3] for asked in desk.exchange.inquiries] == ["BTC", "SOL", "ETH"]


async def test_loop_looks_whenever_poked_until_it_is_cancelled(desk):
    desk.exchange.tell(Records(at=at(30), fills=(END,)))
    running = asyncio.ensure_future(desk.inquiry.run())
    desk.inquiry.poke()
    for _ in range(20):
        await asyncio.sleep(0)
    assert EventKind.CLOSED in desk.kinds
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_cancelled_loop_lets_go_of_what_it_asks(desk, monkeypatch):
    ended = asyncio.Event()

    async def hangs(_):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(desk.exchange, "fetch_records", hangs)
    running = asyncio.ensure_future(desk.inquiry.run())
    desk.inquiry.poke()
    for _ in range(5):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.wait_for(ended.wait(), 5)
    assert timedelta(0) == desk.cases[0].due - at(30)
