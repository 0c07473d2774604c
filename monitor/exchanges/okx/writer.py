"""Margin changes on OKX: POST account/position/margin-balance, and where it leaves traces.

Sources (docs-v5: Increase/decrease margin, Get bills details (7 days), Get positions, Get index tickers, request validity; read
2026-11-22). The request has no id of its own, and ``expTime`` is not supported here: whatever is signed may be accepted for 30
seconds. Bills of type 6 with subType 160 (added), 161 (taken out) and 162 (added by OKX itself) are the record; they name the
instrument, not the side of a hedged position.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges import figures
from monitor.exchanges.okx.account import margin_key_facts
from monitor.exchanges.okx.book import listed
from monitor.exchanges.okx.dialect import DIALECT
from monitor.exchanges.okx.terms import parse_free
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.exchanges.writer import AccountWriter, Standing, Write, positive
from monitor.margin.position import Position, Side
from monitor.margin.quantities import dec, plain
from monitor.margin.reading import KeyFacts
from monitor.ports import Clock, MarginReceipt
from monitor.topups.evidence import MarginRow
from monitor.topups.ledger import Intent

_MARGIN_BILLS = "6"
_SIGNS = {"160": 1, "161": -1, "162": 1}
_BY_OKX = "162"
_PAGE_ROWS = 100


class OkxWriter(AccountWriter):
    """The port `MarginWriter` for OKX; its window is fixed."""

    window = timedelta(seconds=30)

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        super().__init__(DIALECT, access, pacer, clock)

    def write_of(self, intent: Intent) -> Write:
        """``add`` or ``reduce``; the side is always named."""
        params = {
            "instId": intent.instrument_id,
            "posSide": _position_side(intent),
            "type": _type_of(intent),
            "amt": plain(abs(intent.amount)),
        }
        endpoint, path = "privatePostAccountPositionMarginBalance", "/api/v5/account/position/margin-balance"
        return Write(endpoint=endpoint, path=path, params=params)

    def receipt_of(self, intent: Intent, reply: Any) -> MarginReceipt:
        """Code 0, with the instrument, the side, the type and the amount that were sent."""
        told = listed(reply, "margin-balance")[0]
        echo = (told["instId"], told["posSide"], told["type"], dec(told["amt"]))
        if echo != (intent.instrument_id, _position_side(intent), _type_of(intent), abs(intent.amount)):
            raise BadReply("the answer speaks of another change (margin-balance)")
        return MarginReceipt(at=self.clock.now(), amount=intent.amount)

    async def rows(self, intent: Intent, since_ms: int) -> tuple[MarginRow, ...]:
        """The margin bills of this instrument."""
        ask = {"type": _MARGIN_BILLS, "instId": intent.instrument_id, "begin": str(since_ms), "limit": str(_PAGE_ROWS)}
        told = listed(await self.session.call("privateGetAccountBills", ask), "account/bills")
        if len(told) >= _PAGE_ROWS:
            raise BadReply("the record of margin changes is not whole (account/bills)")
        return tuple(self._row(row) for row in told if row["instId"] == intent.instrument_id and row["subType"] in _SIGNS)

    async def standing(self, intent: Intent) -> Standing | None:
        """The intent's own row of account/positions."""
        reply = await self.session.call("privateGetAccountPositions", {"instId": intent.instrument_id})
        for row in listed(reply, "account/positions"):
            held = figures.amount(row["pos"] or 0)
            mine = row["instId"] == intent.instrument_id and row["mgnMode"] == "isolated"
            if mine and held and row["posSide"] == _position_side(intent) and _is_on(intent.key.side, row, held):
                return Standing(
                    isolated_margin=figures.amount(row["margin"]),
                    contracts=abs(held),
                    entry_price=figures.price(row["avgPx"]),
                    liquidation_price=positive(row.get("liqPx")),
                    changed=str(row.get("uTime") or ""),
                )
        return None

    async def free(self, intent: Intent) -> Decimal | None:
        """``availBal``: what can go to an isolated position."""
        return parse_free(listed(await self.session.call("privateGetAccountBalance"), "account/balance")).get(intent.currency)

    async def index_price(self, position: Position) -> Decimal | None:
        """``idxPx`` of the index behind the instrument: ``BTC-USDT`` for BTC-USDT-SWAP."""
        base, quote = position.instrument.instrument_id.split("-")[:2]
        # Some linear contracts have a family of their own over the same index: BTC-USD_UM_XPERP.
        index = f"{base}-{quote.partition('_')[0]}"
        rows = listed(await self.session.call("publicGetMarketIndexTickers", {"instId": index}), "market/index-tickers")
        return next((positive(row.get("idxPx")) for row in rows if row.get("instId") == index), None)

    async def read_key(self) -> KeyFacts | None:
        """The credential's rights."""
        return margin_key_facts(
            listed(await self.session.call("privateGetAccountConfig"), "account/config"), account=self.account
        )

    def _row(self, row: Mapping[str, Any]) -> MarginRow:
        """One bill; ``posBalChg`` is what the position's margin changed by, ``sz`` its size where that is left out."""
        amount = abs(dec(row.get("posBalChg") or row["sz"])) * _SIGNS[row["subType"]]
        at = self.session.our_time(int(row["ts"]))
        return MarginRow(at=at, amount=amount, id=str(row["billId"]), by_hand=row["subType"] != _BY_OKX)


def _type_of(intent: Intent) -> str:
    return "add" if intent.amount > 0 else "reduce"


def _position_side(intent: Intent) -> str:
    return intent.key.side.value if intent.hedged else "net"


def _is_on(side: Side, row: Mapping[str, Any], held: Decimal) -> bool:
    """Whether a row's position is on ``side``: in net mode the sign of ``pos`` tells."""
    return row["posSide"] != "net" or (held > 0) is (side is Side.LONG)
