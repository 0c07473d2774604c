"""How OKX speaks: its envelope, its codes, its limits and its hosts. Source: docs-v5 (overview, error codes), read 2026-11-22."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from monitor.errors import AuthRejected, ClockSkew, ExchangeDown, ExchangeFault, NotOpened
from monitor.exchanges.dialect import Dialect, Refusal, Reply
from monitor.exchanges.pacing import Pause, retry_after

_TOO_OFTEN = ("50011", "50061")
_WINDOW_SECONDS = 2.0
"""OKX counts calls in windows of two seconds."""

_AUTH = (
    *("50030", "50100", "50101", "50103", "50104", "50105", "50106", "50107"),
    *("50110", "50111", "50112", "50113", "50114", "50119", "50120"),
)
_CODES: dict[str, type[ExchangeFault]] = {
    "50102": ClockSkew,
    **dict.fromkeys(_AUTH, AuthRejected),
    **dict.fromkeys(("50001", "50004", "50013", "50026"), ExchangeDown),
    "51010": NotOpened,
}


_REFUSED_WRITES = frozenset(
    {
        *_AUTH,
        *("50011", "50014", "50017", "50018", "50019", "50020", "50021", "50022", "50038", "50061", "50102"),
        *("51000", "51001", "51008", "51040", "51043"),
        *("59005", "59106", "59200", "59201", "59300", "59301", "59302", "59303"),
    }
)
"""Of margin-balance: key, limits, time, parameters; balance, no position, frozen by a liquidation, beyond a maximum.

Not on it, as they leave the outcome open: 50001, 50004, 50013, 50026, 50040, 50042 and whatever else there may be.
"""


def refusal(payload: Any) -> Refusal | None:
    """``code`` other than "0". An envelope without one is no refusal; whoever asked finds nothing in it."""
    if not isinstance(payload, dict):
        return None
    code = payload.get("code")
    if code is None or str(code) == "0":
        return None
    return Refusal(code=str(code), text=str(payload.get("msg", "")))


def pauses(reply: Reply) -> Iterable[Pause]:
    """The silence that a refusal asks for. Public calls count by IP address, private ones by account.

    A 403 or 418 that names a time comes from what stands before OKX and shuts out the whole address; without one a 403 is a
    place that OKX does not serve, and waiting does not help.
    """
    refused = refusal(reply.payload)
    code = refused.code if refused else ""
    asked = retry_after(reply.headers)
    if reply.status in {403, 418} and asked is not None and code not in _CODES:
        yield Pause(scope="ip", seconds=asked)
    elif code in _TOO_OFTEN or (reply.status == 429 and code not in _CODES):
        scope = "ip" if reply.path.startswith("/api/v5/public/") or not code else "account"
        yield Pause(scope=scope, seconds=asked, fallback=_WINDOW_SECONDS)


def server_time(payload: Any) -> int:
    """OKX's clock in milliseconds."""
    return int(payload["data"][0]["ts"])


def _demo(instance: Any) -> None:
    # The demo environment is the same host with the header x-simulated-trading.
    instance.set_sandbox_mode(enable=True)


def _hosts(region: str) -> dict[str, str]:
    return {"www.okx.com": f"{region}.okx.com", "ws.okx.com": f"ws{region}.okx.com", "wspap.okx.com": f"ws{region}pap.okx.com"}


DIALECT = Dialect(
    exchange="okx",
    reads=frozenset(
        {
            "/api/v5/public/time",
            "/api/v5/public/instruments",
            "/api/v5/public/position-tiers",
            "/api/v5/market/index-tickers",
            "/api/v5/account/positions",
            "/api/v5/account/bills",
            "/api/v5/account/bills-archive",
            "/api/v5/account/positions-history",
            "/api/v5/account/balance",
            "/api/v5/account/trade-fee",
            "/api/v5/account/config",
            "/api/v5/trade/orders-algo-pending",
        }
    ),
    time_call="publicGetPublicTime",
    server_time=server_time,
    refusal=refusal,
    codes=_CODES,
    hints={
        "50101": "The key belongs to the other environment: check `demo_trading`.",
        "50105": "The passphrase is wrong.",
        "50110": "The key does not allow this machine's IP address.",
        "50119": "The key does not exist here: it may belong to a regional site (`region: eea` or `us`), or be deleted.",
    },
    demo=_demo,
    pauses=pauses,
    regions={region: _hosts(region) for region in ("eea", "us")},
    # Tiers and fees may be asked 5 times a second.
    gap=0.2,
    writes=frozenset({"/api/v5/account/position/margin-balance"}),
    refused_writes=_REFUSED_WRITES,
    # V5 "Get positions" (polls every 0.2 s are just at it), "Get bills details", "Get positions history"; read 2026-11-23.
    # Counted by user: one call too many would silence the polls with it.
    limits={
        "privateGetAccountPositions": (10, _WINDOW_SECONDS),
        "privateGetAccountBills": (5, 1.0),
        "privateGetAccountBillsArchive": (5, _WINDOW_SECONDS),
        "privateGetAccountPositionsHistory": (10, _WINDOW_SECONDS),
    },
)
