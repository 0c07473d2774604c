"""Builders of what is left of a position's trouble; every argument has a usual value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from monitor.alerts.model import Alert, AlertState, Message, NotifyReason, Ruling, position_subject
from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.margin.assessment import assess
from monitor.margin.position import PositionKey
from monitor.postmortem.record import Incident, IncidentKind, Life, Moment, PastAlert, Point, Record, Sending
from monitor.rules.base import Level
from monitor.topups.ledger import Intent, IntentState, Stand
from tests.builders import NOW, at, key, position

D = Decimal
T = TypeVar("T")


def some(value: T | None) -> T:
    """What must be there."""
    assert value is not None
    return value


def life(**changes: Any) -> Life:
    return Life(**{"key": key(), "epoch": 1, "first_seen": NOW, **changes})


def past(since: float, ended: float | None = None, *, who: PositionKey | None = None, **changes: Any) -> PastAlert:
    """An alert of the cushion rule on the usual position."""
    facts: dict[str, Any] = {
        "code": "K7Q2",
        "rule": "cushion",
        "subject": position_subject(who or key()),
        "state": AlertState.FIRING,
        "level": Level.EMERGENCY,
        "peak": Level.EMERGENCY,
        "since": at(since),
        "state_since": at(since),
        "level_since": at(since),
        "line": D("0.25"),
    }
    return PastAlert(alert=Alert(**{**facts, **changes}), ended=None if ended is None else at(ended))


def event(kind: EventKind, seconds: float, **changes: Any) -> LifeEvent:
    facts: dict[str, Any] = {
        "key": key(), "epoch": 1, "kind": kind, "at": at(seconds), "seen_at": at(seconds + 2), "currency": "USDT", "unit": "BTC",
        "before": D(10), "after": D(0),
    }  # fmt: skip
    return LifeEvent(**{**facts, **changes})


def taken(seconds: float = 60, **told: Any) -> LifeEvent:
    """The usual position liquidated to the last unit: 10 coins from 100 at 90.1, 1 of fees: nothing came back."""
    values: dict[str, Any] = {
        "contracts": D(10), "entry_price": D(100), "margin": D(100), "exit_price": D("90.1"), "profit": D(-99), "fees": D(-1),
        "returned": D(0), "observed": D(0),
    }  # fmt: skip
    return event(EventKind.LIQUIDATED, seconds, ended=True, breakdown=Breakdown(**{**values, **told}))


def point(seconds: float, mark: str = "100", level: Level | None = None, **changes: Any) -> Point:
    """The usual position as read at ``mark``."""
    judged = assess(position(mark)).judged
    figures: dict[str, Any] = {
        "at": at(seconds),
        "mark_price": D(mark),
        "equity": judged.equity,
        "margin_usage": judged.margin_usage,
        "cushion": judged.cushion,
        "liquidation_price": judged.liquidation_price,
        "level": level,
    }
    return Point(**{**figures, **changes})


def moment(seconds: float, mark: str = "100", **changes: Any) -> Moment:
    return Moment(at=at(seconds), assessment=assess(position(mark, **changes)))


def sending(
    seconds: float, level: Level = Level.WARNING, *, after: float = 0, state: str = "accepted", **changes: Any
) -> Sending:
    """A message that the phone's service took so many seconds ``after`` it was raised."""
    facts: dict[str, Any] = {
        "id": f"m{seconds}",
        "code": "K7Q2",
        "level": level,
        "why": NotifyReason.FIRST,
        "subject": position_subject(key()),
        "title": f"{level.name}: BTC/USDT long cushion 40 %",
        "body": "",
        "at": at(seconds),
    }
    channel, detail = changes.pop("channel", "phone"), changes.pop("detail", "")
    message = Message(**{**facts, **changes})
    return Sending(message=message, channel=channel, state=state, settled=at(seconds + after), detail=detail)


def ruling(seconds: float, named: str, **changes: Any) -> Ruling:
    facts: dict[str, Any] = {
        "at": at(seconds), "code": "K7Q2", "rule": "cushion", "subject": position_subject(key()), "level": Level.WARNING,
        "named": named,
    }  # fmt: skip
    return Ruling(**{**facts, **changes})


def stand(seconds: float, **changes: Any) -> Stand:
    facts: dict[str, Any] = {
        "at": at(seconds),
        "contracts": D(10),
        "mark_price": D(95),
        "isolated_margin": D(100),
        "equity": D(50),
    }
    return Stand(**{**facts, **changes})


def intent(seconds: float, **changes: Any) -> Intent:
    """The policy ``guard`` adds 20 USDT, which is verified."""
    facts: dict[str, Any] = {
        "id": f"i{seconds}", "key": key(), "family": "usdm", "instrument_id": "BTCUSDT", "hedged": False, "currency": "USDT",
        "amount": D(20), "epoch": 1, "lease": 1, "state": IntentState.VERIFIED, "planned_at": at(seconds),
        "submitted_at": at(seconds),
        "before": stand(seconds, cushion=D("0.4")), "after": stand(seconds + 1, cushion=D("0.6")), "policy": "guard",
    }  # fmt: skip
    return Intent(**{**facts, **changes})


def incident(kind: IncidentKind = IncidentKind.LIQUIDATED, *, since: float = 10, end: float = 60, **changes: Any) -> Incident:
    facts: dict[str, Any] = {"code": "H9QN", "kind": kind, "life": life(), "since": at(since), "at": at(end), "until": at(end)}
    return Incident(**{**facts, **changes})


def record(*, what: Incident | None = None, **changes: Any) -> Record:
    """Marks from 100 down to 91 in a minute, one warning and one emergency, then liquidated without a trigger."""
    facts: dict[str, Any] = {
        "incident": what or incident(),
        "points": (point(0), point(10, "96"), point(40, "92.5", Level.EMERGENCY), point(58, "91", Level.EMERGENCY)),
        "events": (taken(),),
        "alerts": (past(10, 61),),
        "sendings": (sending(10), sending(40, Level.EMERGENCY)),
    }
    return Record(**{**facts, **changes})
