"""Which positions are past the emergency line by the exchange's own figures, and for how long: what the daemon must not miss.

The lines are the product's defaults; the figures are the practice exchange's, so a mistake in the daemon's arithmetic shows here.
"""

from __future__ import annotations

from monitor.practice import PracticeExchange
from monitor.practice.engine.accounts import Position
from monitor.rules.cushion import Cushion
from monitor.rules.margin_usage import MarginUsage


def is_urgent(engine: PracticeExchange, position: Position) -> bool:
    """Past the default emergency line of ``margin_usage`` or ``cushion`` at the mark of now."""
    stake, mark = engine.stake(position), engine.mark(position.contract)
    terms, cushion = engine.terms[position.contract.exchange], Cushion()
    equity, requirement = stake.equity(mark), terms.requirement(stake, mark)
    usage_line = MarginUsage().emergency
    if equity <= 0 or (usage_line is not None and requirement / equity >= usage_line):
        return True
    room = max(max(stake.margin, stake.value(stake.entry) / stake.leverage) - terms.requirement(stake, stake.entry), requirement)
    if cushion.emergency is None or room <= 0 or (equity - requirement) / room > cushion.emergency:
        return False
    price = engine.liquidation_price(position)
    return price is not None and (cushion.within.emergency is None or abs(mark - price) / mark <= cushion.within.emergency)


class Watch:
    """How long each position was past the line without a break, at most, in seconds of the viewer's time."""

    def __init__(self, engine: PracticeExchange) -> None:
        self._engine = engine
        self._since: dict[int, float] = {}
        self.longest: dict[int, float] = {}

    def look(self, now: float) -> None:
        """Look at every position; ``now`` in seconds of a steady clock."""
        urgent = {
            position.id
            for account in self._engine.accounts.values()
            for position in account.positions.values()
            if is_urgent(self._engine, position)
        }
        self._since = {number: self._since.get(number, now) for number in urgent}
        for number, since in self._since.items():
            self.longest[number] = max(now - since, self.longest.get(number, 0.0))
