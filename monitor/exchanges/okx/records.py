"""OKX's records of one position: which calls tell them, page by page.

Sources (docs-v5: Get bills details (last 7 days), Get bills details (archive), Get positions history; read 2026-11-23). Bills
come newest first, 100 a page, and are asked on with the ``billId`` of the oldest; those of over 7 days ago are in the archive.
"""

from __future__ import annotations

from typing import Any

from monitor.errors import BadReply
from monitor.exchanges.okx import records_parse as parse
from monitor.exchanges.okx.book import listed
from monitor.exchanges.okx.records_legs import of_leg
from monitor.exchanges.records import DAY_MS, Asked, Call, Gathered, Row

_PAGE_ROWS = 100
_RECENT = 7 * DAY_MS - 3600 * 1000
"""What is certainly still in the list of the last 7 days."""
_ARCHIVED = 89 * DAY_MS
"""The archive has gone back three months, and a year since: what is older is not asked for."""
_FUNDING_BILLS = "8"


async def read_records(asked: Asked, call: Call, found: Gathered) -> None:
    """Gather what there is of one position. Raises MargincallError where its bills cannot be read in full."""
    book = _Book(asked, call)
    every = await book.bills(asked.since, asked.until)
    bills, sure = of_leg(every, asked) if asked.position.hedged else (every, True)
    if not sure:
        found.lack("margin changes and funding: in hedge mode some of OKX's bills do not say which side they are of")
    found.fills += parse.parse_fills(bills, asked)
    parse.add_flows(bills, asked, found, whole=sure)
    if not asked.wants_money(found.fills):
        return
    with found.may_lack("the sums over its life (positions-history)"):
        parse.add_totals(await book.closed(), asked, found)
    with found.may_lack("funding"):
        wanted = max(asked.life, asked.born)
        # Bills of funding name no side: in hedge mode only the sums over the life tell what was paid before.
        earliest = asked.since if asked.position.hedged else max(wanted, asked.now - _ARCHIVED)
        earlier = await book.bills(earliest, asked.since, kind=_FUNDING_BILLS) if earliest < asked.since else []
        parse.add_funding([*bills, *earlier], asked, found, whole=sure and earliest <= wanted)


class _Book:
    """The lists about one position."""

    def __init__(self, asked: Asked, call: Call) -> None:
        self._asked = asked
        self._call = call
        self._kind = "SWAP" if asked.instrument_id.endswith("-SWAP") else "FUTURES"

    async def bills(self, since: int, until: int, *, kind: str = "") -> list[Row]:
        """Every bill of the instrument in isolated mode from ``since`` to ``until``, in any order; some may come twice."""
        recent = self._asked.now - _RECENT
        rows: list[Row] = []
        if until > recent:
            rows += await self._paged("privateGetAccountBills", max(since, recent), until, kind)
        if since < recent:
            rows += await self._paged("privateGetAccountBillsArchive", since, min(until, recent), kind)
        return [row for row in rows if row["instId"] == self._asked.instrument_id and row["mgnMode"] == "isolated"]

    async def closed(self) -> list[Row]:
        """What positions-history has of the instrument's positions that were closed since then, wholly or in part."""
        ask = {"instType": self._kind, "instId": self._asked.instrument_id, "mgnMode": "isolated", "limit": str(_PAGE_ROWS)}
        rows: list[Row] = []
        while True:
            page = listed(await self._call("privateGetAccountPositionsHistory", ask), "account/positions-history")
            rows += [row for row in page if row["instId"] == self._asked.instrument_id and row["mgnMode"] == "isolated"]
            oldest = min((int(row["uTime"]) for row in page), default=0)
            if len(page) < _PAGE_ROWS or oldest < self._asked.since:
                return rows
            ask["after"] = str(oldest)

    async def _paged(self, endpoint: str, since: int, until: int, kind: str) -> list[Row]:
        ask: dict[str, Any] = {"instType": self._kind, "instId": self._asked.instrument_id, "mgnMode": "isolated"}
        # The page does not say whether the ends are included.
        ask |= {"begin": str(since - 1), "end": str(until + 1), "limit": str(_PAGE_ROWS)} | ({"type": kind} if kind else {})
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
