"""Rows of OKX V5 replies that describe contracts and limits, and its envelope; shared by replay and engine.

Field names and types: the V5 documentation's public and account sections and recorded replies, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from monitor.practice.call import text
from monitor.practice.tiers import Tier


def envelope(data: list[Any], *, code: str = "0", message: str = "") -> dict[str, Any]:
    """The frame around every V5 reply."""
    return {"code": code, "data": data, "msg": message}


def split_instrument(inst_id: str) -> tuple[str, str, str, str]:
    """Base, quote, settle currency and type (SWAP or FUTURES) of ``BTC-USDT-SWAP`` or ``BTC-USD-261225``."""
    base, quote, *rest = inst_id.split("-")
    settle = base if quote == "USD" else quote
    return base, quote, settle, "SWAP" if rest == ["SWAP"] else "FUTURES"


def instrument_row(inst_id: str, *, contract_size: Decimal, tick: Decimal, lot: Decimal = Decimal("0.01")) -> dict[str, Any]:
    """One row of public/instruments for a swap or a future."""
    base, quote, settle, kind = split_instrument(inst_id)
    family = f"{base}-{quote}"
    inverse = quote == "USD"
    return {
        "alias": "" if kind == "SWAP" else "quarter",
        "auctionEndTime": "",
        "baseCcy": "",
        "category": "1",
        "contTdSwTime": "",
        "ctMult": "1",
        "ctType": "inverse" if inverse else "linear",
        "ctVal": text(contract_size),
        "ctValCcy": "USD" if inverse else base,
        "expTime": "" if kind == "SWAP" else "4102444800000",
        "futureSettlement": False,
        "instFamily": family,
        "instId": inst_id,
        "instType": kind,
        "lever": "100",
        "listTime": "1535424203000",
        "lotSz": text(lot),
        "maxIcebergSz": "100000000",
        "maxLmtAmt": "20000000",
        "maxLmtSz": "100000000",
        "maxMktAmt": "",
        "maxMktSz": "30000",
        "maxStopSz": "30000",
        "maxTriggerSz": "100000000",
        "maxTwapSz": "100000000",
        "minSz": text(lot),
        "openType": "",
        "optType": "",
        "quoteCcy": "",
        "ruleType": "normal",
        "settleCcy": settle,
        "state": "live",
        "stk": "",
        "tickSz": text(tick),
        "uly": family,
    }


def tier_rows(family: str, tiers: Sequence[Tier]) -> list[dict[str, Any]]:
    """Rows of public/position-tiers for isolated contracts: sizes in contracts, the next tier one contract later."""
    return [
        {
            "baseMaxLoan": "",
            "imr": text(1 / Decimal(tier.max_leverage), 8).rstrip("0"),
            "instFamily": family,
            "instId": "",
            "maxLever": str(tier.max_leverage),
            "maxSz": text(tier.cap),
            "minSz": text(tier.floor + 1) if index else "0",
            "mmr": text(tier.rate),
            "optMgnFactor": "0",
            "quoteMaxLoan": "",
            "tier": str(index + 1),
            "uly": family,
        }
        for index, tier in enumerate(tiers)
    ]


def balance_detail(ccy: str, *, free: Decimal, margin: Decimal, profit: Decimal, at: int) -> dict[str, Any]:
    """One row of ``details`` in account/balance; ``availBal`` is what an isolated position can take."""
    empty = ("borrowFroz", "crossLiab", "interest", "isoLiab", "liab", "maxLoan", "mgnRatio", "uplLiab")
    return dict.fromkeys(empty, "") | {
        "availBal": text(free),
        "availEq": text(free),
        "cashBal": text(free + margin),
        "ccy": ccy,
        "disEq": text(free),
        "eq": text(free + margin + profit),
        "eqUsd": text(free + margin + profit),
        "fixedBal": "0",
        "frozenBal": text(margin),
        "imr": "0",
        "isoEq": text(margin + profit),
        "isoUpl": text(profit),
        "mmr": "0",
        "notionalLever": "0",
        "ordFrozen": "0",
        "stgyEq": "0",
        "twap": "0",
        "uTime": str(at),
        "upl": text(profit),
    }


def balance_data(details: list[dict[str, Any]], at: int) -> list[dict[str, Any]]:
    """account/balance of a spot-and-futures account."""
    total = sum((Decimal(row["eqUsd"]) for row in details), Decimal(0))
    isolated = sum((Decimal(row["isoEq"]) for row in details), Decimal(0))
    empty = ("adjEq", "borrowFroz", "imr", "mgnRatio", "mmr", "notionalUsd", "ordFroz", "upl")
    return [
        dict.fromkeys(empty, "") | {"details": details, "isoEq": text(isolated), "totalEq": text(total), "uTime": str(at)},
    ]


def config_row(*, position_mode: str, rights: str = "read_only,trade") -> dict[str, Any]:
    """account/config of a spot-and-futures account (acctLv 2)."""
    return {
        "acctLv": "2",
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "ip": "127.0.0.1",
        "kycLv": "2",
        "label": "practice",
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "mainUid": "44705892343619584",
        "mgnIsoMode": "automatic",
        "opAuth": "1",
        "perm": rights,
        "posMode": position_mode,
        "roleType": "0",
        "spotOffsetType": "",
        "type": "0",
        "uid": "44705892343619584",
    }


def fee_row(kind: str, fee: str, at: int) -> dict[str, Any]:
    """account/trade-fee, charged fees negative: ``takerU`` USDT-margined, ``taker`` coin-margined, ``takerUSDC`` USDC."""
    names = ("taker", "takerU", "takerUSDC", "exercise")
    return {"category": "1", "delivery": "", "instType": kind, "level": "Lv1", "ruleType": "normal", "ts": str(at), "uly": ""} | (
        dict.fromkeys(names, f"-{fee}") | {"maker": "-0.0002", "makerU": "-0.0002", "makerUSDC": "-0.0002"}
    )
