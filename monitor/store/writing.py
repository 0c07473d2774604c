"""Write what one decision changed. Every function here runs inside the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor.alerts.model import Alert, AlertState, Message
from monitor.margin.position import PositionKey
from monitor.memory import Commit, FamilyMemory, PositionMemory
from monitor.store.alert_rows import ALERT, MESSAGE, SUBJECT, alert_row, message_row, subject_row
from monitor.store.codec import insert, ms_or_none, replacing, storable, to_ms
from monitor.store.position_rows import INPUTS, OUTPUTS, input_row, output_row
from monitor.store.terms import Terms

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

_LIFE = ("exchange", "account", "symbol", "side", "epoch", "family", "first_seen")
_FIND_LIFE = "SELECT id FROM lives WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ?"
_NEW_LIFE = f"{insert('lives', _LIFE)} RETURNING id"
_OLDER_LIVES = """UPDATE lives SET closed = ?
    WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND closed IS NULL AND epoch < ? RETURNING id"""
_CLOSE_LIFE = "UPDATE lives SET closed = ? WHERE id = ?"
_DROP_POSITION = "DELETE FROM positions WHERE life = ?"

_POSITION = ("life", "last_seen", "absences", "mode", *INPUTS)
_KEEP_POSITION = f"{insert('positions', _POSITION)} ON CONFLICT (life) DO UPDATE SET {replacing(_POSITION[1:])}"
_KEEP_READING = insert("readings", ("life", "at", *INPUTS, *OUTPUTS, "level"))

_KEEP_MESSAGE = insert("messages", MESSAGE)
_KEEP_DELIVERY = """INSERT INTO deliveries (message, channel, state, attempt, due, touched, detail)
    VALUES (?, ?, 'waiting', 0, ?, ?, '')"""


class Writer:
    """Turns commits into rows. It remembers the numbers of lives and terms; after a rollback call ``forget``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms = Terms(connection)
        self._lives: dict[PositionKey, tuple[int, int]] = {}

    def forget(self) -> None:
        """Look every number up again: what a rolled back transaction wrote is gone."""
        self._terms.forget()
        self._lives.clear()

    def keep(self, commit: Commit, channels: Sequence[str]) -> None:
        """Everything of ``commit``; alerts go before readings, whose rows carry the level that fires."""
        self._keep_families(commit.families)
        self._keep_alerts(commit.alerts, commit.alerts_ended, commit.at)
        self._keep_positions(commit)
        self._keep_messages(commit.messages, channels, commit.at)

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
        execute, many = self._connection.execute, self._connection.executemany
        at = to_ms(commit.at)
        for memory in commit.closed:
            life = self._life(memory, at)
            execute(_CLOSE_LIFE, (at, life))
            execute(_DROP_POSITION, (life,))
            self._lives.pop(memory.key, None)
        # A position of a usual cycle is both remembered and put into history: its inputs are turned into a row once.
        inputs: dict[int, tuple[Any, ...]] = {}
        rows = []
        for memory in commit.positions:
            inputs[id(memory.assessment)] = row = input_row(memory.assessment.position, self._terms)
            rows.append((self._life(memory, at), to_ms(memory.last_seen), memory.absences, memory.mode, *row))
        many(_KEEP_POSITION, rows)
        if commit.readings:
            firing = {row[:4]: row[4] for row in execute(_FIRING, (AlertState.HELD.value,))}
            many(_KEEP_READING, [self._reading(memory, at, inputs, firing) for memory in commit.readings])

    def _reading(
        self, memory: PositionMemory, at: int, inputs: dict[int, tuple[Any, ...]], firing: dict[tuple[str, ...], int]
    ) -> tuple[Any, ...]:
        assessment, key = memory.assessment, memory.key
        return (
            self._life(memory, at),
            to_ms(memory.last_seen),
            *(inputs.get(id(assessment)) or input_row(assessment.position, self._terms)),
            *output_row(assessment),
            firing.get((key.exchange, key.account, key.symbol, key.side.value)) if firing else None,
        )

    def _life(self, memory: PositionMemory, at: int) -> int:
        """The number of this life of a position, written if new; a new life ends the older ones of the same key."""
        key, epoch = memory.key, memory.epoch
        known = self._lives.get(key)
        if known and known[0] == epoch:
            return known[1]
        execute = self._connection.execute
        who = (key.exchange, key.account, key.symbol, key.side.value, epoch)
        found = execute(_FIND_LIFE, who).fetchone()
        if found is None:
            for (older,) in execute(_OLDER_LIVES, (at, *who)).fetchall():
                execute(_DROP_POSITION, (older,))
            found = execute(_NEW_LIFE, (*who, memory.family, to_ms(memory.first_seen))).fetchone()
        self._lives[key] = (epoch, found[0])
        return int(found[0])

    def _keep_messages(self, messages: Sequence[Message], channels: Sequence[str], at: datetime) -> None:
        now = to_ms(at)
        self._connection.executemany(_KEEP_MESSAGE, [message_row(message) for message in messages])
        self._connection.executemany(
            _KEEP_DELIVERY, [(message.id, channel, now, now) for message in messages for channel in channels]
        )


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
