"""Positions of some size at the practice exchange, lived through, and what an account's own records tell of them afterwards."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.clock import SystemClock
from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.spec import Access
from monitor.lives.records import Fill, FillCause, FlowKind, Inquiry, Records, Totals
from monitor.margin.position import Position, Side
from monitor.margin.reading import FamilySnapshot
from monitor.practice import EngineSource, PracticeExchange, PracticeServer
from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Kind, Record, Slot
from tests.exchanges.margins import INVERSE, LINEAR

DATED = {"binance": ("usdm", "BTCUSDT_271231"), "bybit": ("usdt", "BTCUSDT-31DEC27"), "okx": ("okx", "BTC-USD-271231")}
BIG = {
    "linear": {"binance": "60", "bybit": "60", "okx": "6000"},
    "inverse": {"binance": "40000", "bybit": "40000000", "okx": "40000"},
}
"""Some 4 to 7 million dollars: high enough in the tiers for a partial liquidation on each exchange."""
MARGIN_KINDS = {FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED}
_MARGIN_RECORDS = {Kind.ADD, Kind.REDUCE, Kind.AUTO_ADD}


@dataclass
class Life:
    """One account with its reader, and one contract on which things happen."""

    engine: PracticeExchange
    server: PracticeServer
    reader: Any
    pacer: Pacer
    way: Access
    exchange: str
    family: str
    contract: str
    clock: SystemClock = field(default_factory=SystemClock)

    def open(self, side: Side = Side.LONG, *, quantity: str, leverage: str = "20", contract: str = "") -> None:
        """Open a position."""
        amount, name = Decimal(quantity), contract or self.contract
        self.engine.open("main", name, long=side is Side.LONG, quantity=amount, leverage=Decimal(leverage))

    async def position(self, side: Side = Side.LONG) -> tuple[Position, datetime]:
        """The position as the watch reads it, and when, by the time of the engine."""
        read_at = self.now()
        snapshot = await self.reader.fetch_family(self.family)
        assert isinstance(snapshot, FamilySnapshot)
        (found,) = (p for p in snapshot.positions if p.instrument.instrument_id == self.contract and p.key.side is side)
        self.pass_time()
        return found, read_at

    def now(self) -> datetime:
        """The time of the engine, which is ahead of the server's: half a minute for each reading."""
        return datetime.fromtimestamp(self.engine.clock() / 1000, UTC)

    def pass_time(self, seconds: float = 30) -> None:
        """Whatever happens next happens so much later, by the exchange's records."""
        ahead = self.engine.clock() - wall_clock_ms() + round(seconds * 1000)
        self.engine.clock = lambda: wall_clock_ms() + ahead

    async def told(self, position: Position, since: datetime, **times: Any) -> Records:
        """The account's answer about all that happened from ``since`` on."""
        until = max(self.now(), since) + timedelta(hours=1)
        inquiry = replace(Inquiry(position=position, since=since, until=until, life_since=since, read_at=since), **times)
        records: Records = await self.reader.fetch_records(inquiry)
        return records

    def move(self, part: str) -> None:
        """The mark becomes so many times what it was."""
        key = (self.exchange, self.contract)
        self.engine.set_marks({key: round(self.engine.marks[key] * Decimal(part), 2)})

    def fund(self, rate: str = "0.0001") -> None:
        """Funding is settled."""
        self.engine.settle_funding(self.exchange, self.contract, Decimal(rate))

    def happened(self, *kinds: Kind, slot: Slot | None = None) -> list[Record]:
        """What the engine has on record of the contract."""
        records = self.engine.account("main").records
        mine = [record for record in records if record.contract is not None and record.contract.id == self.contract]
        return [r for r in mine if (not kinds or r.kind in kinds) and slot in {None, r.slot}]

    def ledger(self, slot: Slot | None = None) -> dict[str, Decimal]:
        """The sums of the engine's own records."""
        records = self.happened(slot=slot)
        return {
            "profit": sum((r.profit for r in records), Decimal(0)),
            "fees": sum((r.fee for r in records), Decimal(0)),
            "insurance": sum((r.penalty for r in records), Decimal(0)),
            "funding": sum((r.amount for r in records if r.kind is Kind.FUNDING), Decimal(0)),
            "margin": sum((r.into_margin for r in records if r.kind in _MARGIN_RECORDS), Decimal(0)),
        }


def sums(records: Records) -> dict[str, Decimal]:
    """The same sums by what the account told."""
    flows = records.flows
    return {
        "profit": total(fill.profit for fill in records.fills),
        "fees": total(fill.fee for fill in records.fills),
        "insurance": total(fill.insurance or Decimal(0) for fill in records.fills)
        + total(flow.amount for flow in flows if flow.kind is FlowKind.INSURANCE),
        "funding": total(flow.amount for flow in flows if flow.kind is FlowKind.FUNDING),
        "margin": total(flow.amount for flow in flows if flow.kind in MARGIN_KINDS),
    }


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """The sum of amounts that are all known."""
    known = list(amounts)
    assert None not in known
    return sum((amount for amount in known if amount is not None), Decimal(0))


def totals(records: Records) -> Totals:
    """The exchange's own sums, which must be there."""
    assert records.totals is not None
    return records.totals


def steps(fills: Iterable[Fill]) -> list[tuple[FillCause, bool, Decimal]]:
    """What each fill was."""
    return [(fill.cause, fill.closes, fill.contracts) for fill in fills]


@asynccontextmanager
async def life(exchange: str, *, inverse: bool = False, hedged: bool = False, dated: bool = False) -> AsyncIterator[Life]:
    """A server with one rich account, and the reader of its key."""
    family, contract = DATED[exchange] if dated else (INVERSE if inverse else LINEAR)[exchange][:2]
    engine = PracticeExchange()
    account = engine.add_account("main", exchange, balances={"USDT": "20000000", "BTC": "2000"}, hedge=hedged)
    async with PracticeServer(EngineSource(engine)) as server:
        clock = SystemClock()
        key, secret, passphrase = account.api_key, account.secret, account.passphrase
        way = Access(account="main", endpoint=server.url, api_key=key, secret=secret, passphrase=passphrase)
        pacer = Pacer(clock)
        reader = load(exchange).build(way, pacer, clock)
        made = Life(
            engine=engine,
            server=server,
            reader=reader,
            pacer=pacer,
            way=way,
            exchange=exchange,
            family=family,
            contract=contract,
            clock=clock,
        )
        try:
            yield made
        finally:
            await reader.close()
