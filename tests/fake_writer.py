"""A MarginWriter over an exchange that lives in memory; it passes the same suite as the real ones (`exchanges/test_writer_port`).

writer = FakeWriter(clock, margins={key: Decimal(100)}, free=Decimal(1000))
writer.meets(Meets.NO_ANSWER, applies_after=3)      # the next write: no answer, and it works 3 s later all the same
...
assert writer.applied == [Decimal(25)]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from monitor.errors import OutcomeUnknown, Unreachable, WriteNotSent, WriteRefused
from monitor.margin.position import Position, PositionKey
from monitor.margin.reading import KeyFacts
from monitor.ports import Clock, MarginReceipt
from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import Intent, IntentState


class Meets(Enum):
    """What a write meets."""

    SUCCESS = auto()
    REFUSAL = auto()
    NO_CONNECTION = auto()
    NO_ANSWER = auto()
    ODD_ERROR = auto()


class FakeWriter:
    """``applied``: every change that the exchange carried out, in order; ``sent``: every intent that left.

    ``window`` as a port's; ``keeps_record`` False is Bybit; ``history_lag``: how far the record is behind; ``blind``: reads fail.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        margins: Mapping[PositionKey, Decimal],
        free: Decimal = Decimal(1000),
        account: str = "main",
        exchange: str = "binance",
        window: timedelta = timedelta(seconds=5),
        keeps_record: bool = True,
    ) -> None:
        self.account = account
        self.exchange = exchange
        self.window = window
        self.keeps_record = keeps_record
        self.history_lag = timedelta()
        self.blind = False
        self.index: Decimal | None = None
        self.key: KeyFacts | None = KeyFacts(exchange=exchange, account=account, rights=("read", "trade"), ip_bound=True)
        self.sent: list[Intent] = []
        self.applied: list[Decimal] = []
        self.closed = False
        self._clock = clock
        self._margins = dict(margins)
        self._free = free
        self._coming: deque[tuple[Meets, float | None]] = deque()
        self._later: list[tuple[datetime, Intent]] = []
        self._rows: list[tuple[PositionKey, MarginRow]] = []

    def meets(self, meets: Meets, *, applies_after: float | None = None) -> None:
        """What one of the next writes meets, in order. ``applies_after`` seconds it is carried out all the same; None: never."""
        self._coming.append((meets, applies_after))

    def margin(self, key: PositionKey) -> Decimal:
        """The margin behind a position now."""
        self._settle()
        return self._margins[key]

    def close_position(self, key: PositionKey) -> None:
        """The position is gone."""
        del self._margins[key]

    async def change_margin(self, intent: Intent) -> MarginReceipt:
        self._settle()
        if intent.state is not IntentState.SUBMITTING or intent.submitted_at is None:
            raise WriteNotSent("it was not committed to be sent")
        meets, after = self._coming.popleft() if self._coming else (Meets.SUCCESS, 0.0)
        if meets is Meets.NO_CONNECTION:
            raise WriteNotSent("the connection was refused")
        self.sent.append(intent)
        missing = intent.key not in self._margins or intent.amount > self._free
        if meets is Meets.REFUSAL or (meets is Meets.SUCCESS and missing):
            raise WriteRefused("the exchange said -4050: Cross balance insufficient", code="-4050")
        if meets is Meets.SUCCESS:
            self._apply(intent)
            return MarginReceipt(at=self._clock.now(), amount=intent.amount)
        if after is not None:
            self._later.append((self._clock.now() + timedelta(seconds=after), intent))
        raise RuntimeError("nobody foresaw this") if meets is Meets.ODD_ERROR else OutcomeUnknown("no whole answer in time")

    async def fetch_evidence(self, intent: Intent) -> Evidence:
        self._settle()
        if self.blind or intent.submitted_at is None:
            raise Unreachable("the connection was refused")
        now, since = self._clock.now(), intent.submitted_at - timedelta(seconds=5)
        seen = [row for key, row in self._rows if key == intent.key and since <= row.at <= now - self.history_lag]
        rows = tuple(seen) if self.keeps_record else None
        margin = self._margins.get(intent.key)
        if margin is None:
            return Evidence(at=now, rows=rows, free=self._free)
        changed = str(sum(1 for key, _ in self._rows if key == intent.key))
        return Evidence(
            at=now, rows=rows, isolated_margin=margin, contracts=intent.before.contracts, changed=changed, free=self._free
        )

    async def fetch_index_price(self, position: Position) -> Decimal | None:
        if self.blind:
            raise Unreachable("the connection was refused")
        return position.mark_price if self.index is None else self.index

    async def fetch_key(self) -> KeyFacts | None:
        return None if self.blind else self.key

    async def close(self) -> None:
        self.closed = True

    def _settle(self) -> None:
        """Carry out what was late and is due."""
        due = [intent for at, intent in self._later if at <= self._clock.now()]
        self._later = [(at, intent) for at, intent in self._later if at > self._clock.now()]
        for intent in due:
            if intent.key in self._margins and intent.amount <= self._free:
                self._apply(intent)

    def _apply(self, intent: Intent) -> None:
        self._margins[intent.key] += intent.amount
        self._free -= intent.amount
        self.applied.append(intent.amount)
        row = MarginRow(at=self._clock.now(), amount=intent.amount, id=str(len(self._rows)), side=intent.key.side.value)
        self._rows.append((intent.key, row))
