"""The JSON documents that verbs print: decimals as plain strings, null for none or unbounded, times ISO 8601 with Z."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from monitor import clock
from monitor.margin.assessment import Assessment, Figures
from monitor.margin.quantities import plain, plain_or_none
from monitor.memory import FamilyMemory, FamilyState, PositionMemory
from monitor.rules.base import Level

SCHEMA = 1
WORST_FIRST = (FamilyState.BLIND, FamilyState.STALE, FamilyState.STARTING, FamilyState.OK, FamilyState.NOT_OPENED)


def iso(time: datetime | None) -> str | None:
    """As `monitor.clock.iso`; None stays None."""
    return None if time is None else clock.iso(time)


def age_seconds(time: datetime | None, now: datetime) -> float | None:
    """Seconds since ``time``, never negative."""
    return None if time is None else round(max(0.0, (now - time).total_seconds()), 3)


def figures_document(figures: Figures) -> dict[str, Any]:
    """Every figure, in settle currency, price or shares."""
    return {
        "notional": plain(figures.notional),
        "unrealized_pnl": plain(figures.unrealized_pnl),
        "equity": plain(figures.equity),
        "tier": figures.tier,
        "requirement": plain(figures.requirement),
        "maintenance_rate": plain(figures.maintenance_rate),
        "margin_ratio": plain(figures.margin_ratio),
        "margin_usage": plain_or_none(figures.margin_usage),
        "buffer": plain_or_none(figures.buffer),
        "headroom": plain(figures.headroom),
        "cushion": plain_or_none(figures.cushion),
        "liquidation_price": plain_or_none(figures.liquidation_price),
        "liquidation_distance": plain_or_none(figures.liquidation_distance),
        "effective_leverage": plain_or_none(figures.effective_leverage),
    }


def position_document(seen: PositionMemory, state: str) -> dict[str, Any]:
    """One position with our figures, the exchange's own, and what the rules saw (``judged``: the worse where they differ)."""
    assessment: Assessment = seen.assessment
    position = assessment.position
    says, instrument = position.says, position.instrument
    figures = figures_document(assessment.ours)
    notional, effective_leverage = figures.pop("notional"), figures.pop("effective_leverage")
    return {
        "account": seen.key.account,
        "exchange": seen.key.exchange,
        "symbol": seen.key.symbol,
        "instrument_id": instrument.instrument_id,
        "side": seen.key.side.value,
        "contract": instrument.contract.value,
        "hedged": position.hedged,
        "contracts": plain(position.contracts),
        "contract_size": plain(instrument.contract_size),
        "entry_price": plain(position.entry_price),
        "mark_price": plain(position.mark_price),
        "settle_currency": instrument.settle_currency,
        "notional": notional,
        "isolated_margin": plain(position.isolated_margin),
        **figures,
        "leverage": plain_or_none(position.leverage),
        "effective_leverage": effective_leverage,
        "exchange_says": {
            "liquidation_price": plain_or_none(says.liquidation_price),
            "requirement": plain_or_none(says.requirement),
            "margin_usage": plain_or_none(says.margin_usage),
        },
        "diverges": assessment.diverges,
        "as_of": iso(seen.last_seen),
        "state": state,
        "judged": figures_document(assessment.judged) if assessment.diverges else None,
        "degraded": list(assessment.degraded),
        "margin_mode": seen.mode or "isolated",
    }


def account_document(exchange: str, account: str, families: Iterable[FamilyMemory], now: datetime) -> dict[str, Any]:
    """One account, the worst family first; its state is that family's.

    Its age is that of the oldest reading, None while any family was never read.
    """
    known = sorted(families, key=lambda one: WORST_FIRST.index(one.state))
    watched = [one for one in known if one.state is not FamilyState.NOT_OPENED] or known
    goods = [one.last_good for one in watched]
    oldest = None if any(good is None for good in goods) else min(good for good in goods if good is not None)
    return {
        "name": account,
        "exchange": exchange,
        "state": "ok" if watched[0].state is FamilyState.NOT_OPENED else watched[0].state.value,
        "last_good_poll": iso(oldest),
        "age_seconds": age_seconds(oldest, now),
        "error": next((one.error for one in watched if one.error), None),
        "not_guarded": sum(len(one.unguarded) for one in known),
        "families": [
            {
                "name": one.key.family,
                "state": one.state.value,
                "age_seconds": age_seconds(one.last_good, now),
                "error": one.error or None,
            }
            for one in known
        ],
    }


def state_of(level: Level | None, family: FamilyMemory | None, seen: PositionMemory) -> str:
    """The worst level that fires on it; ``stale`` where it cannot be read now and nothing critical was known; else ``ok``."""
    if level is not None and level >= Level.CRITICAL:
        return level.label
    if family is None or family.state in {FamilyState.STALE, FamilyState.BLIND} or seen.mode:
        return "stale"
    if family.last_good is not None and seen.last_seen < family.last_good:
        return "stale"
    return "ok" if level is None or level is Level.INFO else level.label
