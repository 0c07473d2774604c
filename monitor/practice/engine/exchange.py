"""The engine: what happens to positions when marks move, funding falls due, margin comes and goes.

After a position was opened, only the mark price, funding and margin changes decide over it. All amounts go through the
Ledger; everything that happens is a Record of its account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Account, Kind, Mode, Position, Record
from monitor.practice.engine.arithmetic import NOTHING
from monitor.practice.engine.books import Key
from monitor.practice.engine.changes import Changes
from monitor.practice.engine.contracts import CONTRACTS, Contract
from monitor.practice.tiers import scaled


class PracticeExchange(Changes):
    """The whole engine. ``freeze_ms``: how long a position stays "being liquidated" before the next step closes something."""

    def __init__(
        self,
        *,
        clock: Callable[[], int] = wall_clock_ms,
        contracts: Iterable[Contract] = CONTRACTS,
        freeze_ms: int = 0,
    ) -> None:
        super().__init__(clock=clock, contracts=contracts)
        self.freeze_ms = freeze_ms

    def set_marks(self, marks: Mapping[Key, Decimal]) -> list[Record]:
        """Move mark prices, then liquidate what they reach; the records of that."""
        self.marks.update(marks)
        return self.judge()

    def judge(self) -> list[Record]:
        """Look at every isolated position and take the liquidation steps that are due."""
        records: list[Record] = []
        for account in self.accounts.values():
            for position in list(account.positions.values()):
                if position.mode is Mode.ISOLATED:
                    records += self._judge(account, position)
        return records

    def _judge(self, account: Account, position: Position) -> list[Record]:
        records: list[Record] = []
        terms = self.terms[account.exchange]
        while position.quantity:
            stake, mark = self.stake(position), self.mark(position.contract)
            if stake.equity(mark) > terms.requirement(stake, mark):
                position.liquidating_since = None
                break
            if position.liquidating_since is None and self.auto_add(account, position):
                continue
            if position.liquidating_since is None:
                position.liquidating_since = position.changed = self.clock()
            if self.clock() - position.liquidating_since < self.freeze_ms:
                break
            quantity = terms.cut(stake, mark)
            records.append(self._take_over(account, position) if quantity is None else self._cut(account, position, quantity))
        return records

    def _cut(self, account: Account, position: Position, quantity: Decimal) -> Record:
        """Close ``quantity`` contracts at the mark; what that realises stays in the margin."""
        terms, mark = self.terms[account.exchange], self.mark(position.contract)
        stake, settle = self.stake(position), position.contract.settle
        profit = terms.exact(replace(stake, quantity=quantity).profit(mark))
        fee = terms.exact(terms.cut_fee(stake, quantity, mark))
        self.ledger.move(settle, profit, "market", position.place)
        self.ledger.move(settle, fee, position.place, "insurance" if terms.cut_fee_to_fund else "fees")
        position.quantity -= quantity
        position.realised += profit
        self.touch(position)
        to_fund = fee if terms.cut_fee_to_fund else NOTHING
        position.fees -= fee - to_fund
        position.penalty -= to_fund
        return self.note(
            account,
            Kind.CUT,
            settle,
            position,
            quantity=quantity,
            price=mark,
            profit=profit,
            fee=to_fund - fee,
            penalty=-to_fund,
            into_margin=profit - fee,
        )

    def _take_over(self, account: Account, position: Position) -> Record:
        """The exchange takes the whole position at the mark; the insurance fund gets what is left, or gives what is missing."""
        terms, mark = self.terms[account.exchange], self.mark(position.contract)
        stake, settle = self.stake(position), position.contract.settle
        told = terms.takeover(stake, mark)
        self.ledger.move(settle, terms.exact(stake.profit(mark)), "market", position.place)
        self.ledger.move(settle, -told.fee, position.place, "fees")
        self.ledger.move(settle, self.margin(position), position.place, "insurance")
        position.realised += told.profit
        position.fees += told.fee
        position.penalty += told.penalty
        closed, position.quantity = position.quantity, NOTHING
        self.touch(position)
        del account.positions[position.key]
        return self.note(
            account,
            Kind.TAKEOVER,
            settle,
            position,
            quantity=closed,
            price=told.price,
            profit=told.profit,
            fee=told.fee,
            penalty=told.penalty,
            into_margin=-stake.margin,
        )

    def settle_funding(self, exchange: str, contract_id: str, rate: Decimal) -> None:
        """Every open position of the contract pays or gets ``rate`` of its value at the mark (positive: longs pay shorts)."""
        contract = self.contract(exchange, contract_id)
        terms, mark, settle = self.terms[exchange], self.mark(contract), contract.settle
        for account in self.accounts.values():
            for position in [
                p for p in account.positions.values() if p.contract.id == contract_id and account.exchange == exchange
            ]:
                value = contract.value(position.quantity, mark)
                amount = terms.exact(-value * rate if position.long else value * rate)
                wallet = amount if terms.funding_from_wallet or position.mode is Mode.CROSS else NOTHING
                if wallet < 0:
                    wallet = -min(-wallet, self.free(account, settle))
                self.ledger.move(settle, wallet, "funding", account.place)
                if position.mode is Mode.CROSS:  # what a cross position cannot pay, the insurance fund pays
                    self.ledger.move(settle, amount - wallet, "funding", "insurance")
                    amount = wallet
                self.ledger.move(settle, amount - wallet, "funding", position.place)
                position.funding += amount
                position.changed = self.clock() if amount - wallet else position.changed
                self.note(
                    account, Kind.FUNDING, settle, position, amount=amount, into_margin=amount - wallet, price=mark, rate=rate
                )
        self.judge()

    def change_tiers(self, exchange: str, contract_id: str, factor: Decimal) -> None:
        """Every tier of the contract asks ``factor`` times as much from now on; who falls under it is liquidated."""
        contract = self.contract(exchange, contract_id)
        self.contracts[exchange, contract_id] = replace(contract, tiers=scaled(contract.tiers, factor))
        self.judge()
