"""What margincall knows of a position at one moment, in its own words, whatever exchange it came from.

These are plain values: adapters build them from replies, ``assess`` reads them, nothing changes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from monitor.margin.tiers import TierTable


class Contract(StrEnum):
    """How a contract settles: ``linear`` in the quote (USDT, USDC), ``inverse`` in the base coin."""

    LINEAR = "linear"
    INVERSE = "inverse"


class Side(StrEnum):
    """The direction of a position; a long loses when the mark price falls."""

    LONG = "long"
    SHORT = "short"

    @property
    def other(self) -> Side:
        """The opposite direction."""
        return Side.SHORT if self is Side.LONG else Side.LONG


class PositionStatus(StrEnum):
    """What the exchange is doing to the position by itself right now."""

    NORMAL = "normal"
    LIQUIDATING = "liquidating"
    DELEVERAGING = "deleveraging"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Contract facts.

    ``symbol`` is ccxt's unified form (``BTC/USDT:USDT``), ``instrument_id`` the exchange's own. ``contract_size``: base coin a
    contract (linear) or quote currency a contract (inverse). ``price_tick``: the smallest price step, where known.
    """

    symbol: str
    instrument_id: str
    contract: Contract
    contract_size: Decimal
    settle_currency: str
    price_tick: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PositionKey:
    """Who a position is: one per exchange, account (the user's name for it), unified symbol and side."""

    exchange: str
    account: str
    symbol: str
    side: Side
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Adapters hand out the same keys poll after poll, and each is looked up a dozen times a cycle: hashed once."""
        object.__setattr__(self, "_hash", hash((self.exchange, self.account, self.symbol, self.side)))

    def __hash__(self) -> int:
        return self._hash


class ExchangeSays(NamedTuple):
    """The exchange's own figures for a position, in settle currency and price; None where it gives none (``""`` or 0)."""

    liquidation_price: Decimal | None = None
    requirement: Decimal | None = None
    margin_usage: Decimal | None = None


SAYS_NOTHING = ExchangeSays()
"""Of an exchange that gives no figures of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open isolated position at one moment.

    ``contracts`` > 0; ``entry_price`` and ``mark_price`` > 0; ``isolated_margin`` in settle currency, without unrealised
    profit, as the exchange reports it (Binance isolatedWallet, Bybit positionIM, OKX margin; can be <= 0 after funding).
    ``leverage`` is the setting; ``taker_fee_rate`` a positive share. ``tiers`` is None where the table could not be had.
    ``opened`` is the exchange's own mark of this life of the position (an open time), ``changed`` its mark of the last
    change; both only compared, never read. ``exchange_adds_margin``: the exchange's own automatic margin is on.
    ``degraded`` names what was missing or inferred (``no_tiers``, ``contract_size_inferred`` ...). ``stops``: the prices on the
    losing side at which resting orders would close all of it; None where that is not known.
    """

    key: PositionKey
    family: str
    instrument: Instrument
    hedged: bool
    contracts: Decimal
    entry_price: Decimal
    mark_price: Decimal
    isolated_margin: Decimal
    leverage: Decimal | None = None
    taker_fee_rate: Decimal | None = None
    tiers: TierTable | None = None
    says: ExchangeSays = SAYS_NOTHING
    opened: str = ""
    changed: str = ""
    status: PositionStatus = PositionStatus.NORMAL
    exchange_adds_margin: bool = False
    degraded: tuple[str, ...] = ()
    stops: tuple[Decimal, ...] | None = None
