"""Margin changes on Binance: POST positionMargin, and where it leaves traces.

Sources (developers.binance.com, derivatives: Modify Isolated Position Margin, Get Position Margin Change History, Mark Price;
error codes; read 2026-11-22). The request has no id of its own, and its answer neither an id nor a balance: it echoes amount
and type. The history names the owner's own changes ``USER_ADJUST``; COIN-M's page shows no such mark. Its default lengths, 500
rows on USD-M and 50 on COIN-M, are used as they are: a full page is taken for an incomplete one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply
from monitor.exchanges import figures
from monitor.exchanges.binance import parse
from monitor.exchanges.binance.dialect import dialect
from monitor.exchanges.binance.hosts import HOSTS
from monitor.exchanges.binance.keys import margin_key_facts
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.exchanges.writer import AccountWriter, Standing, Write, positive
from monitor.margin.position import Position, Side
from monitor.margin.quantities import dec, plain
from monitor.margin.reading import KeyFacts
from monitor.ports import Clock, MarginReceipt
from monitor.topups.evidence import MarginRow
from monitor.topups.ledger import Intent

_ADD, _REDUCE = "1", "2"
_SIDES = {"LONG": "long", "SHORT": "short"}


class BinanceWriter(AccountWriter):
    """The port `MarginWriter` for Binance; its window is the recvWindow that is sent."""

    def __init__(self, access: Access, pacer: Pacer, clock: Clock) -> None:
        super().__init__(dialect(inverse_only=False), access, pacer, clock)

    def write_of(self, intent: Intent) -> Write:
        """Type 1 adds, 2 takes out; the side is always named."""
        host = HOSTS[intent.family]
        params: dict[str, str | int] = {
            "symbol": intent.instrument_id,
            "positionSide": _position_side(intent),
            "amount": plain(abs(intent.amount)),
            "type": _type_of(intent),
            "recvWindow": round(self.window.total_seconds() * 1000),
        }
        return Write(endpoint=host.change, path=host.change_path, params=params)

    def receipt_of(self, intent: Intent, reply: Any) -> MarginReceipt:
        """Code 200, with the amount and the type that were sent."""
        same = (
            str(reply["code"]) == "200" and str(reply["type"]) == _type_of(intent) and dec(reply["amount"]) == abs(intent.amount)
        )
        if not same:
            raise BadReply("the answer speaks of another change (positionMargin)")
        return MarginReceipt(at=self.clock.now(), amount=intent.amount)

    async def rows(self, intent: Intent, since_ms: int) -> tuple[MarginRow, ...]:
        """The changes of this symbol and side in the intent's direction."""
        host = HOSTS[intent.family]
        ask = {"symbol": intent.instrument_id, "type": _type_of(intent), "startTime": since_ms}
        told = await self.session.call(host.history, ask)
        if not isinstance(told, list) or len(told) >= host.page:
            raise BadReply("the record of margin changes is not whole (positionMargin/history)")
        return tuple(self._row(row) for row in told if row["positionSide"] == _position_side(intent))

    async def standing(self, intent: Intent) -> Standing | None:
        """The intent's own row of positionRisk."""
        linear = intent.family == "usdm"
        ask = {"symbol": intent.instrument_id} if linear else {"pair": intent.instrument_id.partition("_")[0]}
        for row in parse.open_rows(await self.session.call(HOSTS[intent.family].positions, ask)):
            amount = figures.amount(row["positionAmt"])
            mine = row["symbol"] == intent.instrument_id and row["positionSide"] == _position_side(intent)
            if mine and (amount > 0) is (intent.key.side is Side.LONG):
                return Standing(
                    isolated_margin=figures.amount(row["isolatedWallet"]),
                    contracts=abs(amount),
                    entry_price=figures.price(row["entryPrice"]),
                    liquidation_price=positive(row.get("liquidationPrice")),
                    changed=str(row.get("updateTime") or ""),
                )
        return None

    async def free(self, intent: Intent) -> Decimal | None:
        """The available balance of the margin asset."""
        payload = await self.session.call(HOSTS[intent.family].balance)
        return parse.parse_free(payload, self.session.currency_code).get(intent.currency)

    async def index_price(self, position: Position) -> Decimal | None:
        """``indexPrice`` of premiumIndex, which is an object on USD-M and a list on COIN-M."""
        symbol = position.instrument.instrument_id
        told = await self.session.call(HOSTS[position.family].index, {"symbol": symbol})
        rows = told if isinstance(told, list) else [told]
        return next((positive(row.get("indexPrice")) for row in rows if row.get("symbol") == symbol), None)

    async def read_key(self) -> KeyFacts | None:
        """The credential's rights, from the spot host; demo trading has none."""
        if self.access.demo_trading:
            return None
        return margin_key_facts(await self.session.call("sapiGetAccountApiRestrictions"), account=self.account)

    def _row(self, row: Mapping[str, Any]) -> MarginRow:
        """One row of the history; it has no name of its own."""
        amount = abs(dec(row["amount"]))
        return MarginRow(
            at=self.session.our_time(int(row["time"])),
            amount=amount if str(row["type"]) == _ADD else -amount,
            side=_SIDES.get(row["positionSide"], ""),
            by_hand=row.get("deltaType", "USER_ADJUST") == "USER_ADJUST",
        )


def _type_of(intent: Intent) -> str:
    return _ADD if intent.amount > 0 else _REDUCE


def _position_side(intent: Intent) -> str:
    return intent.key.side.value.upper() if intent.hedged else "BOTH"
