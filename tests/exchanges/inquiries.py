"""Inquiries for tests of what reads an exchange's records without a connection: one long, asked about for an hour."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitor.exchanges.records import Asked
from monitor.lives.records import Inquiry
from monitor.margin.position import Contract, Instrument, Position, PositionKey, Side
from tests import builders

NOW = builders.NOW
NOW_MS = round(NOW.timestamp() * 1000)


def held(exchange: str, family: str, instrument_id: str, symbol: str = "BTC/USDT:USDT", **changes: Any) -> Position:
    """A position of 10 contracts with margin 100."""
    side = changes.pop("side", Side.LONG)
    settle = symbol.partition(":")[2].partition("-")[0]
    instrument = Instrument(
        symbol=symbol,
        instrument_id=instrument_id,
        contract=Contract.LINEAR if settle in {"USDT", "USDC"} else Contract.INVERSE,
        contract_size=Decimal(1),
        settle_currency=settle,
    )
    key = PositionKey(exchange=exchange, account="main", symbol=symbol, side=side)
    return builders.position(key=key, family=family, instrument=instrument, **changes)


def asked(position: Position, *, ahead: float = 0, life_days: float = 0, money: bool = True, **changes: Any) -> Asked:
    """From NOW for an hour; the life began so many days before."""
    since = NOW - timedelta(days=life_days)
    inquiry = Inquiry(
        position=position, since=NOW, until=builders.at(3600), life_since=since, read_at=NOW, money=money, **changes
    )
    return Asked(inquiry=inquiry, at=builders.at(3600), ahead=timedelta(seconds=ahead))


class Answers:
    """In place of the calls of an inquiry: replies by a part of the endpoint's name, and what was asked."""

    def __init__(self, replies: Mapping[str, Callable[[Mapping[str, Any]], Any]]) -> None:
        self._replies = replies
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def __call__(self, endpoint: str, params: Mapping[str, Any]) -> Any:
        self.asked.append((endpoint, dict(params)))
        reply = next(reply for part, reply in self._replies.items() if part in endpoint)
        return reply(params)

    def count(self, part: str) -> int:
        """How often such an endpoint was asked."""
        return sum(part in endpoint for endpoint, _ in self.asked)
