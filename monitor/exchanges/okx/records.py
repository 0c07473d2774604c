"""OKX's records of one position: which calls tell them, page by page.

Sources (docs-v5: Get bills details (last 7 days), Get bills details (archive), Get positions history; read 2026-11-23). Bills
come newest first, 100 a page, and are asked on with the ``billId`` of the oldest; those of over 7 days ago are in the archive.
"""

from __future__ import annotations

from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.okx import records_parse as parse
from monitor.exchanges.okx.book import listed
from monitor.exchanges.records import DAY_MS, Asked, Calls, Gathered, Row

_PAGE_ROWS = 100
_RECENT = 7 * DAY_MS - 3600 * 1000
"""What is certainly still in the list of the last 7 days."""
_FUNDING_BILLS = "8"


async def read_records(asked: Asked, call: Calls, found: Gathered) -> None:
    """Gather what there is of one position. Raises MargincallError where its bills cannot be read in full."""
    book = _Book(asked, call)
    bills = await book.bills(asked.since)
    found.fills += parse.parse_fills(bills, asked)
    parse.add_flows(bills, asked, found)
    with found.may_lack("funding"):
        earlier = await book.bills(asked.life, asked.since - 1, kind=_FUNDING_BILLS)
        parse.add_funding([*bills, *earlier], asked, found)
    with found.may_lack("the sums over its life (positions-history)"):
        parse.add_totals(await book.closed(), asked, found)


class _Book:
    """The lists about one position."""

    def __init__(self, asked: Asked, call: Calls) -> None:
        self._asked = asked
        self._call = call
        self._kind = "SWAP" if asked.instrument_id.endswith("-SWAP") else "FUTURES"

    async def bills(self, since: int, until: int | None = None, *, kind: str = "") -> list[Row]:
        """Every bill of the instrument in isolated mode from ``since`` to ``until``, in any order."""
        until = self._asked.until if until is None else until
        recent = self._asked.until - _RECENT
        rows: list[Row] = []
        if until > max(since, recent):
            rows += await self._paged("privateGetAccountBills", max(since, recent), until, kind)
        if since < recent:
            rows += await self._paged("privateGetAccountBillsArchive", since, min(until, recent), kind)
        return [row for row in rows if row["instId"] == self._asked.instrument_id and row["mgnMode"] == "isolated"]

    async def closed(self) -> list[Row]:
        """What positions-history has of the instrument's positions that were closed since, wholly or in part."""
        ask = {"instType": self._kind, "instId": self._asked.instrument_id, "mgnMode": "isolated", "limit": str(_PAGE_ROWS)}
        return listed(await self._call("privateGetAccountPositionsHistory", ask), "account/positions-history")

    async def _paged(self, endpoint: str, since: int, until: int, kind: str) -> list[Row]:
        ask: dict[str, Any] = {"instType": self._kind, "instId": self._asked.instrument_id, "mgnMode": "isolated"}
        ask |= {"begin": str(since), "end": str(until), "limit": str(_PAGE_ROWS)} | ({"type": kind} if kind else {})
        rows: dict[str, Row] = {}
        while True:
            page = listed(await self._call(endpoint, ask), endpoint)
            new = {str(row["billId"]): row for row in page}
            if page and new.keys() <= rows.keys():
                raise BadReply(f"the pages of bills have no end ({endpoint})")
            rows |= new
            if len(page) < _PAGE_ROWS:
                return list(rows.values())
            ask["after"] = min(new, key=int)
