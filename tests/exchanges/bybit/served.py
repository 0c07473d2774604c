"""A Bybit account at a loopback server: good answers to every call, to be made worse one by one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.reading import FamilyFailure, FamilyReading, FamilySnapshot
from monitor.ports import Exchange
from tests.exchanges.bybit.rows import envelope, listing
from tests.exchanges.loopback import HandClock, Loopback, access, json_reply

POSITIONS, INFO = "/v5/position/list", "/v5/account/info"
INSTRUMENTS, TIERS = "/v5/market/instruments-info", "/v5/market/risk-limit"
FEES, WALLET, TIME, KEY = "/v5/account/fee-rate", "/v5/account/wallet-balance", "/v5/market/time", "/v5/user/query-api"

INSTRUMENT = {
    "symbol": "BTCUSDT",
    "contractType": "LinearPerpetual",
    "baseCoin": "BTC",
    "quoteCoin": "USDT",
    "settleCoin": "USDT",
    "deliveryTime": "0",
    "priceFilter": {"tickSize": "0.10", "minPrice": "0.10", "maxPrice": "1999999.80"},
}
TIER = {
    "id": 1,
    "symbol": "BTCUSDT",
    "riskLimitValue": "2000000",
    "maintenanceMargin": "0.005",
    "initialMargin": "0.01",
    "isLowestRisk": 1,
    "maxLeverage": "100.00",
    "mmDeduction": "",
}
COIN = {"coin": "USDT", "walletBalance": "5000", "totalPositionIM": "3821.56", "totalOrderIM": "0", "locked": "0", "bonus": "0"}


def account_info(mode: str = "ISOLATED_MARGIN", status: int = 5) -> Any:
    return json_reply(envelope({"marginMode": mode, "unifiedMarginStatus": status, "updatedTime": "1"}))


def good_answers(*rows: dict[str, Any], category: str = "linear") -> dict[str, Any]:
    return {
        POSITIONS: json_reply(listing(*rows, category=category)),
        INFO: account_info(),
        INSTRUMENTS: json_reply(listing(INSTRUMENT)),
        TIERS: json_reply(listing(TIER)),
        FEES: json_reply(envelope({"list": [{"symbol": "BTCUSDT", "takerFeeRate": "0.0004", "makerFeeRate": "0.0001"}]})),
        WALLET: json_reply(envelope({"list": [{"accountType": "UNIFIED", "coin": [COIN]}]})),
        TIME: json_reply(envelope({"timeSecond": "1", "timeNano": "1"})),
    }


@dataclass
class Served:
    server: Loopback
    clock: HandClock
    exchange: Exchange

    async def read(self, family: str = "usdt") -> FamilyReading:
        return await self.exchange.fetch_family(family)

    async def snapshot(self, family: str = "usdt") -> FamilySnapshot:
        reading = await self.read(family)
        assert isinstance(reading, FamilySnapshot), reading
        return reading

    async def settled(self) -> None:
        """Let everything end that runs beside the polls."""
        session = self.exchange.session  # type: ignore[attr-defined]
        while session._tasks:
            await asyncio.gather(*session._tasks, return_exceptions=True)

    async def failure(self, family: str = "usdt") -> FamilyFailure:
        reading = await self.read(family)
        assert isinstance(reading, FamilyFailure), reading
        return reading


@asynccontextmanager
async def served(answers: dict[str, Any], **changes: Any) -> AsyncIterator[Served]:
    async with Loopback(answers) as server:
        clock = HandClock()
        exchange = load("bybit").build(access(server, **changes), Pacer(clock), clock)
        try:
            yield Served(server, clock, exchange)
        finally:
            await exchange.close()
