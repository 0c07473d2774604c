"""Binance's side of replay: positions as recorded, everything around them made to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from monitor.practice.call import Call, text
from monitor.practice.tiers import ladder
from monitor.practice.wire.rows_binance import (
    KEY_RIGHTS,
    RATE_LIMITS,
    asset_row,
    balance_row,
    bracket_row,
    is_coin_margined,
    split_symbol,
    symbol_row,
)

Answers = dict[tuple[str, str], Callable[[Call], Any]]


class _Account:
    """One described account, asked for its parts."""

    def __init__(self, part: Mapping[str, Any]) -> None:
        self.part = part

    def rows(self, call: Call, *, coin: bool, older: bool = False) -> list[dict[str, Any]]:
        """Position rows of USD-M (``older``: v2) or COIN-M, narrowed to ``symbol`` or ``pair`` where asked."""
        wanted = call.params.get("symbol") or None
        pair = call.params.get("pair") or None
        return [
            self._filled(row, coin=coin, older=older)
            for row in self.part.get("positions", ())
            if is_coin_margined(row["symbol"]) is coin
            and (wanted is None or row["symbol"] == wanted)
            and (pair is None or row["symbol"].partition("_")[0] == pair)
        ]

    def _filled(self, row: Mapping[str, Any], *, coin: bool, older: bool) -> dict[str, Any]:
        size = self._size(row["symbol"]) if coin else Decimal(1)
        amount, mark = Decimal(row["positionAmt"]), Decimal(row["markPrice"])
        notional = (amount * size / mark) if coin else amount * mark
        tier = self._tier(row["symbol"], abs(notional))
        isolated = row.get("marginType", "isolated") == "isolated"
        margin = Decimal(row.get("isolatedMargin", "0"))
        profit = Decimal(row.get("unRealizedProfit", "0"))
        leverage = Decimal(str(row.get("leverage", "20")))
        made = {
            "positionSide": "BOTH",
            "breakEvenPrice": row["entryPrice"],
            "isolatedWallet": text(margin - profit, 8) if isolated and margin else "0",
            "updateTime": _changed(row),
        }
        if coin or older:
            made |= {"leverage": "20", "marginType": "isolated", "isAutoAddMargin": "false"}
        if older:
            made["maxNotionalValue"] = "80000000"
        if coin:
            made |= {"notionalValue": text(notional, 8), "maxQty": "100"}
        else:
            made |= {
                "notional": text(notional, 8),
                "marginAsset": split_symbol(row["symbol"])[2],
                "maintMargin": text(max(Decimal(0), abs(notional) * tier.rate - tier.deduction), 8),
                "initialMargin": text(abs(notional) / leverage, 8),
                "positionInitialMargin": text(abs(notional) / leverage, 8),
                "openOrderInitialMargin": "0",
                "adl": 2,
                "bidNotional": "0",
                "askNotional": "0",
            }
        return made | dict(row)

    def symbols(self, *, coin: bool) -> list[str]:
        """Every symbol of the positions, brackets and tiers of this kind, once."""
        names = [row["symbol"] for key in ("positions", "symbols", "brackets") for row in self.part.get(key, ())]
        names += list(self.part.get("tiers", ()))
        return [name for name in dict.fromkeys(names) if is_coin_margined(name) is coin]

    def exchange_info(self, call: Call, *, coin: bool) -> dict[str, Any]:
        given = {row["symbol"]: row for row in self.part.get("symbols", ())}
        ticks = self.part.get("ticks", {})
        symbols = [
            given.get(name)
            or symbol_row(
                name,
                contract_size=self._size(name),
                tick=Decimal(ticks.get(name, "0.0001")),
                step=Decimal(1) if coin else Decimal("0.001"),
            )
            for name in self.symbols(coin=coin)
        ]
        return {
            "timezone": "UTC",
            "serverTime": call.at,
            "rateLimits": RATE_LIMITS,
            "exchangeFilters": [],
            "assets": [
                {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in self.assets(coin=coin)
            ],
            "symbols": symbols,
        }

    def brackets(self, call: Call, *, coin: bool) -> list[dict[str, Any]]:
        given = {row["symbol"]: row for row in self.part.get("brackets", ())}
        wanted = call.params.get("symbol")
        return [
            given.get(name) or bracket_row(name, ladder(self.part.get("tiers", {}).get(name)))
            for name in self.symbols(coin=coin)
            if wanted in {None, name}
        ]

    def symbol_config(self, call: Call) -> list[dict[str, Any]]:
        positions = {row["symbol"]: row for row in self.part.get("positions", ())}
        wanted = call.params.get("symbol")
        return [
            {
                "symbol": name,
                "marginType": "CROSSED" if _is_cross(positions.get(name, {})) else "ISOLATED",
                "isAutoAddMargin": str(positions.get(name, {}).get("isAutoAddMargin", "false")) == "true",
                "leverage": int(positions.get(name, {}).get("leverage", 20)),
                "maxNotionalValue": "80000000",
            }
            for name in self.symbols(coin=False)
            if wanted in {None, name}
        ]

    def assets(self, *, coin: bool) -> list[str]:
        names = {split_symbol(name)[2] for name in self.symbols(coin=coin)}
        stable = {"USDT", "USDC", "FDUSD", "BUSD"}
        names |= {asset for asset in self.part.get("balances", ()) if (asset not in stable) is coin}
        return sorted(names or ({"BTC"} if coin else {"USDT"}))

    def account(self, call: Call, *, coin: bool) -> dict[str, Any]:
        assets = [
            asset_row(asset, wallet=self._free(asset), margin=Decimal(0), profit=Decimal(0), free=self._free(asset), at=call.at)
            for asset in self.assets(coin=coin)
        ]
        positions = [self._account_position(row, coin=coin) for row in self.rows(call, coin=coin)]
        head: dict[str, Any] = {"canTrade": True, "canDeposit": True, "canWithdraw": True, "feeTier": 0, "updateTime": 0}
        free = self._free("USDT")
        totals = {"availableBalance": text(free, 8), "totalWalletBalance": text(free, 8), "maxWithdrawAmount": text(free, 8)}
        return (head if coin else totals) | {"assets": assets, "positions": positions}

    def _account_position(self, row: Mapping[str, Any], *, coin: bool) -> dict[str, Any]:
        notional = Decimal(row["notionalValue" if coin else "notional"])
        tier = self._tier(row["symbol"], abs(notional))
        kept = ("symbol", "positionSide", "positionAmt", "isolatedMargin", "isolatedWallet", "updateTime")
        made = {name: row[name] for name in kept if name in row} | {
            "initialMargin": text(abs(notional) / Decimal(str(row.get("leverage", "20"))), 8),
            "maintMargin": text(max(Decimal(0), abs(notional) * tier.rate - tier.deduction), 8),
            "unrealizedProfit": row["unRealizedProfit"],
            "notionalValue" if coin else "notional": text(notional, 8),
        }
        if coin:
            made |= {"leverage": row["leverage"], "isolated": not _is_cross(row), "entryPrice": row["entryPrice"]}
        return made

    def balance(self, call: Call, *, coin: bool) -> list[dict[str, Any]]:
        return [
            balance_row(asset, wallet=self._free(asset), free=self._free(asset), at=call.at, coin=coin)
            for asset in self.assets(coin=coin)
        ]

    def premium_index(self, call: Call, *, coin: bool) -> Any:
        marks = {row["symbol"]: row["markPrice"] for row in self.rows(call, coin=coin)}
        rows = [
            {
                "symbol": name,
                "pair": name.partition("_")[0],
                "markPrice": mark,
                "indexPrice": mark,
                "estimatedSettlePrice": mark,
                "lastFundingRate": "0.00010000",
                "interestRate": "0.00010000",
                "nextFundingTime": call.at + 3_600_000,
                "time": call.at,
            }
            for name, mark in marks.items()
        ]
        return rows[0] if rows and "symbol" in call.params and not coin else rows

    def _free(self, asset: str) -> Decimal:
        return Decimal(str(self.part.get("balances", {}).get(asset, "0")))

    def _size(self, symbol: str) -> Decimal:
        default = "100" if symbol.startswith("BTC") else "10"
        return Decimal(str(self.part.get("contract_sizes", {}).get(symbol, default)))

    def _tier(self, symbol: str, notional: Decimal) -> Any:
        tiers = ladder(self.part.get("tiers", {}).get(symbol))
        return next((tier for tier in tiers if notional <= tier.cap), tiers[-1])


def answers(part: Mapping[str, Any]) -> Answers:
    """Answers to every Binance call that a guard makes, from one described account."""
    account = _Account(part)
    table: Answers = {
        ("GET", "/sapi/v1/account/apiRestrictions"): lambda _: KEY_RIGHTS,
        ("GET", "/fapi/v1/openAlgoOrders"): lambda _: [],
        ("GET", "/fapi/v2/positionRisk"): partial(account.rows, coin=False, older=True),
        ("GET", "/fapi/v3/positionRisk"): partial(account.rows, coin=False),
        ("GET", "/dapi/v1/positionRisk"): partial(account.rows, coin=True),
        ("GET", "/fapi/v1/symbolConfig"): account.symbol_config,
        ("GET", "/fapi/v1/accountConfig"): lambda _: {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": bool(part.get("hedge", False)),
            "updateTime": 0,
            "multiAssetsMargin": bool(part.get("multi_assets", False)),
            "tradeGroupId": -1,
        },
        ("GET", "/fapi/v1/leverageBracket"): partial(account.brackets, coin=False),
        ("GET", "/dapi/v2/leverageBracket"): partial(account.brackets, coin=True),
        ("GET", "/fapi/v3/account"): partial(account.account, coin=False),
        ("GET", "/fapi/v2/account"): partial(account.account, coin=False),
        ("GET", "/dapi/v1/account"): partial(account.account, coin=True),
        ("GET", "/fapi/v3/balance"): partial(account.balance, coin=False),
        ("GET", "/fapi/v2/balance"): partial(account.balance, coin=False),
        ("GET", "/dapi/v1/balance"): partial(account.balance, coin=True),
    }
    for kind, coin in (("fapi", False), ("dapi", True)):
        table |= {
            ("GET", f"/{kind}/v1/ping"): lambda _: {},
            ("GET", f"/{kind}/v1/time"): lambda call: {"serverTime": call.at},
            ("GET", f"/{kind}/v1/exchangeInfo"): partial(account.exchange_info, coin=coin),
            ("GET", f"/{kind}/v1/premiumIndex"): partial(account.premium_index, coin=coin),
            ("GET", f"/{kind}/v1/positionSide/dual"): lambda _: {"dualSidePosition": bool(part.get("hedge", False))},
            ("GET", f"/{kind}/v1/positionMargin/history"): lambda _: [],
            ("GET", f"/{kind}/v1/openOrders"): lambda _: [],
            ("GET", f"/{kind}/v1/forceOrders"): lambda _: [],
            ("GET", f"/{kind}/v1/allOrders"): lambda _: [],
            ("GET", f"/{kind}/v1/income"): lambda _: [],
            ("GET", f"/{kind}/v1/userTrades"): lambda _: [],
            ("POST", f"/{kind}/v1/positionMargin"): lambda call: {
                "amount": float(call.params.get("amount", "0")),
                "code": 200,
                "msg": "Successfully modify position margin.",
                "type": int(call.params.get("type", "1")),
            },
        }
    return table


def _is_cross(row: Mapping[str, Any]) -> bool:
    return str(row.get("marginType", "isolated")).lower() in {"cross", "crossed"}


def _changed(row: Mapping[str, Any]) -> int:
    return int(row.get("updateTime", 1700000000000))
