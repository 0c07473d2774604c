"""Going out: the owner closes, wholly or in part or into the other side; the exchange deleverages, or delivers a contract."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from monitor.practice.engine.accounts import Account, Kind, Mode, Position, Record, Slot
from monitor.practice.engine.arithmetic import NOTHING
from monitor.practice.engine.desk import Desk
from monitor.practice.engine.refusal import Reason, Refused


class Exits(Desk):
    """Every way out of a position but liquidation.

    A loss beyond the margin, or of a cross position beyond the free balance, is the insurance fund's.
    """

    def close(
        self,
        name: str,
        contract_id: str,
        slot: Slot = Slot.NET,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
    ) -> Record:
        """The owner closes ``quantity`` contracts (default: all) at ``price`` (default: the mark); raises Refused."""
        account, position = self.held(name, contract_id, slot)
        return self._leave(account, position, Kind.CLOSE, account.fee_rate, quantity=quantity, price=price)

    def deleverage(
        self,
        name: str,
        contract_id: str,
        slot: Slot = Slot.NET,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
    ) -> Record:
        """The exchange auto-deleverages ``quantity`` contracts (default: all) at ``price`` (default: the mark)."""
        account, position = self.held(name, contract_id, slot)
        fee_rate = self.terms[account.exchange].deleverage_fee
        return self._leave(account, position, Kind.DELEVERAGE, fee_rate, quantity=quantity, price=price)

    def deliver(self, exchange: str, contract_id: str, price: Decimal | None = None) -> list[Record]:
        """End a contract: all positions close at the settlement ``price`` (default: the mark), and none opens any more."""
        contract = self.contract(exchange, contract_id)
        fee_rate = self.terms[exchange].delivery_fee
        self.delivered.add((exchange, contract_id))
        return [
            self._leave(account, position, Kind.DELIVERY, fee_rate, price=price)
            for account in self.accounts.values()
            for position in list(account.positions.values())
            if (account.exchange, position.contract.id) == (contract.exchange, contract.id)
        ]

    def flip(
        self,
        name: str,
        contract_id: str,
        *,
        quantity: Decimal,
        leverage: Decimal | None = None,
        price: Decimal | None = None,
    ) -> Position:
        """One fill of the owner goes through zero, in one-way mode: it closes all and opens ``quantity`` of the other side.

        ``leverage``: of the new side, default as before. Raises Refused and then changes nothing.
        """
        account, position = self.held(name, contract_id, Slot.NET)
        if quantity <= 0:
            raise Refused(Reason.NOT_POSITIVE)
        contract, at = position.contract, self.mark(position.contract) if price is None else price
        terms, stake = self.terms[account.exchange], self.stake(position)
        other = self.planned(
            account,
            contract,
            long=not position.long,
            quantity=quantity,
            leverage=position.leverage if leverage is None else leverage,
            entry=at,
            mode=position.mode,
        )
        asked, fee = self.asked(account, other)
        closing = terms.exact(stake.profit(at)) - terms.exact(stake.value(at) * account.fee_rate)
        back = stake.margin + closing
        free = self.free(account, contract.settle) + (max(NOTHING, back) if position.mode is Mode.ISOLATED else back)
        if free < asked + fee:
            raise Refused(Reason.NOT_ENOUGH_FREE)
        closed = self._leave(account, position, Kind.CLOSE, account.fee_rate, price=at)
        self.enter(account, other, asked, fee, fill=closed.id)
        return other

    def _leave(
        self,
        account: Account,
        position: Position,
        kind: Kind,
        fee_rate: Decimal,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
    ) -> Record:
        """Close ``quantity`` at ``price``; its share of the margin, with profit and fee, becomes free if anything is left."""
        closed = position.quantity if quantity is None else quantity
        if closed <= 0:
            raise Refused(Reason.NOT_POSITIVE)
        if closed > position.quantity:
            raise Refused(Reason.TOO_MANY_CONTRACTS)
        terms, stake, settle = self.terms[account.exchange], self.stake(position), position.contract.settle
        at = self.mark(position.contract) if price is None else price
        part = replace(stake, quantity=closed)
        profit, fee = terms.exact(part.profit(at)), terms.exact(part.value(at) * fee_rate)
        place = position.place if position.mode is Mode.ISOLATED else account.place
        self.ledger.move(settle, profit, "market", place)
        self.ledger.move(settle, fee, place, "fees")
        missing = max(NOTHING, -self.ledger.balance(settle, place))
        self.ledger.move(settle, missing, "insurance", place)
        whole = closed == position.quantity
        share = stake.margin if whole else terms.exact(stake.margin * closed / position.quantity)
        rest = self.margin(position)
        back = rest if whole else min(rest, max(NOTHING, share + profit - fee))
        self.ledger.move(settle, back, position.place, account.place)
        position.realised += profit
        position.fees -= fee
        position.quantity -= closed
        self.touch(position)
        if whole:
            del account.positions[position.key]
        moved = self.margin(position) - stake.margin
        return self.note(
            account,
            kind,
            settle,
            position,
            quantity=closed,
            price=at,
            profit=profit,
            fee=-fee,
            penalty=missing,
            into_margin=moved,
        )
