"""The books: accounts, contracts, marks, money and records, without anything that happens to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from monitor.practice.clock import wall_clock_ms
from monitor.practice.engine.accounts import Account, Kind, Mode, Position, Record, Slot
from monitor.practice.engine.arithmetic import Stake
from monitor.practice.engine.binance import BinanceTerms
from monitor.practice.engine.bybit import BybitTerms
from monitor.practice.engine.contracts import CONTRACTS, Contract, by_key
from monitor.practice.engine.ledger import Ledger
from monitor.practice.engine.okx import OkxTerms
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.engine.terms import Terms

Key = tuple[str, str]


class Books:
    """What the practice exchange knows at this moment; ``marks`` are the mark prices by exchange and contract.

    ``indexes``: the index prices that were set apart from them; ``delivered``: the contracts that ended.
    """

    def __init__(self, *, clock: Callable[[], int] = wall_clock_ms, contracts: Iterable[Contract] = CONTRACTS) -> None:
        self.clock = clock
        self.contracts: dict[Key, Contract] = by_key(contracts)
        self.marks: dict[Key, Decimal] = {key: contract.start for key, contract in self.contracts.items()}
        self.indexes: dict[Key, Decimal] = {}
        self.delivered: set[Key] = set()
        self.accounts: dict[str, Account] = {}
        self.ledger = Ledger()
        self.terms: dict[str, Terms] = {terms.exchange: terms for terms in (BinanceTerms(), BybitTerms(), OkxTerms())}
        self._last_id = 1_000_000

    def next_id(self) -> int:
        """A number that was not given before; the same run gives the same ones."""
        self._last_id += 1
        return self._last_id

    def account(self, name: str) -> Account:
        """The account of that name; raises Refused."""
        if name not in self.accounts:
            raise Refused(Reason.NO_SUCH_ACCOUNT)
        return self.accounts[name]

    def contract(self, exchange: str, name: str) -> Contract:
        """A listed contract; raises Refused."""
        if (exchange, name) not in self.contracts:
            raise Refused(Reason.NO_CONTRACT)
        return self.contracts[exchange, name]

    def mark(self, contract: Contract) -> Decimal:
        """The mark price now."""
        return self.marks[contract.exchange, contract.id]

    def index(self, contract: Contract) -> Decimal:
        """The index price now: as set, else the mark price."""
        return self.indexes.get((contract.exchange, contract.id), self.mark(contract))

    def free(self, account: Account, currency: str) -> Decimal:
        """What can be added as margin or taken away."""
        return self.ledger.balance(currency, account.place)

    def wallet(self, account: Account, currency: str) -> Decimal:
        """The free balance and the margin of every position in ``currency``, without unrealised profit."""
        held = (self.margin(p) for p in account.positions.values() if p.contract.settle == currency)
        return self.free(account, currency) + sum(held, Decimal(0))

    def margin(self, position: Position) -> Decimal:
        """Margin behind the position, without unrealised profit."""
        return self.ledger.balance(position.contract.settle, position.place)

    def stake(self, position: Position) -> Stake:
        """The position as arithmetic sees it now."""
        return Stake(
            contract=self.contracts[position.contract.exchange, position.contract.id],
            long=position.long,
            quantity=position.quantity,
            entry=position.entry,
            margin=self.margin(position),
            leverage=position.leverage,
            fee_rate=self.accounts[position.account].fee_rate,
        )

    def liquidation_price(self, position: Position) -> Decimal | None:
        """As the exchange shows it; None where there is none or the position is cross."""
        if position.mode is Mode.CROSS:
            return None
        stake, terms = self.stake(position), self.terms[position.contract.exchange]
        price = terms.liquidation_price(stake)
        return None if price is None else terms.published(stake, price)

    def currencies(self, account: Account) -> list[str]:
        """Currencies in which the account has, or had, anything."""
        held = {position.contract.settle for position in account.positions.values()}
        return sorted(held | {record.currency for record in account.records})

    def held(self, name: str, contract_id: str, slot: Slot) -> tuple[Account, Position]:
        """The account and its open position (an OKX cross one also as ``CONTRACT cross``); raises Refused where it has none."""
        account = self.account(name)
        position = account.positions.get((contract_id, slot), account.positions.get((f"{contract_id} cross", slot)))
        if position is None:
            raise Refused(Reason.NO_POSITION)
        return account, position

    def touch(self, position: Position) -> None:
        """It was changed now."""
        position.changed = self.clock()
        position.sequence += 1

    def note(
        self,
        account: Account,
        kind: Kind,
        currency: str,
        position: Position | None = None,
        *,
        fill: int = 0,
        **facts: Decimal,
    ) -> Record:
        """Write one record, with the balances as they are now."""
        record = Record(
            id=self.next_id(),
            at=self.clock(),
            kind=kind,
            currency=currency,
            free=self.free(account, currency),
            wallet=self.wallet(account, currency),
        )
        if position is not None:
            record = replace(
                record,
                contract=position.contract,
                slot=position.slot,
                long=position.long,
                position_id=position.id,
                entry=position.entry,
                mark=self.mark(position.contract),
                leverage=position.leverage,
                margin=self.margin(position),
                left=position.quantity,
                opened=position.opened,
                mode=position.mode,
            )
        record = replace(record, fill=fill or record.id, **facts)  # type: ignore[arg-type]  # all amounts
        account.records.append(record)
        return record
