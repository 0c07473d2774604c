"""The small words that every face of the demo uses: names, spans of time, levels and their colours."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from monitor.alerts.rounding import money_down, span
from monitor.alerts.wording import exchange_name
from monitor.demo.frame import PositionFrame
from monitor.demo.market import Act, Holding
from monitor.demo.phone import Ring
from monitor.practice.engine.accounts import Kind
from monitor.rules.base import Level

STYLES = {
    "ok": "green",
    "warning": "yellow",
    "critical": "bold red",
    "emergency": "bold white on red",
    "liquidated": "bold red",
    "stale": "magenta",
    "waiting": "dim",
}
LEVEL_STYLES = {Level.INFO: "green", Level.WARNING: "yellow", Level.CRITICAL: "bold red", Level.EMERGENCY: "bold white on red"}


def holding_name(holding: Holding) -> str:
    """``BTC/USDT long 15x``."""
    return f"{pair(holding)} {holding.side} {holding.leverage:f}x"


def pair(holding: Holding) -> str:
    """``BTC/USDT``; an inverse contract settles in the coin and ends in USD."""
    return holding.symbol.partition(":")[0]


def holding_kind(holding: Holding) -> str:
    """What is special about it: ``inverse``, ``linear, hedged``, ``linear, tier 4``."""
    words = ["inverse" if holding.inverse else "linear"]
    words += ["hedged"] if holding.hedged else []
    words += [f"tier {holding.tier}"] if holding.tier > 1 else []
    return ", ".join(words)


def place(holding: Holding) -> str:
    """``Binance``; with a ``+`` where margincall may add margin."""
    return exchange_name(holding.exchange) + (" +" if holding.protected else "")


def money(amount: Decimal, currency: str) -> str:
    """An amount with its currency, rounded down, without its sign."""
    return money_down(abs(amount), currency)


def lasted(seconds: Decimal) -> str:
    """``95 s``, ``12 min``."""
    return span(timedelta(seconds=int(seconds)))


def tells_an_end(ring: Ring) -> bool:
    """Whether it is the news that a position is gone."""
    return " is gone" in ring.title or "LIQUIDATED: " in ring.title


def act_words(act: Act) -> str:
    """What the exchange did, in one line."""
    name = f"{pair(act.holding)} {act.holding.side}"
    if act.record.kind is Kind.ADD:
        return f"margincall adds {money(act.record.into_margin, act.holding.currency)} to {name}"
    if act.record.kind is Kind.TAKEOVER:
        return f"{exchange_name(act.holding.exchange)} takes {name}"
    return f"{exchange_name(act.holding.exchange)} closes {act.record.quantity.normalize():f} contracts of {name}"


def end_words(frame: PositionFrame) -> str:
    """How a liquidated position's story went, in at most 39 cells: the cost, and how long before its owner was warned."""
    holding, end = frame.holding, frame.end
    lost = f"-{money(frame.cost, holding.currency)}"
    if end is None or frame.warned is None or frame.warned > end.second:
        return f"{lost}, no warning in time"
    return f"{lost}, warned {lasted(end.second - frame.warned)} before"
