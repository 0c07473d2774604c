"""How one exchange speaks over HTTP: the part that the common session needs to be told.

Each exchange folder has one `Dialect`. It is plain data and small pure functions; the session does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.errors import ExchangeFault
from monitor.exchanges.pacing import Pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole HTTP reply: status, headers (names in lower case), the body as JSON (None when it is not JSON), and the
    request's path without query. In ``payload`` a JSON number with a point or exponent is its own text (str), so that money
    stays exact; whole numbers are int.
    """

    status: int
    headers: Mapping[str, str]
    payload: Any
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An exchange's own "no": its code and its short text."""

    code: str
    text: str


def _no_pauses(_reply: Reply) -> Iterable[Pause]:
    """An exchange that says nothing about its limits."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What the session must know of an exchange.

    - ``exchange``: the name of ccxt's class.
    - ``reads``: the paths that GET may ask; nothing else can ever be called.
    - ``writes``: the paths that POST may reach in a session opened for writing (`writing`): those that change a margin.
    - ``refused_writes``: the refusal codes after which a write has certainly changed nothing. All others leave it unknown.
    - ``time_call``, ``server_time``: ccxt's implicit method of the exchange's clock, and its reply in milliseconds.
    - ``refusal``: the exchange's refusal in a payload, None for a good one. Called for every HTTP status.
    - ``codes``: the class for each refusal code that has one. ClockSkew is mended and asked again by the session.
    - ``hints``: what a person can do, by refusal code (for a pause: by HTTP status), where the error's own advice is too general.
    - ``pauses``: the silence that a reply asks for; a Pause that is a ban makes the reply a RateLimited.
    - ``demo``: turns a fresh ccxt instance to the exchange's demo environment.
    - ``regions``: for each region of the exchange, which host (or domain, with all below it) becomes which:
      ``{"eea": {"www.okx.com": "eea.okx.com", "ws.okx.com": "wseea.okx.com"}}``.
    - ``options``: ccxt options of this exchange.
    - ``gap``: seconds between two calls that can wait, where the exchange counts calls in short windows.
    - ``limits``: by ccxt's implicit method, how many calls in how many seconds; one that would be too many waits for its turn.
    """

    exchange: str
    reads: frozenset[str]
    time_call: str
    server_time: Callable[[Any], int]
    refusal: Callable[[Any], Refusal | None]
    codes: Mapping[str, type[ExchangeFault]]
    demo: Callable[[Any], None]
    hints: Mapping[str, str] = field(default_factory=dict)
    pauses: Callable[[Reply], Iterable[Pause]] = _no_pauses
    regions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    gap: float = 0.0
    writes: frozenset[str] = frozenset()
    refused_writes: frozenset[str] = frozenset()
    limits: Mapping[str, tuple[int, float]] = field(default_factory=dict)
