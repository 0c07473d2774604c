"""The table of faults: what goes wrong on the way of reading, and what is right then. The matrix is this table x exchanges.

Right never means "all is well": while a reading fails, no position is told closed and no alert is over; a family that was not
read for longer than its limit is told as blind, with the cause; what happened meanwhile is told soon after the fault ends; nobody
else notices. ``Outcome`` says which of these a fault can show at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from monitor.practice import FaultKind

EXCHANGES = ("binance", "bybit", "okx")


class Outcome(Enum):
    """What the guard must make of a fault."""

    BLIND = "told as blind in time with its cause; a breach meanwhile is told after the end"
    BANNED = "told as blind, and silence towards the exchange until its ban is over, long after the fault"
    UNHARMED = "nobody notices: a breach meanwhile is told at once"
    DOUBTED = "told in time that the figures may be old; a breach meanwhile is told after the end"


class Way(Enum):
    """How a fault comes about."""

    FAULT = "the practice exchange falls ill"
    REFUSE = "its port is closed"
    DNS = "the endpoint's name does not exist"
    TLS = "the endpoint's certificate is its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What is right on one exchange.

    ``cause``: words of the blind message. ``recovery``: seconds that may pass after the end before the next reading, beside a
    poll. ``silence``: seconds without any request after the first one of the fault. ``held_only``: only families that hold
    positions are concerned. ``told``: words of a message about BTC that the fault itself brings.
    """

    outcome: Outcome = Outcome.BLIND
    cause: str = ""
    recovery: float = 0.0
    silence: float = 0.0
    held_only: bool = False
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault; ``why`` says why that is right where it is not plain. ``but`` holds the exchanges on which something else is."""

    name: str
    right: Right
    kind: FaultKind | None = None
    way: Way = Way.FAULT
    call: str = "*"
    amount: str | None = None
    why: str = ""
    but: Mapping[str, Right] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault on one exchange."""

    row: Row
    exchange: str

    @property
    def name(self) -> str:
        """As the report calls it."""
        return f"{self.row.name} x {self.exchange}"

    @property
    def right(self) -> Right:
        """What is right here."""
        return self.row.but.get(self.exchange, self.row.right)


def _blind(cause: str, *, recovery: float = 0.0, silence: float = 0.0) -> Right:
    return Right(cause=cause, recovery=recovery, silence=silence)


UNHARMED = Right(outcome=Outcome.UNHARMED)
POSITIONS = "*osition*"
POLL_SECONDS = 5.0
"""A poll that got a part of an answer waits so long for the rest, even when the fault is over."""

ROWS = (
    Row(name="refuse", way=Way.REFUSE, right=_blind("the connection was refused")),
    Row(name="DNS", way=Way.DNS, right=_blind("name did not resolve")),
    Row(name="bad TLS", way=Way.TLS, right=_blind("certificate is not trusted")),
    Row(name="reset after request", kind=FaultKind.RESET, right=_blind("the connection was lost")),
    Row(name="close without reply", kind=FaultKind.CLOSE, right=_blind("the connection was lost")),
    Row(name="hang", kind=FaultKind.HANG, right=_blind("no answer yet")),
    Row(name="drip", kind=FaultKind.DRIP, right=_blind("no answer yet", recovery=POLL_SECONDS)),
    Row(name="cut body", kind=FaultKind.CUT_BODY, right=_blind("the answer broke off")),
    Row(name="cut JSON", kind=FaultKind.CUT_JSON, right=_blind("empty, cut or not JSON")),
    Row(name="HTML 200", kind=FaultKind.HTML, right=_blind("empty, cut or not JSON")),
    Row(name="empty 200", kind=FaultKind.EMPTY, right=_blind("empty, cut or not JSON")),
    Row(
        name="{}",
        kind=FaultKind.EMPTY_OBJECT,
        right=_blind("the answer is not in"),
        but={"binance": _blind("the list of positions is missing")},
    ),
    Row(name="null", kind=FaultKind.NULL, right=_blind("empty, cut or not JSON")),
    Row(
        name="envelope without list",
        kind=FaultKind.NO_LIST,
        right=_blind("the answer is not in"),
        but={"binance": _blind("the list of positions is missing")},
    ),
    Row(
        name="NaN",
        kind=FaultKind.NAN,
        right=Right(cause="NaN", held_only=True),
        why="a family without positions has no figures that could be none",
    ),
    Row(name="60 MB body", kind=FaultKind.HUGE, call=POSITIONS, right=_blind("larger than 8 MiB")),
    Row(
        name="429",
        kind=FaultKind.TOO_MANY,
        amount="3",
        right=_blind("asked for silence", recovery=3.0, silence=3.0),
        but={
            "bybit": _blind("asked for silence", recovery=10.0, silence=5.0),
            "okx": _blind("asked for silence", recovery=8.0, silence=2.0),
        },
        why="Binance names its wait; Bybit's 10006 here and OKX's 50011 name none: 5 and 2 s, doubled each time",
    ),
    Row(
        name="418",
        kind=FaultKind.BANNED,
        amount="3",
        right=_blind("the exchange answered 418"),
        but=dict.fromkeys(("binance", "okx"), _blind("asked for silence", recovery=3.0, silence=3.0)),
        why="Bybit has no such status: an answer without meaning, asked again at the next poll",
    ),
    Row(
        name="403",
        kind=FaultKind.FORBIDDEN,
        right=Right(outcome=Outcome.BANNED, cause="asked for silence", silence=60.0),
        but={"okx": _blind("the exchange answered 403")},
        why="Binance's firewall and Bybit's address limit: 2 and 10 minutes of silence",
    ),
    Row(name="500", kind=FaultKind.INTERNAL, right=_blind("the exchange answered 500")),
    Row(name="502", kind=FaultKind.BAD_GATEWAY, right=_blind("the exchange answered 502")),
    Row(name="503", kind=FaultKind.UNAVAILABLE, right=_blind("the exchange answered 503"), but={"binance": _blind("-1000")}),
    Row(name="504", kind=FaultKind.GATEWAY_TIMEOUT, right=_blind("the exchange answered 504")),
    Row(
        name="clock off",
        kind=FaultKind.CLOCK_OFF,
        amount="60000",
        right=UNHARMED,
        why="the first refused timestamp asks for the exchange's clock, and the call is repeated with it",
    ),
    Row(
        name="key expired",
        kind=FaultKind.KEY_EXPIRED,
        right=_blind("-2015"),
        but={"bybit": _blind("33004"), "okx": _blind("50111")},
    ),
    Row(name="scope reduced", kind=FaultKind.READ_ONLY, right=UNHARMED, why="a key that may only read is all that reading needs"),
    Row(
        name="frozen update time",
        kind=FaultKind.FROZEN_TIME,
        right=UNHARMED,
        why="it moves only when the position itself changes, so that standing still betrays nothing, and the mark is what counts",
    ),
    Row(
        name="frozen mark",
        kind=FaultKind.FROZEN_MARK,
        right=Right(outcome=Outcome.DOUBTED, cause="no mark price there has moved"),
        why="a row whose figures stand still looks like a calm market, but not even there do all marks stand still for long",
    ),
    Row(
        name="empty position list",
        kind=FaultKind.EMPTY_POSITIONS,
        right=Right(cause="the balance still shows", held_only=True),
        why="a list that lost everything at once is believed only when the balance holds no margin of positions either",
    ),
    Row(
        name="tier table changed",
        kind=FaultKind.TIERS,
        amount="2",
        right=Right(outcome=Outcome.UNHARMED, told="new tiers"),
        why="the new tiers are in force soon after, and the owner hears that they moved the liquidation price",
    ),
    Row(
        name="slow balance",
        kind=FaultKind.SLOW,
        call="*balance*",
        amount="4",
        right=UNHARMED,
        why="balances never hold up a poll",
    ),
)


def cells() -> Iterator[Cell]:
    """The whole matrix, fault by fault."""
    for row in ROWS:
        for exchange in EXCHANGES:
            yield Cell(row, exchange)
