"""Accounts, their positions, and the records that everything leaves behind."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from monitor.practice.engine.arithmetic import NOTHING
from monitor.practice.engine.contracts import Contract


class Slot(StrEnum):
    """Where a position sits: one per contract (one-way), or one per direction (hedge mode)."""

    NET = "net"
    LONG = "long"
    SHORT = "short"


class Mode(StrEnum):
    """How a position is margined; cross ones are shown but this exchange never liquidates them."""

    ISOLATED = "isolated"
    CROSS = "cross"


class Kind(StrEnum):
    """What a record tells."""

    DEPOSIT = "deposit"
    OPEN = "open"
    CLOSE = "close"
    ADD = "add"
    REDUCE = "reduce"
    FUNDING = "funding"
    CUT = "cut"
    TAKEOVER = "takeover"
    DELEVERAGE = "deleverage"
    DELIVERY = "delivery"
    AUTO_ADD = "auto_add"
    LEVERAGE = "leverage"
    MODE = "mode"


CLOSING = frozenset({Kind.CLOSE, Kind.CUT, Kind.TAKEOVER, Kind.DELEVERAGE, Kind.DELIVERY})
"""Kinds that end a position or a part of it."""
TRADES = CLOSING | {Kind.OPEN}
"""Kinds with a fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that happened to an account. Amounts in ``currency``, signed as they change what the account owns.

    ``quantity`` contracts traded at ``price``; ``profit`` realised, ``fee`` (negative: paid), ``penalty`` what the insurance fund
    took (negative) or gave; ``amount`` of a deposit or funding. ``into_margin`` is how much the position's margin changed.
    ``margin``, ``free`` and ``wallet`` (free and all margins) are the balances after it, ``left`` the position's quantity.
    Growing is an OPEN, and a CLOSE may leave a rest. ``fill``: the id of the fill; a side flip closes and opens with one.
    """

    id: int
    at: int
    kind: Kind
    currency: str
    contract: Contract | None = None
    slot: Slot = Slot.NET
    long: bool = True
    position_id: int = 0
    quantity: Decimal = NOTHING
    price: Decimal = NOTHING
    entry: Decimal = NOTHING
    mark: Decimal = NOTHING
    leverage: Decimal = Decimal(1)
    profit: Decimal = NOTHING
    fee: Decimal = NOTHING
    penalty: Decimal = NOTHING
    amount: Decimal = NOTHING
    into_margin: Decimal = NOTHING
    rate: Decimal = NOTHING
    margin: Decimal = NOTHING
    free: Decimal = NOTHING
    wallet: Decimal = NOTHING
    left: Decimal = NOTHING
    opened: int = 0
    fill: int = 0
    mode: Mode = Mode.ISOLATED

    @property
    def own_change(self) -> Decimal:
        """How much more, or less, the account owns after it; moving margin changes nothing."""
        return self.profit + self.fee + self.penalty + self.amount

    @property
    def free_change(self) -> Decimal:
        """How the free balance changed."""
        return self.own_change - self.into_margin

    @property
    def closes(self) -> bool:
        """It ended the position, or a part of it."""
        return self.kind in CLOSING

    @property
    def buys(self) -> bool:
        """The direction of its trade: opening a long and closing a short buy."""
        return self.long is not self.closes


@dataclass(slots=True, kw_only=True)
class Position:
    """An open position. Its margin lies in the ledger; the sums since opening are what the exchange shows beside it."""

    id: int
    account: str
    contract: Contract
    slot: Slot
    long: bool
    quantity: Decimal
    entry: Decimal
    leverage: Decimal
    mode: Mode
    opened: int
    changed: int
    liquidating_since: int | None = None
    fees: Decimal = NOTHING
    funding: Decimal = NOTHING
    realised: Decimal = NOTHING
    penalty: Decimal = NOTHING
    sequence: int = 1
    auto_add: bool = False

    @property
    def key(self) -> tuple[str, Slot]:
        """Where it sits: on OKX a cross position sits beside an isolated one of the same contract, as ``CONTRACT cross``."""
        beside = self.contract.exchange == "okx" and self.mode is Mode.CROSS
        return f"{self.contract.id} cross" if beside else self.contract.id, self.slot

    @property
    def place(self) -> str:
        """Where its margin lies in the ledger."""
        return f"margin/{self.account}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Another key of an account, with rights of its own."""

    api_key: str
    secret: str
    passphrase: str
    may_trade: bool = True
    may_withdraw: bool = False
    may_transfer: bool = False
    ip_bound: bool = True
    key_expired: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """One account on one exchange with its key. ``margin_mode`` is Bybit's, ``leverage`` the setting by contract.

    ``keys``: further keys by name, each with its own rights. On OKX ``may_transfer`` means nothing: who may trade may.
    """

    name: str
    exchange: str
    api_key: str
    secret: str
    passphrase: str
    fee_rate: Decimal
    hedge: bool = False
    may_trade: bool = True
    may_withdraw: bool = False
    may_transfer: bool = False
    ip_bound: bool = True
    key_expired: bool = False
    margin_mode: str = "ISOLATED_MARGIN"
    multi_assets: bool = False
    positions: dict[tuple[str, Slot], Position] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    leverage: dict[str, Decimal] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where its free balance lies in the ledger."""
        return f"free/{self.name}"

    def seen_with(self, api_key: str) -> Account | None:
        """This account as its owner of ``api_key`` sees it, with that key's rights; None for a key of nobody here."""
        if api_key == self.api_key:
            return self
        key = next((key for key in self.keys.values() if key.api_key == api_key), None)
        # Positions and records stay the same objects.
        return None if key is None else replace(self, **asdict(key))
