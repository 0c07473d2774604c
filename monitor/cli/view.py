"""What the verbs `positions` and `check` show: the same view, whether it comes from the store or from a live reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.alerts.model import position_subject
from monitor.cli.documents import SCHEMA, account_document, iso, position_document, state_of
from monitor.memory import FamilyMemory, FamilyState, Memory, PositionMemory
from monitor.rules.base import Level

ASLEEP_AFTER = timedelta(seconds=30)
"""Without a running daemon, what was read longer ago than this is stale."""
HUNG_AFTER = timedelta(minutes=10)
"""Even beside a running daemon: no poll interval that makes sense is longer."""

SEVERITY = {"emergency": 0, "critical": 1, "warning": 2, "stale": 2, "ok": 3}
"""Which states come first in a list; within one, the thinner cushion. A position past liquidation comes before all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One position and its state in one word."""

    seen: PositionMemory
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Accounts and positions as of ``at``; positions worst first. ``watched``: a daemon keeps it fresh, or it was just read."""

    at: datetime
    families: Sequence[FamilyMemory]
    rows: Sequence[Row]
    watched: bool = True

    def document(self) -> dict[str, Any]:
        """The JSON document of `positions --json`."""
        accounts: dict[tuple[str, str], list[FamilyMemory]] = {}
        for family in self.families:
            accounts.setdefault((family.key.exchange, family.key.account), []).append(family)
        return {
            "schema": SCHEMA,
            "as_of": iso(self.at),
            "accounts": [account_document(*name, families, self.at) for name, families in accounts.items()],
            "positions": [position_document(row.seen, row.state) for row in self.rows],
        }


def from_memory(memory: Memory, at: datetime) -> View:
    """The view of a memory."""
    levels: dict[Any, Level] = {}
    for (_, subject), alert in memory.alerts.items():
        levels[subject] = max(alert.level, levels.get(subject, Level.INFO))
    families = {(one.key.exchange, one.key.account, one.key.family): one for one in memory.families.values()}
    rows = [
        Row(
            seen=seen,
            state=state_of(levels.get(position_subject(key)), families.get((key.exchange, key.account, seen.family)), seen),
        )
        for key, seen in memory.positions.items()
    ]
    return View(at=at, families=tuple(memory.families.values()), rows=sorted(rows, key=_worst_first))


def from_store(path: Path, at: datetime) -> View:
    """The view of a store; what nobody keeps fresh any more is stale. Raises StoreMissing and the like."""
    from monitor.store.lock import is_held
    from monitor.store.reader import StoreReader

    with StoreReader(path) as reader:
        stand = reader.stand()
    watched = is_held(path)
    limit = HUNG_AFTER if watched else ASLEEP_AFTER
    families = [_aged(family, at, limit) for family in stand.families]
    by_key = {family.key: family for family in families}
    rows = []
    for one in stand.positions:
        family = by_key.get(one.family.key) if one.family is not None else None
        rows.append(Row(seen=one.memory, state=state_of(one.level, family, one.memory)))
    return View(at=at, families=families, rows=sorted(rows, key=_worst_first), watched=watched)


def _aged(family: FamilyMemory, at: datetime, limit: timedelta) -> FamilyMemory:
    old = at - (family.last_good or family.since) > limit
    return replace(family, state=FamilyState.STALE) if old and family.state in {FamilyState.OK, FamilyState.STARTING} else family


def _worst_first(row: Row) -> tuple[int, Decimal, str]:
    judged = row.seen.assessment.judged
    cushion = judged.cushion if judged.cushion is not None else Decimal("Infinity")
    return -1 if judged.headroom <= 0 else SEVERITY[row.state], cushion, row.seen.key.symbol
