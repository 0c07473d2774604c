"""OKX V5 positions, pure: rows of ``account/positions`` in, our own values out.

The margin of an isolated position is ``margin`` (added, removed and funding included); OKX's ``mgnRatio`` is equity over
(``mmr`` + liquidation fee), and the fee rate is the account's own taker rate, so a row tells that rate by itself. Source:
docs-v5 "Get positions", and ten positions recomputed from raw replies; read 2026-11-22. The traps are in NOTES.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from monitor.errors import BadQuantity, BadReading, MargincallError
from monitor.exchanges.figures import amount, price
from monitor.exchanges.okx.orders import row_orders
from monitor.exchanges.okx.terms import TAKER_FEE_RATE, UNREADABLE, Terms, unified
from monitor.exchanges.stops import stops_of
from monitor.exchanges.unread import UnreadRows
from monitor.margin.position import Contract, ExchangeSays, Position, Side
from monitor.margin.quantities import dec_or_none
from monitor.margin.reading import LEFT_OUT, Unguarded

DERIVATIVES = ("SWAP", "FUTURES")

_FEE_STEP = Decimal("1e-8")
_HIGHEST_FEE = Decimal("0.002")
_SAYS_NOTHING = ExchangeSays()


class TermsOf(Protocol):
    """Finds the terms of the instrument that a position row is on."""

    def __call__(self, row: Mapping[str, Any], /) -> Terms:
        """The terms; for an instrument that is not known, what the row itself tells."""
        ...


def parse_positions(
    rows: Iterable[Mapping[str, Any]],
    *,
    family: str,
    terms_of: TermsOf,
    contracts: frozenset[Contract],
    fee_of: Callable[[Terms], Decimal | None],
) -> tuple[tuple[Position, ...], tuple[Unguarded, ...]]:
    """The isolated swaps and futures of ``rows``, and everything else that is open; flat rows are left out.

    ``fee_of`` gives the account's taker rate where a row does not tell it (None: not known). A row that cannot be read is an
    unguarded position; raises BadReading naming the instrument of the first one where no position can be read.
    """
    positions: list[Position] = []
    unguarded: list[Unguarded] = []
    unread = UnreadRows()
    for row in rows:
        if not isinstance(row, dict):
            raise BadReading("a position in OKX's reply is not an object")
        if row.get("instType") not in DERIVATIVES and isinstance(row.get("instId"), str):
            if not _is_flat(row):
                unguarded.append(_other(row))
            continue
        try:
            held = amount(row["pos"])
            if not held:
                continue
            terms = terms_of(row)
            side = _side(row, held)
            if terms.instrument.contract not in contracts:
                unguarded.append(_unguarded(terms, side, LEFT_OUT))
            elif row["mgnMode"] == "isolated":
                positions.append(_position(row, family=family, terms=terms, side=side, size=abs(held), fee_of=fee_of))
            elif row["mgnMode"] == "cross":
                unguarded.append(_unguarded(terms, side, "cross"))
            else:
                raise BadQuantity(f"margin mode {str(row['mgnMode'])[:20]!r}")
        except UNREADABLE as error:
            shown = error.message if isinstance(error, MargincallError) else f"{type(error).__name__} {error}"
            refused = BadReading(f"OKX's position on {row.get('instId')} cannot be read: {shown}")
            refused.__cause__ = error
            unread.add(refused, name=row.get("instId"), why=shown)
    return tuple(positions), tuple(dict.fromkeys((*unguarded, *unread.told(positions))))


def liquidation_fee_rate(row: Mapping[str, Any], requirement: Decimal | None, value: Decimal) -> Decimal | None:
    """The fee rate inside ``mgnRatio``: (requirement - mmr) / value; None where the row does not tell, or tells nonsense.

    ``requirement``: what ``mgnRatio`` implies, ``value``: the position's value at mark, both in settle currency. Outside 0 to
    0.2 % it is not a taker fee but a disagreement, and must stay visible as one.
    """
    maintenance = dec_or_none(row.get("mmr"))
    if requirement is None or maintenance is None:
        return None
    rate = ((requirement - maintenance) / value).quantize(_FEE_STEP)
    return rate if 0 <= rate <= _HIGHEST_FEE else None


def _position(
    row: Mapping[str, Any],
    *,
    family: str,
    terms: Terms,
    side: Side,
    size: Decimal,
    fee_of: Callable[[Terms], Decimal | None],
) -> Position:
    entry, mark, margin = price(row["avgPx"]), price(row["markPx"]), amount(row["margin"])
    says = _says(row, margin)
    instrument = terms.instrument
    quantity = size * instrument.contract_size
    value = quantity * mark if instrument.contract is Contract.LINEAR else quantity / mark
    notes = terms.degraded
    fee = liquidation_fee_rate(row, says.requirement, value)
    if fee is None:
        fee = fee_of(terms)
    if fee is None:
        fee, notes = TAKER_FEE_RATE, (*notes, "fee_assumed")
    position = Position(
        key=terms.long_key if side is Side.LONG else terms.short_key,
        family=family,
        instrument=instrument,
        hedged=(row.get("posSide") or "net") != "net",
        contracts=size,
        entry_price=entry,
        mark_price=mark,
        isolated_margin=margin,
        leverage=dec_or_none(row.get("lever")) or None,
        taker_fee_rate=fee,
        tiers=terms.tiers,
        says=says,
        opened=str(row.get("cTime") or ""),
        changed=str(row.get("uTime") or ""),
        degraded=notes,
    )
    own = row_orders(row, side) if row.get("closeOrderAlgo") else ()
    # Without one in the row nothing is known: other orders may rest all the same.
    return replace(position, stops=stops_of(position, own) or None) if own else position


def _says(row: Mapping[str, Any], margin: Decimal) -> ExchangeSays:
    liquidation = dec_or_none(row.get("liqPx"))
    if liquidation is not None and liquidation <= 0:
        liquidation = None
    ratio = dec_or_none(row.get("mgnRatio"))
    if not ratio or row.get("upl") in {None, ""}:
        return _SAYS_NOTHING if liquidation is None else ExchangeSays(liquidation_price=liquidation)
    # Both are negative once the equity is; the requirement stays what it is, the usage has no bound.
    requirement = (margin + amount(row["upl"])) / ratio
    return ExchangeSays(
        liquidation_price=liquidation,
        requirement=requirement if requirement > 0 else None,
        margin_usage=1 / ratio if ratio > 0 else None,
    )


def _side(row: Mapping[str, Any], held: Decimal) -> Side:
    match row.get("posSide") or "net":
        case "net":
            return Side.LONG if held > 0 else Side.SHORT
        case "long":
            return Side.LONG
        case "short":
            return Side.SHORT
    raise BadQuantity(f"position side {str(row['posSide'])[:20]!r}")


def _is_flat(row: Mapping[str, Any]) -> bool:
    """Whether a row certainly holds nothing."""
    try:
        return not amount(row["pos"])
    except UNREADABLE:
        return False


def _unguarded(terms: Terms, side: Side, mode: str) -> Unguarded:
    instrument = terms.instrument
    return Unguarded(symbol=instrument.symbol, side=side, mode=mode, instrument_id=instrument.instrument_id)


def _other(row: Mapping[str, Any]) -> Unguarded:
    """A position that is not on a swap or future: spot margin, an option, or a kind yet unknown. Open, told of, not assessed.

    It is never a reason not to read the others, so that it is read as far as it can be.
    """
    name, given = row["instId"], str(row.get("instType") or "of an unknown kind").lower()[:20]
    kind = {"margin": "spot margin"}.get(given, given)
    parts: list[str] = [*name.split("-"), ""]
    base, quote, *rest = parts
    symbol = f"{unified(base)}/{unified(quote)}" if quote else name
    if kind == "spot margin":
        # The sign of pos says nothing here: a position held in the base coin is long, one held in the quote coin is short.
        held_in = row.get("posCcy")
        short = held_in == quote if held_in else row.get("liabCcy") == base
        side = Side.SHORT if short else Side.LONG
    else:
        symbol = "-".join((f"{symbol}:{unified(row.get('ccy') or base)}", *rest[:-1])) if quote else name
        short = row.get("posSide") == "short" or (row.get("posSide") != "long" and str(row.get("pos")).startswith("-"))
        side = Side.SHORT if short else Side.LONG
    mode = str(row.get("mgnMode") or "isolated")[:20]
    return Unguarded(symbol=symbol, side=side, mode=f"isolated {kind}" if mode == "isolated" else mode, instrument_id=name)
