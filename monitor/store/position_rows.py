"""Positions as rows: the inputs of an assessment, from which it is computed again, and the outputs that people look for."""

from __future__ import annotations

from typing import Any

from monitor.margin.assessment import Assessment, assess
from monitor.margin.position import ExchangeSays, Position, PositionKey, PositionStatus, Side
from monitor.margin.quantities import dec, dec_or_none
from monitor.store.codec import Row, text_or_none
from monitor.store.terms import KnownTerms, Terms

HOLDING = (
    "instrument", "tiers", "hedged", "contracts", "entry_price", "leverage", "taker_fee_rate", "opened", "status",
    "exchange_adds_margin", "degraded",
)  # fmt: skip
"""What does not move with the market."""

MOVING = ("mark_price", "isolated_margin", "says_liquidation_price", "says_requirement", "says_margin_usage", "changed")
"""What does; with HOLDING these are all inputs of an assessment."""

OUTPUTS = ("equity", "requirement", "margin_usage", "cushion", "liquidation_price")
"""Of the judged figures."""


def held(position: Position) -> tuple[Any, ...]:
    """The values behind HOLDING, to be compared: equal ones are one holding."""
    return (
        position.instrument,
        position.tiers,
        position.hedged,
        position.contracts,
        position.entry_price,
        position.leverage,
        position.taker_fee_rate,
        position.opened,
        position.status,
        position.exchange_adds_margin,
        position.degraded,
    )


def holding_row(position: Position, terms: Terms) -> tuple[Any, ...]:
    """The HOLDING columns."""
    return (
        terms.instrument(position.instrument),
        terms.tiers(position.tiers),
        int(position.hedged),
        str(position.contracts),
        str(position.entry_price),
        text_or_none(position.leverage),
        text_or_none(position.taker_fee_rate),
        position.opened,
        position.status.value,
        int(position.exchange_adds_margin),
        ",".join(position.degraded),
    )


def reading_row(at: int, life: int, holding: int, assessment: Assessment, level: int | None) -> tuple[Any, ...]:
    """The columns of one reading: at, life, holding, MOVING, OUTPUTS and level.

    Written out flat and in the exact types that SQLite takes without asking: it runs for every position of every cycle.
    """
    position, judged = assessment.position, assessment.judged
    says = position.says
    says_price, says_requirement, says_usage = says.liquidation_price, says.requirement, says.margin_usage
    usage, cushion, price = judged.margin_usage, judged.cushion, judged.liquidation_price
    return (
        at,
        life,
        holding,
        str(position.mark_price),
        str(position.isolated_margin),
        None if says_price is None else str(says_price),
        None if says_requirement is None else str(says_requirement),
        None if says_usage is None else str(says_usage),
        position.changed,
        str(judged.equity),
        str(judged.requirement),
        None if usage is None else str(usage),
        None if cushion is None else str(cushion),
        None if price is None else str(price),
        level,
    )


def key_of(row: Row) -> PositionKey:
    """The key of a row (exchange, account, symbol, side)."""
    return PositionKey(exchange=row[0], account=row[1], symbol=row[2], side=Side(row[3]))


def assessment_of(key: PositionKey, family: str, row: Row, terms: KnownTerms) -> Assessment:
    """The assessment of a row of HOLDING and MOVING, computed again by the same arithmetic."""
    return assess(
        Position(
            key=key,
            family=family,
            instrument=terms.instrument(row[0]),
            tiers=terms.tiers(row[1]),
            hedged=bool(row[2]),
            contracts=dec(row[3]),
            entry_price=dec(row[4]),
            leverage=dec_or_none(row[5]),
            taker_fee_rate=dec_or_none(row[6]),
            opened=row[7],
            status=PositionStatus(row[8]),
            exchange_adds_margin=bool(row[9]),
            degraded=tuple(row[10].split(",")) if row[10] else (),
            mark_price=dec(row[11]),
            isolated_margin=dec(row[12]),
            says=ExchangeSays(
                liquidation_price=dec_or_none(row[13]),
                requirement=dec_or_none(row[14]),
                margin_usage=dec_or_none(row[15]),
            ),
            changed=row[16],
        )
    )
