"""A whole Bybit account over the wire: its three families read at once, each with its own rows, terms and free balance."""

import asyncio
from decimal import Decimal

from monitor.exchanges import load
from monitor.exchanges.pacing import Pacer
from monitor.margin.assessment import assess
from monitor.margin.reading import FamilySnapshot
from monitor.practice.replay import Replay
from monitor.practice.server import PracticeServer
from tests.exchanges.bybit.rows import position_row
from tests.exchanges.loopback import HandClock, access

# Long 200 USD of ETH at 1812.70004844, 12x, F = 200 / 1812.70004844 x (1 + 1/12) x 0.055 %; IM is set so that nothing was added.
VALUE = Decimal(200) / Decimal("1812.70004844")
FEE = VALUE * (1 + 1 / Decimal(12)) * Decimal("0.00055")
INVERSE = position_row(
    symbol="ETHUSD",
    size="200",
    avgPrice="1812.70004844",
    markPrice="1812.90",
    leverage="12",
    positionIM=str(VALUE / 12 + FEE),
    positionMM=str(200 / Decimal("1812.90") * Decimal("0.005") + FEE),
    unrealisedPnl="0.00001217",
    # 200 x 1.005 / (VALUE + VALUE / 12)
    liqPrice=str(Decimal(201) / (VALUE * 13 / 12)),
)


async def test_families_come_whole_when_read_at_once():
    description = {
        "bybit": {
            "positions": [position_row(), position_row(symbol="BTCPERP"), INVERSE],
            "balances": {"USDT": "1000", "USDC": "5", "ETH": "2"},
        }
    }
    async with PracticeServer(Replay(description)) as server:
        clock = HandClock()
        exchange = load("bybit").build(access(server.url), Pacer(clock), clock)
        try:
            readings = await asyncio.gather(*(exchange.fetch_family(family) for family in exchange.families))
        finally:
            await exchange.close()
    snapshots = [reading for reading in readings if isinstance(reading, FamilySnapshot)]
    assert [one.key.symbol for snapshot in snapshots for one in snapshot.positions] == [
        "BTC/USDT:USDT",
        "BTC/USDC:USDC",
        "ETH/USD:ETH",
    ]
    assert [snapshot.free[coin] for snapshot, coin in zip(snapshots, ("USDT", "USDC", "ETH"), strict=True)] == [1000, 5, 2]
    for snapshot in snapshots:
        (position,) = snapshot.positions
        assessment = assess(position)
        assert position.degraded == ()
        assert not assessment.diverges
        assert assessment.ours.liquidation_price is not None
        assert position.says.liquidation_price is not None
        # 36380.25 is printed with two decimals.
        assert abs(assessment.ours.liquidation_price - position.says.liquidation_price) < Decimal("0.005")


async def test_mode_is_asked_once_for_all_families():
    async with PracticeServer(Replay({"bybit": {"positions": [position_row()]}})) as server:
        clock = HandClock()
        exchange = load("bybit").build(access(server.url), Pacer(clock), clock)
        try:
            await asyncio.gather(*(exchange.fetch_family(family) for family in exchange.families))
        finally:
            await exchange.close()
    assert server.log.counts["GET /v5/account/info"] == 1
    assert server.log.counts["GET /v5/position/list"] == 3
