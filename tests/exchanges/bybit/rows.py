"""Builders of Bybit replies: one isolated position row of today's form, and the terms that go with it."""

from decimal import Decimal
from typing import Any

from monitor.exchanges.bybit.terms import Terms
from monitor.margin.position import Contract, Instrument, PositionKey, Side
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable


def position_row(**changes: Any) -> dict[str, Any]:
    """The official example of the help centre (A1 of the worked cases): long 1 BTC at 40000, 50x, 3000 USDT added.

    close fee F = 40000 x 0.98 x 0.055 % = 21.56; IM = 800 + 21.56 + 3000 = 3821.56; at mark 38000 MM = 38000 x 0.5 % + 21.56 =
    211.56; liquidation price 36380.25.
    """
    row = {
        "positionIdx": 0,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "size": "1",
        "avgPrice": "40000",
        "positionValue": "40000",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2,
        "leverage": "50",
        "positionBalance": "0",
        "markPrice": "38000",
        "liqPrice": "36380.25",
        "bustPrice": "",
        "positionMM": "211.56",
        "positionMMByMp": "211.56",
        "positionIM": "3821.56",
        "positionIMByMp": "3821.56",
        "unrealisedPnl": "-2000",
        "curRealisedPnl": "0",
        "cumRealisedPnl": "0",
        "seq": 5723621632,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "createdTime": "1676538056258",
        "updatedTime": "1784000000012",
        "openTime": 1784000000000,
    }
    return row | changes


def terms(symbol: str = "BTC/USDT:USDT", contract: Contract = Contract.LINEAR, **changes: Any) -> Terms:
    instrument = Instrument(
        symbol=symbol,
        instrument_id="BTCUSDT",
        contract=contract,
        contract_size=Decimal(1),
        settle_currency=symbol.rpartition(":")[2],
        price_tick=Decimal("0.1"),
    )
    values: dict[str, Any] = {
        "instrument": instrument,
        "long_key": PositionKey(exchange="bybit", account="main", symbol=symbol, side=Side.LONG),
        "short_key": PositionKey(exchange="bybit", account="main", symbol=symbol, side=Side.SHORT),
        "tiers": TierTable(
            basis=TierBasis.NOTIONAL,
            tiers=(MaintenanceTier(floor=Decimal(0), cap=None, rate=Decimal("0.005"), deduction=Decimal(0)),),
        ),
        "taker_fee_rate": Decimal("0.00055"),
    }
    return Terms(**(values | changes))


def envelope(result: Any, code: int = 0, message: str = "OK") -> dict[str, Any]:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": 1784000000100}


def listing(*rows: dict[str, Any], category: str = "linear", cursor: str = "") -> dict[str, Any]:
    return envelope({"category": category, "list": list(rows), "nextPageCursor": cursor})
