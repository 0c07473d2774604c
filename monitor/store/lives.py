"""Lives and holdings while writing: which life of a position a row belongs to, and what is held in it.

Both are found in memory in a usual cycle. Call ``forget`` after a rollback: what it wrote is gone.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from monitor.margin.position import Position, PositionKey
from monitor.memory import PositionMemory
from monitor.store.codec import insert, to_ms
from monitor.store.position_rows import HOLDING, held, holding_row
from monitor.store.terms import Terms

_LIFE = ("exchange", "account", "symbol", "side", "epoch", "family", "first_seen")
_FIND_LIFE = "SELECT id FROM lives WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND epoch = ?"
_NEW_LIFE = f"{insert('lives', _LIFE)} RETURNING id"
_END_OLDER = """UPDATE lives SET closed = ?
    WHERE exchange = ? AND account = ? AND symbol = ? AND side = ? AND closed IS NULL AND epoch < ? RETURNING id"""
_END = "UPDATE lives SET closed = ? WHERE id = ?"
_DROP_POSITION = "DELETE FROM positions WHERE life = ?"

_LAST_HOLDING = f"SELECT id, {', '.join(HOLDING)} FROM holdings WHERE life = ? ORDER BY id DESC LIMIT 1"  # noqa: S608 - our own names
_NEW_HOLDING = f"{insert('holdings', ('life', *HOLDING))} RETURNING id"


class Lives:
    """Numbers for lives and holdings, each written when new."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._terms = Terms(connection)
        self._lives: dict[PositionKey, tuple[int, int]] = {}
        self._holdings: dict[int, tuple[tuple[Any, ...], int]] = {}
        self._open: dict[int, tuple[Any, ...]] = {}

    def forget(self) -> None:
        """Look every number up again."""
        self._terms.forget()
        self._lives.clear()
        self._holdings.clear()
        self._open.clear()

    def life(self, memory: PositionMemory, at: int) -> int:
        """The number of this life of a position, written if new; a new life ends the older ones of the same key at ``at``."""
        known = self._lives.get(memory.key)
        if known is not None and known[0] == memory.epoch:
            return known[1]
        key = memory.key
        execute = self._connection.execute
        who = (key.exchange, key.account, key.symbol, key.side.value, memory.epoch)
        found = execute(_FIND_LIFE, who).fetchone()
        if found is None:
            for (older,) in execute(_END_OLDER, (at, *who)).fetchall():
                self._drop(older)
            found = execute(_NEW_LIFE, (*who, memory.family, to_ms(memory.first_seen))).fetchone()
        self._lives[key] = (memory.epoch, found[0])
        return int(found[0])

    def end(self, memory: PositionMemory, at: int) -> None:
        """This life of a position ended at ``at``."""
        life = self.life(memory, at)
        self._connection.execute(_END, (at, life))
        self._drop(life)
        self._lives.pop(memory.key, None)

    def holding(self, life: int, position: Position) -> int:
        """The number of what is held in this life now, written when it changed."""
        now = held(position)
        known = self._holdings.get(life)
        if known is not None and known[0] == now:
            return known[1]
        row = holding_row(position, self._terms)
        last = self._connection.execute(_LAST_HOLDING, (life,)).fetchone()
        if last is None or last[1:] != row:
            last = self._connection.execute(_NEW_HOLDING, (life, *row)).fetchone()
        self._holdings[life] = (now, last[0])
        return int(last[0])

    def stands(self, life: int, remembered: tuple[Any, ...]) -> bool:
        """Whether the row of this open position holds ``remembered`` already; else the caller writes it now."""
        if self._open.get(life) == remembered:
            return True
        self._open[life] = remembered
        return False

    def _drop(self, life: int) -> None:
        """The position of this life is open no more."""
        self._connection.execute(_DROP_POSITION, (life,))
        self._holdings.pop(life, None)
        self._open.pop(life, None)
