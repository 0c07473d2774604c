"""Rows of Binance replies that describe contracts and limits, shared by replay and engine.

Field names and types: USD-M and COIN-M exchange information pages and recorded replies, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from monitor.practice.call import number, text
from monitor.practice.tiers import Tier

PERPETUAL_END_MS = 4133404800000
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "BTC")
RATE_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
]
_ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"]
_TIME_IN_FORCE = ["GTC", "IOC", "FOK", "GTX", "GTD"]


def is_coin_margined(symbol: str) -> bool:
    """COIN-M symbols are ``BTCUSD_PERP`` or ``BTCUSD_250328``; a USD-M delivery contract is ``BTCUSDT_250328``."""
    pair, _, term = symbol.partition("_")
    return bool(term) and pair.endswith("USD")


def split_symbol(symbol: str) -> tuple[str, str, str]:
    """Base, quote and margin asset of a symbol."""
    pair = symbol.partition("_")[0]
    if is_coin_margined(symbol):
        base = pair.removesuffix("USD")
        return base, "USD", base
    for quote in QUOTES:
        if pair.endswith(quote):
            return pair.removesuffix(quote), quote, quote
    return pair, "USDT", "USDT"


def symbol_row(symbol: str, *, contract_size: Decimal = Decimal(100), tick: Decimal, step: Decimal) -> dict[str, Any]:
    """One row of fapi or dapi exchangeInfo.symbols; ``contract_size`` (USD) counts for COIN-M only."""
    base, quote, margin = split_symbol(symbol)
    coin = is_coin_margined(symbol)
    term = symbol.partition("_")[2]
    perpetual = term in {"", "PERP"}
    row: dict[str, Any] = {
        "symbol": symbol,
        "pair": symbol.partition("_")[0],
        "contractType": "PERPETUAL" if perpetual else "CURRENT_QUARTER",
        "deliveryDate": PERPETUAL_END_MS,
        "onboardDate": 1569398400000,
        "contractStatus" if coin else "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": margin,
        "pricePrecision": _places(tick),
        "quantityPrecision": _places(step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": text(tick), "maxPrice": "4529764", "tickSize": text(tick)},
            {"filterType": "LOT_SIZE", "minQty": text(step), "maxQty": "10000000", "stepSize": text(step)},
            {"filterType": "MARKET_LOT_SIZE", "minQty": text(step), "maxQty": "10000000", "stepSize": text(step)},
            {"filterType": "MAX_NUM_ORDERS", "limit": 200},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.0500", "multiplierDown": "0.9500", "multiplierDecimal": "4"},
        ],
        "orderTypes": _ORDER_TYPES,
        "timeInForce": _TIME_IN_FORCE,
    }
    if coin:
        row |= {"contractSize": number(contract_size), "equalQtyPrecision": 4}
    return row


def bracket_row(symbol: str, tiers: Sequence[Tier]) -> dict[str, Any]:
    """One row of leverageBracket: caps and floors in notional (fapi v1) or base coin (dapi v2)."""
    low, high = ("qtyFloor", "qtyCap") if is_coin_margined(symbol) else ("notionalFloor", "notionalCap")
    return {
        "symbol": symbol,
        "brackets": [
            {
                "bracket": index,
                "initialLeverage": tier.max_leverage,
                high: number(tier.cap),
                low: number(tier.floor),
                "maintMarginRatio": number(tier.rate),
                "cum": number(tier.deduction),
            }
            for index, tier in enumerate(tiers, start=1)
        ],
    }


def asset_row(asset: str, *, wallet: Decimal, margin: Decimal, profit: Decimal, free: Decimal, at: int) -> dict[str, Any]:
    """One row of ``assets`` of fapi/v3/account and dapi/v1/account; ``free`` is what may be moved or added as margin."""
    return {
        "asset": asset,
        "walletBalance": text(wallet, 8),
        "unrealizedProfit": text(profit, 8),
        "marginBalance": text(wallet + profit, 8),
        "maintMargin": "0.00000000",
        "initialMargin": text(margin, 8),
        "positionInitialMargin": text(margin, 8),
        "openOrderInitialMargin": "0.00000000",
        "crossWalletBalance": text(free, 8),
        "crossUnPnl": "0.00000000",
        "availableBalance": text(free, 8),
        "maxWithdrawAmount": text(free, 8),
        "updateTime": at,
    }


def balance_row(asset: str, *, wallet: Decimal, free: Decimal, at: int, coin: bool) -> dict[str, Any]:
    """One row of fapi/v3/balance or dapi/v1/balance."""
    row: dict[str, Any] = {
        "accountAlias": "SgsR",
        "asset": asset,
        "balance": text(wallet, 8),
        "crossWalletBalance": text(free, 8),
        "crossUnPnl": "0.00000000",
        "availableBalance": text(free, 8),
        "updateTime": at,
    }
    return row | ({"withdrawAvailable": text(free, 8)} if coin else {"maxWithdrawAmount": text(free, 8), "marginAvailable": True})


KEY_RIGHTS: dict[str, Any] = {
    "ipRestrict": True,
    "createTime": 1698645219000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": True,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": False,
    "enablePortfolioMarginTrading": False,
}
"""sapi/v1/account/apiRestrictions of a key that may trade futures and nothing else."""


def _places(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))
