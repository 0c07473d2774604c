"""One account on OKX: one call brings every position of every kind.

Essential is ``account/positions`` alone. Instruments, tiers, fees and balance may be missing; a position then says so in
``degraded``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.emptiness import Balances
from monitor.exchanges.family import AccountChecks, AccountReader, FamilyContent, Patience
from monitor.exchanges.okx import SPEC
from monitor.exchanges.okx.account import account_lines, key_facts
from monitor.exchanges.okx.book import Book, listed
from monitor.exchanges.okx.dialect import DIALECT
from monitor.exchanges.okx.orders import KINDS, parse_orders
from monitor.exchanges.okx.parse import DERIVATIVES, parse_positions
from monitor.exchanges.okx.records import read_records
from monitor.exchanges.okx.terms import parse_free, parse_held
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.records import Asked, Call, Gathered
from monitor.exchanges.session import Session
from monitor.exchanges.shelf import Shelf
from monitor.exchanges.spec import Access
from monitor.exchanges.stops import RestingOrder, by_symbol
from monitor.margin.reading import KeyFacts
from monitor.ports import CheckLine, Clock

_FLAT = ("", "0", 0)
_PAGE_ROWS = 100
_MOST_PAGES = 10


class OkxAccount(AccountReader):
    """The port `Exchange` for OKX."""

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        session = Session(DIALECT, access, pacer, clock)
        super().__init__(spec=SPEC, access=access, session=session, clock=clock)
        self._book = Book(session, clock, account=access.account)

    async def read_family(self, family: str, patience: Patience) -> FamilyContent:
        """Every open position, then what is known of each instrument."""
        # Without instId: the reply holds everything, and more than ten names would break OKX's limit.
        rows = listed(await self.session.call("privateGetAccountPositions"), "account/positions")
        held = {
            str(row.get("instId")): row.get("mgnMode") == "isolated"
            for row in sorted(rows, key=lambda row: row.get("mgnMode") == "isolated")
            if row.get("instType") in DERIVATIVES and row.get("pos") not in _FLAT
        }
        await self._book.have(held, guarded={name for name, isolated in held.items() if isolated}, patience=patience)
        content = self._content(rows, family)
        if any("fee_assumed" in position.degraded for position in content.positions):
            await self._book.have_fees(patience)
            content = self._content(rows, family)
        return content

    async def read_balances(
        self,
        family: str,  # noqa: ARG002 - one wallet behind the one family
        *,
        can_wait: bool,
    ) -> Balances:
        """What can still be put behind isolated positions, and what is, by currency."""
        data = listed(await self.session.call("privateGetAccountBalance", can_wait=can_wait), "account/balance")
        return Balances(free=parse_free(data), held=parse_held(data))

    async def read_stops(
        self,
        family: str,  # noqa: ARG002 - the one list is of all kinds
        instrument_ids: frozenset[str],
    ) -> Mapping[str, Sequence[RestingOrder]]:
        """The algo orders that can close a position; every kind must come whole for the answer to count."""
        found: list[tuple[str, RestingOrder]] = []
        for kind in KINDS:
            ask = {"ordType": kind, "limit": str(_PAGE_ROWS)}
            for page in range(_MOST_PAGES + 1):
                if page == _MOST_PAGES:
                    raise BadReply("the pages of orders have no end (orders-algo-pending)")
                reply = await self.session.call("privateGetTradeOrdersAlgoPending", ask, can_wait=True)
                rows = listed(reply, "trade/orders-algo-pending")
                found += parse_orders(rows)
                if len(rows) < _PAGE_ROWS:
                    break
                ask["after"] = str(rows[-1].get("algoId"))
        return by_symbol(found, instrument_ids)

    async def read_records(self, asked: Asked, call: Call, found: Gathered) -> None:
        """Bills and closed positions."""
        await read_records(asked, call, found)

    async def read_key(self) -> KeyFacts | None:
        """The key's rights and its addresses."""
        reply = await self.session.call("privateGetAccountConfig", can_wait=True)
        return key_facts(listed(reply, "account/config"), account=self.account)

    def term_shelves(self) -> Sequence[Shelf[Any]]:
        """The shelf of position tiers."""
        return (self._book.tiers,)

    def account_checks(self) -> AccountChecks:
        """The account's level and position mode."""
        return {"account": self._account_lines}

    async def _account_lines(self) -> Sequence[CheckLine]:
        return account_lines(listed(await self.session.call("privateGetAccountConfig", can_wait=True), "account/config"))

    def _content(self, rows: Sequence[Mapping[str, Any]], family: str) -> FamilyContent:
        positions, unguarded = parse_positions(
            rows, family=family, terms_of=self._book.terms_of, contracts=self.access.contracts, fee_of=self._book.fee_of
        )
        return FamilyContent(positions=positions, unguarded=unguarded, others=bool(rows))
