"""Binance's rows of one position."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from monitor.practice.call import text
from monitor.practice.engine.contracts import Contract
from monitor.practice.wire.view import View

ZERO = Decimal(0)


def position_row(contract: Contract, side: str, mark: Decimal, view: View | None, *, older: bool) -> dict[str, Any]:
    """One row of positionRisk; ``older``: the fields that v3 left out (USD-M v2, COIN-M). ``view`` None: no position.

    isolatedMargin = isolatedWallet + unRealizedProfit; maintMargin and liquidationPrice are cut at 8 decimals.
    """
    sign = 1 if view is None or view.position.long else -1
    quantity = sign * view.position.quantity if view else ZERO
    isolated = view is None or view.isolated
    margin = view.stake.margin if view and isolated else ZERO
    profit = view.profit if view else ZERO
    notional = sign * view.value if view else ZERO
    entry = view.position.entry if view else ZERO
    leverage = view.position.leverage if view else Decimal(20)
    row: dict[str, Any] = {
        "symbol": contract.id,
        "positionSide": side,
        "positionAmt": text(quantity),
        "entryPrice": text(entry),
        "breakEvenPrice": text(entry),
        "markPrice": text(mark, 8),
        "unRealizedProfit": text(profit, 8),
        "liquidationPrice": text(view.liquidation, 8) if view and view.liquidation is not None else "0",
        "isolatedMargin": text(margin + profit, 8) if view and isolated else "0",
        "isolatedWallet": text(margin, 8) if view and isolated else "0",
        "updateTime": view.position.changed if view else 0,
    }
    if contract.inverse:
        row |= {"notionalValue": text(notional, 8), "maxQty": text(contract.tiers[-1].cap)}
    else:
        initial = text(abs(notional) / leverage, 8)
        row |= {
            "notional": text(notional, 8),
            "marginAsset": contract.settle,
            "initialMargin": initial,
            "maintMargin": text(view.maintenance if view else ZERO, 8),
            "positionInitialMargin": initial,
            "openOrderInitialMargin": "0",
            "adl": 2,
            "bidNotional": "0",
            "askNotional": "0",
        }
    if older:
        auto = "true" if view and view.position.auto_add else "false"
        row |= {"leverage": text(leverage), "marginType": "isolated" if isolated else "cross", "isAutoAddMargin": auto}
    if older and not contract.inverse:
        row["maxNotionalValue"] = text(contract.tiers[-1].cap)
    return row


def account_position_row(view: View) -> dict[str, Any]:
    """One row of ``positions`` of fapi/v3/account (slim) or dapi/v1/account (with the only maintMargin of COIN-M)."""
    sign = 1 if view.position.long else -1
    coin = view.stake.contract.inverse
    margin = view.stake.margin if view.isolated else ZERO
    row: dict[str, Any] = {
        "symbol": view.position.contract.id,
        "positionSide": {"net": "BOTH", "long": "LONG", "short": "SHORT"}[view.position.slot],
        "positionAmt": text(sign * view.position.quantity),
        "unrealizedProfit": text(view.profit, 8),
        "isolatedMargin": text(margin + view.profit if view.isolated else ZERO, 8),
        "isolatedWallet": text(margin, 8),
        "initialMargin": text(view.value / view.position.leverage, 8),
        "maintMargin": text(view.maintenance, 8),
        "notionalValue" if coin else "notional": text(sign * view.value, 8),
        "updateTime": view.position.changed,
    }
    if coin:
        row |= {"leverage": text(view.position.leverage), "isolated": view.isolated, "entryPrice": text(view.position.entry)}
        row |= {"maxQty": text(view.stake.contract.tiers[-1].cap)}
    return row
