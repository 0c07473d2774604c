"""Why margin is not added: every reason has a name, is told once per change, and is counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.margin.position import PositionKey


class RefusalReason(StrEnum):
    """The named reasons, in the order in which they are asked."""

    DISABLED = "DISABLED"
    STOPPED = "STOPPED"
    OTHER_INSTANCE = "OTHER_INSTANCE"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    NOT_ISOLATED = "NOT_ISOLATED"
    LIQUIDATING = "LIQUIDATING"
    EXCHANGE_AUTO_ADD = "EXCHANGE_AUTO_ADD"
    STALE_DATA = "STALE_DATA"
    SUSPICIOUS_DATA = "SUSPICIOUS_DATA"
    DIVERGENT_DATA = "DIVERGENT_DATA"
    POSITION_CHANGED = "POSITION_CHANGED"
    IN_FLIGHT = "IN_FLIGHT"
    COOLDOWN = "COOLDOWN"
    PRICE_BOUND = "PRICE_BOUND"
    CAP_ACTION = "CAP_ACTION"
    CAP_POSITION = "CAP_POSITION"
    CAP_DAY = "CAP_DAY"
    RESERVE = "RESERVE"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    CANNOT_HELP = "CANNOT_HELP"
    DRY_RUN = "DRY_RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A policy does not act on a position: why, since when, and the numbers in words (``needs 85 USDT, 12 free``)."""

    policy: str
    key: PositionKey
    reason: RefusalReason
    since: datetime
    detail: str = ""
