"""Binance's records of one position: which calls tell them, and how often they may be asked.

Sources (developers.binance.com, derivatives, USDS-M and COIN-M: Account Trade List, User's Force Orders, Get Income History, Get
Position Margin Change History; read 2026-11-23). Trades come in windows of at most 7 days; a list that is full is asked again in
halves. A call for the forced orders of a symbol weighs 20, one for the income 30 (20 on COIN-M): both are only made where a fill
made the position smaller.
"""

from __future__ import annotations

from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.binance import records_parse as parse
from monitor.exchanges.binance.hosts import HOSTS, Host
from monitor.exchanges.records import DAY_MS, Asked, Calls, Gathered, Row, swept
from monitor.lives.records import Fill, FillCause, FlowKind

_TRADES = 1000
_FORCED = 100
_INCOME = 1000
_WEEK = 7 * DAY_MS
_MONTH = 30 * DAY_MS
_FORCED_CAUSES = {FillCause.LIQUIDATION, FillCause.DELEVERAGED}


async def read_records(asked: Asked, call: Calls, found: Gathered) -> None:
    """Gather what there is of one position. Raises MargincallError where its trades cannot be read in full."""
    book = _Book(asked, call, HOSTS[asked.position.family])
    rows = await book.trades()
    marks: dict[str, FillCause] = {}
    if any(parse.is_closing(row, asked.position) for row in rows):
        with found.may_lack("who closed it (forceOrders)"):
            marks = {row_id: cause for cause in _FORCED_CAUSES for row_id in await book.forced(cause)}
    fills = parse.parse_fills(rows, asked, marks, found)
    with found.may_lack("margin changes"):
        found.flows += parse.parse_margin(await book.margin(), asked, found)
        found.kept |= {FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED}
    with found.may_lack("funding"):
        _funding(await book.income("FUNDING_FEE", asked.life), asked, found)
    found.fills += await _insured(fills, rows, book, found)


class _Book:
    """The lists of one host about one position."""

    def __init__(self, asked: Asked, call: Calls, host: Host) -> None:
        self.asked = asked
        self._call = call
        self._host = host

    async def trades(self) -> list[Row]:
        """Every trade of the symbol in the time that is asked about."""
        return await self._all(self._host.trades, {}, self.asked.since, full=_TRADES, longest=_WEEK)

    async def forced(self, cause: FillCause) -> list[str]:
        """The ids of the orders with which Binance closed for ``cause``."""
        kind = "ADL" if cause is FillCause.DELEVERAGED else "LIQUIDATION"
        rows = await self._all(self._host.forced, {"autoCloseType": kind}, self.asked.since, full=_FORCED, longest=_WEEK)
        return [str(row["orderId"]) for row in rows]

    async def margin(self) -> list[Row]:
        """The record of margin changes."""
        return await self._all(self._host.history, {}, self.asked.since, full=self._host.page, longest=_MONTH)

    async def income(self, kind: str, since: int) -> list[Row]:
        """The rows of one kind of income."""
        ask = {"incomeType": kind} if kind else {}
        return await self._all(self._host.income, ask, since, full=_INCOME, longest=_MONTH)

    async def _all(self, endpoint: str, ask: dict[str, str], since: int, *, full: int, longest: int) -> list[Row]:
        """All rows of ``endpoint`` on the symbol from ``since`` on."""
        symbol = self.asked.instrument_id

        async def page(start: int, end: int) -> list[Row]:
            params: dict[str, Any] = {"symbol": symbol, "startTime": start, "endTime": end, "limit": full, **ask}
            told = await self._call(endpoint, params)
            if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
                raise BadReply(f"the answer is no list ({endpoint})")
            return [row for row in told if row.get("symbol") == symbol]

        return await swept(page, since, self.asked.until, full=full, longest=longest)


def _funding(rows: list[Row], asked: Asked, found: Gathered) -> None:
    """Funding over the life of the position, where it can be told whose it is."""
    if asked.position.hedged and rows:
        found.lack("funding: in hedge mode Binance's record does not say which side it is of")
        return
    found.flows += [parse.parse_flow(row, asked, FlowKind.FUNDING) for row in rows]
    found.kept.add(FlowKind.FUNDING)


async def _insured(fills: list[Fill], rows: list[Row], book: _Book, found: Gathered) -> list[Fill]:
    """The fills with what the insurance fund took or gave, asked only where the exchange closed something."""
    if not any(fill.cause in _FORCED_CAUSES for fill in fills):
        return fills
    with found.may_lack("insurance"):
        cleared = await book.income("INSURANCE_CLEAR", book.asked.since)
        fills, flows = parse.attach_insurance(fills, rows, cleared, book.asked, found)
        found.flows += flows
        found.kept.add(FlowKind.INSURANCE)
    return fills
