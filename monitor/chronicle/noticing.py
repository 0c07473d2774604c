"""What a reading shows against the one before: events that are certain from it, and cases where only records tell why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from monitor.chronicle.pacing import kept
from monitor.chronicle.standing import ASKED, as_it_stands, margin_event
from monitor.chronicle.telling import told_alone
from monitor.lives.case import RISES, Case, CaseId, merged
from monitor.lives.event import EventKind, LifeEvent
from monitor.lives.state import LifeChanges, LifeMemory
from monitor.lives.unit import unit_of
from monitor.margin.position import PositionKey
from monitor.margin.quantities import ZERO
from monitor.memory import Commit, Memory, PositionMemory
from monitor.observe import Observation
from monitor.policy import Policy
from monitor.spend.change import Change
from monitor.topups.changes import ChangeCause, MarginChange


@dataclass(slots=True, kw_only=True)
class _Page:
    """What one reading adds. ``before``: the memory without it; ``memory``: with it."""

    before: Memory
    memory: Memory
    policy: Policy
    now: datetime
    away: bool
    events: list[LifeEvent] = field(default_factory=list)
    cases: dict[CaseId, Case] = field(default_factory=dict)
    closed: list[CaseId] = field(default_factory=list)

    def event(self, seen: PositionMemory, kind: EventKind, **facts: object) -> None:
        self.events.append(_event(seen, kind, self.now, waits=self.away, **facts))

    def case(self, case: Case) -> None:
        here = self.cases.get(case.id)
        known = here or self.before.lives.cases.get(case.id)
        # One that was missing and is back had not ended: whatever happened to it is another question.
        if known is not None and known.ended and not case.ended:
            known = known.instead
        # What only became larger is certain. It is no part of another question, and holds none up: it is told as it was seen.
        # What nothing watched may hold more than it shows.
        if known is not None and here is None and not (known.away or self.away):
            if case.rising:
                self.events.extend(as_it_stands(case, self.now))
                return
            if known.rising:
                self.events.extend(as_it_stands(known, self.now))
                known = None
        self.cases[case.id] = merged(known, case)


def noticed(
    before: Memory,
    memory: Memory,
    observation: Observation,
    policy: Policy,
    now: datetime,
    *,
    margin_changes: Iterable[MarginChange] = (),
    away: bool = False,
) -> Change | None:
    """What this snapshot means for the lives it shows; None where nothing happened.

    ``away``: the first one after a time in which nothing watched: it is told with all that happened then.
    """
    page = _Page(before=before, memory=memory, policy=policy, now=now, away=away)
    known = before.families.get(observation.family.key)
    first = known is None or known.last_good is None
    if observation.born:
        for seen in observation.seen:
            if seen.key in observation.born:
                _born(page, seen, observation, first=first)
    for was, seen in observation.stirred:
        _stirred(page, was, seen)
    for change in margin_changes:
        _margin(page, change)
    _gone(page, observation)
    _back(page, observation)
    if not (page.events or page.cases or page.closed or away):
        return None
    return _done(page, known.last_good if away and known is not None else None)


def _gone(page: _Page, observation: Observation) -> None:
    """What is missing is asked about; what is no longer isolated is not: the records here do not speak of it."""
    for gone in (*observation.absent, *observation.closed):
        if not gone.mode:
            page.case(_ended(page, gone))
    for seen in observation.unguarded:
        if not page.before.positions[seen.key].mode:
            told = _event(seen, EventKind.NOT_ISOLATED, page.now, waits=page.away, since=seen.last_seen)
            detail = f"Its margin mode is now {seen.mode}."
            page.events.append(replace(told, at=observation.family.last_good or page.now, detail=detail))


def _born(page: _Page, seen: PositionMemory, observation: Observation, *, first: bool) -> None:
    if first:
        page.event(seen, EventKind.FOUND, after=seen.assessment.position.contracts)
        return
    known = page.before.families[observation.family.key]
    other = replace(seen.key, side=seen.key.side.other)
    turned = not seen.assessment.position.hedged and other in page.before.positions
    kind = EventKind.FLIPPED if turned else EventKind.OPENED
    born = _case(page, seen, until=seen.last_seen, contracts=seen.assessment.position.contracts)
    there = page.before.positions.get(seen.key)
    prior = ZERO if there is None or there.absences else there.assessment.position.contracts
    page.case(replace(born, birth=kind, prior=prior, since=known.last_good or seen.last_seen, free=None, free_at=None))


def _stirred(page: _Page, was: PositionMemory, seen: PositionMemory) -> None:
    old, new = was.assessment.position, seen.assessment.position
    if new.contracts != old.contracts or page.away:
        page.case(_case(page, was, until=seen.last_seen, contracts=new.contracts))
    if old.leverage is not None and new.leverage is not None and old.leverage != new.leverage:
        page.event(seen, EventKind.LEVERAGE_CHANGED, since=was.last_seen, before=old.leverage, after=new.leverage)
    if seen.tiers_since == seen.last_seen and was.tiers_since != seen.tiers_since:
        page.event(seen, EventKind.TIERS_CHANGED, since=was.last_seen)


def _margin(page: _Page, change: MarginChange) -> None:
    was = page.before.positions[change.key]
    now = page.memory.positions[change.key].assessment.position.contracts
    # As many contracts as before, and fills all the same: some may have been the exchange's.
    turned_over = change.cause is ChangeCause.FILL and now == was.assessment.position.contracts
    if change.cause in ASKED or turned_over or page.away:
        case = replace(_case(page, was, until=change.at, contracts=now), changes=(change,))
        if turned_over and not page.away:
            # Whoever trades all day does so with every reading: one question about several.
            open_one = page.before.lives.cases.get(case.id)
            due = page.now + RISES
            case = replace(case, due=due) if open_one is None else replace(case, due=min(open_one.due, due), tries=open_one.tries)
        page.case(case)
        if change.cause in ASKED or page.away:
            return
    page.events.append(replace(margin_event(change, page.now), waits=page.away))


def _ended(page: _Page, gone: PositionMemory) -> Case:
    return replace(_case(page, gone, until=page.now, contracts=ZERO), ended=True)


def _case(page: _Page, was: PositionMemory, *, until: datetime, contracts: Decimal) -> Case:
    position = was.assessment.position
    coin = position.instrument.settle_currency
    family = next((one for key, one in page.before.families.items() if _holds(key, was)), None)
    return Case(
        key=was.key,
        epoch=was.epoch,
        family=was.family,
        assessment=was.assessment,
        first_seen=was.first_seen,
        since=was.last_seen,
        read_at=was.last_seen,
        until=until,
        contracts=contracts,
        ended=False,
        due=page.now,
        free=None if family is None else family.free_of(coin),
        free_at=None if family is None else family.free_at,
        others=others_margin(page.before.positions, (was.key, was.epoch), coin),
        away=page.away,
    )


def _holds(key: object, was: PositionMemory) -> bool:
    return (getattr(key, "exchange", ""), getattr(key, "account", ""), getattr(key, "family", "")) == (
        was.key.exchange,
        was.key.account,
        was.family,
    )


def others_margin(positions: Mapping[PositionKey, PositionMemory], but: CaseId, coin: str) -> Decimal:
    """The isolated margin behind all else of the account in this coin: other positions, and other lives of this one."""
    return sum(
        (
            one.assessment.position.isolated_margin
            for key, one in positions.items()
            if (key, one.epoch) != but
            and (key.exchange, key.account) == (but[0].exchange, but[0].account)
            and one.assessment.position.instrument.settle_currency == coin
        ),
        ZERO,
    )


def _back(page: _Page, observation: Observation) -> None:
    """A position that was missing once is there again, in the same life: there is nothing to ask."""
    open_cases = page.before.lives.cases
    if not open_cases:
        return
    for seen in (*observation.seen, *observation.unguarded):
        known = open_cases.get((seen.key, seen.epoch))
        if known is None or not known.ended or known.id in page.cases:
            continue
        if known.instead is not None:
            page.cases[known.id] = known.instead
        else:
            page.closed.append(known.id)


def _event(seen: PositionMemory, kind: EventKind, now: datetime, *, waits: bool, **facts: object) -> LifeEvent:
    position = seen.assessment.position
    return LifeEvent(
        key=seen.key,
        epoch=seen.epoch,
        kind=kind,
        at=seen.last_seen,
        seen_at=now,
        currency=position.instrument.settle_currency,
        unit=unit_of(position.instrument),
        waits=waits,
        **facts,  # type: ignore[arg-type]
    )


def _done(page: _Page, unwatched_since: datetime | None) -> Change:
    lives = page.memory.lives
    cases = {name: one for name, one in lives.cases.items() if name not in page.closed} | page.cases
    away = lives.away
    if unwatched_since is not None:
        away = (min(unwatched_since, away[0]) if away else unwatched_since, page.now)
    waiting = (*lives.waiting, *(event for event in page.events if event.waits))
    messages, spoken = told_alone([one for one in page.events if not one.waits], page.policy, page.memory, page.now)
    changes = LifeChanges(events=kept(page.events, spoken), cases=tuple(page.cases.values()), closed=tuple(page.closed))
    return Change(
        memory=replace(page.memory, lives=LifeMemory(cases=cases, waiting=waiting, away=away, spoken=spoken)),
        commit=Commit(at=page.now, messages=messages, lives=changes),
    )
