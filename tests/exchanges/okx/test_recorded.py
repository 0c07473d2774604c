"""Rows that OKX really served, over the wire, through the real ccxt class, and assessed: its own figures come out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.assessment import assess
from monitor.margin.reading import FamilySnapshot
from monitor.practice.replay import Replay, describe_recorded
from monitor.practice.server import PracticeServer
from tests.exchanges.loopback import HandClock, access
from tests.shared import shared_json

IDS = {"okx-02", "okx-03", "okx-05", "okx-06", "okx-07", "okx-08", "okx-11"}


@asynccontextmanager
async def recorded() -> AsyncIterator[FamilySnapshot]:
    rows = [row for row in shared_json("payloads/positions.json") if row["id"] in IDS]
    async with PracticeServer(Replay(describe_recorded(rows))) as server:
        clock = HandClock()
        exchange = load("okx").build(access(server.url), Pacer(clock), clock)
        try:
            reading = await exchange.fetch_family("okx")
            assert isinstance(reading, FamilySnapshot), reading
            yield reading
        finally:
            await exchange.close()


async def test_recorded_account_gives_the_exchanges_own_figures():
    async with recorded() as snapshot:
        assert {position.key.symbol for position in snapshot.positions} == {"BIGTIME/USDT:USDT", "ETH/USD:ETH"}
        for position in snapshot.positions:
            figures = assess(position).ours
            says = position.says
            assert figures.liquidation_price is not None
            assert says.liquidation_price is not None
            assert says.requirement is not None
            assert abs(figures.liquidation_price - says.liquidation_price) < Decimal("1e-9")
            assert abs(figures.requirement / says.requirement - 1) < Decimal("1e-9")
            assert not assess(position).diverges
            assert position.degraded == ()


async def test_recorded_account_tells_all_that_is_not_guarded():
    async with recorded() as snapshot:
        assert sorted((one.symbol, one.mode) for one in snapshot.unguarded) == [
            ("BTC/USD:BTC", "cross"),
            ("LTC/USDT", "isolated spot margin"),
            ("LTC/USDT", "isolated spot margin"),
            ("LTC/USDT:USDT", "cross"),
            ("XRP/USDT:USDT", "cross"),
        ]
