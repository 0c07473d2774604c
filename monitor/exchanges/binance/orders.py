"""Binance's waiting orders as resting stops. Pure.

Sources (developers.binance.com, derivatives, read 2026-11-22): GET /fapi/v1/openAlgoOrders (conditional orders of USD-M live in
the algo service since late 2025), /fapi/v1/openOrders, /dapi/v1/openOrders.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monitor.errors import BadQuantity
from monitor.exchanges.stops import ON, RestingOrder, closing_side, order_rows
from monitor.margin.quantities import ZERO, dec_or_none

STOPS = ("STOP", "STOP_MARKET", "STOP_LIMIT")
OTHERS = ("LIMIT", "MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TAKE_PROFIT_LIMIT")
"""What never fires on the losing side; a kind that is in neither list (trailing stops) leaves doubt."""


def parse_orders(payload: Any) -> Iterator[tuple[str, RestingOrder]]:
    """Each order of either list that may close a position, with its symbol. Raises BadReply for a reply without a list."""
    for row in order_rows(payload, "openOrders"):
        kind = str(row.get("orderType") or row.get("type") or "")
        if kind in OTHERS:
            continue
        whole = row.get("closePosition") in ON
        named = str(row.get("positionSide") or "").lower()
        closes, sure = closing_side(
            str(row.get("side")).lower(),
            "" if named == "both" else named,
            reduces=whole or row.get("reduceOnly") in ON,
        )
        if closes is None:
            continue
        try:
            price = dec_or_none(row.get("triggerPrice") or row.get("stopPrice"))
            quantity = dec_or_none(row.get("quantity") or row.get("origQty")) or ZERO
            size = quantity - (dec_or_none(row.get("executedQty")) or ZERO)
        except BadQuantity:
            price, size = None, ZERO
        status = row.get("algoStatus", row.get("status"))
        sure = sure and kind in STOPS and status == "NEW" and price is not None and price > 0 and (whole or size > 0)
        yield str(row.get("symbol")), RestingOrder(closes=closes, price=price if sure else None, size=None if whole else size)
