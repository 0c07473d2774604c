"""One position, and one fill, with the figures that every exchange shows of it, each in its own form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from monitor.practice.engine.accounts import Account, Mode, Position, Record
from monitor.practice.engine.arithmetic import NOTHING, Stake
from monitor.practice.engine.exchange import PracticeExchange


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """``profit`` is unrealised, cut to the unit; ``liquidation`` None where there is no such price."""

    position: Position
    stake: Stake
    mark: Decimal
    value: Decimal
    profit: Decimal
    requirement: Decimal
    maintenance: Decimal
    tier: int
    liquidation: Decimal | None

    @property
    def isolated(self) -> bool:
        """False for a cross position."""
        return self.position.mode is Mode.ISOLATED


def views(exchange: PracticeExchange, account: Account) -> list[View]:
    """Every open position of the account, in the order of opening."""
    terms = exchange.terms[account.exchange]
    made = []
    for position in account.positions.values():
        stake, mark = exchange.stake(position), exchange.mark(position.contract)
        made.append(
            View(
                position=position,
                stake=stake,
                mark=mark,
                value=stake.value(mark),
                profit=terms.exact(stake.profit(mark)),
                requirement=max(NOTHING, terms.requirement(stake, mark)),
                maintenance=max(NOTHING, terms.maintenance(stake, mark)),
                tier=terms.tier(stake, mark),
                liquidation=exchange.liquidation_price(position),
            )
        )
    return made


def held(exchange: PracticeExchange, account: Account, currency: str) -> tuple[Decimal, Decimal]:
    """Margin and unrealised profit of the isolated positions in ``currency``."""
    mine = [view for view in views(exchange, account) if view.stake.contract.settle == currency and view.isolated]
    return sum((view.stake.margin for view in mine), NOTHING), sum((view.profit for view in mine), NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One fill as the exchanges list it: ``record`` with the sums of all that it did, of which it ``closed`` so many contracts.

    A side flip is one fill: it closed less than it traded.
    """

    record: Record
    closed: Decimal


def fills(records: Iterable[Record]) -> list[Fill]:
    """The fills that records tell of, in their order."""
    made: dict[int, Fill] = {}
    for record in records:
        closed = record.quantity if record.closes else NOTHING
        before = made.get(record.fill)
        if before is None:
            made[record.fill] = Fill(record=record, closed=closed)
            continue
        both = replace(
            record,
            quantity=record.quantity + before.record.quantity,
            profit=record.profit + before.record.profit,
            fee=record.fee + before.record.fee,
        )
        made[record.fill] = Fill(record=both, closed=closed + before.closed)
    return list(made.values())
