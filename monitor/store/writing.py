"""Write what one decision changed. Every function here runs inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from monitor.alerts.model import Alert, AlertState, Message, NotifyReason
from monitor.crashpoint import crashpoint
from monitor.margin.position import PositionKey
from monitor.memory import ChannelMemory, Commit, FamilyMemory, PositionMemory
from monitor.store.alert_rows import ALERT, MESSAGE, RULING, SUBJECT, alert_row, message_row, ruling_row, subject_row
from monitor.store.chronicle import keep_lives
from monitor.store.codec import insert, ms_or_none, replacing, storable, text_or_none, to_ms
from monitor.store.journal import keep_journal
from monitor.store.key_rows import KEEP_KEY, key_row
from monitor.store.lives import Lives
from monitor.store.position_rows import MOVING, OUTPUTS, reading_row
from monitor.store.silence_rows import SILENCE, silence_row

FAMILY = ("exchange", "account", "family", "state", "since", "last_good", "failing", "error", "hint")

_ALERT_KEY = ("rule", *SUBJECT)

_KEEP_FAMILY = f"""{insert("families", FAMILY)}
    ON CONFLICT (exchange, account, family) DO UPDATE SET {replacing(FAMILY[3:])}"""
_DROP_UNGUARDED = "DELETE FROM unguarded WHERE exchange = ? AND account = ? AND family = ?"
_KEEP_UNGUARDED = insert("unguarded", ("exchange", "account", "family", "place", "symbol", "side", "mode"))

_KEEP_ALERT = f"""{insert("alerts", ALERT)}
    ON CONFLICT ({", ".join(_ALERT_KEY)}) WHERE ended IS NULL DO UPDATE SET {replacing(ALERT[len(_ALERT_KEY) :])}"""
_END_ALERT = f"UPDATE alerts SET ended = ? WHERE {' AND '.join(f'{name} = ?' for name in _ALERT_KEY)} AND ended IS NULL"  # noqa: S608 - our own names
_FIRING = """SELECT exchange, account, symbol, side, max(level) FROM alerts
    WHERE ended IS NULL AND side <> '' AND state <> ? GROUP BY exchange, account, symbol, side"""

_POSITION = ("life", "last_seen", "absences", "mode", "tiers_since", "tiers_moved")
_KEEP_POSITION = f"{insert('positions', _POSITION)} ON CONFLICT (life) DO UPDATE SET {replacing(_POSITION[1:])}"
_READING = ("at", "life", "holding", *MOVING, *OUTPUTS, "level")
_BATCH = 50
"""So many rows a statement, where there are many: each statement costs about as much as a row."""
_AGAIN = f"ON CONFLICT (at, life) DO UPDATE SET {replacing(_READING[2:])}"
_KEEP_READING = f"{insert('readings', _READING)} {_AGAIN}"
_KEEP_READINGS = f"{insert('readings', _READING, rows=_BATCH)} {_AGAIN}"
_SEEN_AGAIN = "UPDATE positions SET last_seen = ? WHERE life = ?"
_ALL_SEEN_AGAIN = f"UPDATE positions SET last_seen = ? WHERE life IN ({', '.join('?' * _BATCH)})"  # noqa: S608 - our own names
_IS_KEPT = "SELECT 1 FROM readings WHERE at = ? AND life = ?"

_KEEP_RULING = insert("rulings", RULING)
_KEEP_SILENCE = f"{insert('silences', SILENCE)} ON CONFLICT (id) DO UPDATE SET {replacing(SILENCE[1:])}"
_CHANNEL = ("name", "broken_since", "error")
_KEEP_CHANNEL = f"{insert('channels', _CHANNEL)} ON CONFLICT (name) DO UPDATE SET {replacing(_CHANNEL[1:])}"
KEEP_MESSAGE = insert("messages", MESSAGE)
_OWN_TIME = timedelta(seconds=10)
"""What was to be sent longer ago, or only later, is not on its way this moment: a newer message takes its place."""
_SUPERSEDE = f"""UPDATE deliveries SET state = 'superseded', touched = ?, detail = ?
    WHERE channel = ? AND state = 'waiting' AND (attempt > 0 OR since < ? OR since > ?) AND message IN (
        SELECT id FROM messages WHERE {" AND ".join(f"messages.{name} = ?" for name in SUBJECT)} AND kind <> 'daemon'
        AND (code = ? OR level <= ?)
    )"""  # noqa: S608 - our own names
KEEP_DELIVERY = """INSERT INTO deliveries (message, channel, state, attempt, due, since, touched, detail)
    VALUES (?, ?, 'waiting', 0, ?, ?, ?, '')"""


class Writer:
    """Turns commits into rows. It remembers the numbers of lives and terms; after a rollback call ``forget``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lives = Lives(connection)

    def forget(self) -> None:
        """Look every number up again: what a rolled back transaction wrote is gone."""
        self._lives.forget()

    def keep(self, commit: Commit, channels: Sequence[str]) -> None:
        """Everything of ``commit``; alerts go before readings, whose rows carry the level that fires."""
        self._keep_families(commit.families)
        crashpoint("commit.families")
        self._keep_alerts(commit.alerts, commit.alerts_ended, commit.at)
        crashpoint("commit.alerts")
        self._keep_positions(commit)
        crashpoint("commit.positions")
        self._connection.executemany(_KEEP_RULING, [ruling_row(ruling) for ruling in commit.rulings])
        self._connection.executemany(_KEEP_SILENCE, [silence_row(silence) for silence in commit.silences])
        self._connection.executemany(_KEEP_CHANNEL, [_channel_row(channel) for channel in commit.channels])
        self._connection.executemany(KEEP_KEY, [key_row(key) for key in commit.keys])
        keep_journal(self._connection, commit)
        if commit.lives:
            keep_lives(self._connection, commit.lives)
        if commit.messages:
            crashpoint("commit.messages_beginning")
            self._keep_messages(commit.messages, channels, commit.at)
            crashpoint("commit.messages_kept")

    def _keep_families(self, families: Sequence[FamilyMemory]) -> None:
        keys = [(memory.key.exchange, memory.key.account, memory.key.family) for memory in families]
        many = self._connection.executemany
        many(_KEEP_FAMILY, [key + _family_rest(memory) for key, memory in zip(keys, families, strict=True)])
        many(_DROP_UNGUARDED, keys)
        many(
            _KEEP_UNGUARDED,
            [
                (*key, place, each.symbol, each.side.value, each.mode)
                for key, memory in zip(keys, families, strict=True)
                for place, each in enumerate(memory.unguarded)
            ],
        )

    def _keep_alerts(self, living: Sequence[Alert], ended: Sequence[Alert], at: datetime) -> None:
        """Ended ones are kept as they were at their end; one rule may begin anew on the same subject in the same commit."""
        many = self._connection.executemany
        many(_KEEP_ALERT, [alert_row(alert) for alert in ended])
        many(_END_ALERT, [(to_ms(at), alert.rule, *subject_row(alert.subject)) for alert in ended])
        many(_KEEP_ALERT, [alert_row(alert) for alert in living])

    def _keep_positions(self, commit: Commit) -> None:
        """A reading is its position's memory too; a position without a new reading points to the one it had."""
        at = to_ms(commit.at)
        life_of, holding_of = self._lives.life, self._lives.holding
        for memory in commit.closed:
            self._lives.end(memory, at)
        # All positions of a snapshot were read at the same time, and time goes by often: converted once.
        times = {moment: to_ms(moment) for moment in {memory.last_seen for memory in (*commit.readings, *commit.positions)}}
        seen = [(life_of(memory, at), times[memory.last_seen], memory) for memory in commit.readings]
        others = [(life_of(memory, at), times[memory.last_seen], memory) for memory in commit.positions]
        new = seen + [(life, read, memory) for life, read, memory in others if not self._is_kept(read, life)]
        firing = {row[:4]: row[4] for row in self._connection.execute(_FIRING, (AlertState.HELD.value,))} if new else {}
        self._keep_readings(
            [
                reading_row(
                    read,
                    life,
                    holding_of(life, memory.assessment.position),
                    memory.assessment,
                    firing.get(_who(memory.key)) if firing else None,
                )
                for life, read, memory in new
            ]
        )
        self._keep_open(seen + others)

    def _keep_readings(self, rows: list[tuple[Any, ...]]) -> None:
        whole = len(rows) - len(rows) % _BATCH
        for start in range(0, whole, _BATCH):
            self._connection.execute(_KEEP_READINGS, [value for row in rows[start : start + _BATCH] for value in row])
        self._connection.executemany(_KEEP_READING, rows[whole:])

    def _keep_open(self, positions: Sequence[tuple[int, int, PositionMemory]]) -> None:
        """The rows of open positions (life, last reading, memory); of nearly all only the time of the reading is new."""
        changed: list[tuple[Any, ...]] = []
        again: dict[int, list[int]] = {}
        # One that is told twice is as it was told last.
        for life, (read, memory) in {life: (read, memory) for life, read, memory in positions}.items():
            remembered = _remembered(memory)
            if self._lives.stands(life, remembered):
                again.setdefault(read, []).append(life)
            else:
                changed.append((life, read, *remembered))
        self._connection.executemany(_KEEP_POSITION, changed)
        for read, lives in again.items():
            whole = len(lives) - len(lives) % _BATCH
            for start in range(0, whole, _BATCH):
                self._connection.execute(_ALL_SEEN_AGAIN, (read, *lives[start : start + _BATCH]))
            self._connection.executemany(_SEEN_AGAIN, [(read, life) for life in lives[whole:]])

    def _is_kept(self, read: int, life: int) -> bool:
        """Whether history has the reading of this life at this time."""
        return self._connection.execute(_IS_KEPT, (read, life)).fetchone() is not None

    def _keep_messages(self, messages: Sequence[Message], channels: Sequence[str], at: datetime) -> None:
        """Each message is due on its own channels, or on all; what it replaces and could not be sent so far is superseded."""
        now = to_ms(at)
        recent, soon = to_ms(at - _OWN_TIME), now
        many = self._connection.executemany
        many(KEEP_MESSAGE, [message_row(message) for message in messages])
        crashpoint("commit.messages_undelivered")
        addressed = [(message, channel) for message in messages for channel in message.channels or channels]
        many(
            _SUPERSEDE,
            [
                (now, message.id, channel, recent, soon, *subject_row(message.subject), code, replaced_level(message))
                for message, channel in addressed
                for code in message.codes or (message.code,)
            ],
        )
        dues = [(message.id, channel, max(now, to_ms(message.not_before or at))) for message, channel in addressed]
        many(KEEP_DELIVERY, [(message, channel, due, due, now) for message, channel, due in dues])


def replaced_level(message: Message) -> int:
    """Up to which level it replaces earlier news of the same subject; an all-clear only replaces that of its own alert."""
    return 0 if message.why is NotifyReason.RESOLVED else int(message.level)


def _who(key: PositionKey) -> tuple[str, ...]:
    """Whose alerts are meant, as the columns of _FIRING say it."""
    return key.exchange, key.account, key.symbol, key.side.value


def _remembered(memory: PositionMemory) -> tuple[Any, ...]:
    """The columns of an open position behind its life and its last reading."""
    return memory.absences, memory.mode, ms_or_none(memory.tiers_since), text_or_none(memory.tiers_moved)


def _family_rest(memory: FamilyMemory) -> tuple[Any, ...]:
    """The columns of a family behind its key."""
    return (
        memory.state.value,
        to_ms(memory.since),
        ms_or_none(memory.last_good),
        memory.failing,
        storable(memory.error),
        storable(memory.hint),
    )


def _channel_row(memory: ChannelMemory) -> tuple[Any, ...]:
    return memory.name, ms_or_none(memory.broken_since), storable(memory.error)
