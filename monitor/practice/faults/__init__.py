"""Faults: what goes wrong, for whom, on which call, when. Tests and `margincall practice --fault` put them in and take them out.

Named after what a client sees:

    no reply      refuse (the whole server), reset, close, hang, drip, cut_body
    no sense      cut_json, html, empty, empty_object, null, no_list, nan, huge (60 MB)
    refused       429, 418, 403, 408, 500, 502, 503, 504, key_expired, read_only
    untrue        clock_off, frozen_time, frozen_mark, empty_positions, disappear (one position missing from the lists of them)
    behind        history_lag (the record of margin changes), frozen_margin (what a position shows of them)
    unlooked-for  tiers (the exchange asks more margin from now on; taking the fault out does not undo that)
    late          slow

DNS and TLS faults need no server: an ``endpoint:`` with a name under ``.invalid``, or the server's ``tls_url``.

A write is special: whether it takes effect is decided apart from what the caller sees (``executes``).
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitor.practice.call import Call


class FaultKind(StrEnum):
    """What the client sees."""

    RESET = "reset"
    CLOSE = "close"
    HANG = "hang"
    DRIP = "drip"
    CUT_BODY = "cut_body"
    CUT_JSON = "cut_json"
    HTML = "html"
    EMPTY = "empty"
    EMPTY_OBJECT = "empty_object"
    NULL = "null"
    NO_LIST = "no_list"
    NAN = "nan"
    HUGE = "huge"
    TOO_MANY = "429"
    BANNED = "418"
    FORBIDDEN = "403"
    REQUEST_TIMEOUT = "408"
    INTERNAL = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    KEY_EXPIRED = "key_expired"
    READ_ONLY = "read_only"
    CLOCK_OFF = "clock_off"
    FROZEN_TIME = "frozen_time"
    FROZEN_MARK = "frozen_mark"
    EMPTY_POSITIONS = "empty_positions"
    DISAPPEAR = "disappear"
    HISTORY_LAG = "history_lag"
    FROZEN_MARGIN = "frozen_margin"
    TIERS = "tiers"
    SLOW = "slow"


REFUSALS = frozenset({FaultKind.TOO_MANY, FaultKind.BANNED, FaultKind.FORBIDDEN, FaultKind.KEY_EXPIRED})
"""Kinds after which a write has certainly not happened, unless ``executes`` says otherwise."""

NEVER = Decimal(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    ``exchange``, ``account`` (its name or key) and ``call`` (a pattern over the path, ``*balance*``) narrow it; ``method`` GET or
    POST. It begins ``after`` seconds from now and ends after ``lasts`` seconds or ``times`` calls (None: never).
    ``amount`` is the kind's own measure: seconds of slow, hang and drip (a byte), milliseconds of clock_off, MB of huge, the
    factor of tiers, which change for ``contract`` (None: all). ``contract`` is also the one that does disappear (None: the first
    in the list), and ``times`` then counts lists of positions only.
    ``executes``: a write takes effect this many seconds after it came (0: at once; negative: never; None: as the kind suggests).
    """

    kind: FaultKind
    exchange: str | None = None
    account: str | None = None
    call: str = "*"
    method: str | None = None
    contract: str | None = None
    after: Decimal = Decimal(0)
    lasts: Decimal | None = None
    times: int | None = None
    amount: Decimal | None = None
    executes: Decimal | None = None

    @property
    def effect(self) -> Decimal:
        """Seconds until a write takes effect; negative: never."""
        if self.executes is not None:
            return self.executes
        return NEVER if self.kind in REFUSALS else Decimal(0)

    def concerns(self, call: Call, owner: str) -> bool:
        """Whether ``call``, signed by the account named ``owner``, is one of its calls."""
        if call.exchange is None or self.exchange not in {None, call.exchange}:
            return False
        if self.account is not None and self.account not in {call.api_key, owner}:
            return False
        if self.method not in {None, call.method} or not fnmatch.fnmatchcase(call.path, self.call):
            return False
        if self.kind is FaultKind.DISAPPEAR:
            return is_position_list(call.path)
        return self.kind is not FaultKind.READ_ONLY or call.method == "POST" or _shows_rights(call.path)


@dataclass(slots=True, kw_only=True)
class Placed:
    """A fault in force from ``begins`` to ``ends`` (monotonic seconds), for ``left`` more calls; ``lifted`` once taken out."""

    fault: Fault
    begins: float
    ends: float | None
    left: int | None
    lifted: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[tuple[str, str, str], Any] = field(default_factory=dict)


class Faults:
    """The faults of one server. To be used from the server's own event loop; others go through its control calls."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._placed: dict[int, Placed] = {}
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> int:
        """Put a fault in; its number."""
        begins = self._now() + float(fault.after)
        ends = None if fault.lasts is None else begins + float(fault.lasts)
        number = next(self._ids)
        self._placed[number] = Placed(fault=fault, begins=begins, ends=ends, left=fault.times)
        return number

    def lift(self, number: int) -> None:
        """Take a fault out; a number that is not there is no error."""
        placed = self._placed.pop(number, None)
        if placed is not None:
            placed.lifted.set()

    def clear(self) -> None:
        """Take all faults out."""
        for number in list(self._placed):
            self.lift(number)

    def placed(self) -> dict[int, Fault]:
        """All faults that are in, begun or not."""
        self._forget()
        return {number: placed.fault for number, placed in self._placed.items()}

    def matching(self, call: Call, owner: str = "") -> list[Placed]:
        """The faults that this call meets, oldest first; each counts the call."""
        self._forget()
        now, met = self._now(), []
        for placed in self._placed.values():
            if placed.begins <= now and placed.left != 0 and placed.fault.concerns(call, owner):
                placed.left = None if placed.left is None else placed.left - 1
                met.append(placed)
        return met

    async def outlast(self, placed: Placed, seconds: float | None) -> None:
        """Wait ``seconds`` (None: for ever), or until the fault ends or is taken out."""
        left = None if placed.ends is None else max(0.0, placed.ends - self._now())
        limits = [limit for limit in (left, seconds) if limit is not None]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(placed.lifted.wait(), min(limits) if limits else None)

    def _forget(self) -> None:
        """Drop what has ended; who still waits for a fault that ran out of calls goes on waiting."""
        now = self._now()
        for number, placed in list(self._placed.items()):
            if placed.left == 0 or (placed.ends is not None and placed.ends <= now):
                del self._placed[number]


def is_position_list(path: str) -> bool:
    """The call that lists positions."""
    return path.endswith(("/positionRisk", "/position/list", "/account/positions"))


def _shows_rights(path: str) -> bool:
    """Calls that tell what the key may do."""
    return path.endswith(("/apiRestrictions", "/query-api", "/account/config"))
