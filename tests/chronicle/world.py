"""A memory, readings and answers: what became of every decision on lives."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from monitor.chronicle import concluded, postponed
from monitor.decide import decide
from monitor.lives.case import Case
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.records import Fill, FillCause, Records
from monitor.margin.position import Position
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.rules.cushion import Cushion
from tests import builders
from tests.builders import policy, position, snapshot

D = Decimal
E = EventKind
ETH = "ETH/USDT:USDT"
HOUR = 3600.0


def at(seconds: float) -> datetime:
    """Ten minutes past a full hour, when no funding is settled, and so many seconds."""
    return builders.at(600 + seconds)


class World:
    """A memory, a policy, and what became of every decision. ``POLL`` seconds lie between two readings."""

    def __init__(self, **changes: Any) -> None:
        self.policy: Policy = replace(policy(Cushion()), **changes)
        self.memory = Memory()
        self.events: list[LifeEvent] = []
        self.messages: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.confirmed: list[Any] = []
        self.told: list[str] = []

    def see(self, seconds: float, *positions: Position, **reading: Any) -> None:
        self._keep(decide(snapshot(*positions, when=at(seconds), **reading), self.memory, self.policy, at(seconds)))

    def tick(self, seconds: float) -> None:
        self._keep(decide(None, self.memory, self.policy, at(seconds)))

    def answer(self, seconds: float, *fills: Fill, **records: Any) -> None:
        """The exchange's answer about the only case."""
        (case,) = self.memory.lives.cases.values()
        self.conclude(seconds, case, *fills, **records)

    def conclude(self, seconds: float, case: Case, *fills: Fill, **records: Any) -> None:
        """The exchange's answer about a case."""
        told = Records(at=at(records.pop("records_at", seconds)), fills=fills, **records)
        self._keep(concluded(self.memory, self.policy, case.id, told, at(seconds)))

    def silence(self, seconds: float) -> None:
        """No answer about the only case."""
        (case,) = self.memory.lives.cases.values()
        self._keep(postponed(self.memory, self.policy, case.id, at(seconds)))

    @property
    def case(self) -> Case:
        (case,) = self.memory.lives.cases.values()
        return case

    @property
    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]

    def _keep(self, decision: Any) -> None:
        self.memory = decision.memory
        gone = decision.commit.lives.superseded
        self.events = [*(one for one in self.events if one.id not in gone), *decision.commit.lives.events]
        self.confirmed += decision.commit.lives.confirmed
        self.told += decision.commit.lives.told
        told = [one for one in decision.commit.messages if one.why.value == "event"]
        self.messages += [(one.level.label, one.title) for one in told]
        self.bodies += [one.body for one in told]


def fill(seconds: float, contracts: str, cause: FillCause = FillCause.TRADE, **changes: Any) -> Fill:
    """A fill that makes the position smaller, at 95: a loss of 5 a coin, 0.1 % fee unless said otherwise."""
    size = D(contracts)
    values: dict[str, Any] = {"price": D(95), "profit": -5 * size, "fee": D("-0.095") * size, "closes": True, "id": f"{seconds}"}
    return Fill(at=at(seconds), cause=cause, contracts=size, **{**values, **changes})


def bought(seconds: float, contracts: str) -> Fill:
    """A fill that makes the position larger, at 100, for 0.1 % fee."""
    size = D(contracts)
    return fill(seconds, contracts, price=D(100), profit=D(0), fee=D("-0.1") * size, closes=False)


def held(contracts: str = "10", **changes: Any) -> Position:
    return position(contracts=D(contracts), **changes)


def gone(**reading: Any) -> World:
    """A world whose only position was read at 0 s and 10 s, and is missing from the readings at 20 s and 30 s."""
    world = World()
    world.see(0, held(), **reading)
    world.see(10, held(), **reading)
    world.see(20, **reading)
    world.see(30, **reading)
    return world


def away(*before: Position, hours: float = 1, **changes: Any) -> World:
    """A world whose daemon saw ``before`` at 0 s and 10 s, and begins anew after so many hours."""
    world = World(**changes)
    world.see(0, *before)
    world.see(10, *before)
    world.policy = replace(world.policy, watching_since=at(hours * HOUR))
    return world
