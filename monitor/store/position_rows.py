"""Positions as rows: the inputs of an assessment, from which it is computed again, and the outputs that people look for."""

from __future__ import annotations

from typing import Any

from monitor.margin.assessment import Assessment, assess
from monitor.margin.position import ExchangeSays, Position, PositionKey, PositionStatus, Side
from monitor.margin.quantities import dec, dec_or_none
from monitor.store.codec import Row
from monitor.store.terms import KnownTerms, Terms

INPUTS = (
    "instrument", "tiers", "hedged", "contracts", "entry_price", "mark_price", "isolated_margin", "leverage", "taker_fee_rate",
    "says_liquidation_price", "says_requirement", "says_margin_usage", "opened", "changed", "status", "exchange_adds_margin",
    "degraded",
)  # fmt: skip

OUTPUTS = ("equity", "requirement", "margin_usage", "cushion", "liquidation_price")
"""Of the judged figures."""


def input_row(position: Position, terms: Terms) -> tuple[Any, ...]:
    """The INPUTS of a position.

    Written out flat and in the exact types that SQLite takes without asking: it runs for every position of every cycle.
    """
    says = position.says
    leverage, fee = position.leverage, position.taker_fee_rate
    price, requirement, usage = says.liquidation_price, says.requirement, says.margin_usage
    return (
        terms.instrument(position.instrument),
        terms.tiers(position.tiers),
        1 if position.hedged else 0,
        str(position.contracts),
        str(position.entry_price),
        str(position.mark_price),
        str(position.isolated_margin),
        None if leverage is None else str(leverage),
        None if fee is None else str(fee),
        None if price is None else str(price),
        None if requirement is None else str(requirement),
        None if usage is None else str(usage),
        position.opened,
        position.changed,
        position.status.value,
        1 if position.exchange_adds_margin else 0,
        ",".join(position.degraded) if position.degraded else "",
    )


def output_row(assessment: Assessment) -> tuple[Any, ...]:
    """The OUTPUTS of an assessment."""
    judged = assessment.judged
    usage, cushion, price = judged.margin_usage, judged.cushion, judged.liquidation_price
    return (
        str(judged.equity),
        str(judged.requirement),
        None if usage is None else str(usage),
        None if cushion is None else str(cushion),
        None if price is None else str(price),
    )


def key_of(row: Row) -> PositionKey:
    """The key of a row (exchange, account, symbol, side)."""
    return PositionKey(exchange=row[0], account=row[1], symbol=row[2], side=Side(row[3]))


def assessment_of(key: PositionKey, family: str, row: Row, terms: KnownTerms) -> Assessment:
    """The assessment of a row of INPUTS, computed again by the same arithmetic."""
    return assess(
        Position(
            key=key,
            family=family,
            instrument=terms.instrument(row[0]),
            tiers=terms.tiers(row[1]),
            hedged=bool(row[2]),
            contracts=dec(row[3]),
            entry_price=dec(row[4]),
            mark_price=dec(row[5]),
            isolated_margin=dec(row[6]),
            leverage=dec_or_none(row[7]),
            taker_fee_rate=dec_or_none(row[8]),
            says=ExchangeSays(
                liquidation_price=dec_or_none(row[9]),
                requirement=dec_or_none(row[10]),
                margin_usage=dec_or_none(row[11]),
            ),
            opened=row[12],
            changed=row[13],
            status=PositionStatus(row[14]),
            exchange_adds_margin=bool(row[15]),
            degraded=tuple(row[16].split(",")) if row[16] else (),
        )
    )
