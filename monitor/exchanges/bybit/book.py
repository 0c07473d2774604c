"""What is known of Bybit's symbols, kept at hand: instruments, maintenance tiers and the account's fees, each by symbol.

All of it may be missing: a position is then read with what there is, and says what was missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from monitor.errors import BadReading, BadReply, ExchangeFault
from monitor.exchanges.bybit.guess import guess_instrument
from monitor.exchanges.bybit.terms import TAKER_FEE_RATE, Listing, Terms, parse_fee_rates, parse_instruments, parse_tiers
from monitor.exchanges.family import Patience
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import Shelf
from monitor.margin.position import PositionKey, Side
from monitor.margin.tiers import TierTable
from monitor.ports import Clock

CATEGORIES = {"usdt": "linear", "usdc": "linear", "inverse": "inverse"}

_FEW = 5
_MOST_PAGES = 100


class Book:
    """Terms by symbol. A symbol must have been named to `have` before its terms are asked."""

    def __init__(self, session: Session, clock: Clock, *, account: str) -> None:
        self._session = session
        self._account = account
        self._category: dict[str, str] = {}
        self._terms: dict[str, tuple[tuple[object, ...], Terms]] = {}
        self.instruments: Shelf[Listing] = Shelf(self._read_instruments, spawn=session.spawn, clock=clock)
        self.tiers: Shelf[tuple[TierTable, bool]] = Shelf(self._read_tiers, spawn=session.spawn, clock=clock)
        self.fees: Shelf[Decimal] = Shelf(self._read_fees, spawn=session.spawn, clock=clock)

    async def have(self, family: str, *, symbols: Collection[str], guarded: Collection[str], patience: Patience) -> None:
        """See to what the positions of ``family`` need: instruments for all, tiers and fees for those that are guarded."""
        self._category.update(dict.fromkeys(symbols, CATEGORIES[family]))
        await self.instruments.have(symbols, within=patience())
        await self.tiers.have(guarded, within=patience())
        await self.fees.have(guarded, within=patience())

    def terms_for(self, family: str) -> Callable[[str], Terms]:
        """Finds the terms of a symbol within ``family``; raises BadReading for a symbol that belongs to another one."""

        def terms_of(symbol: str) -> Terms:
            parts = (self.instruments.get(symbol), self.tiers.get(symbol), self.fees.get(symbol))
            kept = self._terms.get(symbol)
            if kept is None or kept[0] != parts:
                kept = self._terms[symbol] = (parts, self._made(symbol, family, *parts))
            settle = kept[1].instrument.settle_currency
            if parts[0] is not None and family != "inverse" and settle != family.upper():
                raise BadReading(f"it is settled in {settle}, and {family.upper()} was asked for")
            return kept[1]

        return terms_of

    def _made(
        self, symbol: str, family: str, listing: Listing | None, ladder: tuple[TierTable, bool] | None, fee: Decimal | None
    ) -> Terms:
        instrument = listing.instrument if listing else guess_instrument(symbol, family)
        marks = {
            "instrument_guessed": listing is None,
            "no_tiers": ladder is None,
            "deductions_rebuilt": ladder is not None and ladder[1],
            "fee_assumed": fee is None,
        }

        def key(side: Side) -> PositionKey:
            return PositionKey(exchange="bybit", account=self._account, symbol=instrument.symbol, side=side)

        return Terms(
            instrument=instrument,
            long_key=key(Side.LONG),
            short_key=key(Side.SHORT),
            tiers=ladder[0] if ladder else None,
            taker_fee_rate=TAKER_FEE_RATE if fee is None else fee,
            highest_price=listing.highest_price if listing else None,
            degraded=tuple(mark for mark, holds in marks.items() if holds),
        )

    async def _read_instruments(self, symbols: frozenset[str]) -> Mapping[str, Listing]:
        found: dict[str, Listing] = {}
        async for category, _, rows in self._batches("publicGetV5MarketInstrumentsInfo", symbols, limit=1000):
            found |= parse_instruments(rows, category)
        return found

    async def _read_tiers(self, symbols: frozenset[str]) -> Mapping[str, tuple[TierTable, bool]]:
        found: dict[str, tuple[TierTable, bool]] = {}
        trouble: Exception | None = None
        async for category, asked, rows in self._batches("publicGetV5MarketRiskLimit", symbols):
            for symbol in asked:
                try:
                    found[symbol] = parse_tiers(rows, symbol=symbol, category=category)
                except BadReading as error:
                    trouble = error
        if trouble is not None and not found:
            raise trouble
        return found

    async def _read_fees(self, symbols: frozenset[str]) -> Mapping[str, Decimal]:
        found: dict[str, Decimal] = {}
        for category in sorted({self._category[symbol] for symbol in symbols if symbol in self._category}):
            reply = await self._session.call("privateGetV5AccountFeeRate", {"category": category}, can_wait=True)
            found |= parse_fee_rates(listed(reply, "fee-rate"))
        return found

    async def _batches(
        self, endpoint: str, symbols: frozenset[str], **params: Any
    ) -> AsyncIterator[tuple[str, Collection[str], list[Mapping[str, Any]]]]:
        """The rows of ``endpoint`` for ``symbols``: one call for each of a few, else the whole category page by page.

        One symbol's trouble is not another's: it ends the reading only where nothing was read yet.
        """
        came = False
        for category in sorted({self._category[symbol] for symbol in symbols if symbol in self._category}):
            wanted = sorted(symbol for symbol in symbols if self._category.get(symbol) == category)
            asks = [({"symbol": symbol}, [symbol]) for symbol in wanted] if len(wanted) <= _FEW else [(params, wanted)]
            trouble: ExchangeFault | None = None
            for extra, asked in asks:
                try:
                    rows = await self._all_rows(endpoint, {"category": category, **extra})
                except ExchangeFault as error:
                    trouble = error
                    continue
                came = True
                yield category, asked, rows
            if trouble is not None and not came:
                raise trouble

    async def _all_rows(self, endpoint: str, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Every page of a public list; a cursor that comes again ends it."""
        rows: list[Mapping[str, Any]] = []
        cursors = {""}
        cursor = ""
        for _ in range(_MOST_PAGES):
            asked = {**params, "cursor": cursor} if cursor else params
            reply = await self._session.call(endpoint, asked, can_wait=True)
            page = listed(reply, endpoint)
            rows += page
            cursor = reply["result"].get("nextPageCursor") or ""
            if cursor in cursors or not page:
                break
            cursors.add(cursor)
        return rows


def listed(reply: Any, call: str, *, category: str = "") -> list[Mapping[str, Any]]:
    """``result.list`` of Bybit's envelope; raises BadReply for any other shape, or for an answer about another category."""
    result = reply.get("result") if isinstance(reply, dict) and reply.get("retCode") in {0, "0"} else None
    rows = result.get("list") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(rows, list):
        raise BadReply(f"the answer is not in Bybit's envelope ({call})")
    if category and (result.get("category") or category) != category:
        raise BadReply(f"the answer is about another category than {category} ({call})")
    return rows
