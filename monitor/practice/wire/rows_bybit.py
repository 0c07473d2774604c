"""Rows of Bybit V5 replies that describe contracts and limits, and its envelope; shared by replay and engine.

Field names and types: the V5 documentation's market and account pages and recorded replies, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from monitor.practice.call import text
from monitor.practice.tiers import Tier

KEY_RIGHTS: dict[str, Any] = {
    "id": "13770661",
    "note": "practice",
    "apiKey": "practice",
    "readOnly": 0,
    "secret": "",
    "permissions": {
        "ContractTrade": ["Order", "Position"],
        "Spot": [],
        "Wallet": [],
        "Options": [],
        "Derivatives": ["DerivativesTrade"],
        "CopyTrading": [],
        "BlockTrade": [],
        "Exchange": [],
        "NFT": [],
        "Affiliate": [],
    },
    "ips": ["127.0.0.1"],
    "type": 1,
    "deadlineDay": 83,
    "expiredAt": "2033-05-18T03:33:20Z",
    "createdAt": "2026-01-01T00:00:00Z",
    "unified": 0,
    "uta": 1,
    "userID": 24617703,
    "inviterID": 0,
    "vipLevel": "No VIP",
    "mktMakerLevel": "0",
    "affiliateID": 0,
    "rsaPublicKey": "",
    "isMaster": True,
    "parentUid": "0",
    "kycLevel": "LEVEL_DEFAULT",
    "kycRegion": "",
}
"""user/query-api of a key that may trade contracts and move nothing out."""


def envelope(result: Any, at: int, *, code: int = 0, message: str = "OK") -> dict[str, Any]:
    """The frame around every V5 reply."""
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": at}


def category_of(symbol: str) -> str:
    """``inverse`` for ``BTCUSD`` and its dated forms (``BTCUSDZ25``), else ``linear``."""
    return "inverse" if _pair(symbol).endswith("USD") else "linear"


def split_symbol(symbol: str) -> tuple[str, str, str]:
    """Base, quote and settle coin: ``BTCUSDT`` USDT, ``BTCPERP`` and ``BTC-27DEC24`` USDC, ``BTCUSD`` the coin."""
    pair = _pair(symbol)
    if pair.endswith("USDT"):
        return pair.removesuffix("USDT"), "USDT", "USDT"
    if pair.endswith("USD"):
        base = pair.removesuffix("USD")
        return base, "USD", base
    base = pair.removesuffix("PERP").removesuffix("USDC")
    return base, "USDC", "USDC"


def instrument_row(symbol: str, *, tick: Decimal, step: Decimal, max_leverage: int) -> dict[str, Any]:
    """One row of market/instruments-info for a perpetual or dated contract."""
    base, quote, settle = split_symbol(symbol)
    kind = "Inverse" if category_of(symbol) == "inverse" else "Linear"
    dated = symbol not in {f"{base}{quote}", f"{base}PERP"}
    return {
        "symbol": symbol,
        "contractType": kind + ("Futures" if dated else "Perpetual"),
        "status": "Trading",
        "baseCoin": base,
        "quoteCoin": quote,
        "launchTime": "1585526400000",
        "deliveryTime": "4102444800000" if dated else "0",
        "deliveryFeeRate": "0.0005" if dated else "",
        "priceScale": str(max(0, -int(tick.normalize().as_tuple().exponent))),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{max_leverage}.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": text(tick), "maxPrice": "1999999.8", "tickSize": text(tick)},
        "lotSizeFilter": {
            "maxOrderQty": "1000000000",
            "minOrderQty": text(step),
            "qtyStep": text(step),
            "postOnlyMaxOrderQty": "1000000000",
            "maxMktOrderQty": "1000000000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": settle,
        "copyTrading": "none",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "isPreListing": False,
        "preListingInfo": None,
        "symbolType": "",
    }


def risk_rows(symbol: str, tiers: Sequence[Tier], *, first_id: int = 1) -> list[dict[str, Any]]:
    """Rows of market/risk-limit: caps in notional (linear) or base coin (inverse), rates as fractions."""
    return [
        {
            "id": first_id + index,
            "symbol": symbol,
            "riskLimitValue": text(tier.cap),
            "maintenanceMargin": text(tier.rate),
            "initialMargin": text(1 / Decimal(tier.max_leverage), 8).rstrip("0") or "1",
            "isLowestRisk": 1 if index == 0 else 0,
            "maxLeverage": f"{tier.max_leverage}.00",
            "mmDeduction": text(tier.deduction) if index else "",
        }
        for index, tier in enumerate(tiers)
    ]


def coin_row(coin: str, *, wallet: Decimal, position_margin: Decimal, profit: Decimal) -> dict[str, Any]:
    """One row of ``coin`` in account/wallet-balance, isolated mode: free is wallet less totalPositionIM here."""
    return {
        "coin": coin,
        "equity": text(wallet + profit, 8),
        "usdValue": text(wallet + profit, 8),
        "walletBalance": text(wallet, 8),
        "free": "",
        "locked": "0",
        "spotHedgingQty": "0",
        "borrowAmount": "0",
        "spotBorrow": "0",
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": text(position_margin, 8),
        "totalPositionMM": "0",
        "unrealisedPnl": text(profit, 8),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
        "availableToWithdraw": "",
        "availableToBorrow": "",
    }


def wallet_result(coins: list[dict[str, Any]]) -> dict[str, Any]:
    """account/wallet-balance of a unified account in isolated mode: the account-wide figures are empty there."""
    total = sum((Decimal(row["walletBalance"]) for row in coins if row["coin"] in {"USDT", "USDC"}), Decimal(0))
    head = dict.fromkeys(("accountIMRate", "accountMMRate", "accountLTV", "totalInitialMargin", "totalMaintenanceMargin"), "")
    head |= {"totalEquity": text(total, 8), "totalWalletBalance": text(total, 8), "totalMarginBalance": "", "totalPerpUPL": ""}
    return {"list": [head | {"accountType": "UNIFIED", "totalAvailableBalance": "", "coin": coins}]}


def page(rows: list[dict[str, Any]], params: dict[str, str], *, limit: int = 20, most: int = 200) -> dict[str, Any]:
    """``list`` and ``nextPageCursor`` for one page; the cursor counts rows, and is empty on the last page."""
    size = min(int(params.get("limit") or limit), most)
    start = int(params.get("cursor") or 0)
    end = start + size
    return {"nextPageCursor": str(end) if end < len(rows) else "", "list": rows[start:end]}


def _pair(symbol: str) -> str:
    """The symbol without its date: ``BTCUSDT-26DEC25``, ``BTC-27DEC24``, ``BTCUSDZ25``."""
    pair = symbol.partition("-")[0]
    if len(pair) > 6 and pair[-2:].isdigit() and pair[-3] in "HMUZ":
        return pair[:-3]
    return pair
