"""Bybit's waiting orders as resting stops. Pure.

Source: bybit-exchange/docs v5/order/open-order.mdx (orderFilter StopOrder) and v5/enum.mdx, read 2026-11-22. A stop loss of a
whole position is in its own row of position/list too (``stopLoss``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monitor.errors import BadQuantity
from monitor.exchanges.stops import ON, RestingOrder, closing_side
from monitor.margin.position import Side
from monitor.margin.quantities import ZERO, dec_or_none

_TAKE_PROFIT = ("TakeProfit", "PartialTakeProfit")
_STOP_LOSS = ("StopLoss", "PartialStopLoss")
_CONDITIONAL = "Stop"
_FALLS = {"2": True, "1": False}
"""triggerDirection: 2 fires when the price falls to the trigger, 1 when it rises."""
_HEDGED = {"1": "long", "2": "short"}


def parse_orders(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, RestingOrder]]:
    """Each conditional order that may close a position on its losing side, with its symbol."""
    for row in rows:
        kind = str(row.get("stopOrderType") or "")
        if kind in _TAKE_PROFIT:
            continue
        reduces = row.get("reduceOnly") in ON or row.get("closeOnTrigger") in ON
        closes, sure = closing_side(
            str(row.get("side")).lower(), _HEDGED.get(str(row.get("positionIdx")), ""), reduces=reduces or kind in _STOP_LOSS
        )
        falls = _FALLS.get(str(row.get("triggerDirection")))
        if closes is None or (kind == _CONDITIONAL and falls is not None and falls is not (closes is Side.LONG)):
            continue
        try:
            price, size = dec_or_none(row.get("triggerPrice")), dec_or_none(row.get("leavesQty") or row.get("qty")) or ZERO
        except BadQuantity:
            price, size = None, ZERO
        whole = kind == "StopLoss" and size == 0
        known = kind in _STOP_LOSS or (kind == _CONDITIONAL and falls is not None)
        sure = (
            sure and known and row.get("orderStatus") == "Untriggered" and price is not None and price > 0 and (whole or size > 0)
        )
        yield str(row.get("symbol")), RestingOrder(closes=closes, price=price if sure else None, size=None if whole else size)
