"""Whether an empty list of positions can be true: the margin of what vanished must have gone back to the balance.

A list that lost everything at once is what a mass liquidation looks like, and what a faulty reply looks like: exchanges have
sent empty lists for minutes in a falling market (ccxt issue 15606). The balance comes from another call and tells them apart.
What no balance can tell must at least last: one slow answer is no proof that positions are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.errors import BadReading
from monitor.margin.position import Position
from monitor.margin.quantities import ZERO, plain

AGREEING = 3
"""So many empty lists in a row, at least, before time alone makes one true."""
SILENT_SECONDS = 5.0
"""How long they must go on where the balance never told anything, or does not name the currency (it may be all gone)."""
UNREADABLE_SECONDS = 60.0
"""How long, where the balance could be read before and cannot now: then more is wrong with the exchange than one list."""
CONTRADICTED_SECONDS = 600.0
"""How long, while the balance speaks against them: something else may lie there, and nobody is to be blind for ever."""
_MOST = Decimal("0.5")
"""Share of the vanished margin: what is left of rounding is less, and the true margin moves little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What a family's balance reply tells, by settle currency.

    ``free`` can be added as margin now; ``held`` lies behind isolated positions, by the balance's own account of it.
    """

    free: Mapping[str, Decimal]
    held: Mapping[str, Decimal]


@dataclass(slots=True)
class Doubt:
    """What one family's empty list must answer for. Times are monotonic seconds.

    ``margins``: of the positions that were last open; empty where nothing is missing. ``since``: when the list came empty.
    """

    margins: Mapping[str, Decimal] = field(default_factory=dict)
    since: float | None = None
    _others: Mapping[str, Decimal] = field(default_factory=dict)
    _lists: int = 0

    def remember(self, positions: Iterable[Position], balances: Balances | None = None) -> None:
        """These are open. ``balances``, where they are new: what they hold beyond these margins belongs to something else."""
        self.margins, self.since, self._lists = margins_of(positions), None, 0
        if balances is not None:
            self._others = {coin: max(held - self.margins.get(coin, ZERO), ZERO) for coin, held in balances.held.items()}

    def begin(self, now: float) -> float:
        """An empty list came; when the first one in a row did."""
        self._lists += 1
        self.since = now if self.since is None else self.since
        return self.since

    def settle(self, balances: Balances | None, now: float, *, readable: bool) -> str:
        """Believe the empty list, or raise BadReading. ``balances``: read after it came; ``readable``: some were read before.

        Returns what still speaks against a list that is believed; empty for nothing.
        """
        lasted = now - (now if self.since is None else self.since) if self._lists >= AGREEING else 0.0
        left = self._still_held(balances) if balances is not None else ""
        if left:
            if lasted < CONTRADICTED_SECONDS:
                raise BadReading(f"the list of positions is empty, but the balance still shows {left} behind them")
            self.remember(())
            minutes = int(lasted // 60)
            return f"the list of positions has been empty for {minutes} min while the balance still shows {left} behind them"
        told = balances is not None and all(coin in balances.held for coin, margin in self.margins.items() if margin > 0)
        if not told and lasted < (UNREADABLE_SECONDS if balances is None and readable else SILENT_SECONDS):
            raise BadReading("the list of positions is empty, and no balance tells whether their margin came back")
        self.remember(())
        return ""

    def _still_held(self, balances: Balances) -> str:
        """What the balance still holds of the margin of positions that are said to be gone (``1000 USDT``); empty for nothing."""
        for coin, margin in self.margins.items():
            held = balances.held.get(coin, ZERO)
            if margin > 0 and held - self._others.get(coin, ZERO) >= margin * _MOST:
                return f"{plain(held)} {coin}"
        return ""


def margins_of(positions: Iterable[Position]) -> dict[str, Decimal]:
    """The isolated margin of all ``positions``, by settle currency."""
    margins: dict[str, Decimal] = {}
    for position in positions:
        currency = position.instrument.settle_currency
        margins[currency] = margins.get(currency, ZERO) + max(position.isolated_margin, ZERO)
    return margins
