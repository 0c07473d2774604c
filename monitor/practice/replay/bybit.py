"""Bybit's side of replay: positions as recorded, everything around them made to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from monitor.practice.call import Call, Reply
from monitor.practice.tiers import ladder
from monitor.practice.wire.rows_bybit import (
    KEY_RIGHTS,
    category_of,
    coin_row,
    envelope,
    instrument_row,
    page,
    risk_rows,
    split_symbol,
    wallet_result,
)

Answers = dict[tuple[str, str], Callable[[Call], Any]]

_ROW_DEFAULTS: dict[str, Any] = {
    "positionIdx": 0,
    "tradeMode": 0,
    "riskId": 1,
    "positionStatus": "Normal",
    "autoAddMargin": 0,
    "adlRankIndicator": 2,
    "isReduceOnly": False,
    "leverageSysUpdatedTime": "",
    "mmrSysUpdatedTime": "",
    "seq": 1,
    "bustPrice": "",
    "positionBalance": "0",
    "createdTime": "1700000000000",
    "updatedTime": "1700000000000",
    "takeProfit": "",
    "stopLoss": "",
    "trailingStop": "0",
    "tpslMode": "Full",
    "curRealisedPnl": "0",
    "cumRealisedPnl": "0",
    "sessionAvgPrice": "",
}


class _Account:
    """One described account, asked for its parts."""

    def __init__(self, part: Mapping[str, Any]) -> None:
        self.part = part

    def positions(self, call: Call) -> Any:
        """position/list: by symbol, else by category and settle coin, paged."""
        params = call.params
        category = params.get("category", "")
        if category not in {"linear", "inverse"}:
            return envelope({}, call.at, code=10001, message="params error: category invalid")
        symbol, settle = params.get("symbol", ""), params.get("settleCoin", "")
        if category == "linear" and not symbol and not settle:
            return envelope({}, call.at, code=10001, message="params error: symbol or settleCoin is required")
        rows = [
            _ROW_DEFAULTS | {key: value for key, value in row.items() if key != "category"}
            for row in self.part.get("positions", ())
            if row.get("category", category_of(row["symbol"])) == category
            and (row["symbol"] == symbol if symbol else settle in {"", split_symbol(row["symbol"])[2]})
        ]
        return envelope({"category": category} | page(rows, params), call.at)

    def symbols(self, category: str) -> list[str]:
        """Every symbol of the positions, instruments and tiers of this category, once."""
        names = [row["symbol"] for key in ("positions", "instruments", "risk_limits") for row in self.part.get(key, ())]
        names += list(self.part.get("tiers", ()))
        return [name for name in dict.fromkeys(names) if category_of(name) == category]

    def instruments(self, call: Call) -> Any:
        category, wanted = call.params.get("category", ""), call.params.get("symbol")
        given = {row["symbol"]: row for row in self.part.get("instruments", ())}
        ticks = self.part.get("ticks", {})
        rows = [
            given.get(name)
            or instrument_row(
                name,
                tick=Decimal(ticks.get(name, "0.0001")),
                step=Decimal(1) if category == "inverse" else Decimal("0.001"),
                max_leverage=100,
            )
            for name in self.symbols(category)
            if wanted in {None, "", name}
        ]
        return envelope({"category": category} | page(rows, call.params, limit=500, most=1000), call.at)

    def risk_limits(self, call: Call) -> Any:
        category, wanted = call.params.get("category", ""), call.params.get("symbol")
        risk_ids = {row["symbol"]: int(row.get("riskId", 1)) for row in self.part.get("positions", ())}
        rows: list[dict[str, Any]] = []
        for name in self.symbols(category):
            if wanted not in {None, "", name}:
                continue
            given = [row for row in self.part.get("risk_limits", ()) if row["symbol"] == name]
            tiers = ladder(self.part.get("tiers", {}).get(name))
            rows += given or risk_rows(name, tiers, first_id=max(1, risk_ids.get(name, 1) - len(tiers) + 1))
        return envelope({"category": category, "list": rows, "nextPageCursor": ""}, call.at)

    def tickers(self, call: Call) -> Any:
        category, wanted = call.params.get("category", ""), call.params.get("symbol")
        marks = {row["symbol"]: row["markPrice"] for row in self.part.get("positions", ())}
        rows = [
            {
                "symbol": name,
                "lastPrice": marks[name],
                "indexPrice": marks[name],
                "markPrice": marks[name],
                "fundingRate": "0.0001",
                "nextFundingTime": str(call.at + 3_600_000),
            }
            for name in marks
            if category_of(name) == category and wanted in {None, "", name}
        ]
        return envelope({"category": category, "list": rows}, call.at)

    def wallet(self, call: Call) -> Any:
        wanted = [coin for coin in call.params.get("coin", "").split(",") if coin]
        balances = self.part.get("balances") or {"USDT": "0"}
        free = {coin: Decimal(str(amount)) for coin, amount in balances.items() if not wanted or coin in wanted}
        held = self._held()
        rows = [
            coin_row(
                coin, wallet=amount + held.get(coin, Decimal(0)), position_margin=held.get(coin, Decimal(0)), profit=Decimal(0)
            )
            for coin, amount in free.items()
        ]
        return envelope(wallet_result(rows), call.at)

    def _held(self) -> dict[str, Decimal]:
        held: dict[str, Decimal] = {}
        for row in self.part.get("positions", ()):
            coin = split_symbol(row["symbol"])[2]
            held[coin] = held.get(coin, Decimal(0)) + Decimal(row.get("positionIM") or "0")
        return held

    def fee_rates(self, call: Call) -> Any:
        wanted = call.params.get("symbol")
        fee = str(self.part.get("taker_fee", "0.00055"))
        rows = [
            {"symbol": name, "baseCoin": "", "takerFeeRate": fee, "makerFeeRate": "0.0002"}
            for name in self.symbols(call.params.get("category", ""))
            if wanted in {None, "", name}
        ]
        return envelope({"list": rows}, call.at)

    def account_info(self, call: Call) -> Any:
        return envelope(
            {
                "marginMode": self.part.get("margin_mode", "ISOLATED_MARGIN"),
                "updatedTime": "1697078946000",
                "unifiedMarginStatus": 5,
                "dcpStatus": "OFF",
                "timeWindow": 10,
                "smpGroup": 0,
                "isMasterTrader": False,
                "spotHedgingStatus": "OFF",
            },
            call.at,
        )

    def add_margin(self, call: Call) -> Any:
        """The position as it is: replay keeps no books."""
        symbol, index = call.params.get("symbol", ""), call.params.get("positionIdx", "0")
        for row in self.part.get("positions", ()):
            if row["symbol"] == symbol and str(row.get("positionIdx", 0)) == index:
                return envelope(_ROW_DEFAULTS | dict(row), call.at)
        return envelope({}, call.at, code=110033, message="can't set margin without an open position")


def answers(part: Mapping[str, Any]) -> Answers:
    """Answers to every Bybit call that a guard makes, from one described account."""
    account = _Account(part)

    def empty_list(call: Call) -> Any:
        return envelope({"nextPageCursor": "", "category": call.params.get("category", ""), "list": []}, call.at)

    return {
        ("GET", "/v5/market/time"): market_time,
        ("GET", "/v5/market/instruments-info"): account.instruments,
        ("GET", "/v5/market/risk-limit"): account.risk_limits,
        ("GET", "/v5/market/tickers"): account.tickers,
        ("GET", "/v5/position/list"): account.positions,
        ("GET", "/v5/account/info"): account.account_info,
        ("GET", "/v5/account/wallet-balance"): account.wallet,
        ("GET", "/v5/account/fee-rate"): account.fee_rates,
        ("GET", "/v5/asset/coin/query-info"): lambda call: envelope({"rows": []}, call.at),
        ("GET", "/v5/user/query-api"): lambda call: envelope(KEY_RIGHTS, call.at),
        ("GET", "/v5/order/realtime"): empty_list,
        ("GET", "/v5/execution/list"): empty_list,
        ("GET", "/v5/position/closed-pnl"): empty_list,
        ("GET", "/v5/account/transaction-log"): empty_list,
        ("POST", "/v5/position/add-margin"): account.add_margin,
    }


def market_time(call: Call) -> Reply:
    """market/time."""
    result = {"timeSecond": str(call.at // 1000), "timeNano": f"{call.at}000000"}
    return Reply(body=envelope(result, call.at))
