"""What one poll of one family brought: a snapshot, a failure, or "not opened". A failed poll is a value too.

A *family* is the part of an account that one positions call covers (Binance USD-M or COIN-M; Bybit USDT, USDC or inverse;
OKX). It is the unit of freshness: a snapshot holds ALL positions of its family or there is no snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from monitor.margin.position import Position, Side

UNREADABLE = "unreadable"
"""The mode of an open position whose row cannot be read."""
LEFT_OUT = "left out by config"
"""The mode of an open position whose kind of contract the user's `contracts` leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FamilyKey:
    """A family of an account: exchange, the user's name of the account, and the family's name (``usdm``, ``inverse`` ...)."""

    exchange: str
    account: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Unguarded:
    """An open position that margincall does not assess. ``mode`` says why: ``cross``, ``portfolio``, ``isolated option``,
    LEFT_OUT or UNREADABLE (then ``why`` says more, and ``side`` need not be true). ``instrument_id``: the exchange's own name,
    where its row tells one.
    """

    symbol: str
    side: Side
    mode: str
    instrument_id: str = field(default="", compare=False)
    why: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySnapshot:
    """All open positions of one family, read at ``at`` (aware UTC: when the request was sent, so age is never understated).

    ``free`` maps a settle currency to the balance that can be added as margin now, where that is known; read at ``free_at``.
    ``remark``: what speaks against the reading although it is taken as true; mostly empty.
    """

    key: FamilyKey
    at: datetime
    positions: tuple[Position, ...]
    unguarded: tuple[Unguarded, ...] = ()
    free: Mapping[str, Decimal] = field(default_factory=dict)
    remark: str = ""
    free_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFailure:
    """A poll that brought nothing usable. ``cause`` is the error's class name in snake case (``timed_out``), ``message`` one
    sentence for a person, ``until`` the time before which the exchange asked not to be called again.
    """

    key: FamilyKey
    at: datetime
    cause: str
    message: str
    hint: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyNotOpened:
    """The account has not opened this family: nothing to watch there; ``message`` says how the exchange put it."""

    key: FamilyKey
    at: datetime
    message: str


FamilyReading = FamilySnapshot | FamilyFailure | FamilyNotOpened


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What an account's key may do, as the exchange tells it.

    ``rights``: in our words, sorted (``read``, ``trade``, ``transfer``, ``withdraw``). ``ip_bound``: None where not known.
    ``expires_at``: aware UTC, None where it does not expire or the exchange does not say.
    """

    exchange: str
    account: str
    rights: tuple[str, ...]
    ip_bound: bool | None = None
    expires_at: datetime | None = None

    @property
    def may_trade(self) -> bool:
        """Whether it may place orders."""
        return "trade" in self.rights

    @property
    def may_withdraw(self) -> bool:
        """Whether it may take money out."""
        return "withdraw" in self.rights
