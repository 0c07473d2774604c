"""What the three writers have in common: how a margin change is sent, confirmed, and looked for afterwards.

An exchange's own writer says which call that is, what a confirmation must hold, and where its traces are.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from monitor.errors import BadReply, ExchangeFault, MargincallError, OutcomeUnknown, WriteNotSent
from monitor.exchanges.dialect import Dialect
from monitor.exchanges.pacing import Pacer
from monitor.exchanges.shelf import UNREADABLE
from monitor.exchanges.spec import Access
from monitor.exchanges.writing import WritingSession
from monitor.margin.position import Position
from monitor.margin.quantities import dec_or_none
from monitor.margin.reading import KeyFacts
from monitor.ports import Clock, MarginReceipt
from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import Intent, IntentState

_BEFORE = timedelta(seconds=5)
_KEY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A margin change as an exchange takes it: ccxt's implicit method, where that posts to, and what."""

    endpoint: str
    path: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An open isolated position as a look at the evidence shows it; ``changed`` is the exchange's mark of its last change."""

    isolated_margin: Decimal
    contracts: Decimal
    entry_price: Decimal
    liquidation_price: Decimal | None
    changed: str


class AccountWriter(ABC):
    """The port `MarginWriter` for one account."""

    window = timedelta(seconds=5)
    patience = 5.0
    """Seconds for a write: what has not answered by then is looked for, not waited for."""

    def __init__(self, dialect: Dialect, access: Access, pacer: Pacer, clock: Clock) -> None:
        self.account = access.account
        self.exchange = dialect.exchange
        self.access = access
        self.clock = clock
        self.session = WritingSession(dialect, access, pacer, clock)

    async def change_margin(self, intent: Intent) -> MarginReceipt:
        """Send the intent, once; see the port."""
        if intent.state is not IntentState.SUBMITTING or intent.submitted_at is None:
            raise WriteNotSent("it was not committed to be sent")
        write = self.write_of(intent)
        reply = await self.session.write(
            write.endpoint, write.params, path=write.path, submitted_at=intent.submitted_at, within=self.patience
        )
        try:
            return self.receipt_of(intent, reply)
        except (MargincallError, *UNREADABLE):
            raise OutcomeUnknown("the answer does not confirm what was sent") from None

    async def fetch_evidence(self, intent: Intent) -> Evidence:
        """One look; see the port. The record is read first, so that what it shows the position must show too."""
        if intent.submitted_at is None:
            raise BadReply("it was never submitted: there is nothing to look for")
        at = self.clock.now()
        try:
            await self.session.tune(oldest=0.0)
            rows = await self.rows(intent, self.session.exchange_ms(intent.submitted_at - _BEFORE))
            standing = await self.standing(intent)
        except ExchangeFault:
            raise
        except (MargincallError, *UNREADABLE) as error:
            raise BadReply(f"the evidence cannot be read ({type(error).__name__})") from error
        free = await self._free_of(intent)
        if standing is None:
            return Evidence(at=at, rows=rows, free=free)
        return Evidence(
            at=at,
            rows=rows,
            isolated_margin=standing.isolated_margin,
            contracts=standing.contracts,
            liquidation_price=standing.liquidation_price,
            entry_price=standing.entry_price,
            changed=standing.changed,
            free=free,
        )

    async def fetch_index_price(self, position: Position) -> Decimal | None:
        """The index price; see the port. The exchange's clock is looked at on the way, so that a write need not wait for it."""
        try:
            _, price = await asyncio.gather(self.session.tune(), self.index_price(position))
        except ExchangeFault:
            raise
        except (MargincallError, *UNREADABLE) as error:
            raise BadReply(f"the index price cannot be read ({type(error).__name__})") from error
        return price if price is not None and price > 0 else None

    async def fetch_key(self) -> KeyFacts | None:
        """What the credential may do; see the port."""
        try:
            async with asyncio.timeout(_KEY_SECONDS):
                return await self.read_key()
        except Exception:  # noqa: BLE001 - no answer, or one of unforeseen shape, says nothing of the key
            return None

    async def close(self) -> None:
        """Let go of every connection."""
        await self.session.close()

    @abstractmethod
    def write_of(self, intent: Intent) -> Write:
        """The one call that makes the change."""

    @abstractmethod
    def receipt_of(self, intent: Intent, reply: Any) -> MarginReceipt:
        """The confirmation in a reply that is no refusal; raises BadReply where it does not confirm this very change."""

    @abstractmethod
    async def rows(self, intent: Intent, since_ms: int) -> tuple[MarginRow, ...] | None:
        """The exchange's record of this position's margin since then; None where it keeps none. BadReply where not in full."""

    @abstractmethod
    async def standing(self, intent: Intent) -> Standing | None:
        """The position now, None where it is not open on the intent's side."""

    @abstractmethod
    async def free(self, intent: Intent) -> Decimal | None:
        """The balance in the intent's currency that could become margin."""

    @abstractmethod
    async def index_price(self, position: Position) -> Decimal | None:
        """The index price of the position's contract."""

    @abstractmethod
    async def read_key(self) -> KeyFacts | None:
        """The key's rights. ``trade`` only where it may change margins, ``transfer`` only where it was granted by itself."""

    async def _free_of(self, intent: Intent) -> Decimal | None:
        """The free balance, if it can be read: a look does not stand or fall with it."""
        try:
            return await self.free(intent)
        except (MargincallError, *UNREADABLE):
            return None


def positive(text: Any) -> Decimal | None:
    """A price, None for an exchange's "" or 0."""
    value = dec_or_none(text)
    return value if value is not None and value > 0 else None
