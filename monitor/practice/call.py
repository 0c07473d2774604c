"""What arrives at the practice exchange and what it answers: plain values, so that its parts can be tried without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import parse_qsl

_PREFIXES = {"/fapi/": "binance", "/dapi/": "binance", "/sapi/": "binance", "/api/v5/": "okx", "/v5/": "bybit"}
_KEY_HEADERS = {"binance": "x-mbx-apikey", "bybit": "x-bapi-api-key", "okx": "ok-access-key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: ``headers`` have lower-case names, ``at`` is the server's own clock in milliseconds."""

    method: str
    path: str
    raw_query: str
    body: str
    headers: Mapping[str, str]
    remote: str
    at: int

    @property
    def exchange(self) -> str | None:
        """Whose path this is, None for a path of nobody."""
        for prefix, exchange in _PREFIXES.items():
            if self.path.startswith(prefix):
                return exchange
        return None

    @property
    def api_key(self) -> str:
        """The key that the request names, empty where it is not signed."""
        exchange = self.exchange
        return self.headers.get(_KEY_HEADERS[exchange], "") if exchange else ""

    @property
    def query(self) -> dict[str, str]:
        """The decoded query string."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def params(self) -> dict[str, str]:
        """Query and body together, as text: a form on Binance, JSON on the others."""
        params = self.query
        if not self.body:
            return params
        if self.exchange == "binance":
            return params | dict(parse_qsl(self.body, keep_blank_values=True))
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return params
        return params | {str(k): str(v) for k, v in parsed.items()} if isinstance(parsed, dict) else params


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: ``body`` is a JSON value, or bytes sent as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def encoded(self) -> bytes:
        """The body as it goes over the wire."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, separators=(",", ":")).encode()


NO_SUCH_PATH = Reply(status=404, body=b"<html><body>404 Not Found</body></html>", content_type="text/html")


class Source(Protocol):
    """Where answers come from: recorded replies, or the engine."""

    def answer(self, call: Call) -> Reply:
        """The answer to one request; never raises for anything that a client can send."""
        ...


def text(value: Decimal, places: int | None = None) -> str:
    """``value`` as the exchanges print it: no exponent; ``places`` decimals, the rest cut off, where given."""
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), rounding="ROUND_DOWN")
        shown = format(value, "f")
        return shown[1:] if shown.startswith("-") and not value else shown
    shown = format(value, "f")
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


def number(value: Decimal) -> int | float:
    """``value`` as a JSON number, for the few fields that an exchange sends without quotes (at most 15 digits: exact as text)."""
    return int(value) if value == value.to_integral_value() else float(value)
