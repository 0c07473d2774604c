"""Coming in: accounts, deposits, opening, growing. There is no order book: whoever sets up the practice says at which price."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import ROUND_UP, Decimal

from monitor.practice.engine.accounts import Account, Key, Kind, Mode, Position, Record, Slot
from monitor.practice.engine.arithmetic import NOTHING, Stake
from monitor.practice.engine.books import Books
from monitor.practice.engine.contracts import Contract
from monitor.practice.engine.refusal import Reason, Refused


class Desk(Books):
    """Who is here, with how much, and what they open."""

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
        position = self.planned(account, contract, long=long, quantity=quantity, leverage=leverage, entry=entry, mode=mode)
        if position.key in account.positions:
            raise Refused(Reason.TAKEN)
        asked, fee = self.asked(account, position, margin)
        if self.free(account, contract.settle) < asked + fee:
            raise Refused(Reason.NOT_ENOUGH_FREE)
        self.enter(account, position, asked, fee, fee_from_margin=margin is None)
        return position

    def planned(
        self,
        account: Account,
        contract: Contract,
        *,
        long: bool,
        quantity: Decimal,
        leverage: Decimal,
        entry: Decimal | None,
        mode: Mode = Mode.ISOLATED,
    ) -> Position:
        """A position that is not open yet; raises Refused where the contract is traded no more."""
        if (contract.exchange, contract.id) in self.delivered:
            raise Refused(Reason.DELIVERED)
        two_sided = account.hedge and not (account.exchange == "bybit" and contract.inverse)
        slot = (Slot.LONG if long else Slot.SHORT) if two_sided else Slot.NET
        return Position(
            id=self.next_id(),
            account=account.name,
            contract=contract,
            slot=slot,
            long=long,
            quantity=quantity,
            entry=self.mark(contract) if entry is None else entry,
            leverage=leverage,
            mode=mode,
            opened=self.clock(),
            changed=self.clock(),
        )

    def asked(self, account: Account, position: Position, margin: Decimal | None = None) -> tuple[Decimal, Decimal]:
        """The margin and the fee that opening it takes; ``margin``: what its owner gives instead of what the leverage asks."""
        terms, stake = self.terms[account.exchange], self.stake_before(position, account)
        asked = (terms.initial(stake) if margin is None else margin) if position.mode is Mode.ISOLATED else NOTHING
        return asked.quantize(terms.unit, rounding=ROUND_UP), terms.exact(stake.value(position.entry) * account.fee_rate)

    def enter(
        self, account: Account, position: Position, asked: Decimal, fee: Decimal, *, fee_from_margin: bool = True, fill: int = 0
    ) -> Record:
        """Open a planned position with ``asked`` margin; its record has the id ``fill`` of a fill that did more than this."""
        settle, terms = position.contract.settle, self.terms[account.exchange]
        account.positions[position.key] = position
        account.leverage[position.contract.id] = position.leverage
        self.ledger.move(settle, asked, account.place, position.place)
        from_margin = terms.fee_from_margin and fee_from_margin and position.mode is Mode.ISOLATED
        self.ledger.move(settle, fee, position.place if from_margin else account.place, "fees")
        position.fees -= fee
        facts = {"quantity": position.quantity, "price": position.entry, "fee": -fee, "into_margin": self.margin(position)}
        return self.note(account, Kind.OPEN, settle, position, fill=fill, **facts)

    def grow(
        self, name: str, contract_id: str, slot: Slot = Slot.NET, *, quantity: Decimal, price: Decimal | None = None
    ) -> Record:
        """The owner buys more into an open position at ``price`` (default: the mark), with the margin that its leverage asks.

        The entry price becomes the one at which the whole would be worth what was paid. Raises Refused.
        """
        account, position = self.held(name, contract_id, slot)
        contract, at = position.contract, self.mark(position.contract) if price is None else price
        if quantity <= 0:
            raise Refused(Reason.NOT_POSITIVE)
        added = self.planned(
            account,
            contract,
            long=position.long,
            quantity=quantity,
            leverage=position.leverage,
            entry=at,
            mode=position.mode,
        )
        asked, fee = self.asked(account, added)
        if self.free(account, contract.settle) < asked + fee:
            raise Refused(Reason.NOT_ENOUGH_FREE)
        before = self.margin(position)
        worth = contract.value(position.quantity, position.entry) + contract.value(quantity, at)
        face = (position.quantity + quantity) * contract.size
        position.entry = face / worth if contract.inverse else worth / face
        position.quantity += quantity
        self.ledger.move(contract.settle, asked, account.place, position.place)
        from_margin = self.terms[account.exchange].fee_from_margin and position.mode is Mode.ISOLATED
        self.ledger.move(contract.settle, fee, position.place if from_margin else account.place, "fees")
        position.fees -= fee
        self.touch(position)
        moved = self.margin(position) - before
        return self.note(account, Kind.OPEN, contract.settle, position, quantity=quantity, price=at, fee=-fee, into_margin=moved)

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
