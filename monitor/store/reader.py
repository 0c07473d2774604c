"""Look into a store without touching it: for the verbs that only read, beside a running daemon or without one.

Imports nothing that is slow to load, so that `positions` answers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from monitor.alerts.model import Alert, AlertState, Ruling
from monitor.alerts.muting import Silence
from monitor.lives.event import LifeEvent
from monitor.margin.reading import FamilyKey
from monitor.memory import FamilyMemory, Memory, PositionMemory
from monitor.ports import StoredReading
from monitor.rules.base import Level
from monitor.store import chronicle, journal_recall, recall
from monitor.store.codec import from_ms
from monitor.store.connection import open_reader, translated
from monitor.store.migrate import check_readable
from monitor.store.sent import SentMessage, deliveries
from monitor.topups.changes import MarginChange
from monitor.topups.ledger import Intent

if TYPE_CHECKING:
    from monitor.postmortem.composed import PostMortem
    from monitor.postmortem.record import Incident

BUSY_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPosition:
    """An open position as last seen, its family (None only if that was never committed), and the worst level that fires on it."""

    memory: PositionMemory
    family: FamilyMemory | None
    level: Level | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where everything stood at the last commit; families carry their unguarded positions, ``alerts`` are the living ones."""

    families: tuple[FamilyMemory, ...]
    positions: tuple[OpenPosition, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The alerting side: living alerts, silences in force, and why things were or were not told (newest last)."""

    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    rulings: tuple[Ruling, ...]


class StoreReader:
    """A store opened for looking only; a context manager.

    Making one raises StoreMissing (naming the path), StoreTooNew, StoreUnavailable, StoreCorrupt, or StoreFault for a file
    that is not a store of ours; its methods the last three.
    """

    def __init__(self, path: Path, *, busy_timeout: float = BUSY_SECONDS) -> None:
        self.path = path
        self._connection = open_reader(path, busy_timeout=busy_timeout)
        try:
            check_readable(self._connection, path)
        except BaseException:
            self._connection.close()
            raise

    def events(self, *, symbol: str = "", since: datetime | None = None, limit: int | None = None) -> Sequence[LifeEvent]:
        """What happened to positions, oldest first: the newest ``limit`` of ``symbol`` (``""``: of all), not before ``since``."""
        with translated(self.path):
            return chronicle.events(self._connection, symbol=symbol, since=since, limit=limit)

    def stand(self) -> Stand:
        """Families, open positions and living alerts, all as of the same commit."""
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                families = tuple(recall.families(self._connection))
                memories = tuple(recall.positions(self._connection))
                alerts = tuple(recall.alerts(self._connection))
            finally:
                self._connection.execute("COMMIT")
        known = {family.key: family for family in families}
        worst = _worst(alerts)
        return Stand(
            families=families,
            positions=tuple(
                OpenPosition(
                    memory=memory,
                    family=known.get(FamilyKey(exchange=memory.key.exchange, account=memory.key.account, family=memory.family)),
                    level=worst.get((memory.key.exchange, memory.key.account, memory.key.symbol, memory.key.side.value)),
                )
                for memory in memories
            ),
            alerts=alerts,
        )

    def history(self, symbol: str = "", *, since: datetime | None = None, limit: int | None = None) -> Sequence[StoredReading]:
        """The last ``limit`` readings of ``symbol`` (of all positions when empty) not older than ``since``, newest last."""
        with translated(self.path):
            newest_first = list(recall.history(self._connection, symbol, since=since, limit=limit))
        return newest_first[::-1]

    def rulings_by_name(self) -> dict[str, int]:
        """How many rulings there are of each named reason."""
        with translated(self.path):
            return dict(self._connection.execute("SELECT named, count(*) FROM rulings GROUP BY named"))

    def deliveries_by_state(self) -> dict[tuple[str, str], int]:
        """How many deliveries there are, by channel and state."""
        with translated(self.path):
            rows = self._connection.execute("SELECT channel, state, count(*) FROM deliveries GROUP BY channel, state")
            return {(channel, state): number for channel, state, number in rows}

    def alerts(self, now: datetime, *, rulings: int = 0) -> Told:
        """What is open and what is silenced at ``now``, and the newest ``rulings``: changes of reasons, and what was not sent."""
        with translated(self.path):
            why: list[Ruling] = []
            if rulings:
                kept = recall.rulings(self._connection, limit=rulings), recall.unsent(self._connection, limit=rulings)
                why = sorted((*kept[0], *kept[1]), key=lambda one: one.at)[-rulings:]
            return Told(
                alerts=tuple(recall.alerts(self._connection)),
                silences=tuple(one for one in recall.silences(self._connection) if one.until > now),
                rulings=tuple(why),
            )

    def deliveries(self) -> Sequence[SentMessage]:
        """Every message with what became of it at each channel, oldest first."""
        with translated(self.path):
            return tuple(deliveries(self._connection))

    def memory(self) -> Memory:
        """Everything that decisions depend on, as of the last commit; its lease is that of the lock's last holder."""
        with translated(self.path):
            self._connection.execute("BEGIN")
            try:
                return recall.recall(self._connection)
            finally:
                self._connection.execute("COMMIT")

    def intents(self, symbol: str = "", *, since: datetime | None = None, limit: int | None = None) -> Sequence[Intent]:
        """The journal: the last ``limit`` intents of ``symbol`` (of all when empty) planned from ``since`` on, newest last."""
        with translated(self.path):
            return journal_recall.intents(self._connection, symbol, since=since, limit=limit)

    def margin_changes(
        self, symbol: str = "", *, since: datetime | None = None, limit: int | None = None
    ) -> Sequence[MarginChange]:
        """The last ``limit`` margin changes of ``symbol`` (of all when empty) seen from ``since`` on, newest last."""
        with translated(self.path):
            return journal_recall.margin_changes(self._connection, symbol, since=since, limit=limit)

    def incidents(self) -> Sequence[Incident]:
        """Every liquidation and near miss there was, oldest first."""
        from monitor.postmortem.finding import incidents
        from monitor.store import stories

        with translated(self.path):
            found = stories.lives(self._connection), stories.endings(self._connection), stories.past_alerts(self._connection)
        return incidents(*found)

    def post_mortem(self, incident: Incident) -> PostMortem:
        """One of them with all that is kept of it."""
        from monitor.postmortem.composed import composed, moments
        from monitor.store import stories

        with translated(self.path):
            record = stories.record(self._connection, incident)
            return composed(record, stories.moments(self._connection, incident.life, moments(record)))

    def bans(self) -> dict[str, datetime]:
        """Until when nothing may be sent, for each pacing scope."""
        with translated(self.path):
            return {scope: from_ms(until) for scope, until in self._connection.execute("SELECT scope, until FROM bans")}

    def close(self) -> None:
        """Let go of the file."""
        with translated(self.path):
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _worst(alerts: Sequence[Alert]) -> dict[tuple[str, ...], Level]:
    """The worst level of the told alerts on each position (exchange, account, symbol, side)."""
    worst: dict[tuple[str, ...], Level] = {}
    for alert in alerts:
        if alert.state is not AlertState.HELD and alert.subject.side:
            who = alert.subject[1:5]
            worst[who] = max(worst.get(who, alert.level), alert.level)
    return worst
