"""Runs the demo: exchange, phone and daemon up, the scenario through, the books compared, everything down again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.demo import outcome
from monitor.demo.frame import Face, Frame, Look, PositionFrame, SeenRow, belongs, thinned
from monitor.demo.frame import Market as MarketFrame
from monitor.demo.market import Market
from monitor.demo.outcome import Fate, Key, Outcome, Size
from monitor.demo.phone import Phone
from monitor.demo.program import Program
from monitor.demo.script import Script
from monitor.errors import MargincallError, StoreFault, StoreMissing
from monitor.practice.engine.accounts import Kind
from monitor.rules.base import Level
from monitor.store.reader import StoreReader
from monitor.store.sent import SentMessage
from monitor.topups.ledger import Intent

START_SECONDS = 60.0
"""How long the daemon may take until it guards: importing ccxt on a slow machine is most of it."""
SETTLE_SECONDS = 20.0
"""How long the daemon may take after the last price until its books agree and all is delivered."""
FEW_POLLS = 5
"""A breach that the exchange showed for no more rounds of polls than this may end before it is told."""
FRAME_SECONDS = 0.2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoFailed(MargincallError):
    """The demo could not be played to its end."""


class Interrupted(Exception):
    """Somebody asked it to stop; everything was taken down."""


async def play(script: Script, look: Look, face: Face) -> Outcome:
    """The whole demo. Raises Interrupted on SIGINT, SIGTERM or SIGHUP, DemoFailed when the daemon does not play along.

    Whatever happens, no process and no folder is left behind.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="margincall-demo-") as folder:
        demo = Demo(script, look, face, Program(Path(folder)))

        def interrupt() -> None:
            if stop.is_set():
                demo.program.kill()
            stop.set()

        for number in SIGNALS:
            loop.add_signal_handler(number, interrupt)
        try:
            return await _unless(stop, demo.run())
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Outcome]) -> Outcome:
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        raise Interrupted
    return await working


class Demo:
    """One performance."""

    def __init__(self, script: Script, look: Look, face: Face, program: Program) -> None:
        self.script = script
        self.market = Market(script)
        self.phone = Phone(lambda: self.market.second)
        self.program = program
        self._look = look
        self._face = face
        self._stage = "Starting the practice exchange and the daemon ..."
        self._rows: dict[Key, SeenRow] = {}
        self._present: frozenset[Key] = frozenset()
        self._ending = False

    async def run(self) -> Outcome:
        """From an empty folder to the outcome."""
        began = time.monotonic()
        async with self.phone, self.market.server:
            self.program.configure(self.market.guarded(), self.market.server.url, self.phone.url)
            with self._face.opened():
                showing = asyncio.ensure_future(self._show())
                try:
                    await self._perform()
                finally:
                    self._ending = True
                    code = await self.program.stop()
                    await showing
            return self._outcome(code, time.monotonic() - began)

    async def _perform(self) -> None:
        await self.program.start()
        await self._until(lambda: bool(self.phone.rings), START_SECONDS, "did not begin to guard")
        self._stage = ""
        playing = asyncio.ensure_future(self.market.play(self._check_alive))
        try:
            await playing
        finally:
            playing.cancel()
        self._stage = "The scenario is over. Comparing the daemon's books with the exchange's ..."
        await self._settle()
        self._stage = "Stopping the daemon ..."

    async def _settle(self) -> None:
        """Prices stand still now; give the daemon time to see it, to agree and to deliver."""
        loop = asyncio.get_running_loop()
        deadline, enough = loop.time() + SETTLE_SECONDS, self.market.rounds + FEW_POLLS
        while loop.time() < deadline:
            await asyncio.sleep(FRAME_SECONDS)
            self.market.watch.look()
            self._check_alive()
            sent = await asyncio.to_thread(self._sent)
            calm = not self._disagreements() and not self._untold(sent) and all(one.settled for one in sent)
            if calm and self.market.rounds > enough:
                return

    async def _until(self, true: Callable[[], bool], seconds: float, failing: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not true():
            self._check_alive()
            if loop.time() > deadline:
                raise DemoFailed(f"The daemon {failing} within {seconds:.0f} s.", hint=self.program.last_words())
            await asyncio.sleep(0.05)

    def _check_alive(self) -> None:
        if self.program.exit_code is not None:
            message = f"The daemon ended with exit code {self.program.exit_code}."
            raise DemoFailed(message, hint=self.program.last_words())

    async def _show(self) -> None:
        """Frames until the end. Ends by itself, never in the middle of a reading of the store."""
        while not self._ending:
            with contextlib.suppress(StoreFault):
                rows = await asyncio.to_thread(self._look, self.program.store)
                self._rows |= {_key(row): row for row in rows}
                self._present = frozenset(_key(row) for row in rows)
            await asyncio.to_thread(self._face.show, self._frame())
            await asyncio.sleep(FRAME_SECONDS)
        await asyncio.to_thread(self._face.show, self._frame())

    def _frame(self) -> Frame:
        market = self.market
        rings = tuple(self.phone.rings)
        return Frame(
            script=self.script,
            second=market.second,
            stage=self._stage,
            positions=tuple(self._position(number, rings) for number in range(len(market.holdings))),
            rings=rings,
            acts=tuple(market.acts),
            markets=tuple(
                MarketFrame(base=base, change=market.change(base), line=thinned(line)) for base, line in market.track.items()
            ),
        )

    def _position(self, number: int, rings: tuple[Any, ...]) -> PositionFrame:
        holding = self.market.holdings[number]
        row = self._rows.get(holding.key)
        end = next((act for act in self.market.acts if act.whole and act.holding is holding), None)
        warned = next((ring.second for ring in rings if ring.level >= Level.WARNING and belongs(ring, holding)), None)
        return PositionFrame(
            holding=holding,
            state="liquidated" if end is not None else "waiting" if row is None else row.state,
            seen=None if row is None else row.seen,
            warned=warned,
            end=end,
            cost=self.market.cost(holding),
        )

    def _sent(self) -> tuple[SentMessage, ...]:
        try:
            with StoreReader(self.program.store) as reader:
                return tuple(reader.deliveries())
        except StoreMissing:
            return ()

    def _journal(self) -> tuple[Intent, ...]:
        try:
            with StoreReader(self.program.store) as reader:
                return tuple(reader.intents())
        except StoreMissing:
            return ()

    def _books(self) -> dict[Key, Size]:
        """The daemon's, as of the last look."""
        seen = {key: self._rows[key].seen.assessment.position for key in self._present}
        return {key: Size(contracts=one.contracts, margin=one.isolated_margin) for key, one in seen.items()}

    def _disagreements(self) -> list[str]:
        engine, held = self.market.engine, self.market.open_positions()
        exchange = {
            holding.key: Size(contracts=held[holding.id].quantity, margin=engine.margin(held[holding.id]))
            for holding in self.market.holdings
            if holding.id in held
        }
        return outcome.disagreements(exchange, self._books())

    def _untold(self, sent: tuple[SentMessage, ...]) -> list[str]:
        longest = self.market.watch.longest
        return outcome.untold((one.key for one in self.market.holdings if longest[one.id] > FEW_POLLS), sent)

    def _outcome(self, code: int | None, took: float) -> Outcome:
        sent = self._sent()
        alerts = outcome.count_alerts(sent, self.phone.rings)
        warned = outcome.first_warnings(sent, self.phone.rings)
        fates = tuple(self._fate(number, warned) for number in range(len(self.market.holdings)))
        top_ups = outcome.count_top_ups(self._journal())
        problems = [*self._disagreements(), *self._untold(sent), *outcome.message_problems(alerts)]
        problems += outcome.unjournaled(fates, top_ups)
        if code != 0:
            problems.append(f"the daemon did not stop in good order (exit code {code})")
        return Outcome(
            scenario=self.script.scenario.name,
            seconds=self.script.scenario.seconds,
            took=took,
            fates=fates,
            top_ups=top_ups,
            alerts=alerts,
            problems=problems,
        )

    def _fate(self, number: int, warned: dict[Key, Decimal]) -> Fate:
        market, holding = self.market, self.market.holdings[number]
        acts = [act for act in market.acts if act.holding is holding and act.record.kind is not Kind.ADD]
        taken = acts[0].second if acts and any(act.whole for act in acts) else None
        first = warned.get(holding.key)
        position = market.open_positions().get(holding.id)
        unrealised = (
            Decimal(0) if position is None else market.engine.stake(position).profit(market.engine.mark(position.contract))
        )
        return Fate(
            holding=holding,
            liquidated=taken,
            first_warning=None if first is not None and taken is not None and first > taken else first,
            cost=market.cost(holding) + unrealised,
            topped_up=market.added(holding),
        )


def _key(row: SeenRow) -> Key:
    key = row.seen.key
    return key.account, key.symbol, key.side.value
