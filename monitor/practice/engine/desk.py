"""What owners do: deposit, open, close. There is no order book: whoever sets up the practice says at which price."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import ROUND_UP, Decimal

from monitor.practice.engine.accounts import Account, Key, Kind, Mode, Position, Record, Slot
from monitor.practice.engine.arithmetic import NOTHING, Stake
from monitor.practice.engine.books import Books
from monitor.practice.engine.refusal import Reason, Refused


class Desk(Books):
    """What owners do: deposit, open, close."""

    def add_account(
        self,
        name: str,
        exchange: str,
        *,
        balances: Mapping[str, Decimal | str] | None = None,
        api_key: str = "",
        secret: str = "",
        passphrase: str = "",
        hedge: bool = False,
        fee_rate: Decimal | None = None,
        may_trade: bool = True,
    ) -> Account:
        """A new account with its deposits; key, secret and passphrase not given are made from the name, always the same."""
        made = hashlib.sha256(f"{exchange}/{name}".encode()).hexdigest()
        account = Account(
            name=name,
            exchange=exchange,
            api_key=api_key or f"{name}-{made[:12]}",
            secret=secret or made[12:44],
            passphrase=passphrase or made[44:56],
            fee_rate=self.terms[exchange].taker_fee if fee_rate is None else fee_rate,
            hedge=hedge,
            may_trade=may_trade,
        )
        self.accounts[name] = account
        for currency, amount in (balances or {}).items():
            self.deposit(name, currency, Decimal(amount))
        return account

    def add_key(
        self, name: str, key_name: str, *, api_key: str = "", secret: str = "", passphrase: str = "", **rights: bool
    ) -> Key:
        """Another key for an account, in place of one of the same name; ``rights`` are those of `Key`."""
        account = self.account(name)
        made = hashlib.sha256(f"{account.exchange}/{name}/{key_name}".encode()).hexdigest()
        key = Key(
            api_key=api_key or f"{name}-{key_name}-{made[:12]}",
            secret=secret or made[12:44],
            passphrase=passphrase or made[44:56],
            **rights,
        )
        account.keys[key_name] = key
        return key

    def deposit(self, name: str, currency: str, amount: Decimal) -> None:
        """Bring ``amount`` in from outside; negative takes it out, as far as it is free."""
        account = self.account(name)
        amount = self.terms[account.exchange].exact(amount)
        if self.free(account, currency) + amount < 0:
            raise Refused(Reason.NOT_ENOUGH_FREE)
        self.ledger.move(currency, amount, "outside", account.place)
        self.note(account, Kind.DEPOSIT, currency, amount=amount)

    def open(
        self,
        name: str,
        contract_id: str,
        *,
        long: bool,
        quantity: Decimal,
        leverage: Decimal,
        entry: Decimal | None = None,
        margin: Decimal | None = None,
        mode: Mode = Mode.ISOLATED,
    ) -> Position:
        """Open ``quantity`` contracts at ``entry`` (default: the mark) with ``margin`` (default: what the leverage asks).

        Raises Refused where the slot is taken or the free balance does not reach. In hedge mode each direction has its slot
        (on Bybit linear contracts only).
        """
        account = self.account(name)
        contract = self.contract(account.exchange, contract_id)
        two_sided = account.hedge and not (account.exchange == "bybit" and contract.inverse)
        slot = (Slot.LONG if long else Slot.SHORT) if two_sided else Slot.NET
        if (contract.id, slot) in account.positions:
            raise Refused(Reason.TAKEN)
        now = self.clock()
        position = Position(
            id=self.next_id(),
            account=name,
            contract=contract,
            slot=slot,
            long=long,
            quantity=quantity,
            entry=self.mark(contract) if entry is None else entry,
            leverage=leverage,
            mode=mode,
            opened=now,
            changed=now,
        )
        terms, stake = self.terms[account.exchange], self.stake_before(position, account)
        asked = (terms.initial(stake) if margin is None else margin) if mode is Mode.ISOLATED else NOTHING
        asked = asked.quantize(terms.unit, rounding=ROUND_UP)
        fee = terms.exact(stake.value(position.entry) * account.fee_rate)
        if self.free(account, contract.settle) < asked + fee:
            raise Refused(Reason.NOT_ENOUGH_FREE)
        account.positions[contract.id, slot] = position
        account.leverage[contract.id] = leverage
        self.ledger.move(contract.settle, asked, account.place, position.place)
        from_margin = terms.fee_from_margin and margin is None and mode is Mode.ISOLATED
        self.ledger.move(contract.settle, fee, position.place if from_margin else account.place, "fees")
        position.fees -= fee
        self.note(
            account,
            Kind.OPEN,
            contract.settle,
            position,
            quantity=quantity,
            price=position.entry,
            fee=-fee,
            into_margin=self.margin(position),
        )
        return position

    def stake_before(self, position: Position, account: Account) -> Stake:
        """The position as it would be without any margin yet."""
        return Stake(
            contract=position.contract,
            long=position.long,
            quantity=position.quantity,
            entry=position.entry,
            margin=NOTHING,
            leverage=position.leverage,
            fee_rate=account.fee_rate,
        )

    def close(self, name: str, contract_id: str, slot: Slot = Slot.NET, *, price: Decimal | None = None) -> Record:
        """The owner closes it all at ``price`` (default: the mark); a loss beyond the margin is the insurance fund's."""
        account = self.account(name)
        position = account.positions.get((contract_id, slot))
        if position is None:
            raise Refused(Reason.NO_POSITION)
        terms, stake = self.terms[account.exchange], self.stake(position)
        at = self.mark(position.contract) if price is None else price
        settle = position.contract.settle
        profit, fee = terms.exact(stake.profit(at)), terms.exact(stake.value(at) * account.fee_rate)
        place = position.place if position.mode is Mode.ISOLATED else account.place
        self.ledger.move(settle, profit, "market", place)
        self.ledger.move(settle, fee, place, "fees")
        left = self.ledger.balance(settle, position.place)
        self.ledger.move(settle, left, position.place, account.place if left > 0 else "insurance")
        position.realised += profit
        position.fees -= fee
        closed, position.quantity = position.quantity, NOTHING
        del account.positions[contract_id, slot]
        return self.note(
            account,
            Kind.CLOSE,
            settle,
            position,
            quantity=closed,
            price=at,
            profit=profit,
            fee=-fee,
            penalty=max(NOTHING, -left),
            into_margin=-stake.margin,
        )
