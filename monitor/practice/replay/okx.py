"""OKX's side of replay: positions as recorded, everything around them made to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from monitor.practice.call import Call
from monitor.practice.tiers import ladder
from monitor.practice.wire.rows_okx import (
    balance_data,
    balance_detail,
    config_row,
    envelope,
    fee_row,
    instrument_row,
    split_instrument,
    tier_rows,
)

Answers = dict[tuple[str, str], Callable[[Call], Any]]


class _Account:
    """One described account, asked for its parts."""

    def __init__(self, part: Mapping[str, Any]) -> None:
        self.part = part

    def positions(self, call: Call) -> Any:
        wanted = [name for name in call.params.get("instId", "").split(",") if name]
        kind = call.params.get("instType")
        rows = [
            {"instType": split_instrument(row["instId"])[3], "posSide": "net"} | dict(row)
            for row in self.part.get("positions", ())
            if not wanted or row["instId"] in wanted
        ]
        return envelope([row for row in rows if kind in {None, "", row["instType"]}])

    def instrument_ids(self) -> list[str]:
        """Every contract of the positions, instruments and tiers, once; spot margin is not one."""
        names = [row["instId"] for key in ("positions", "instruments") for row in self.part.get(key, ())]
        names += list(self.part.get("tiers", ()))
        return [name for name in dict.fromkeys(names) if name.count("-") == 2]

    def instruments(self, call: Call) -> Any:
        kind, wanted = call.params.get("instType", ""), call.params.get("instId")
        family = call.params.get("instFamily") or call.params.get("uly")
        given = {row["instId"]: row for row in self.part.get("instruments", ())}
        rows = [
            given.get(name) or instrument_row(name, contract_size=self._size(name), tick=self._tick(name))
            for name in self.instrument_ids()
        ]
        return envelope(
            [
                row
                for row in rows
                if row["instType"] == kind and wanted in {None, "", row["instId"]} and family in {None, "", row["instFamily"]}
            ]
        )

    def tiers(self, call: Call) -> Any:
        kind = call.params.get("instType", "")
        families = [name for name in (call.params.get("instFamily") or call.params.get("uly") or "").split(",") if name]
        if call.params.get("tdMode") not in {"isolated", "cross"} or not families:
            return envelope([], code="51000", message="Parameter instFamily error")
        rows: list[dict[str, Any]] = []
        for family in families:
            given = [row for row in self.part.get("position_tiers", ()) if row["instFamily"] == family]
            names = [
                name for name in self.instrument_ids() if name.startswith(f"{family}-") and split_instrument(name)[3] == kind
            ]
            known = self.part.get("tiers", {})
            rate = next((known[name] for name in names if name in known), None)
            rows += given or (tier_rows(family, ladder({"rate": rate["rate"]} if rate else None)) if names else [])
        return envelope(rows)

    def mark_prices(self, call: Call) -> Any:
        kind, wanted = call.params.get("instType"), call.params.get("instId")
        marks = {row["instId"]: row["markPx"] for row in self.part.get("positions", ())}
        return envelope(
            [
                {"instId": name, "instType": split_instrument(name)[3], "markPx": mark, "ts": str(call.at)}
                for name, mark in marks.items()
                if wanted in {None, "", name} and kind in {None, "", split_instrument(name)[3]}
            ]
        )

    def index_tickers(self, call: Call) -> Any:
        wanted = call.params.get("instId", "")
        prices = (row["markPx"] for row in self.part.get("positions", ()) if row["instId"].startswith(f"{wanted}-"))
        return envelope([{"instId": wanted, "idxPx": price, "ts": str(call.at)} for price in list(prices)[:1]])

    def balance(self, call: Call) -> Any:
        wanted = [ccy for ccy in call.params.get("ccy", "").split(",") if ccy]
        balances = self.part.get("balances") or {"USDT": "0"}
        details = [
            balance_detail(ccy, free=Decimal(str(free)), margin=Decimal(0), profit=Decimal(0), at=call.at)
            for ccy, free in balances.items()
            if not wanted or ccy in wanted
        ]
        return envelope(balance_data(details, call.at))

    def _size(self, inst_id: str) -> Decimal:
        """The given contract size, else the power of ten that fits the row's own notional in USD."""
        given = self.part.get("contract_sizes", {}).get(inst_id)
        if given is not None:
            return Decimal(str(given))
        for row in self.part.get("positions", ()):
            if row["instId"] == inst_id and row.get("notionalUsd"):
                face = Decimal(1) if split_instrument(inst_id)[1] == "USD" else Decimal(row["markPx"])
                size = abs(Decimal(row["notionalUsd"]) / Decimal(row["pos"]) / face)
                return Decimal(1).scaleb((size * 2).adjusted())
        return Decimal(1)

    def _tick(self, inst_id: str) -> Decimal:
        return Decimal(format(Decimal(str(self.part.get("ticks", {}).get(inst_id, "0.1"))), "f"))


def answers(part: Mapping[str, Any]) -> Answers:
    """Answers to every OKX call that a guard makes, from one described account."""
    account = _Account(part)
    fee = str(part.get("taker_fee", "0.0005"))
    mode = "long_short_mode" if any(row.get("posSide") in {"long", "short"} for row in part.get("positions", ())) else "net_mode"

    def empty(_: Call) -> Any:
        return envelope([])

    return {
        ("GET", "/api/v5/public/time"): lambda call: envelope([{"ts": str(call.at)}]),
        ("GET", "/api/v5/public/instruments"): account.instruments,
        ("GET", "/api/v5/account/instruments"): account.instruments,
        ("GET", "/api/v5/public/position-tiers"): account.tiers,
        ("GET", "/api/v5/public/mark-price"): account.mark_prices,
        ("GET", "/api/v5/market/index-tickers"): account.index_tickers,
        ("GET", "/api/v5/account/config"): lambda _: envelope([config_row(position_mode=part.get("position_mode", mode))]),
        ("GET", "/api/v5/account/positions"): account.positions,
        ("GET", "/api/v5/account/balance"): account.balance,
        ("GET", "/api/v5/account/trade-fee"): lambda call: envelope([fee_row(call.params.get("instType", "SWAP"), fee, call.at)]),
        ("GET", "/api/v5/asset/currencies"): empty,
        ("GET", "/api/v5/trade/orders-algo-pending"): empty,
        ("GET", "/api/v5/account/bills"): empty,
        ("GET", "/api/v5/account/bills-archive"): empty,
        ("GET", "/api/v5/account/positions-history"): empty,
        ("POST", "/api/v5/account/position/margin-balance"): lambda call: envelope(
            [
                {
                    "instId": call.params.get("instId", ""),
                    "posSide": call.params.get("posSide", "net"),
                    "type": call.params.get("type", ""),
                    "amt": call.params.get("amt", ""),
                    "ccy": split_instrument(call.params.get("instId", "BTC-USDT-SWAP"))[2],
                    "leverage": "",
                }
            ]
        ),
    }
