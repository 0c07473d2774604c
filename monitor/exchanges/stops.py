"""Resting stops: which of an account's waiting orders would close a position on its losing side, and at what price.

The answer is only as good as it is sure: where an order may or may not be such a stop (a trailing one, one that could also open a
position, one for a part), nothing is claimed either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply
from monitor.margin.position import Position, Side
from monitor.margin.quantities import ZERO

ON = (True, "true", "True", 1, "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An order that waits for a price and would close a position.

    ``closes``: the side of that position. ``price``: its trigger, None where that is not fixed, or where anything else about the
    order is in doubt. ``size``: in contracts, None for the whole position. ``stops``: by its kind it fires on the losing side;
    False: its kind does not tell.
    """

    closes: Side
    price: Decimal | None
    size: Decimal | None = None
    stops: bool = True


def stops_of(position: Position, orders: Iterable[RestingOrder]) -> tuple[Decimal, ...] | None:
    """The price at which ``orders`` have closed all of ``position`` on its losing side; empty: none does; None: in doubt."""
    long = position.key.side is Side.LONG
    waiting: list[tuple[Decimal, Decimal | None]] = []
    doubt = False
    for order in orders:
        if order.closes is not position.key.side:
            continue
        if order.price is None:
            doubt = True
        elif (order.price < position.mark_price) if long else (order.price > position.mark_price):
            waiting.append((order.price, order.size))
        else:
            # A stop whose price was passed may be on its way; another order on this side takes profit.
            doubt = doubt or order.stops
    closed = ZERO
    for price, size in sorted(waiting, key=lambda one: one[0], reverse=long):
        if size is None or closed + size >= position.contracts:
            return (price,)
        closed += size
    return None if doubt or closed else ()


def closing_side(side: str, position_side: str, *, reduces: bool) -> tuple[Side | None, bool]:
    """The side that an order closes (None: it opens one), and whether that is sure.

    ``side``: ``buy`` or ``sell``; ``position_side``: ``long`` or ``short`` of a hedged account, else empty; ``reduces``: it can
    only reduce.
    """
    closes = Side.LONG if side == "sell" else Side.SHORT
    if position_side:
        return (closes, True) if position_side == closes.value else (None, True)
    return closes, reduces


def by_symbol(found: Iterable[tuple[str, RestingOrder]], symbols: Iterable[str]) -> dict[str, tuple[RestingOrder, ...]]:
    """The orders of each of ``symbols``; those without any have none."""
    orders: dict[str, list[RestingOrder]] = {symbol: [] for symbol in symbols}
    for symbol, order in found:
        if symbol in orders:
            orders[symbol].append(order)
    return {symbol: tuple(each) for symbol, each in orders.items()}


def order_rows(payload: Any, call: str) -> list[Mapping[str, Any]]:
    """``payload`` as a list of orders; raises BadReply for anything else."""
    if not isinstance(payload, list) or not all(isinstance(row, dict) for row in payload):
        raise BadReply(f"the list of orders is missing ({call})")
    return payload
