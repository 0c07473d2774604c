"""Plays a scenario on the engine, at any speed, always in the same steps: what is liquidated does not depend on the speed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

from monitor.practice.engine.accounts import Record
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.scenarios import Scenario

Pace = Sequence[tuple[int, Decimal]]
"""(until this second of the scenario, times real speed), in order; the last one holds to the end."""

_DIGITS = Decimal("1e-8")


class Player:
    """One scenario on one engine. ``second`` is where it is; ``step_seconds`` how far one step goes, in scenario time."""

    def __init__(
        self, engine: PracticeExchange, scenario: Scenario, *, seed: int = 0, step_seconds: Decimal = Decimal(1)
    ) -> None:
        self.engine = engine
        self.scenario = scenario
        self.seed = seed
        self.step_seconds = step_seconds
        self.second = Decimal(0)

    @property
    def over(self) -> bool:
        """The scenario has been played to its end."""
        return self.second >= self.scenario.seconds

    def step(self) -> list[Record]:
        """Go one step on: move every mark, settle funding that fell due; the liquidations of this step."""
        before, self.second = self.second, min(self.second + self.step_seconds, Decimal(self.scenario.seconds))
        shares: dict[str, Decimal] = {}
        marks = {}
        for key, contract in self.engine.contracts.items():
            if contract.base not in shares:
                shares[contract.base] = self.scenario.share(contract.base, self.second, self.seed)
            marks[key] = max((contract.start * shares[contract.base]).quantize(_DIGITS), _DIGITS)
        records = self.engine.set_marks(marks)
        for due, rate in self.scenario.fundings:
            if before < due <= self.second:
                for exchange, name in list(self.engine.contracts):
                    self.engine.settle_funding(exchange, name, rate)
        return records

    async def play(self, pace: Pace, *, after_step: Callable[[Player], None] | None = None) -> None:
        """Play to the end at ``pace``; a step that comes late is followed at once by the next, so the whole takes its time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.over:
            self.step()
            if after_step is not None:
                after_step(self)
            due += float(self.step_seconds / speed_at(pace, self.second))
            await asyncio.sleep(max(0.0, due - loop.time()))


def speed_at(pace: Pace, second: Decimal) -> Decimal:
    """The speed that holds at ``second``."""
    return next((speed for until, speed in pace if second < until), pace[-1][1])
