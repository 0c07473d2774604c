"""Accounts of the three exchanges at the practice exchange, with positions to put margin behind, and their real writers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.clock import SystemClock
from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.margin.position import PositionKey, Side
from monitor.practice import EngineSource, PracticeExchange, PracticeServer
from monitor.practice.engine.accounts import Kind, Position, Slot
from monitor.topups.ledger import Intent, IntentState, Stand

EXCHANGES = ("binance", "bybit", "okx")
WRITES = {
    "binance": "/fapi/v1/positionMargin",
    "bybit": "/v5/position/add-margin",
    "okx": "/api/v5/account/position/margin-balance",
}
LINEAR = {
    "binance": ("usdm", "BTCUSDT", "BTC/USDT:USDT", "USDT"),
    "bybit": ("usdt", "BTCUSDT", "BTC/USDT:USDT", "USDT"),
    "okx": ("okx", "BTC-USDT-SWAP", "BTC/USDT:USDT", "USDT"),
}
INVERSE = {
    "binance": ("coinm", "BTCUSD_PERP", "BTC/USD:BTC", "BTC"),
    "bybit": ("inverse", "BTCUSD", "BTC/USD:BTC", "BTC"),
    "okx": ("okx", "BTC-USD-SWAP", "BTC/USD:BTC", "BTC"),
}
QUANTITY = {"binance": "0.1", "bybit": "0.1", "okx": "10"}
NOTHING = Stand(
    at=datetime(2026, 11, 22, tzinfo=UTC),
    contracts=Decimal(1),
    mark_price=Decimal(1),
    isolated_margin=Decimal(1),
    equity=Decimal(1),
)


@dataclass
class Desk:
    """One exchange's account at the practice exchange, and its writer."""

    name: str
    engine: PracticeExchange
    server: PracticeServer
    writer: Any
    hedged: bool

    def intent(self, amount: str = "12.3456", *, side: Side = Side.LONG, inverse: bool = False, **changes: Any) -> Intent:
        """A change that was just committed to be sent."""
        family, instrument_id, symbol, currency = (INVERSE if inverse else LINEAR)[self.name]
        now = self.writer.clock.now()
        values: dict[str, Any] = {
            "id": "one",
            "key": PositionKey(exchange=self.name, account="main", symbol=symbol, side=side),
            "family": family,
            "instrument_id": instrument_id,
            "hedged": self.hedged,
            "currency": currency,
            "amount": Decimal(amount),
            "epoch": 1,
            "lease": 1,
            "state": IntentState.SUBMITTING,
            "planned_at": now,
            "submitted_at": now,
            "valid_until": now + self.writer.window,
            "before": NOTHING,
        }
        return Intent(**{**values, **changes})

    def position(self, *, slot: Slot = Slot.NET, inverse: bool = False) -> Position:
        """The engine's own position."""
        return self.engine.account("main").positions[(INVERSE if inverse else LINEAR)[self.name][1], slot]

    def margin(self, **of: Any) -> Decimal:
        """The margin behind it, as the engine's ledger has it."""
        return self.engine.margin(self.position(**of))

    def changes(self) -> list[Decimal]:
        """Every margin change that the engine carried out."""
        records = self.engine.account("main").records
        return [record.into_margin for record in records if record.kind in {Kind.ADD, Kind.REDUCE}]

    def posts(self) -> int:
        """How many writes arrived."""
        return sum(count for call, count in self.server.log.counts.items() if call.startswith("POST"))

    def with_key(self, **changes: Any) -> Access:
        """The account's way to this server."""
        account = self.engine.account("main")
        known = {"api_key": account.api_key, "secret": account.secret, "passphrase": account.passphrase}
        return Access(**{"account": "main", "endpoint": self.server.url, **known, **changes})


def engine_of(name: str, *, hedged: bool = False) -> PracticeExchange:
    """An account with a linear long at its leverage (both sides when hedged), an inverse long, and money."""
    engine = PracticeExchange()
    engine.add_account("main", name, balances={"USDT": "20000", "BTC": "2"}, hedge=hedged)
    quantity = Decimal(QUANTITY[name])
    for long in (True, False) if hedged else (True,):
        engine.open("main", LINEAR[name][1], long=long, quantity=quantity, leverage=Decimal(20))
    engine.open("main", INVERSE[name][1], long=True, quantity=Decimal(100), leverage=Decimal(10))
    return engine


def writer_of(name: str, way: Access, pacer: Pacer | None = None) -> Any:
    """The exchange's writer, by its SPEC."""
    clock = SystemClock()
    return load(name).build_writer(way, pacer or Pacer(clock), clock)


@asynccontextmanager
async def desk(name: str, *, hedged: bool = False, **changes: Any) -> AsyncIterator[Desk]:
    """A server with one account, and the writer of its key."""
    engine = engine_of(name, hedged=hedged)
    async with PracticeServer(EngineSource(engine)) as server:
        made = Desk(name=name, engine=engine, server=server, writer=None, hedged=hedged)
        made.writer = writer_of(name, made.with_key(**changes))
        try:
            yield made
        finally:
            await made.writer.close()


def later(intent: Intent, seconds: float) -> Intent:
    """The same intent as if it had been submitted so many seconds earlier."""
    assert intent.submitted_at is not None
    return replace(intent, submitted_at=intent.submitted_at - timedelta(seconds=seconds))
