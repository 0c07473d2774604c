"""What OKX says of a contract beside the position itself: instruments, maintenance tiers, fees, free balance. Pure.

Sources: docs-v5 "Get instruments", "Get position tiers", "Get fee rates", "Get balance"; read 2026-11-22. Tiers count contracts
and their rate holds for the whole position: there is no deduction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from monitor.errors import BadQuantity, BadReading
from monitor.margin.position import Contract, Instrument, PositionKey
from monitor.margin.quantities import ONE, ZERO, dec, dec_or_none
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

TAKER_FEE_RATE = Decimal("0.0005")
"""The public taker rate of the lowest fee level for swaps and futures, where the account's own cannot be had."""

UNREADABLE = (BadQuantity, BadReading, KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
_UNIFIED_NAMES = {"XBT": "BTC", "BCHSV": "BSV", "AE": "AET"}
_NEAR = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One row of ``public/instruments``: the instrument, its type and the family that its tiers belong to."""

    instrument: Instrument
    kind: str
    inst_family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """All that is known of one instrument; ``degraded`` names what had to be inferred or is missing."""

    instrument: Instrument
    kind: str
    inst_family: str
    long_key: PositionKey
    short_key: PositionKey
    tiers: TierTable | None
    degraded: tuple[str, ...] = ()


def parse_instruments(rows: Iterable[Mapping[str, Any]]) -> dict[str, Listing]:
    """Swaps and futures by ``instId``; a row that cannot be read (announced, not yet listed) is left out."""
    listings: dict[str, Listing] = {}
    for row in rows:
        try:
            listing = _listing(row)
        except UNREADABLE:
            continue
        listings[listing.instrument.instrument_id] = listing
    return listings


def infer_listing(row: Mapping[str, Any]) -> Listing:
    """The instrument of a position row when the list of instruments cannot be had: names from ``instId`` and ``ccy``, the
    contract size from the notional, or from the profit where there is none.

    ``notionalUsd`` counts dollars, so the size is off by the dollar price of USDT; contract sizes are round numbers, and the
    shortest decimal within 1 % is taken. A position that is not isolated needs no size: it gets 1. Raises BadQuantity (or
    KeyError ...) for a row without these figures.
    """
    inst_id, kind, settle = row["instId"], row["instType"], row["ccy"]
    parts = inst_id.split("-")
    base, quote = parts[0], parts[1].split("_")[0]
    contract = Contract.INVERSE if settle == base else Contract.LINEAR
    size = _inferred_size(row, contract) if row["mgnMode"] == "isolated" else ONE
    expiry = f"-{parts[-1]}" if kind == "FUTURES" else ""
    return Listing(
        instrument=Instrument(
            symbol=f"{unified(base)}/{unified(quote)}:{unified(settle)}{expiry}",
            instrument_id=inst_id,
            contract=contract,
            contract_size=size,
            settle_currency=unified(settle),
        ),
        kind=kind,
        inst_family="-".join(parts[:2]),
    )


def parse_tiers(rows: Iterable[Mapping[str, Any]], *, only_family: str = "") -> dict[str, TierTable]:
    """Ladders by instrument family, from ``public/position-tiers``; a family whose rows cannot be true is left out.

    ``only_family`` names the family of rows that do not say theirs. A floor is the cap of the tier below: the reply's ``minSz``
    is one contract above it, and positions can hold fractions of a contract.
    """
    by_family: dict[str, list[tuple[Decimal | None, Decimal]]] = {}
    broken: set[str] = set()
    for row in rows:
        family = ""
        try:
            family = row.get("instFamily") or row.get("uly") or only_family
            by_family.setdefault(family, []).append((dec_or_none(row["maxSz"]), dec(row["mmr"])))
        except UNREADABLE:
            broken.add(family)
    tables: dict[str, TierTable] = {}
    for family, steps in by_family.items():
        if not family or family in broken:
            continue
        try:
            tables[family] = _table(steps)
        except BadReading:
            continue
    return tables


def parse_fee_rates(data: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """The account's taker rate by settle currency, from ``account/trade-fee``; ``""`` is that of coin-margined contracts.

    OKX writes a fee that is charged as a negative number.
    """
    rates: dict[str, Decimal] = {}
    for row in data:
        for field, settle in (("takerU", "USDT"), ("takerUSDC", "USDC"), ("taker", "")):
            try:
                rate = dec_or_none(row.get(field))
            except UNREADABLE:
                continue
            if rate is not None and -1 < rate <= 0:
                rates[settle] = -rate
    return rates


def parse_free(data: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """What can still be put behind isolated positions, by currency: ``availBal`` of ``account/balance``.

    Not ``availEq``: that counts unrealised profit and borrowing power, which isolated margin cannot use.
    """
    free: dict[str, Decimal] = {}
    for account in data:
        for detail in account.get("details") or ():
            try:
                free[unified(detail["ccy"])] = max(dec(detail["availBal"] or 0), ZERO)
            except UNREADABLE:
                continue
    return free


def parse_held(data: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """The margin behind isolated positions by currency: ``isoEq`` less its profit ``isoUpl``, of ``account/balance``."""
    held: dict[str, Decimal] = {}
    for account in data:
        for detail in account.get("details") or ():
            try:
                held[unified(detail["ccy"])] = dec(detail.get("isoEq") or 0) - dec(detail.get("isoUpl") or 0)
            except UNREADABLE:
                continue
    return held


def unified(coin: str) -> str:
    """A coin's name as ccxt writes it."""
    return _UNIFIED_NAMES.get(coin.upper(), coin.upper())


def _listing(row: Mapping[str, Any]) -> Listing:
    base, quote = row["uly"].split("-")[:2]
    settle, kind = row["settleCcy"], row["instType"]
    linear = row["ctType"] == "linear" if row.get("ctType") else settle != base
    expiry = ""
    if kind == "FUTURES":
        expiry = f"-{datetime.fromtimestamp(int(row['expTime']) / 1000, UTC):%y%m%d}"
    size = dec(row["ctVal"]) * (dec_or_none(row.get("ctMult")) or ONE)
    if size <= 0 or not settle:
        raise BadQuantity("no contract size")
    return Listing(
        instrument=Instrument(
            symbol=f"{unified(base)}/{unified(quote)}:{unified(settle)}{expiry}",
            instrument_id=row["instId"],
            contract=Contract.LINEAR if linear else Contract.INVERSE,
            contract_size=size,
            settle_currency=unified(settle),
            price_tick=dec_or_none(row.get("tickSz")),
        ),
        kind=kind,
        inst_family=row.get("instFamily") or row["uly"],
    )


def _table(steps: list[tuple[Decimal | None, Decimal]]) -> TierTable:
    tiers: list[MaintenanceTier] = []
    floor = ZERO
    for cap, rate in sorted(steps, key=lambda step: (step[0] is None, step[0] or ZERO)):
        tiers.append(MaintenanceTier(floor=floor, cap=cap, rate=rate, deduction=ZERO))
        floor = floor if cap is None else cap
    return TierTable(basis=TierBasis.CONTRACTS, tiers=tuple(tiers))


def _inferred_size(row: Mapping[str, Any], contract: Contract) -> Decimal:
    contracts, mark, entry = abs(dec(row["pos"])), dec(row["markPx"]), dec(row["avgPx"])
    linear = contract is Contract.LINEAR
    if notional := dec_or_none(row.get("notionalUsd")):
        size = notional / (contracts * mark if linear else contracts)
    else:
        moved = mark - entry if linear else ONE / entry - ONE / mark
        size = abs(dec(row["upl"]) / (contracts * moved)) if moved else ZERO
    if size <= 0:
        raise BadQuantity("no contract size can be inferred")
    return _round_size(size)


def _round_size(size: Decimal) -> Decimal:
    for digits in range(3):
        rounded = size.quantize(Decimal((0, (1,), size.adjusted() - digits)))
        if abs(rounded - size) <= size * _NEAR:
            return rounded
    return size
