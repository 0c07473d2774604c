"""What an exchange's own records tell of one position: fills with what caused them, and the money that moved.

An adapter reads them for an Inquiry and hands them over as they are; what they mean is worked out in ``ending``. An amount that
the exchange does not record is None, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.margin.position import Position


class FillCause(StrEnum):
    """Who closed or opened a part of a position, by the exchange's own mark on the record.

    ``trade``: an order of the owner, or of whatever trades for them. ``reduction``: a step of a liquidation that leaves a rest
    (Binance's first order cannot be told from a whole one by its record: it is a ``liquidation``). ``liquidation``: the rest was
    taken over. ``deleveraged``: auto-deleveraging. ``delivered``: the contract expired. ``settled``: the exchange closed it for
    another reason (delisting, a settlement).
    """

    TRADE = "trade"
    REDUCTION = "reduction"
    LIQUIDATION = "liquidation"
    DELEVERAGED = "deleveraged"
    DELIVERED = "delivered"
    SETTLED = "settled"


class FlowKind(StrEnum):
    """Why money moved without a fill. ``margin_added`` and ``margin_taken``: by a person or an API; ``auto_added``: by the
    exchange's own automatic margin; ``insurance``: to (below 0) or from the insurance fund, where that is a row of its own.
    """

    FUNDING = "funding"
    MARGIN_ADDED = "margin_added"
    MARGIN_TAKEN = "margin_taken"
    AUTO_ADDED = "auto_added"
    INSURANCE = "insurance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One fill of this position. ``at``: the exchange's time; ``contracts`` > 0; ``closes``: it made the position smaller.

    ``profit`` (without fees), ``fee`` (below 0: paid) and ``insurance`` (below 0: the fund took it) in settle currency; None
    where the record does not say. ``fee_elsewhere``: the fee was paid in another asset, and neither the margin nor the balance in
    settle currency paid it. ``trigger_price``: the mark price that set it off. ``margin_change``: what it did to the
    isolated margin, where that is recorded. ``id``: the exchange's own name of the fill, ``order`` of its order.
    """

    at: datetime
    cause: FillCause
    contracts: Decimal
    closes: bool
    price: Decimal | None = None
    profit: Decimal | None = None
    fee: Decimal | None = None
    fee_elsewhere: bool = False
    insurance: Decimal | None = None
    trigger_price: Decimal | None = None
    margin_change: Decimal | None = None
    id: str = ""
    order: str = ""

    @property
    def step(self) -> Decimal:
        """By how many contracts it changed the size of the position."""
        return -self.contracts if self.closes else self.contracts


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Money that moved beside fills: ``amount`` in settle currency as it changes what the owner has (funding, insurance) or what
    the isolated margin is (margin, auto); ``margin_after``: the isolated margin after it, where recorded. ``in_margin``: the
    isolated margin changed by it (funding: not where the wallet pays it).
    """

    at: datetime
    kind: FlowKind
    amount: Decimal
    margin_after: Decimal | None = None
    in_margin: bool = True
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The exchange's own sums over the whole life of a closed position, where it keeps them (OKX positions-history).

    ``final``: the row speaks of a position that is closed altogether. Signs as in Fill.
    """

    profit: Decimal | None = None
    fees: Decimal | None = None
    funding: Decimal | None = None
    insurance: Decimal | None = None
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is asked about one position: everything of its instrument and side from ``since`` to ``until`` (aware UTC, ours).

    ``position``: as read at ``read_at``. ``life_since``: where money over its whole life is wanted (funding, fees), since when;
    never later than ``since``. ``money``: flows and the free balance are wanted too; else only if something was closed.
    ``other_margin``: the isolated margin of the instrument's other side as last read, where it has one.
    Adapters widen both ends by a minute, since clocks differ, and leave out what is another side's.
    """

    position: Position
    since: datetime
    until: datetime
    life_since: datetime
    read_at: datetime
    money: bool = True
    other_margin: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """One answer, oldest first. ``missing``: what could not be had or is not kept by this exchange, in plain words
    (``"margin changes: Bybit keeps no record of them"``); what is missing may be asked again later where ``again`` is set.
    """

    at: datetime
    fills: tuple[Fill, ...] = ()
    flows: tuple[Flow, ...] = ()
    totals: Totals | None = None
    missing: tuple[str, ...] = ()
    again: bool = False
    kept: frozenset[FlowKind] = field(default_factory=frozenset)
    """The kinds of flow that this exchange records and that were read in full: their absence means that there were none."""
    free: Decimal | None = None
    """The balance that can become margin in the position's settle currency, read with the records."""
