"""One account on Bybit: three families of positions behind one account-wide margin mode.

Essential are ``position/list`` and ``account/info``: without the mode nobody can say what the figures mean. All else may be
missing; a position then says so in ``degraded``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.bybit import SPEC
from monitor.exchanges.bybit.book import CATEGORIES, Book, listed
from monitor.exchanges.bybit.dialect import DIALECT
from monitor.exchanges.bybit.keys import key_facts
from monitor.exchanges.bybit.orders import parse_orders
from monitor.exchanges.bybit.parse import AccountInfo, MarginMode, merge_pages, parse_account_info, parse_positions
from monitor.exchanges.bybit.records import read_records
from monitor.exchanges.bybit.terms import parse_free, parse_held
from monitor.exchanges.emptiness import Balances
from monitor.exchanges.family import AccountChecks, AccountReader, FamilyContent, Patience
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.records import Asked, Call, Gathered
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import Shelf
from monitor.exchanges.spec import Access
from monitor.exchanges.stops import RestingOrder, by_symbol
from monitor.margin.reading import KeyFacts
from monitor.ports import CheckLine, Clock

_FLAT = ("", "0", 0)
_SETTLES = {"usdt": "USDT", "usdc": "USDC"}
_PAGE_ROWS = 200
_ORDER_ROWS = 50
_MOST_PAGES = 50
_MODE_SECONDS = 1.0


class BybitAccount(AccountReader):
    """The port `Exchange` for Bybit."""

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        session = Session(DIALECT, access, pacer, clock)
        super().__init__(spec=SPEC, access=access, session=session, clock=clock)
        self._book = Book(session, clock, account=access.account)
        self._info: AccountInfo | None = None
        self._info_task: asyncio.Task[None] | None = None
        self._info_asked = 0.0

    async def read_family(self, family: str, patience: Patience) -> FamilyContent:
        """Every open position of ``family``: all pages, the mode, then what is known of each symbol."""
        now_ms = int(self.clock.now().timestamp() * 1000)
        info, rows = await asyncio.gather(self._account_info(), self._rows(family))
        mode = info.mode_of(family)
        symbols = {str(row.get("symbol")) for row in rows if row.get("size") not in _FLAT}
        guarded = symbols if mode in {None, MarginMode.ISOLATED} else set()
        await self._book.have(family, symbols=symbols, guarded=guarded, patience=patience)
        terms_of = self._book.terms_for(family)
        positions, unguarded = parse_positions(rows, family=family, mode=mode, terms_of=terms_of, now_ms=now_ms)
        return FamilyContent(positions=positions, unguarded=unguarded)

    async def read_balances(self, family: str, *, can_wait: bool) -> Balances:
        """What can still be put behind this family's positions, and what is, by coin."""
        params = {"accountType": "UNIFIED"} | ({"coin": _SETTLES[family]} if family in _SETTLES else {})
        reply = await self.session.call("privateGetV5AccountWalletBalance", params, can_wait=can_wait)
        accounts = listed(reply, "wallet-balance")
        return Balances(free=parse_free(accounts), held=parse_held(accounts))

    async def read_stops(self, family: str, instrument_ids: frozenset[str]) -> Mapping[str, Sequence[RestingOrder]]:
        """The conditional orders of the family, all pages."""
        params: dict[str, Any] = {"category": CATEGORIES[family], "orderFilter": "StopOrder", "limit": _ORDER_ROWS}
        if family in _SETTLES:
            params["settleCoin"] = _SETTLES[family]
        found: list[tuple[str, RestingOrder]] = []
        for _ in range(_MOST_PAGES):
            reply = await self.session.call("privateGetV5OrderRealtime", params, can_wait=True)
            rows = listed(reply, "order/realtime", category=CATEGORIES[family])
            found += parse_orders(rows)
            params["cursor"] = reply["result"].get("nextPageCursor") or ""
            if not params["cursor"] or not rows:
                return by_symbol(found, instrument_ids)
        raise BadReply("the pages of orders have no end (order/realtime)")

    async def read_records(self, asked: Asked, call: Call, found: Gathered) -> None:
        """Executions and the transaction log."""
        await read_records(asked, call, found)

    async def read_key(self) -> KeyFacts | None:
        """The key's rights and its end."""
        reply = await self.session.call("privateGetV5UserQueryApi", can_wait=True)
        return key_facts(reply, account=self.account, now=self.clock.now())

    def term_shelves(self) -> Sequence[Shelf[Any]]:
        """The shelf of risk limits."""
        return (self._book.tiers,)

    def account_checks(self) -> AccountChecks:
        """The margin mode."""
        return {"margin mode": self._mode_lines}

    async def _mode_lines(self) -> Sequence[CheckLine]:
        return [_mode_line(await self._account_info())]

    async def _account_info(self) -> AccountInfo:
        """``account/info`` at most a second old; families that ask at the same time share one call."""
        task = self._info_task
        now = self.clock.monotonic()
        usable = task is not None and (not task.done() or (_went_well(task) and now - self._info_asked <= _MODE_SECONDS))
        if task is None or not usable:
            self._info_asked = now
            task = self._info_task = self.session.spawn(self._read_info())
        # One family's deadline must not end the call for the others.
        await asyncio.shield(task)
        if self._info is None:
            raise BadReply("the account's margin mode was not read (account/info)")
        return self._info

    async def _read_info(self) -> None:
        reply = await self.session.call("privateGetV5AccountInfo")
        result = reply.get("result") if isinstance(reply, dict) else None
        if not isinstance(result, dict):
            raise BadReply("the answer is not in Bybit's envelope (account/info)")
        self._info = parse_account_info(result)

    async def _rows(self, family: str) -> list[Mapping[str, Any]]:
        """Every row of ``position/list``, its pages followed to their end; BadReply where they have none."""
        params: dict[str, Any] = {"category": CATEGORIES[family], "limit": _PAGE_ROWS}
        if family in _SETTLES:
            params["settleCoin"] = _SETTLES[family]
        pages: list[list[Mapping[str, Any]]] = []
        cursors: set[str] = set()
        while True:
            reply = await self.session.call("privateGetV5PositionList", params)
            page = listed(reply, "position/list", category=CATEGORIES[family])
            pages.append(page)
            cursor = reply["result"].get("nextPageCursor") or ""
            # A full last page can hold a cursor too; the empty page behind it is the end.
            if not cursor or not page:
                return merge_pages(pages)
            if cursor in cursors or len(pages) >= _MOST_PAGES:
                raise BadReply("the pages of positions have no end (position/list)")
            cursors.add(cursor)
            params["cursor"] = cursor


def _went_well(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is None


def _mode_line(info: AccountInfo) -> CheckLine:
    if info.mode_of("usdt") is None:
        return CheckLine(status="ok", topic="margin mode", text="classic account: each position has its own")
    if info.margin_mode is MarginMode.ISOLATED:
        return CheckLine(status="ok", topic="margin mode", text="isolated")
    return CheckLine(
        status="warn",
        topic="margin mode",
        text=f"{'portfolio' if info.margin_mode is MarginMode.PORTFOLIO else 'cross'}: no position of this account is guarded",
        advice="Bybit's margin mode holds for the whole account; margincall guards the isolated mode.",
    )
