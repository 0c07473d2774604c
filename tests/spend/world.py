"""Builders for the journal: the triggered position of `tests.topups.planning` in a memory, and intents on it."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.decide import decide
from monitor.margin.assessment import assess
from monitor.margin.position import Position
from monitor.margin.reading import FamilySnapshot
from monitor.memory import Memory
from monitor.rules.data_stale import DataStale
from monitor.spend.change import Change
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.stand import stand_of
from tests.builders import NOW, position, snapshot
from tests.builders import policy as watching
from tests.topups.planning import TOP_UPS
from tests.topups.planning import policy as guarding

D = Decimal
WINDOW = timedelta(seconds=5)
POLICY = replace(watching(DataStale()), top_ups=replace(TOP_UPS, policies=(guarding(),)))
NOBODY = replace(POLICY, top_ups=replace(TOP_UPS, policies=()))


def intent(name: str = "i1", *, amount: str = "10", ago: float = 0, here: Position | None = None, **changes: Any) -> Intent:
    """One that was planned ``ago`` seconds before NOW, by the policy."""
    held = here or position("93")
    when = NOW - timedelta(seconds=ago)
    values: dict[str, Any] = {
        "id": name,
        "key": held.key,
        "family": "usdm",
        "instrument_id": held.instrument.instrument_id,
        "hedged": False,
        "currency": "USDT",
        "amount": D(amount),
        "epoch": 1,
        "lease": 1,
        "state": IntentState.PLANNED,
        "planned_at": when,
        "before": stand_of(assess(held), when),
        "policy": "btc_guard",
    }
    return Intent(**{**values, **changes})


def sent(name: str = "i1", *, state: IntentState = IntentState.VERIFIED, ago: float = 0, **changes: Any) -> Intent:
    """One that was submitted ``ago`` seconds before NOW."""
    when = NOW - timedelta(seconds=ago)
    made = intent(name, ago=ago, state=state, submitted_at=when, valid_until=when + WINDOW, **changes)
    return made if made.is_open else replace(made, settled_at=made.settled_at or when)


def snapshot_of(when: datetime, *, margin: str = "100", mark: str = "93", free: str = "1000", **changes: Any) -> FamilySnapshot:
    """A reading of the position, and of what is free."""
    return snapshot(position(mark, isolated_margin=D(margin), **changes), when=when, free={"USDT": D(free)})


def read(memory: Memory, *, when: datetime, margin: str = "100", mark: str = "93", family_free: str = "1000") -> Memory:
    """The memory after a reading, with its intents as they were."""
    seen = decide(snapshot_of(when, margin=margin, mark=mark, free=family_free), memory, NOBODY, when).memory
    return replace(seen, top_ups=memory.top_ups)


def remembering(*intents: Intent, **changes: Any) -> Memory:
    """The position as read at NOW, and these intents."""
    memory = Memory()
    memory = replace(memory, top_ups=replace(memory.top_ups, lease=1))
    memory = read(memory, when=NOW)
    return replace(memory, top_ups=replace(memory.top_ups, intents={one.id: one for one in intents}, **changes))


def levels(change: Change) -> list[int]:
    """How loud each message is."""
    return [message.level for message in change.commit.messages]
