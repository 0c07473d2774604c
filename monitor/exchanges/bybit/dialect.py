"""How Bybit speaks: its envelope, its codes, its limits and its hosts.

Sources: bybit-exchange/docs v5/error.mdx, v5/rate-limit/rate-limit.mdx, v5/guide.mdx. Read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.errors import AuthRejected, ClockSkew, ExchangeDown, ExchangeFault
from monitor.exchanges.dialect import Dialect, Refusal, Reply
from monitor.exchanges.pacing import Pause, retry_after

_TOO_OFTEN_FOR_ACCOUNT = "10006"
_TOO_OFTEN_FOR_IP = "10018"
_IP_BAN_SECONDS = 600.0
_REGION = "The key may belong to another regional site: set `region` to the one where the account was opened."

_CODES: dict[str, type[ExchangeFault]] = {
    "10002": ClockSkew,
    **dict.fromkeys(("10003", "10004", "10005", "10007", "10009", "10010", "10024", "33004"), AuthRejected),
    **dict.fromkeys(("10000", "10016", "10019", "429", "503"), ExchangeDown),
}


_REFUSED_WRITES = frozenset(
    {
        *("10001", "10002", "10003", "10004", "10005", "10006", "10007", "10009", "10010", "10018", "10024", "33004"),
        *("110006", "110011", "110014", "110015", "110027", "110033", "110039", "110044", "110046", "110077", "110078"),
        *("140003", "182106"),
    }
)
"""Of add-margin: parameters, time, key, limits; balance, mode, no position, a reduction too large, liquidation.

Not on it, as they leave the outcome open: 10000, 10014, 10016, 10019, 110079, 429, 503 and whatever else there may be.
"""


def refusal(payload: Any) -> Refusal | None:
    """``retCode`` other than 0. An envelope without one is no refusal; whoever asked finds nothing in it."""
    if not isinstance(payload, dict):
        return None
    code = payload.get("retCode", payload.get("ret_code"))
    if code is None or str(code) == "0":
        return None
    return Refusal(code=str(code), text=str(payload.get("retMsg", payload.get("ret_msg", ""))))


def pauses(reply: Reply) -> Iterable[Pause]:
    """The silence that a refusal asks for: ten minutes for the IP address, or to the account's own reset; longer where the
    reply itself names a longer time.
    """
    refused = refusal(reply.payload)
    code = refused.code if refused else ""
    asked = retry_after(reply.headers)
    if code == _TOO_OFTEN_FOR_ACCOUNT:
        named = [seconds for seconds in (_until_reset(reply), asked) if seconds is not None]
        yield Pause(scope="account", seconds=max(named, default=None), fallback=5.0)
    elif code == _TOO_OFTEN_FOR_IP or (reply.status == 403 and code not in _CODES):
        yield Pause(scope="ip", seconds=max(_IP_BAN_SECONDS, asked or 0.0))
    elif reply.status == 429 and code not in _CODES:
        yield Pause(scope="ip", seconds=asked, fallback=10.0)


def server_time(payload: Any) -> int:
    """Bybit's clock in milliseconds."""
    return int(payload.get("time") or int(payload["result"]["timeNano"]) // 1_000_000)


def _until_reset(reply: Reply) -> float | None:
    """Seconds between the reply and the reset that its header names, by Bybit's own clock."""
    try:
        seconds = (int(reply.headers["x-bapi-limit-reset-timestamp"]) - int(reply.payload["time"])) / 1000
    except (KeyError, TypeError, ValueError):
        return None
    return min(seconds + 0.1, _IP_BAN_SECONDS) if seconds > 0 else None


def _demo(instance: Any) -> None:
    instance.enable_demo_trading(enable=True)


DIALECT = Dialect(
    exchange="bybit",
    reads=frozenset(
        {
            "/v5/market/time",
            "/v5/market/instruments-info",
            "/v5/market/risk-limit",
            "/v5/market/tickers",
            "/v5/position/list",
            "/v5/position/closed-pnl",
            "/v5/account/info",
            "/v5/account/wallet-balance",
            "/v5/account/fee-rate",
            "/v5/account/transaction-log",
            "/v5/execution/list",
            "/v5/order/realtime",
            "/v5/user/query-api",
        }
    ),
    time_call="publicGetV5MarketTime",
    server_time=server_time,
    refusal=refusal,
    codes=_CODES,
    hints={
        "403": "Too many requests from this IP address, or Bybit does not serve the country it is in (USA, mainland China).",
        "10003": "The key does not exist here: it may be deleted, of the demo or test environment, or of another regional site.",
        "10009": _REGION,
        "10010": "The key does not allow this machine's IP address.",
        "10024": _REGION,
        "33004": "The key has expired: keys without an IP address live 90 days.",
    },
    demo=_demo,
    pauses=pauses,
    regions={
        region: {"bybit.com": domain}
        for region, domain in (
            ("nl", "bybit.nl"),
            ("tr", "bybit.tr"),
            ("kz", "bybit.kz"),
            ("ge", "bybitgeorgia.ge"),
            ("ae", "bybit.ae"),
            ("eu", "bybit.eu"),
            ("id", "bybit.id"),
            ("jp", "manepa.jp"),
        )
    },
    # The fee rate may be asked 5 times a second; the IP limit is 120 a second.
    gap=0.05,
    options={"recvWindow": 5000},
    writes=frozenset({"/v5/position/add-margin"}),
    refused_writes=_REFUSED_WRITES,
)
