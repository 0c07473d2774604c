"""Position rows of our own, worked out by hand, as each exchange would send them."""

from typing import Any


def binance_long(mark: str, wallet: str = "1000") -> dict[str, Any]:
    """BTCUSDT, 0.1 long at 100,000, 1,000 of margin, tier 0.4 %: liquidation (1000 - 10000) / (0.0004 - 0.1) = 90,361.4458."""
    value = float(mark)
    profit = 0.1 * (value - 100_000)
    return {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "0.1",
        "entryPrice": "100000",
        "breakEvenPrice": "100050",
        "markPrice": mark,
        "unRealizedProfit": f"{profit:.8f}",
        "liquidationPrice": f"{(float(wallet) - 10_000) / (0.0004 - 0.1):.8f}",
        "isolatedMargin": f"{float(wallet) + profit:.8f}",
        "notional": f"{0.1 * value:.8f}",
        "marginAsset": "USDT",
        "isolatedWallet": wallet,
        "initialMargin": f"{0.01 * value:.8f}",
        "maintMargin": f"{0.0004 * value:.8f}",
        "positionInitialMargin": f"{0.01 * value:.8f}",
        "openOrderInitialMargin": "0",
        "adl": "2",
        "updateTime": "1720736417660",
    }


def binance(*positions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A replay description of Binance with these USD-M rows."""
    tiers = {row["symbol"]: {"rate": "0.004", "deduction": "0"} for row in positions}
    return {"binance": {"positions": list(positions), "tiers": tiers, "balances": {"USDT": "412.5"}, **more}}


def bybit(mark: str) -> dict[str, Any]:
    """Bybit's published example: 1 BTC long at 40,000, 50x, 3,000 added, tier 0.5 %, fee 0.055 %: liquidation at 36,380.25."""
    value = float(mark)
    row = {
        "symbol": "BTCUSDT", "category": "linear", "positionIdx": 0, "side": "Buy", "size": "1", "avgPrice": "40000",
        "positionValue": "40000", "markPrice": mark, "liqPrice": "36380.25", "leverage": "50", "positionIM": "3821.56",
        "positionMM": f"{0.005 * value + 21.56:.8f}", "unrealisedPnl": f"{value - 40_000:.8f}", "positionStatus": "Normal",
        "autoAddMargin": 0, "tradeMode": 0, "riskId": 1, "riskLimitValue": "2000000", "seq": 4688002127,
        "createdTime": "1676538056258", "updatedTime": "1697673600012", "openTime": 1697673600012, "isReduceOnly": False,
    }  # fmt: skip
    return {"bybit": {"positions": [row], "tiers": {"BTCUSDT": {"rate": "0.005", "deduction": "0"}}, "taker_fee": "0.00055"}}


def okx(mark: str) -> dict[str, Any]:
    """BTC-USDT-SWAP, 100 contracts of 0.01 long at 100,000, 10,000 of margin, tier 0.4 %, fee 0.05 %.

    P* = (100000 - 10000) / (1 - 0.0045) = 90,406.8307; the API's liqPx is one tick (0.1) nearer: 90,406.9307.
    """
    value = float(mark)
    profit = value - 100_000
    wanted = value * 0.0045
    row = {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "mgnMode": "isolated", "posId": "7", "posSide": "net", "pos": "100",
        "avgPx": "100000", "markPx": mark, "lever": "10", "margin": "10000", "mmr": f"{value * 0.004:.8f}",
        "mgnRatio": f"{(10_000 + profit) / wanted:.16f}", "upl": f"{profit:.8f}", "liqPx": "90406.93068307", "ccy": "USDT",
        "notionalUsd": mark, "imr": "", "adl": "1", "cTime": "1773111514250", "uTime": "1773111514250",
    }  # fmt: skip
    return {
        "okx": {
            "positions": [row],
            "tiers": {"BTC-USDT-SWAP": {"rate": "0.004"}},
            "contract_sizes": {"BTC-USDT-SWAP": "0.01"},
            "ticks": {"BTC-USDT-SWAP": "0.1"},
            "taker_fee": "0.0005",
            "balances": {"USDT": "5000"},
        }
    }
