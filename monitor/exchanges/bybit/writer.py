"""Margin changes on Bybit: POST /v5/position/add-margin, and what shows them.

Sources (bybit-exchange/docs v5/position/manual-add-margin.mdx, position.mdx, market/tickers.mdx, error.mdx; read 2026-11-22).
The request has no id of its own; its answer is the changed position. Bybit keeps no record of margin changes (its transaction
log has no such type): only the position's margin, liquidation price and sequence tell, so evidence has no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges import figures
from monitor.exchanges.bybit.book import CATEGORIES, listed
from monitor.exchanges.bybit.dialect import DIALECT
from monitor.exchanges.bybit.keys import margin_key_facts
from monitor.exchanges.bybit.parse import changed_mark
from monitor.exchanges.bybit.terms import parse_free
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.exchanges.writer import AccountWriter, Standing, Write, positive
from monitor.margin.position import Position, Side
from monitor.margin.quantities import plain
from monitor.margin.reading import KeyFacts
from monitor.ports import Clock, MarginReceipt
from monitor.topups.ledger import Intent

_SIDES = {"Buy": Side.LONG, "Sell": Side.SHORT}
_LONG_INDEX, _SHORT_INDEX = 1, 2


class BybitWriter(AccountWriter):
    """The port `MarginWriter` for Bybit; its window is the recv_window that is sent."""

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        super().__init__(DIALECT, access, pacer, clock)

    def write_of(self, intent: Intent) -> Write:
        """A margin above 0 adds, one below takes out; the position's index is always named."""
        sign = "-" if intent.amount < 0 else ""
        params: dict[str, str | int] = {
            "category": CATEGORIES[intent.family],
            "symbol": intent.instrument_id,
            "margin": sign + plain(abs(intent.amount)),
            "positionIdx": _index_of(intent),
        }
        return Write(endpoint="privatePostV5PositionAddMargin", path="/v5/position/add-margin", params=params)

    def receipt_of(self, intent: Intent, reply: Any) -> MarginReceipt:
        """The changed position itself; the answer does not repeat the amount."""
        row = reply["result"]
        said_yes = str(reply["retCode"]) == "0" and row["symbol"] == intent.instrument_id
        if not said_yes or int(row["positionIdx"]) != _index_of(intent):
            raise BadReply("the answer is about another position (add-margin)")
        return MarginReceipt(
            at=self.clock.now(),
            amount=intent.amount,
            isolated_margin=figures.amount(_margin(row)),
            liquidation_price=positive(row.get("liqPrice")),
        )

    async def rows(self, intent: Intent, since_ms: int) -> None:  # noqa: ARG002 - see the module's docstring
        """Bybit keeps no record."""
        return

    async def standing(self, intent: Intent) -> Standing | None:
        """The intent's own row of position/list, asked by symbol."""
        category = CATEGORIES[intent.family]
        ask = {"category": category, "symbol": intent.instrument_id}
        rows = listed(await self.session.call("privateGetV5PositionList", ask), "position/list", category=category)
        for row in rows:
            mine = row["symbol"] == intent.instrument_id and int(row["positionIdx"]) == _index_of(intent)
            if mine and _SIDES.get(row["side"]) is intent.key.side and figures.amount(row["size"]):
                return Standing(
                    isolated_margin=figures.amount(_margin(row)),
                    contracts=figures.amount(row["size"]),
                    entry_price=figures.price(row["avgPrice"]),
                    liquidation_price=positive(row.get("liqPrice")),
                    changed=changed_mark(row),
                )
        return None

    async def free(self, intent: Intent) -> Decimal | None:
        """What the coin's wallet has beyond positions and orders."""
        ask = {"accountType": "UNIFIED", "coin": intent.currency}
        reply = await self.session.call("privateGetV5AccountWalletBalance", ask)
        return parse_free(listed(reply, "wallet-balance")).get(intent.currency)

    async def index_price(self, position: Position) -> Decimal | None:
        """``indexPrice`` of market/tickers."""
        category, symbol = CATEGORIES[position.family], position.instrument.instrument_id
        reply = await self.session.call("publicGetV5MarketTickers", {"category": category, "symbol": symbol})
        rows = listed(reply, "market/tickers", category=category)
        return next((positive(row.get("indexPrice")) for row in rows if row.get("symbol") == symbol), None)

    async def read_key(self) -> KeyFacts | None:
        """The credential's rights and its end."""
        reply = await self.session.call("privateGetV5UserQueryApi")
        return margin_key_facts(reply, account=self.account, now=self.clock.now())


def _index_of(intent: Intent) -> int:
    if not intent.hedged:
        return 0
    return _LONG_INDEX if intent.key.side is Side.LONG else _SHORT_INDEX


def _margin(row: Mapping[str, Any]) -> str:
    """The margin behind a position, as the reader takes it."""
    return str(row.get("positionIM") or row["positionIMByMp"])
