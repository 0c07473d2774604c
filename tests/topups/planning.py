"""Builders for plans: a long of 10 coins at 100 with 100 of margin, at a mark of 93, and a policy from 30 % to 60 % of cushion.

At 93: equity 100 - 70 = 30, requirement 9.3, headroom 20.7; the measure is 90 (headroom at entry), so the cushion is 23 %.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitor.alerts.matching import Matcher
from monitor.margin.assessment import assess
from monitor.topups.ledger import Intent, IntentState
from monitor.topups.policy import Caps, Grain, Line, Measure, Mode, TopUpPolicy, TopUps
from monitor.topups.situation import Situation
from monitor.topups.stand import stand_of
from monitor.topups.state import TopUpMemory
from tests.builders import NOW, position

D = Decimal
USDT = {"USDT": D(1000)}
CUSHION_30 = Line(measure=Measure.CUSHION, value=D("0.3"))
CUSHION_60 = Line(measure=Measure.CUSHION, value=D("0.6"))
TOP_UPS = TopUps(able=frozenset({"main"}), grains={"binance": {"": Grain(step=D("0.01"), least=D("0.01"))}})
MEMORY = TopUpMemory(lease=1)


def policy(**changes: Any) -> TopUpPolicy:
    values: dict[str, Any] = {
        "name": "btc_guard",
        "match": Matcher(),
        "mode": Mode.AUTO,
        "trigger": CUSHION_30,
        "target": CUSHION_60,
        "caps": Caps(per_action=USDT, per_position=USDT, per_day=USDT, actions_per_day=5),
        "skip_rehearsal": True,
    }
    return TopUpPolicy(**{**values, **changes})


def caps(**changes: Any) -> Caps:
    values: dict[str, Any] = {name: value if name == "actions_per_day" else {"USDT": D(value)} for name, value in changes.items()}
    return replace(policy().caps, **values)


def situation(mark: str = "93", *, free: str | None = "1000", held: dict[str, Any] | None = None, **changes: Any) -> Situation:
    values: dict[str, Any] = {
        "assessment": assess(position(mark, **(held or {}))),
        "epoch": 1,
        "family": "usdm",
        "read_at": NOW,
        "free": None if free is None else D(free),
    }
    return Situation(**{**values, **changes})


def intent(number: int = 1, *, amount: str = "10", ago: float = 3600, **changes: Any) -> Intent:
    """One that was sent ``ago`` seconds before and is verified."""
    here = changes.pop("here", situation())
    values: dict[str, Any] = {
        "id": f"i{number}",
        "key": here.key,
        "family": "usdm",
        "instrument_id": "BTCUSDT",
        "hedged": False,
        "currency": "USDT",
        "amount": D(amount),
        "epoch": 1,
        "lease": 1,
        "state": IntentState.VERIFIED,
        "planned_at": NOW - timedelta(seconds=ago),
        "submitted_at": NOW - timedelta(seconds=ago),
        "before": stand_of(here.assessment, NOW),
        "policy": "btc_guard",
    }
    return Intent(**{**values, **changes})


def remembering(*intents: Intent, **changes: Any) -> TopUpMemory:
    return replace(MEMORY, intents={one.id: one for one in intents}, **changes)
