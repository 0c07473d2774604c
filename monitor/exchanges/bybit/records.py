"""Bybit's records of one position: which calls tell them, page by page.

Sources (bybit-exchange/docs v5/order/execution.mdx, v5/position/close-pnl.mdx, v5/account/transaction-log.mdx, v5/enum.mdx;
read 2026-11-23). All lists take windows of at most 7 days and a cursor, newest first. The log names no symbol to ask for: it is
asked by its coin, and what is of other symbols is left out. Bybit keeps no record of margin changes.
"""

from __future__ import annotations

from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.bybit import records_parse as parse
from monitor.exchanges.bybit.book import CATEGORIES, listed
from monitor.exchanges.records import DAY_MS, Asked, Call, Gathered, Row, windows

_WEEK = 7 * DAY_MS
_EXECUTIONS = 100
_LOG_ROWS = 50


async def read_records(asked: Asked, call: Call, found: Gathered) -> None:
    """Gather what there is of one position. Raises MargincallError where its executions cannot be read in full."""
    found.lack("margin changes: Bybit keeps no record of them")
    category, symbol = CATEGORIES[asked.position.family], asked.instrument_id
    ask: dict[str, Any] = {"category": category, "symbol": symbol, "limit": _EXECUTIONS}
    rows = await _all(call, "privateGetV5ExecutionList", ask, asked.since, asked.until)
    fills = parse.parse_fills(rows, asked, found)
    if not asked.wants_money(fills):
        found.fills += fills
        return
    with found.may_lack("a check of the executions (closed-pnl)"):
        closed = await _all(call, "privateGetV5PositionClosedPnl", ask, asked.since, asked.until)
        parse.check_closed(closed, rows, asked, found)
    log = {
        "accountType": "UNIFIED",
        "category": category,
        "currency": asked.position.instrument.settle_currency,
        "limit": _LOG_ROWS,
    }
    if any(fill.closes and fill.profit is None for fill in fills):
        with found.may_lack("profit"):
            rows = await _all(call, "privateGetV5AccountTransactionLog", log, asked.since, asked.until)
            fills = parse.with_money(fills, rows)
    found.fills += fills
    with found.may_lack("funding"):
        rows = await _all(call, "privateGetV5AccountTransactionLog", {**log, "type": "SETTLEMENT"}, asked.life, asked.until)
        parse.add_funding(rows, asked, found)


async def _all(call: Call, endpoint: str, ask: dict[str, Any], since: int, until: int) -> list[Row]:
    """Every row between two moments, window by window and page by page; BadReply where the pages have no end."""
    rows: list[Row] = []
    for start, end in windows(since, until, longest=_WEEK):
        params = {**ask, "startTime": start, "endTime": end}
        cursors: set[str] = set()
        while True:
            reply = await call(endpoint, params)
            page = listed(reply, endpoint)
            rows += page
            cursor = reply["result"].get("nextPageCursor") or ""
            if not cursor or not page:
                break
            if cursor in cursors:
                raise BadReply(f"the pages have no end ({endpoint})")
            cursors.add(cursor)
            params["cursor"] = cursor
    return rows
