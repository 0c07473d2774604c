"""How a position stands by the memory, as the journal keeps it."""

from __future__ import annotations

from decimal import Decimal

from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey
from monitor.memory import FamilyMemory, Memory, PositionMemory
from monitor.topups.ledger import Intent, Stand
from monitor.topups.reconcile import Sight, sight
from monitor.topups.stand import stand_of


def family_of(memory: Memory, seen: PositionMemory) -> FamilyMemory | None:
    """The family that a position is read with."""
    return memory.families.get(FamilyKey(exchange=seen.key.exchange, account=seen.key.account, family=seen.family))


def free_for(memory: Memory, seen: PositionMemory) -> Decimal | None:
    """The balance that could become margin of a position, where it is known."""
    family = family_of(memory, seen)
    return None if family is None else family.free.get(seen.assessment.position.instrument.settle_currency)


def stand_in(memory: Memory, key: PositionKey) -> Stand | None:
    """How a position stands by its last reading; None where it is not there."""
    seen = memory.positions.get(key)
    return None if seen is None else stand_of(seen.assessment, at=seen.last_seen, free=free_for(memory, seen))


def stand_after(memory: Memory, intent: Intent) -> Stand | None:
    """How the position stands if its last reading shows the change; else None."""
    seen = memory.positions.get(intent.key)
    if seen is None or seen.epoch != intent.epoch:
        return None
    position = seen.assessment.position
    if sight(intent, position.isolated_margin, position.contracts) is not Sight.SHOWN:
        return None
    return stand_in(memory, intent.key)
