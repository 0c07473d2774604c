"""Which positions are past the emergency line by the exchange's own figures, and for how long: what the daemon must not miss.

The lines are the product's defaults; the figures are the practice exchange's, so a mistake in the daemon's arithmetic shows here.
Time is counted in rounds of polls that the exchange really answered, so that a slow machine accuses nobody.
"""

from __future__ import annotations

from collections import Counter

from monitor.practice import Call, EngineSource, PracticeExchange, Reply
from monitor.practice.engine.accounts import Position
from monitor.rules.cushion import Cushion
from monitor.rules.margin_usage import MarginUsage

_POSITION_CALLS = ("/positionRisk", "/position/list", "/account/positions")


class CountedSource(EngineSource):
    """The engine's answers, with a count of how often each account was read as a whole."""

    def __init__(self, exchange: PracticeExchange) -> None:
        super().__init__(exchange)
        self._reads: dict[str, Counter[tuple[str | None, ...]]] = {name: Counter() for name in exchange.accounts}

    def answer(self, call: Call) -> Reply:
        """As the engine answers."""
        reply = super().answer(call)
        account = self.account_of(call)
        if account is not None and reply.status == 200 and call.path.endswith(_POSITION_CALLS):
            query = call.query
            self._reads[account.name][call.path, query.get("category"), query.get("settleCoin")] += 1
        return reply

    def rounds(self, account: str) -> int:
        """How often all parts of the account have been read."""
        return min(self._reads[account].values(), default=0)


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
    """How long each position was past the line without a break, at most, in rounds of polls of its account."""

    def __init__(self, source: CountedSource) -> None:
        self._source = source
        self._since: dict[int, int] = {}
        self.longest: Counter[int] = Counter()

    def look(self) -> None:
        """Look at every position."""
        engine, before = self._source.exchange, self._since
        self._since = {}
        for account in engine.accounts.values():
            rounds = self._source.rounds(account.name)
            for position in account.positions.values():
                if is_urgent(engine, position):
                    since = self._since[position.id] = before.get(position.id, rounds)
                    self.longest[position.id] = max(self.longest[position.id], rounds - since)
