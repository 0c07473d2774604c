"""OKX's waiting algo orders as resting stops. Pure.

Source: docs-v5 "GET / Algo order list" (trade/orders-algo-pending) and ``closeOrderAlgo`` of "Get positions", read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitor.errors import BadQuantity
from monitor.exchanges.stops import ON, RestingOrder, closing_side
from monitor.margin.position import Side
from monitor.margin.quantities import ONE, ZERO, dec_or_none

KINDS = ("conditional", "oco", "trigger", "move_order_stop")
"""The kinds that can close a position; each is a call of its own."""
_WITH_STOP = ("conditional", "oco")


def parse_orders(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, RestingOrder]]:
    """Each algo order that may close an isolated position on its losing side, with its instrument."""
    for row in rows:
        kind = str(row.get("ordType") or "")
        if row.get("tdMode") != "isolated" or (kind in _WITH_STOP and not row.get("slTriggerPx")):
            continue
        side = str(row.get("posSide") or "net")
        whole = _is_whole(row)
        closes, sure = closing_side(
            str(row.get("side")), "" if side == "net" else side, reduces=whole or row.get("reduceOnly") in ON
        )
        if closes is None:
            continue
        try:
            price = dec_or_none(row.get("slTriggerPx") if kind in _WITH_STOP else row.get("triggerPx"))
            size = dec_or_none(row.get("sz")) or ZERO
        except BadQuantity:
            price, size = None, ZERO
        known = kind in KINDS[:3] and row.get("state", "live") == "live"
        sure = sure and known and price is not None and price > 0 and (whole or size > 0)
        yield (
            str(row.get("instId")),
            RestingOrder(closes=closes, price=price if sure else None, size=None if whole else size, stops=kind in _WITH_STOP),
        )


def row_orders(row: Mapping[str, Any], closes: Side) -> list[RestingOrder]:
    """The stops for all of a position that its own row names."""
    attached = row.get("closeOrderAlgo")
    orders = []
    for algo in attached if isinstance(attached, list) else ():
        try:
            price = dec_or_none(algo.get("slTriggerPx")) if isinstance(algo, dict) and _is_whole(algo) else None
        except BadQuantity:
            continue
        if price is not None and price > 0:
            orders.append(RestingOrder(closes=closes, price=price))
    return orders


def _is_whole(row: Mapping[str, Any]) -> bool:
    try:
        return dec_or_none(row.get("closeFraction")) == ONE
    except BadQuantity:
        return False
