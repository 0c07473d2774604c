"""Binance's two futures hosts: what each holds, and ccxt's names of its calls.

Sources: developers.binance.com, derivatives, USDS-M and COIN-M futures, the page of each endpoint; read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.margin.position import Contract
from monitor.margin.tiers import TierBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One host. ``change_path``: where ``change`` posts to; ``page``: the most rows that ``history`` gives by default."""

    contract: Contract
    basis: TierBasis
    positions: str
    instruments: str
    tiers: str
    balance: str
    orders: tuple[str, ...]
    change: str
    change_path: str
    history: str
    index: str
    page: int
    trades: str
    placed: str
    forced: str
    income: str


HOSTS: Mapping[str, Host] = {
    "usdm": Host(
        contract=Contract.LINEAR,
        basis=TierBasis.NOTIONAL,
        positions="fapiPrivateV3GetPositionRisk",
        instruments="fapiPublicGetExchangeInfo",
        tiers="fapiPrivateGetLeverageBracket",
        balance="fapiPrivateV3GetBalance",
        orders=("fapiPrivateGetOpenAlgoOrders", "fapiPrivateGetOpenOrders"),
        change="fapiPrivatePostPositionMargin",
        change_path="/fapi/v1/positionMargin",
        history="fapiPrivateGetPositionMarginHistory",
        index="fapiPublicGetPremiumIndex",
        page=500,
        trades="fapiPrivateGetUserTrades",
        placed="fapiPrivateGetAllOrders",
        forced="fapiPrivateGetForceOrders",
        income="fapiPrivateGetIncome",
    ),
    "coinm": Host(
        contract=Contract.INVERSE,
        basis=TierBasis.BASE,
        positions="dapiPrivateGetPositionRisk",
        instruments="dapiPublicGetExchangeInfo",
        tiers="dapiPrivateV2GetLeverageBracket",
        balance="dapiPrivateGetBalance",
        orders=("dapiPrivateGetOpenOrders",),
        change="dapiPrivatePostPositionMargin",
        change_path="/dapi/v1/positionMargin",
        history="dapiPrivateGetPositionMarginHistory",
        index="dapiPublicGetPremiumIndex",
        page=50,
        trades="dapiPrivateGetUserTrades",
        placed="dapiPrivateGetAllOrders",
        forced="dapiPrivateGetForceOrders",
        income="dapiPrivateGetIncome",
    ),
}
"""The families by name."""
