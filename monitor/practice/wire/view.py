"""One position with the figures that every exchange shows of it, each in its own form."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from monitor.practice.engine.accounts import Account, Mode, Position
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
