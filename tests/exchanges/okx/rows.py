"""Builders of OKX replies: position rows that were really served, and the terms that go with them."""

from decimal import Decimal
from typing import Any

from monitor.exchanges.okx.terms import Terms
from monitor.margin.position import Contract, Instrument, PositionKey, Side
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable


def position_row(**changes: Any) -> dict[str, Any]:
    """A real linear long: 1 BTC-USDT-SWAP short's sister, made long by hand.

    16.5 contracts of 0.001 BTC at 60346.5, mark 60349.6: value 16.5 x 0.001 x 60349.6 = 995.7684; rate 0.4 %, fee 0.05 %:
    mmr 3.9830736, fee 0.4978842; equity 995.5680960124100264 + 0.05115 = 995.6192460124100264;
    ratio 995.6192460124100264 / 4.4809578 = 222.18893603782877.
    """
    row = {
        "instType": "SWAP",
        "instId": "BTC-USDT-SWAP",
        "mgnMode": "isolated",
        "posId": "1",
        "posSide": "net",
        "pos": "16.5",
        "ccy": "USDT",
        "posCcy": "",
        "avgPx": "60346.5",
        "markPx": "60349.6",
        "margin": "995.5680960124100264",
        "upl": "0.05115",
        "lever": "1",
        "liqPx": "9.180497851849454",
        "imr": "",
        "mmr": "3.9830736",
        "mgnRatio": "222.18893603782877",
        "notionalUsd": "995.9",
        "liab": "",
        "liabCcy": "",
        "cTime": "1725000000000",
        "uTime": "1725000001000",
    }
    return row | changes


def terms(
    symbol: str = "BTC/USDT:USDT",
    contract: Contract = Contract.LINEAR,
    size: str = "0.001",
    tick: str | None = "0.1",
    rate: str = "0.004",
    degraded: tuple[str, ...] = (),
) -> Terms:
    instrument = Instrument(
        symbol=symbol,
        instrument_id="",
        contract=contract,
        contract_size=Decimal(size),
        settle_currency=symbol.partition(":")[2].partition("-")[0],
        price_tick=None if tick is None else Decimal(tick),
    )
    return Terms(
        instrument=instrument,
        kind="SWAP",
        inst_family="",
        long_key=PositionKey(exchange="okx", account="main", symbol=symbol, side=Side.LONG),
        short_key=PositionKey(exchange="okx", account="main", symbol=symbol, side=Side.SHORT),
        tiers=TierTable(
            basis=TierBasis.CONTRACTS,
            tiers=(MaintenanceTier(floor=Decimal(0), cap=None, rate=Decimal(rate), deduction=Decimal(0)),),
        ),
        degraded=degraded,
    )


def envelope(data: Any, code: str = "0", message: str = "") -> dict[str, Any]:
    return {"code": code, "msg": message, "data": data}


def instrument_row(inst_id: str = "BTC-USDT-SWAP", **changes: Any) -> dict[str, Any]:
    base, quote = inst_id.split("-")[:2]
    linear = quote != "USD"
    row = {
        "instType": "SWAP" if inst_id.endswith("SWAP") else "FUTURES",
        "instId": inst_id,
        "uly": f"{base}-{quote}",
        "instFamily": f"{base}-{quote}",
        "baseCcy": "",
        "quoteCcy": "",
        "settleCcy": quote if linear else base,
        "ctVal": "0.001" if linear else "100",
        "ctMult": "1",
        "ctValCcy": base if linear else "USD",
        "ctType": "linear" if linear else "inverse",
        "tickSz": "0.1",
        "lotSz": "0.1",
        "minSz": "0.1",
        "expTime": "",
        "state": "live",
    }
    return row | changes


def tier_rows(family: str = "BTC-USDT", *steps: tuple[str, str, str]) -> list[dict[str, Any]]:
    steps = steps or (("0", "50000", "0.004"), ("50001", "100000", "0.005"))
    return [
        {
            "instFamily": family,
            "uly": family,
            "instId": "",
            "tier": str(number),
            "minSz": low,
            "maxSz": high,
            "mmr": rate,
            "imr": "0.01",
            "maxLever": "100",
        }
        for number, (low, high, rate) in enumerate(steps, 1)
    ]
