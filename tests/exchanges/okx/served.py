"""An OKX account at a loopback server: good answers to every call, to be made worse one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from monitor.ports import Exchange
from tests.exchanges.loopback import HandClock, Loopback, access, json_reply
from tests.exchanges.okx.rows import envelope, instrument_row, position_row, tier_rows

POSITIONS, INSTRUMENTS, TIERS = "/api/v5/account/positions", "/api/v5/public/instruments", "/api/v5/public/position-tiers"
FEES, BALANCE = "/api/v5/account/trade-fee", "/api/v5/account/balance"
CONFIG, TIME = "/api/v5/account/config", "/api/v5/public/time"


def good_answers(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        POSITIONS: json_reply(envelope(list(rows))),
        INSTRUMENTS: json_reply(envelope([instrument_row(), instrument_row("BTC-USD-SWAP")])),
        TIERS: json_reply(envelope(tier_rows() + tier_rows("BTC-USD"))),
        FEES: json_reply(envelope([{"taker": "-0.0004", "takerU": "-0.0003", "takerUSDC": ""}])),
        BALANCE: json_reply(envelope([{"details": [{"ccy": "USDT", "availBal": "94.4", "availEq": "200"}]}])),
        CONFIG: json_reply(envelope([{"acctLv": "2", "posMode": "net_mode", "perm": "read_only", "ip": ""}])),
        TIME: json_reply(envelope([{"ts": "1784000000100"}])),
    }


def inverse_row(**changes: Any) -> dict[str, Any]:
    """One contract of 100 dollars at 50000: 0.002 BTC; mmr 0.000008 (0.4 %), fee 0.000001 (0.05 %); 0.0009 / 0.000009 = 100."""
    row = {
        "instId": "BTC-USD-SWAP",
        "ccy": "BTC",
        "pos": "-1",
        "avgPx": "50000",
        "markPx": "50000",
        "margin": "0.0009",
        "upl": "0",
        "mmr": "0.000008",
        "mgnRatio": "100",
        "liqPx": "90000",
        "notionalUsd": "100",
    }
    return position_row(**(row | changes))


@dataclass
class Served:
    server: Loopback
    clock: HandClock
    exchange: Exchange

    async def read(self) -> FamilyReading:
        return await self.exchange.fetch_family("okx")

    async def snapshot(self) -> FamilySnapshot:
        reading = await self.read()
        assert isinstance(reading, FamilySnapshot), reading
        return reading

    async def settled(self) -> None:
        """Let everything end that runs beside the polls."""
        session = self.exchange.session  # type: ignore[attr-defined]
        while session._tasks:
            await asyncio.gather(*session._tasks, return_exceptions=True)

    async def failure(self) -> FamilyFailure:
        reading = await self.read()
        assert isinstance(reading, FamilyFailure), reading
        return reading


@asynccontextmanager
async def served(answers: dict[str, Any], **changes: Any) -> AsyncIterator[Served]:
    async with Loopback(answers) as server:
        clock = HandClock()
        exchange = load("okx").build(access(server, **changes), Pacer(clock), clock)
        try:
            yield Served(server, clock, exchange)
        finally:
            await exchange.close()
