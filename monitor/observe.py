"""Observe: fold one reading into the memory of families and positions. Who is here, who is gone, whose life is a new one.

A position that is missing from a valid snapshot is *absent*; only a second agreeing snapshot makes it closed. One that is
still open but no longer isolated is never closed: it keeps its memory, with its new margin mode. One whose row cannot be read
keeps its memory as it was. A new life (epoch) begins
when the exchange names another open time, and after a close; a change of side is another position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.margin.assessment import Assessment, Figures, assess
from monitor.margin.position import Position, PositionKey
from monitor.margin.quantities import ONE, ZERO
from monitor.margin.reading import (
    UNREADABLE,
    FamilyFailure,
    FamilyKey,
    FamilyNotOpened,
    FamilyReading,
    FamilySnapshot,
    KeyFacts,
    Unguarded,
)
from monitor.margin.tiers import TierTable
from monitor.memory import FamilyMemory, FamilyState, KeyMemory, Memory, PositionMemory

ABSENCES_TO_CLOSE = 2
UNSEEN = timedelta(minutes=2)
"""After a longer time without a reading nobody knows what the marks did meanwhile."""
ONE_CHANGE = timedelta(hours=24)
"""Changes of the tiers within this time are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one reading says against the memory: the family as it is now, and its positions sorted by what became of them.

    ``seen``: assessed now; ``born``: keys among them whose life began with this reading; ``absent``: missing for the first time;
    ``closed``: lives that ended; ``unguarded``: guarded before, open but not isolated now. ``stirred``: those seen whose size,
    leverage, margin or tiers are others than before, each with what it was.
    """

    family: FamilyMemory
    seen: tuple[PositionMemory, ...] = ()
    born: frozenset[PositionKey] = frozenset()
    absent: tuple[PositionMemory, ...] = ()
    closed: tuple[PositionMemory, ...] = ()
    unguarded: tuple[PositionMemory, ...] = ()
    stirred: tuple[tuple[PositionMemory, PositionMemory], ...] = ()


def observe(reading: FamilyReading, memory: Memory) -> Observation:
    """What this reading changes; a failure changes the family alone."""
    known = memory.families.get(reading.key)
    if isinstance(reading, FamilySnapshot):
        return _observe_snapshot(reading, known, memory)
    family = known or FamilyMemory(key=reading.key, state=FamilyState.STARTING, since=reading.at)
    if isinstance(reading, FamilyNotOpened) and family.last_good is not None:
        # It was read before, by this run or an earlier one: "not opened" cannot be true, and hiding its positions would be worse.
        reading = FamilyFailure(key=reading.key, at=reading.at, cause="not_opened", message=reading.message)
    if isinstance(reading, FamilyNotOpened):
        return Observation(family=replace(family, state=FamilyState.NOT_OPENED, error=reading.message, hint="", failing=0))
    return Observation(family=_failed(family, reading))


def _failed(family: FamilyMemory, failure: FamilyFailure) -> FamilyMemory:
    state = FamilyState.STALE if family.state is FamilyState.OK else family.state
    if state is FamilyState.NOT_OPENED:
        state = FamilyState.STARTING
    return replace(family, state=state, failing=family.failing + 1, error=failure.message, hint=failure.hint)


def _observe_snapshot(snapshot: FamilySnapshot, known: FamilyMemory | None, memory: Memory) -> Observation:
    unread = any(other.mode == UNREADABLE for other in snapshot.unguarded)
    family = FamilyMemory(
        key=snapshot.key,
        state=FamilyState.OK,
        since=known.since if known is not None else snapshot.at,
        last_good=snapshot.at,
        unguarded=snapshot.unguarded,
        free=snapshot.free,
        free_at=snapshot.free_at,
        moved_at=known.moved_at if known is not None else None,
        remark=snapshot.remark,
        marks_since=_marks_since(snapshot, known, memory),
        unreadable=(known.unreadable if known is not None else 0) + 1 if unread else 0,
    )
    positions = memory.positions
    seen: list[PositionMemory] = []
    born: set[PositionKey] = set()
    closed: list[PositionMemory] = []
    stirred: list[tuple[PositionMemory, PositionMemory]] = []
    for position in snapshot.positions:
        assessment = assess(position)
        before = positions.get(position.key)
        if before is not None and _another_life(before.assessment, assessment):
            closed.append(before)
            before = None
        if before is None:
            born.add(position.key)
        now = _remember(before, assessment, snapshot.at, memory)
        seen.append(now)
        if before is not None and _stirred(before.assessment.position, position):
            stirred.append((before, now))
    here = {position.key for position in snapshot.positions}
    absent, gone, unguarded = _missing(snapshot, here, known, memory)
    if born or absent or closed or gone or any(_money_moved(was.assessment.position, now) for was, now in stirred):
        family = replace(family, moved_at=snapshot.at)
    return Observation(
        family=family,
        seen=tuple(seen),
        born=frozenset(born),
        absent=tuple(absent),
        closed=(*closed, *gone),
        unguarded=tuple(unguarded),
        stirred=tuple(stirred),
    )


def _stirred(was: Position, now: Position) -> bool:
    """Whether anything of it changed that the market alone does not change."""
    return (
        was.isolated_margin != now.isolated_margin
        or was.contracts != now.contracts
        or was.leverage != now.leverage
        or (was.tiers is not now.tiers and was.tiers != now.tiers)
    )


def _money_moved(was: Position, now: PositionMemory) -> bool:
    """Whether something of it changed that changes the balance too; other tiers do not."""
    new = now.assessment.position
    return (was.isolated_margin, was.contracts, was.leverage) != (new.isolated_margin, new.contracts, new.leverage)


def _marks_since(snapshot: FamilySnapshot, known: FamilyMemory | None, memory: Memory) -> datetime | None:
    """Since when the marks of all open positions are what they are; one that moves, or is new, is a sign that they do.

    Only readings that follow each other tell that nothing moved in between.
    """
    if not snapshot.positions:
        return None
    if known is None or known.marks_since is None or known.last_good is None or snapshot.at - known.last_good > UNSEEN:
        return snapshot.at
    for position in snapshot.positions:
        before = memory.positions.get(position.key)
        if before is None or before.assessment.position.mark_price != position.mark_price:
            return snapshot.at
    return known.marks_since


def _another_life(before: Assessment, now: Assessment) -> bool:
    """Whether the exchange names another open time than before."""
    opened, opens = before.position.opened, now.position.opened
    return bool(opened) and bool(opens) and opened != opens


def _remember(before: PositionMemory | None, assessment: Assessment, at: datetime, memory: Memory) -> PositionMemory:
    position = assessment.position
    since, moved = _tiers_news(before, assessment, at)
    return PositionMemory(
        key=position.key,
        family=position.family,
        epoch=before.epoch if before is not None else memory.epochs.get(position.key, 0) + 1,
        first_seen=before.first_seen if before is not None else at,
        last_seen=at,
        assessment=assessment,
        tiers_since=since,
        tiers_moved=moved,
    )


def _tiers_news(before: PositionMemory | None, assessment: Assessment, at: datetime) -> tuple[datetime | None, Decimal | None]:
    """When the position's tiers changed, and what that made of its liquidation price; as remembered where they did not now."""
    if before is None:
        return None, None
    old, new = before.assessment.position.tiers, assessment.position.tiers
    # Adapters hand out the same table poll after poll; only another object is compared.
    if old is new or old is None or new is None or old == new:
        return before.tiers_since, before.tiers_moved
    moved = _moved_nearer(assessment, old)
    if before.tiers_since is not None and before.tiers_moved is not None and at - before.tiers_since < ONE_CHANGE:
        moved += before.tiers_moved
    return at, moved


def _moved_nearer(assessment: Assessment, old: TierTable) -> Decimal:
    """How much of the way to liquidation is left less than with the ``old`` tiers, as a share of the mark; below 0: more."""
    before = _way_left(assess(replace(assessment.position, tiers=old)).ours)
    now = _way_left(assessment.ours)
    if now is None:
        return ZERO if before is None else -ONE
    return (ONE if before is None else before) - now


def _way_left(figures: Figures) -> Decimal | None:
    """The distance to liquidation as a share of the mark; 0 at or past it, None where no price liquidates."""
    return figures.liquidation_distance if figures.headroom > 0 else ZERO


def _missing(
    snapshot: FamilySnapshot, here: set[PositionKey], known: FamilyMemory | None, memory: Memory
) -> tuple[list[PositionMemory], list[PositionMemory], list[PositionMemory]]:
    """The remembered positions of this family that are not in the snapshot as isolated: absent, gone, or not isolated now."""
    absent: list[PositionMemory] = []
    gone: list[PositionMemory] = []
    unguarded: list[PositionMemory] = []
    for key, before in memory.positions.items():
        if key in here or not _belongs(before, snapshot.key):
            continue
        others = [other for other in snapshot.unguarded if _is_on(other, before)]
        if any(other.mode == UNREADABLE for other in others):
            continue
        now = next((other for other in others if other.side is key.side), None)
        if now is not None and (before.mode or not _stood_beside(now, known)):
            unguarded.append(replace(before, mode=now.mode, absences=0))
        elif before.absences + 1 >= ABSENCES_TO_CLOSE:
            gone.append(replace(before, absences=before.absences + 1))
        else:
            absent.append(replace(before, absences=before.absences + 1))
    return absent, gone, unguarded


def _is_on(other: Unguarded, before: PositionMemory) -> bool:
    """Whether both are on one instrument: by either name, since the unified one may have been told by the row alone."""
    return before.key.symbol == other.symbol or before.assessment.position.instrument.instrument_id == other.instrument_id


def _stood_beside(other: Unguarded, known: FamilyMemory | None) -> bool:
    """Whether it was there while the isolated position was: then it is another one, and not what that has become."""
    return known is not None and other in known.unguarded


def _belongs(position: PositionMemory, family: FamilyKey) -> bool:
    key = position.key
    return position.family == family.family and key.account == family.account and key.exchange == family.exchange


def learned(known: KeyMemory | None, facts: KeyFacts, now: datetime) -> KeyMemory:
    """What is remembered of a key once ``facts`` were read: rights that are gone are lost until one of them is back."""
    lost: tuple[str, ...] = ()
    lost_at: datetime | None = None
    if known is not None:
        gone = tuple(sorted(set(known.facts.rights) - set(facts.rights)))
        if gone:
            lost, lost_at = gone, now
        elif not set(known.lost) & set(facts.rights):
            lost, lost_at = known.lost, known.lost_at
    return KeyMemory(facts=facts, read_at=now, lost=lost, lost_at=lost_at)
