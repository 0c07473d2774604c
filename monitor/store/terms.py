"""Terms that change rarely, contract facts and tier tables: each written once, referred to by number.

An adapter hands out the same objects poll after poll, so the number is found by the object's identity and no cycle pays for
hashing a table.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3

from monitor.margin.position import Contract, Instrument
from monitor.margin.quantities import dec, dec_or_none
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable
from monitor.store.codec import insert, text_or_none

INSTRUMENT = ("symbol", "instrument_id", "contract", "contract_size", "settle_currency", "price_tick")
TIER_TABLE = ("digest", "basis", "tiers")

_REMEMBERED = 10_000
"""Objects known by identity before all are forgotten: a bound for an adapter that makes new ones at each poll."""


class Terms:
    """Numbers for instruments and tier tables while writing. Call ``forget`` after a rollback: what it wrote is gone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # The object is kept beside its number: a freed object's identity would be given to another.
        self._known: dict[int, tuple[Instrument | TierTable, int]] = {}

    def forget(self) -> None:
        """Look everything up again."""
        self._known.clear()

    def instrument(self, instrument: Instrument) -> int:
        """The number of these contract facts, written if new."""
        known = self._known.get(id(instrument))
        return known[1] if known else self._remember(instrument, self._number("instruments", INSTRUMENT, _facts(instrument)))

    def tiers(self, table: TierTable | None) -> int | None:
        """The number of this tier table, written if new."""
        if table is None:
            return None
        known = self._known.get(id(table))
        return known[1] if known else self._remember(table, self._number("tier_tables", TIER_TABLE, _ladder(table), unique=1))

    def _remember(self, terms: Instrument | TierTable, number: int) -> int:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[id(terms)] = (terms, number)
        return number

    def _number(self, table: str, columns: tuple[str, ...], row: tuple[str, ...], *, unique: int | None = None) -> int:
        """The id of ``row``, found by its first ``unique`` columns (all by default) or inserted."""
        wanted = " AND ".join(f"{column} = ?" for column in columns[:unique])
        found = self._connection.execute(f"SELECT id FROM {table} WHERE {wanted}", row[:unique]).fetchone()  # noqa: S608 - our own names
        if found is None:
            found = self._connection.execute(f"{insert(table, columns)} RETURNING id", row).fetchone()
        return int(found[0])


class KnownTerms:
    """Instruments and tier tables by number while reading, each read and built once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._instruments: dict[int, Instrument] = {}
        self._tables: dict[int, TierTable] = {}

    def instrument(self, number: int) -> Instrument:
        """The contract facts of this number."""
        if number not in self._instruments:
            query = f"SELECT {', '.join(INSTRUMENT)} FROM instruments WHERE id = ?"  # noqa: S608 - our own names
            symbol, instrument_id, contract, size, currency, tick = self._connection.execute(query, (number,)).fetchone()
            self._instruments[number] = Instrument(
                symbol=symbol,
                instrument_id=instrument_id,
                contract=Contract(contract),
                contract_size=dec(size),
                settle_currency=currency,
                price_tick=dec_or_none(tick),
            )
        return self._instruments[number]

    def tiers(self, number: int | None) -> TierTable | None:
        """The tier table of this number."""
        if number is None:
            return None
        if number not in self._tables:
            query = "SELECT basis, tiers FROM tier_tables WHERE id = ?"
            basis, ladder = self._connection.execute(query, (number,)).fetchone()
            self._tables[number] = TierTable(
                basis=TierBasis(basis),
                tiers=tuple(
                    MaintenanceTier(floor=dec(floor), cap=dec_or_none(cap), rate=dec(rate), deduction=dec(deduction))
                    for floor, cap, rate, deduction in json.loads(ladder)
                ),
            )
        return self._tables[number]


def _facts(instrument: Instrument) -> tuple[str, ...]:
    """The INSTRUMENT columns; an unknown price tick is ``""`` so that equal facts are equal rows."""
    return (
        instrument.symbol,
        instrument.instrument_id,
        instrument.contract.value,
        str(instrument.contract_size),
        instrument.settle_currency,
        text_or_none(instrument.price_tick) or "",
    )


def _ladder(table: TierTable) -> tuple[str, ...]:
    """The TIER_TABLE columns."""
    rows = [[str(tier.floor), text_or_none(tier.cap), str(tier.rate), str(tier.deduction)] for tier in table.tiers]
    ladder = json.dumps(rows, separators=(",", ":"))
    digest = hashlib.sha256(f"{table.basis.value}\n{ladder}".encode()).hexdigest()
    return digest, table.basis.value, ladder
