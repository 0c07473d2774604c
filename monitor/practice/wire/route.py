"""What a wire is made of: routes from (method, path) to a function of the request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.errors import MargincallError
from monitor.practice.call import Call, Reply
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.engine.refusal import Refused


class Denied(MargincallError):
    """The request ends here with ``reply``."""

    def __init__(self, reply: Reply) -> None:
        super().__init__("denied")
        self.reply = reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A verified request. ``account`` is None for a public call; ``at`` is the exchange's clock in milliseconds."""

    exchange: PracticeExchange
    caller: Account | None
    params: Mapping[str, str]
    at: int

    @property
    def account(self) -> Account:
        """The account whose key signed the request."""
        if self.caller is None:
            raise AssertionError("a public route asked for an account")
        return self.caller

    def get(self, name: str, default: str = "") -> str:
        """A parameter, ``default`` where it was left out."""
        return self.params.get(name) or default


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call. ``cost``: its weight (Binance), or how often it may be called in a window (Bybit a second, OKX two seconds)."""

    handler: Callable[[Request], Any]
    cost: int
    signed: bool = True
    writes: bool = False


Routes = dict[tuple[str, str], Route]


class Wire(ABC):
    """One exchange's protocol."""

    exchange: str
    routes: Routes

    @abstractmethod
    def verify(self, call: Call, account: Account | None, *, writes: bool) -> Reply | None:
        """None where key, signature, time and rights are right, else the exchange's refusal."""

    @abstractmethod
    def refuse(self, refused: Refused, at: int) -> Reply:
        """The exchange's own code for a reason of the engine."""

    @abstractmethod
    def limit(self, call: Call, route: Route, account: Account | None) -> tuple[Reply | None, dict[str, str]]:
        """A refusal where the caller asks too often, and the headers that tell how much is left."""


def between(params: Request, at: int, *, start: str = "startTime", end: str = "endTime") -> bool:
    """Whether ``at`` lies in the window that the request asks for, ends included."""
    low, high = params.get(start), params.get(end)
    return (not low or at >= int(low)) and (not high or at <= int(high))
