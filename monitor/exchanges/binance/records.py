"""Binance's records of one position: which calls tell them, and how often they may be asked.

Sources (developers.binance.com, derivatives, USDS-M and COIN-M: Account Trade List, All Orders, User's Force Orders, Get Income
History, Get Position Margin Change History; read 2026-11-23). Trades and orders come in windows of at most 7 days; a list that is
full is asked again in halves. The forced orders of a symbol weigh 20 a call, its orders 5 (20 on COIN-M), the income 30 (20):
what is dear is only asked where something closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.binance import records_parse as parse
from monitor.exchanges.binance.hosts import HOSTS, Host
from monitor.exchanges.records import DAY_MS, Asked, Call, Gathered, Row, swept
from monitor.lives.records import Fill, FillCause

_TRADES = 1000
_ORDERS = 100
_FORCED = 100
_INCOME = 1000
_WEEK = 7 * DAY_MS
_MONTH = 30 * DAY_MS
_INCOME_KEPT = 89 * DAY_MS
"""The income of three months can be asked for."""
_AT_ONCE = 10_000
"""An order of the exchange's own is filled within so many milliseconds, or it is not one."""
_MOST_BY_ID = 5


async def read_records(asked: Asked, call: Call, found: Gathered) -> None:
    """Gather what there is of one position. Raises MargincallError where its trades cannot be read in full."""
    book = _Book(asked, call, HOSTS[asked.position.family])
    trades = await book.trades()
    marks = await _marked(trades, book, found)
    fills = parse.parse_fills(trades, asked, marks, found)
    found.fills += await _insured(fills, trades, marks, book, found)
    if not asked.wants_money(fills):
        return
    with found.may_lack("margin changes"):
        parse.add_margin(await book.margin(), asked, found)
    with found.may_lack("funding"):
        earliest = max(asked.life, asked.now - _INCOME_KEPT)
        parse.add_funding(await book.income("FUNDING_FEE", earliest), asked, found, whole=earliest == asked.life)


async def _marked(trades: list[Row], book: _Book, found: Gathered) -> Mapping[str, FillCause]:
    """Why each order was placed that made the position smaller, by its id.

    The client id of an order tells it; the exchange's own are looked up among the forced orders too, where their kind is asked.
    """
    position = book.asked.position
    closing = [row for row in trades if parse.is_closing(row, position) and parse.is_of(row, position)]
    marks: dict[str, FillCause] = {}
    if not closing:
        return marks
    wanted = {str(row["orderId"]) for row in closing}
    times = [int(row["time"]) for row in closing]
    with found.may_lack("who closed it (allOrders)"):
        marks = parse.causes(await book.orders(min(times) - _AT_ONCE, max(times) + _AT_ONCE), position)
    if not wanted <= marks.keys() or any(marks[order] is not FillCause.TRADE for order in wanted):
        with found.may_lack("who closed it (forceOrders)"):
            for cause, kind in ((FillCause.LIQUIDATION, "LIQUIDATION"), (FillCause.DELEVERAGED, "ADL")):
                marks |= dict.fromkeys(await book.forced(kind), cause)
    with found.may_lack("who closed it (allOrders)"):
        for order in sorted(wanted - marks.keys(), key=int)[-_MOST_BY_ID:]:
            marks |= parse.causes(await book.order(order), position)
    if not wanted <= marks.keys():
        found.lack("who closed it: Binance does not tell of some of the orders; they count as the owner's", again=True)
    return marks


class _Book:
    """The lists of one host about one position."""

    def __init__(self, asked: Asked, call: Call, host: Host) -> None:
        self.asked = asked
        self._call = call
        self._host = host

    async def trades(self) -> list[Row]:
        """Every trade of the symbol in the time that is asked about."""
        return await self._all(self._host.trades, {}, self.asked.since, self.asked.until, full=_TRADES, longest=_WEEK)

    async def orders(self, start: int, end: int) -> list[Row]:
        """Every order of the symbol that was placed between two moments."""
        return await self._all(self._host.placed, {}, start, end, full=_ORDERS, longest=_WEEK)

    async def order(self, order: str) -> list[Row]:
        """One order, whenever it was placed; none where Binance has it no more."""
        ask = {"symbol": self.asked.instrument_id, "orderId": order, "limit": 1}
        return [row for row in await self._listed(self._host.placed, ask) if str(row["orderId"]) == order]

    async def forced(self, kind: str) -> list[str]:
        """The ids of the orders with which Binance closed: ``LIQUIDATION`` or ``ADL``."""
        rows = await self._all(
            self._host.forced, {"autoCloseType": kind}, self.asked.since, self.asked.until, full=_FORCED, longest=_WEEK
        )
        return [str(row["orderId"]) for row in rows]

    async def margin(self) -> list[Row]:
        """The record of margin changes."""
        return await self._all(self._host.history, {}, self.asked.since, self.asked.until, full=self._host.page, longest=_MONTH)

    async def income(self, kind: str, since: int) -> list[Row]:
        """The rows of one kind of income."""
        return await self._all(self._host.income, {"incomeType": kind}, since, self.asked.until, full=_INCOME, longest=_MONTH)

    async def _all(self, endpoint: str, ask: dict[str, str], since: int, until: int, *, full: int, longest: int) -> list[Row]:
        """All rows of ``endpoint`` on the symbol from ``since`` to ``until``."""

        async def page(start: int, end: int) -> list[Row]:
            params = {"symbol": self.asked.instrument_id, "startTime": start, "endTime": end, "limit": full, **ask}
            return await self._listed(endpoint, params)

        return await swept(page, since, until, full=full, longest=longest)

    async def _listed(self, endpoint: str, params: dict[str, Any]) -> list[Row]:
        """The rows of one reply, all of them on the symbol."""
        told = await self._call(endpoint, params)
        if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
            raise BadReply(f"the answer is no list ({endpoint})")
        if any(row.get("symbol") != self.asked.instrument_id for row in told):
            raise BadReply(f"the answer is about another symbol ({endpoint})")
        return told


async def _insured(
    fills: list[Fill], trades: list[Row], marks: Mapping[str, FillCause], book: _Book, found: Gathered
) -> list[Fill]:
    """The fills with what the insurance fund took or gave, asked only where the exchange liquidated something."""
    if any(fill.cause is FillCause.LIQUIDATION for fill in fills):
        with found.may_lack("insurance"):
            rows = await book.income("INSURANCE_CLEAR", book.asked.since)
            liquidated = [row for row in trades if marks.get(str(row["orderId"])) is FillCause.LIQUIDATION]
            sides = {str(row["id"]): str(row["positionSide"]) for row in liquidated}
            return parse.insured(fills, rows, sides, book.asked, found)
    return fills
