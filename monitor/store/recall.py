"""Read back what was written: the memory for the daemon, and its parts for the verbs that only look."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from monitor.alerts.model import Alert, Ruling
from monitor.alerts.muting import Silence
from monitor.errors import BadReading, StoreCorrupt
from monitor.margin.position import Side
from monitor.margin.quantities import dec_or_none
from monitor.margin.reading import FamilyKey, Unguarded
from monitor.memory import ChannelMemory, FamilyMemory, FamilyState, Memory, PositionMemory
from monitor.ports import StoredReading
from monitor.store.alert_rows import ALERT, RULING, SUBJECT, alert_of, ruling_of
from monitor.store.chronicle import lives_memory
from monitor.store.codec import Row, from_ms, time_or_none, to_ms
from monitor.store.journal_recall import top_ups
from monitor.store.key_rows import KEY, key_of_row
from monitor.store.position_rows import HOLDING, MOVING, assessment_of, key_of
from monitor.store.silence_rows import SILENCE, silence_of
from monitor.store.terms import KnownTerms

_FAMILIES = """SELECT exchange, account, family, state, since, last_good, failing, error, hint FROM families
    ORDER BY exchange, account, family"""
_UNGUARDED = """SELECT exchange, account, family, symbol, side, mode FROM unguarded ORDER BY exchange, account, family, place"""
_INPUTS = ", ".join((*(f"holdings.{name}" for name in HOLDING), *MOVING))
_POSITIONS = f"""SELECT exchange, account, symbol, side, family, epoch, first_seen, last_seen, absences, mode,
    tiers_since, tiers_moved, {_INPUTS}
    FROM positions JOIN lives ON lives.id = positions.life
    JOIN readings ON readings.at = last_seen AND readings.life = positions.life JOIN holdings ON holdings.id = holding
    ORDER BY exchange, account, symbol, side"""  # noqa: S608 - our own names
_ALERTS = f"SELECT {', '.join(ALERT)} FROM alerts WHERE ended IS NULL ORDER BY id"  # noqa: S608 - our own names
_SILENCES = f"SELECT {', '.join(SILENCE)} FROM silences ORDER BY since, id"  # noqa: S608 - our own names
_KEYS = f"SELECT {', '.join(KEY)} FROM keys ORDER BY exchange, account"  # noqa: S608 - our own names
_CHANNELS = "SELECT name, broken_since, error FROM channels ORDER BY name"
_RULINGS = f"SELECT {', '.join(RULING)} FROM rulings ORDER BY id DESC LIMIT ?"  # noqa: S608 - our own names
_UNSENT = f"""SELECT touched, messages.code, '', {", ".join(f"messages.{name}" for name in SUBJECT)}, messages.level,
    deliveries.state || ' on ' || deliveries.channel, NULL
    FROM deliveries JOIN messages ON messages.id = deliveries.message
    WHERE deliveries.state IN ('superseded', 'expired', 'dead') ORDER BY touched DESC, deliveries.id DESC LIMIT ?"""  # noqa: S608 - our own names
_EPOCHS = "SELECT exchange, account, symbol, side, max(epoch) FROM lives GROUP BY exchange, account, symbol, side"
_HISTORY = f"""SELECT exchange, account, symbol, side, family, epoch, at, {_INPUTS}
    FROM readings JOIN lives ON lives.id = readings.life JOIN holdings ON holdings.id = holding
    WHERE (? = '' OR symbol = ?) AND at >= ? ORDER BY at DESC, readings.life DESC LIMIT ?"""  # noqa: S608 - our own names


def recall(connection: sqlite3.Connection) -> Memory:
    """Everything that decisions depend on, as of the last commit; raises StoreCorrupt for rows that cannot be true."""
    try:
        return Memory(
            families={memory.key: memory for memory in families(connection)},
            positions={memory.key: memory for memory in positions(connection)},
            alerts={(alert.rule, alert.subject): alert for alert in alerts(connection)},
            epochs={key_of(row): row[4] for row in connection.execute(_EPOCHS)},
            silences={silence.id: silence for silence in silences(connection)},
            channels={channel.name: channel for channel in channels(connection)},
            keys={(key.facts.exchange, key.facts.account): key for key in map(key_of_row, connection.execute(_KEYS))},
            top_ups=top_ups(connection),
            lives=lives_memory(connection),
        )
    except (ValueError, TypeError, KeyError, BadReading) as error:
        # A sound file whose rows make no sense is as useless as a broken one, and must not stop every start.
        raise StoreCorrupt("the store holds a row that cannot be read") from error


def families(connection: sqlite3.Connection) -> Iterator[FamilyMemory]:
    """Every family that was ever tried; what was free in it is not kept."""
    unguarded = {
        _family_key(key): tuple(Unguarded(symbol=row[3], side=Side(row[4]), mode=row[5]) for row in rows)
        for key, rows in groupby(connection.execute(_UNGUARDED), key=lambda row: row[:3])
    }
    for row in connection.execute(_FAMILIES):
        key = _family_key(row)
        yield FamilyMemory(
            key=key,
            state=FamilyState(row[3]),
            since=from_ms(row[4]),
            last_good=time_or_none(row[5]),
            failing=row[6],
            error=row[7],
            hint=row[8],
            unguarded=unguarded.get(key, ()),
        )


def positions(connection: sqlite3.Connection) -> Iterator[PositionMemory]:
    """Every open position."""
    terms = KnownTerms(connection)
    for row in connection.execute(_POSITIONS):
        key = key_of(row)
        yield PositionMemory(
            key=key,
            family=row[4],
            epoch=row[5],
            first_seen=from_ms(row[6]),
            last_seen=from_ms(row[7]),
            absences=row[8],
            mode=row[9],
            tiers_since=time_or_none(row[10]),
            tiers_moved=dec_or_none(row[11]),
            assessment=assessment_of(key, row[4], row[12:], terms),
        )


def alerts(connection: sqlite3.Connection) -> Iterator[Alert]:
    """Every living alert."""
    return map(alert_of, connection.execute(_ALERTS))


def silences(connection: sqlite3.Connection) -> Iterator[Silence]:
    """Every silence, the ended ones too."""
    return map(silence_of, connection.execute(_SILENCES))


def channels(connection: sqlite3.Connection) -> Iterator[ChannelMemory]:
    """Every channel that ever broke."""
    for name, broken_since, error in connection.execute(_CHANNELS):
        yield ChannelMemory(name=name, broken_since=time_or_none(broken_since), error=error)


def rulings(connection: sqlite3.Connection, *, limit: int) -> Sequence[Ruling]:
    """The newest ``limit`` rulings, newest last."""
    return [ruling_of(row) for row in connection.execute(_RULINGS, (limit,))][::-1]


def unsent(connection: sqlite3.Connection, *, limit: int) -> Sequence[Ruling]:
    """The newest ``limit`` messages that a channel was not sent after all, as rulings: ``superseded on chat``; newest last."""
    return [ruling_of(row) for row in connection.execute(_UNSENT, (limit,))][::-1]


def history(connection: sqlite3.Connection, symbol: str, *, since: datetime | None, limit: int | None) -> Iterable[StoredReading]:
    """The newest ``limit`` readings of ``symbol`` (``""``: of all) not older than ``since``, newest first."""
    terms = KnownTerms(connection)
    # A LIMIT below zero means no limit; times before 1970 are not stored.
    bounds = (symbol, symbol, 0 if since is None else to_ms(since), -1 if limit is None else limit)
    for row in connection.execute(_HISTORY, bounds):
        yield StoredReading(at=from_ms(row[6]), epoch=row[5], assessment=assessment_of(key_of(row), row[4], row[7:], terms))


def _family_key(row: Row) -> FamilyKey:
    return FamilyKey(exchange=row[0], account=row[1], family=row[2])
