"""Memory: what decisions depend on besides the reading, the policy and the time; and what one decision changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from monitor.alerts.model import Alert, Message, Ruling, Subject
from monitor.alerts.muting import Silence
from monitor.lives.state import NO_LIFE_CHANGES, LifeChanges, LifeMemory, shifted_lives
from monitor.margin.assessment import Assessment
from monitor.margin.position import PositionKey
from monitor.margin.reading import FamilyKey, KeyFacts, Unguarded
from monitor.topups.changes import MarginChange
from monitor.topups.state import NO_CHANGES, TopUpChanges, TopUpMemory, shifted_top_ups


class FamilyState(StrEnum):
    """How fresh a family is: never read yet, read in time, late, failing, or not opened by the account (not watched)."""

    STARTING = "starting"
    OK = "ok"
    STALE = "stale"
    BLIND = "blind"
    NOT_OPENED = "not_opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyMemory:
    """What is remembered of a family. ``since``: when it was first tried (by this or an earlier run). ``last_good``: time of
    the last snapshot. ``failing``: failed polls since then. ``error`` and ``hint``: of the last failure, "" when the last poll
    was good. As of the last snapshot: ``unguarded``; ``free`` (balance that can become margin, by currency); ``remark`` (what
    speaks against it although it was taken as true); ``marks_since``: since when no mark price has moved, by valid readings, None
    without positions; ``free_at``: when the balance was read, ``moved_at``: the last snapshot in which a position or a margin was
    another one than before. None of these from ``free`` on is kept over a restart.
    """

    key: FamilyKey
    state: FamilyState
    since: datetime
    last_good: datetime | None = None
    failing: int = 0
    error: str = ""
    hint: str = ""
    unguarded: tuple[Unguarded, ...] = ()
    free: Mapping[str, Decimal] = field(default_factory=dict)
    remark: str = ""
    marks_since: datetime | None = None
    unreadable: int = 0
    free_at: datetime | None = None
    moved_at: datetime | None = None

    def free_of(self, currency: str) -> Decimal | None:
        """The free balance as it is beside the positions of the last snapshot; None where it may be older than they are."""
        if self.free_at is None or (self.moved_at is not None and self.free_at < self.moved_at):
            return None
        return self.free.get(currency)

    def read_since(self, since: datetime) -> bool:
        """Whether a snapshot came at ``since`` or later, however old it is by now."""
        return self.last_good is not None and self.last_good >= since

    def fresh_since(self, since: datetime) -> bool:
        """Whether a snapshot came then, and nothing failed after it."""
        return not self.failing and self.read_since(since)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionMemory:
    """What is remembered of a position's present life. ``epoch`` counts its lives from 1; ``absences`` counts agreeing valid
    snapshots without it; ``assessment`` is the last one, read at ``last_seen``. ``mode``: empty while isolated,
    else what its margin mode became. ``tiers_since``: when its maintenance tiers were last seen to change; ``tiers_moved``: by
    how much that moved its liquidation price nearer, as a share of the mark (below 0: farther).
    """

    key: PositionKey
    family: str
    epoch: int
    first_seen: datetime
    last_seen: datetime
    assessment: Assessment
    absences: int = 0
    mode: str = ""
    tiers_since: datetime | None = None
    tiers_moved: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMemory:
    """What is remembered of an account's key: ``facts``, as read at ``read_at``; ``lost``: rights that it had before, and
    ``lost_at``: when that was noticed.
    """

    facts: KeyFacts
    read_at: datetime
    lost: tuple[str, ...] = ()
    lost_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMemory:
    """What is remembered of a channel that ever broke. ``broken_since``: None while it works; ``error``: why it does not."""

    name: str
    broken_since: datetime | None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything that decisions depend on besides the reading and the policy. Alerts are keyed by rule kind and subject,
    keys by exchange and account.
    """

    families: Mapping[FamilyKey, FamilyMemory] = field(default_factory=dict)
    positions: Mapping[PositionKey, PositionMemory] = field(default_factory=dict)
    alerts: Mapping[tuple[str, Subject], Alert] = field(default_factory=dict)
    epochs: Mapping[PositionKey, int] = field(default_factory=dict)
    silences: Mapping[str, Silence] = field(default_factory=dict)
    channels: Mapping[str, ChannelMemory] = field(default_factory=dict)
    keys: Mapping[tuple[str, str], KeyMemory] = field(default_factory=dict)
    top_ups: TopUpMemory = field(default_factory=TopUpMemory)
    lives: LifeMemory = field(default_factory=LifeMemory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one decision changed, to be kept in one transaction.

    ``readings``: open positions just read, whose assessment is new; they are history and memory at once. ``positions``: other
    open positions whose memory changed. ``closed``: positions whose life has ended. ``alerts_ended``: alerts that are over.
    ``rulings``: named reasons that changed. ``silences``: new or ended ones (an ended one has ``until`` in the past).
    ``channels``: those that broke or work again. ``keys``: those just read. ``top_ups``: what changed of automatic margin.
    ``margin_changes``: what was added to margins or taken out, by whomever. ``lives``: what happened in lives, and what is asked.
    """

    at: datetime
    families: tuple[FamilyMemory, ...] = ()
    positions: tuple[PositionMemory, ...] = ()
    readings: tuple[PositionMemory, ...] = ()
    closed: tuple[PositionMemory, ...] = ()
    alerts: tuple[Alert, ...] = ()
    alerts_ended: tuple[Alert, ...] = ()
    messages: tuple[Message, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    silences: tuple[Silence, ...] = ()
    channels: tuple[ChannelMemory, ...] = ()
    keys: tuple[KeyMemory, ...] = ()
    top_ups: TopUpChanges = NO_CHANGES
    margin_changes: tuple[MarginChange, ...] = ()
    lives: LifeChanges = NO_LIFE_CHANGES


def not_ahead(memory: Memory, now: datetime) -> Memory:
    """The memory of an earlier run, moved so that none of it lies ahead of ``now``.

    A clock that was set back while nothing ran would else make old readings count as new, and keep repeats back until it has
    caught up.
    """
    happened = [
        *(time for one in memory.families.values() for time in (one.since, one.last_good)),
        *(one.last_seen for one in memory.positions.values()),
        *(time for one in memory.alerts.values() for time in (one.state_since, one.told_at, one.acked_at)),
        *(one.since for one in memory.silences.values()),
        *(one.broken_since for one in memory.channels.values()),
        *(one.read_at for one in memory.keys.values()),
    ]
    latest = max((time for time in happened if time is not None), default=now)
    return shifted(memory, now - latest) if latest > now else memory


def shifted(memory: Memory, step: timedelta) -> Memory:
    """The memory with every time moved by ``step``: after the clock was set, ages are what they were before."""

    def moved(time: datetime | None) -> datetime | None:
        return None if time is None else time + step

    return Memory(
        families={
            key: replace(
                one,
                since=one.since + step,
                last_good=moved(one.last_good),
                marks_since=moved(one.marks_since),
                free_at=moved(one.free_at),
                moved_at=moved(one.moved_at),
            )
            for key, one in memory.families.items()
        },
        positions={
            key: replace(
                one, first_seen=one.first_seen + step, last_seen=one.last_seen + step, tiers_since=moved(one.tiers_since)
            )
            for key, one in memory.positions.items()
        },
        alerts={
            key: replace(
                one,
                since=one.since + step,
                state_since=one.state_since + step,
                level_since=one.level_since + step,
                told_at=moved(one.told_at),
                first_told_at=moved(one.first_told_at),
                acked_at=moved(one.acked_at),
            )
            for key, one in memory.alerts.items()
        },
        epochs=memory.epochs,
        silences={name: replace(one, since=one.since + step, until=one.until + step) for name, one in memory.silences.items()},
        channels={name: replace(one, broken_since=moved(one.broken_since)) for name, one in memory.channels.items()},
        keys={key: replace(one, read_at=one.read_at + step, lost_at=moved(one.lost_at)) for key, one in memory.keys.items()},
        top_ups=shifted_top_ups(memory.top_ups, step),
        lives=shifted_lives(memory.lives, step),
    )
