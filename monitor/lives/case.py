"""Cases: what two readings showed and only the exchange's records can explain or date; one open question a life.

A case is asked about again and again, ever more slowly, until the records explain it; what they do not explain within a minute is
told as it stands, and explained later if they ever do. What only made a position larger is certain: only its time is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.lives.event import EventKind
from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionKey
from monitor.margin.quantities import ZERO
from monitor.topups.changes import ChangeCause, MarginChange

PATIENCE = timedelta(minutes=1)
"""What is not explained by then is told as it stands."""
RISES = timedelta(seconds=15)
"""So long the time of what only made a position larger is looked for, an older question holds up the answer to a newer, and fills
that left as many contracts as before are gathered into one question.
"""
SETTLES = timedelta(seconds=15)
"""For so long what came back is looked for in the balance before a difference is told."""
LONGEST = timedelta(hours=24)
"""After that nothing more is asked."""
_WAITS = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15, 30, 60, 120, 300, 600))
"""Between one try and the next; the last holds from there on."""

CaseId = tuple[PositionKey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question. ``assessment``: the position as last read before it happened, at ``since``; ``until``: the reading that
    showed it. ``contracts``: how many there were then; ``ended``: it was no longer there. ``birth`` (opened, flipped): the life
    began in that time; ``assessment`` is its first reading then, ``since`` the reading before it, and ``prior`` the contracts of
    another life that was there then.

    ``changes``: what was seen to change its margin meanwhile, which the records may confirm. ``free``: the balance that could
    become margin at ``since``, where known, as read at ``free_at``; ``others``: the margin that lay behind other positions in the
    same currency then. ``away``: nothing watched in between. ``told``: it was told as it stood. ``begun``: when the first of
    several questions that became one was asked. ``read_at``: what the store calls the reading at ``since``, whatever became of
    the clock. ``last``: the newest of several questions that became one, ``heard``: what came before it was told as it stood;
    ``instead``: the one that was open when the position was first missing. These three are not kept over a restart.
    """

    key: PositionKey
    epoch: int
    family: str
    assessment: Assessment
    first_seen: datetime
    since: datetime
    until: datetime
    contracts: Decimal
    ended: bool
    due: datetime
    changes: tuple[MarginChange, ...] = ()
    free: Decimal | None = None
    free_at: datetime | None = None
    others: Decimal = Decimal(0)
    away: bool = False
    told: bool = False
    birth: EventKind | None = None
    prior: Decimal = ZERO
    begun: datetime | None = None
    tries: int = 0
    read_at: datetime | None = None
    last: Case | None = None
    heard: bool = False
    instead: Case | None = None

    @property
    def id(self) -> CaseId:
        """Whose life it is about."""
        return self.key, self.epoch

    @property
    def before(self) -> Decimal:
        """How many contracts there were at ``since``."""
        return ZERO if self.birth else self.assessment.position.contracts

    @property
    def sized_at(self) -> datetime:
        """When ``assessment`` was read."""
        return self.until if self.birth else self.since

    @property
    def asked_since(self) -> datetime:
        """How long it is open, whatever was added to it."""
        return self.begun or self.until

    @property
    def of_size(self) -> bool:
        """Whether the number of contracts is another one than before, or was meanwhile."""
        return self.ended or self.contracts != self.before or (self.last is not None and self.last.of_size)

    @property
    def of_fills(self) -> bool:
        """Whether fills have to be looked at: of another size, or where as many may have come as went."""
        return self.of_size or self.away or self.turned_over

    @property
    def turned_over(self) -> bool:
        """Whether a reading showed that there were fills, though the number of contracts need not tell."""
        return any(one.cause is ChangeCause.FILL for one in self.changes)

    @property
    def urgency(self) -> int:
        """What is asked about first, by number: an end, a fall, a growth, a margin."""
        return 0 if self.ended else 3 if not self.of_fills else 2 if self.rising else 1

    @property
    def rising(self) -> bool:
        """Whether all that one reading showed is that it became larger, or was opened."""
        return not self.ended and self.contracts > self.before and (self.last is None or self.last.since == self.since)


def merged(known: Case | None, now: Case) -> Case:
    """A question that is open, and a newer one about the same life: one question about both. A birth has none before it."""
    if known is None:
        return now
    ending = now.ended and not known.ended
    return replace(
        now,
        assessment=known.assessment,
        since=known.since,
        read_at=known.read_at,
        changes=(*(() if known.told else known.changes), *now.changes),
        told=known.told and known.ended and now.ended,
        free=known.free,
        free_at=known.free_at,
        others=known.others,
        away=known.away,
        begun=known.begun if known.ended else known.asked_since,
        last=known.last if known.ended else replace(now, last=None),
        heard=known.heard if known.ended else known.told,
        instead=known if ending else known.instead,
    )


def again(case: Case, now: datetime) -> Case:
    """Not explained by this try: the next one is due a while later."""
    return replace(case, tries=case.tries + 1, due=now + _WAITS[min(case.tries, len(_WAITS) - 1)])
