"""What an exchange's records make of an open case: events with their breakdown, and margin changes as they really were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.chronicle.noticing import others_margin
from monitor.chronicle.pacing import kept
from monitor.chronicle.standing import as_it_stands, earlier, of_margins
from monitor.chronicle.telling import told_alone
from monitor.lives.case import LONGEST, PATIENCE, RISES, SETTLES, Case, CaseId, again
from monitor.lives.ending import Part, parts
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.margins import confirmed, guessed
from monitor.lives.records import Fill, FillCause, Records
from monitor.lives.state import LifeChanges
from monitor.lives.stretch import stretch
from monitor.lives.unit import unit_of
from monitor.lives.words import agrees, enlarged, opening
from monitor.margin.quantities import ZERO
from monitor.memory import Commit, Memory
from monitor.policy import Policy
from monitor.speak import may_be_liquidated
from monitor.spend.change import Change
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import IntentState

APPLIED = frozenset({IntentState.CONFIRMED, IntentState.VERIFIED, IntentState.RECONCILED_APPLIED})
FORCED = frozenset({EventKind.LIQUIDATED, EventKind.DELEVERAGED, EventKind.PARTLY_LIQUIDATED})
"""What nobody should wait for."""
BEGINNINGS = frozenset({EventKind.OPENED, EventKind.FLIPPED})
"""Before these there was nothing."""
FORCED_AGAIN = 2
"""So often the rest of a forced ending is asked for before it is told."""
CALM, NEAR_ITS_END = timedelta(seconds=45), timedelta(minutes=10)
"""For so long an owner's order is not believed to be one while the record of the orders cannot be read."""
ASK_AGAIN = 4
"""So often it is asked again for what an answer did not hold yet."""


def ripe(memory: Memory, now: datetime) -> list[Case]:
    """The cases that are to be asked about now; one that is only missing from one reading so far may yet be back."""
    return [one for one in memory.lives.cases.values() if one.due <= now and not (one.ended and _may_be_back(one, memory))]


def _may_be_back(case: Case, memory: Memory) -> bool:
    seen = memory.positions.get(case.key)
    return seen is not None and seen.epoch == case.epoch


def concluded(memory: Memory, policy: Policy, name: CaseId, records: Records, now: datetime) -> Change:
    """One answer of the exchange. Where it does not explain the case yet, the case stays open."""
    case = memory.lives.cases.get(name)
    if case is None:
        return Change(memory=memory, commit=Commit(at=now))
    if records.at < case.until:  # asked before the newest of it was seen
        return postponed(memory, policy, name, now)
    events: list[LifeEvent] = []
    if case.of_fills:
        asked, fills = _explained(case, records, memory, now)
        if not fills and case.turned_over and not case.of_size:
            fills = () if now - case.until >= PATIENCE else None  # there were some, and they are late
        if fills is None or (records.again and _may_say_more(case, fills, now)):
            sold = fills is not None and any(fill.closes for fill in fills)
            return postponed(memory, policy, name, now, certain=not sold)
        others = others_margin(memory.positions, case.id, case.assessment.position.instrument.settle_currency)
        events = [_event(asked, part, memory, now) for part in parts(asked, fills, records, others=others)]
        if asked is not case and not case.heard:
            events = [*as_it_stands(earlier(case, asked), now), *events]
        unsure = any(event.breakdown is not None and not agrees(event.breakdown) for event in events)
        if unsure and now - case.until < SETTLES and not any(event.kind in FORCED for event in events):
            return postponed(memory, policy, name, now)
    elif records.again and case.tries < ASK_AGAIN:
        return postponed(memory, policy, name, now)
    pairs = [(change, confirmed(change, records, case.assessment)) for change in case.changes]
    wait = not (case.of_size or case.away) and now - case.until < PATIENCE
    if wait and any(guessed(change, rows) for change, rows in pairs):
        return postponed(memory, policy, name, now)
    shown = [one for change, rows in pairs for one in (rows or (change,))]
    margins = () if case.told else of_margins(case, tuple(shown), now)
    return _answered(
        memory, policy, case, now, events=[*events, *margins], pairs=[(change, rows) for change, rows in pairs if rows]
    )


def _explained(case: Case, records: Records, memory: Memory, now: datetime) -> tuple[Case, tuple[Fill, ...] | None]:
    """The fills that explain the case; where it is of several questions and they do not explain all, the newest of them alone,
    after a while: an exchange may be late with the others. Nobody waits for what was forced, nor again after a minute.
    """
    seen = memory.positions.get(case.key)
    reborn = case.ended and seen is not None and seen.first_seen <= case.until
    fills = stretch(case, records.fills, reborn=reborn)
    if fills is not None or case.last is None:
        return case, fills
    newest = stretch(case.last, records.fills, reborn=reborn)
    forced = newest is not None and any(fill.cause is not FillCause.TRADE for fill in newest)
    return (case.last, newest) if forced or case.heard or now - case.until >= RISES else (case, None)


def _may_say_more(case: Case, fills: Sequence[Fill], now: datetime) -> bool:
    """Whether an answer that is not whole is waited for once more. What looks like the owner's own order may turn out to have
    been the exchange's, as long as nothing says whose it was: of a position near its end that is given more time.
    """
    if any(fill.cause is not FillCause.TRADE for fill in fills):
        return case.tries < FORCED_AGAIN
    if not fills:
        return case.tries < ASK_AGAIN
    if case.rising and not any(fill.closes for fill in fills):
        return False
    patience = NEAR_ITS_END if may_be_liquidated(case.assessment) else CALM
    return now - case.until < patience


def _event(case: Case, part: Part, memory: Memory, now: datetime) -> LifeEvent:
    """A part of the ending as an event, with what margincall itself had added."""
    position = case.assessment.position
    mine = [one for one in memory.top_ups.intents.values() if one.key == case.key and one.epoch == case.epoch]
    added = [one.amount for one in mine if one.state in APPLIED and one.amount > 0]
    return LifeEvent(
        key=case.key,
        epoch=case.epoch,
        kind=part.kind,
        at=part.at,
        seen_at=now,
        currency=position.instrument.settle_currency,
        unit=unit_of(position.instrument),
        before=None if part.kind in BEGINNINGS else part.before,
        after=part.left,
        ended=part.ended,
        detail=_detail(case, part),
        breakdown=None if part.breakdown is None else replace(part.breakdown, added=sum(added, ZERO), added_times=len(added)),
        waits=case.away,
    )


def _detail(case: Case, part: Part) -> str:
    position = case.assessment.position
    if part.kind is case.birth and part.left == position.contracts:
        return opening(position)
    return enlarged(position, part) if part.opened else ""


def _answered(
    memory: Memory,
    policy: Policy,
    case: Case,
    now: datetime,
    *,
    events: Sequence[LifeEvent] = (),
    pairs: Sequence[tuple[MarginChange, tuple[MarginChange, ...]]] = (),
) -> Change:
    """The case is closed. What was told as it stood is told again only if it is worse than that."""
    fresh = [one for one in events if not one.waits and not (case.told and one.kind in {EventKind.SHRANK, EventKind.GREW})]
    lives = memory.lives
    messages, spoken = told_alone(fresh, policy, memory, now)
    explained = case.told and not case.heard and any(one.amount is None for one in events)
    stood = {one.id for one in as_it_stands(replace(case, changes=()), now)} if explained else set()
    if any(one.id in stood for told in lives.spoken.values() for one in told.held):
        stood = set()  # not told yet, and a restart must find it
    after = replace(
        lives,
        cases={name: one for name, one in lives.cases.items() if name != case.id},
        waiting=(*(one for one in lives.waiting if one.id not in stood), *(one for one in events if one.waits)),
        spoken=spoken,
    )
    changes = LifeChanges(events=kept(events, spoken), closed=(case.id,), confirmed=tuple(pairs), superseded=tuple(sorted(stood)))
    return Change(memory=replace(memory, lives=after), commit=Commit(at=now, messages=messages, lives=changes))


def postponed(memory: Memory, policy: Policy, name: CaseId, now: datetime, *, certain: bool = True) -> Change:
    """No answer that explains the case. It is asked again later; what is not explained for a minute is told as it stands.

    ``certain``: nothing speaks against it that a position that became larger did just that.
    """
    case = memory.lives.cases.get(name)
    if case is None:
        return Change(memory=memory, commit=Commit(at=now))
    if now - case.asked_since >= LONGEST or (case.told and not case.of_size):
        left = () if case.told else of_margins(case, case.changes, now)
        return _answered(memory, policy, case, now, events=left)
    brief = certain and case.rising and not (case.away or may_be_liquidated(case.assessment))
    if brief and now - case.until >= RISES:
        return _answered(memory, policy, case, now, events=as_it_stands(case, now))
    later = again(case, now)
    events: tuple[LifeEvent, ...] = ()
    if not case.told and now - case.asked_since >= PATIENCE:
        later = replace(later, told=True)
        events = as_it_stands(case, now)
    lives = memory.lives
    messages, spoken = told_alone([one for one in events if not one.waits], policy, memory, now)
    after = replace(
        lives,
        cases={**lives.cases, case.id: later},
        waiting=(*lives.waiting, *(one for one in events if one.waits)),
        spoken=spoken,
    )
    return Change(
        memory=replace(memory, lives=after),
        commit=Commit(at=now, messages=messages, lives=LifeChanges(events=kept(events, spoken), cases=(later,))),
    )
