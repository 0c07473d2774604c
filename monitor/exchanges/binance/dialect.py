"""How Binance's futures hosts speak: allowed calls, codes, limits.

Sources (developers.binance.com, derivatives: general information, limits, error codes; read 2026-11-22): the limit is 2,400 of
weight a minute for an IP address, told in X-MBX-USED-WEIGHT-1M and since 2026 shared by fapi and dapi; 429 asks for a pause, 418
is a ban of two minutes to three days, both with Retry-After; 403 comes from the firewall before the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from monitor.errors import AuthRejected, ClockSkew, ExchangeDown, ExchangeFault, NotOpened
from monitor.exchanges.dialect import Dialect, Refusal, Reply
from monitor.exchanges.pacing import Pause, retry_after

WEIGHT_A_MINUTE = 2400
_HUSH_FROM = 0.80
_HOLD_FROM = 0.95
_BANNED_UNTIL = re.compile(r"banned until (\d{13})\b")

_CODES: dict[str, type[ExchangeFault]] = {
    "-1021": ClockSkew,
    "-5028": ClockSkew,
    **dict.fromkeys(("-1000", "-1001", "-1004", "-1006", "-1007", "-1008", "-1010", "-3000", "-3044"), ExchangeDown),
    **dict.fromkeys(("-1002", "-1005", "-1011", "-1022", "-1109", "-2008", "-2014", "-2015", "-2017"), AuthRejected),
    **dict.fromkeys(("-4056", "-4057", "-4080"), AuthRejected),
    "-4109": NotOpened,
}


_REFUSED_WRITES = frozenset(
    {
        *("-1003", "-1021", "-1022", "-1102", "-1111", "-1121", "-2014", "-2015", "-2019", "-2023"),
        *("-4049", "-4050", "-4051", "-4054", "-4055", "-4061", "-4168", "-5028"),
    }
)
"""Of positionMargin: limit, time, signature, parameters, key, balance, liquidation; not isolated, no position, wrong side.

Not on it, as they leave the outcome open: -1000, -1001, -1006, -1007, -1008 and whatever else there may be.
"""


def refusal(payload: Any) -> Refusal | None:
    """``{"code": -2015, "msg": ...}``; 200 and 0 are Binance's codes for well."""
    if not isinstance(payload, dict) or "code" not in payload or "msg" not in payload:
        return None
    code = str(payload["code"])
    return None if code in {"0", "200"} else Refusal(code=code, text=str(payload["msg"]))


def pauses(reply: Reply) -> Iterable[Pause]:
    """The silence a reply asks for: bans (429, 418, the firewall's 403, code -1003), and room kept below the limit."""
    if reply.path.startswith("/sapi/"):
        # The spot host counts and refuses on its own; what it says must not keep the futures hosts from being polled.
        return ()
    said = refusal(reply.payload)
    if reply.status in {418, 429} or (said is not None and said.code == "-1003"):
        fallback = 120.0 if reply.status == 418 else 60.0
        return (Pause(scope="ip", seconds=retry_after(reply.headers), until=_banned_until(said), fallback=fallback),)
    if reply.status == 403 and said is None:
        return (Pause(scope="ip", seconds=retry_after(reply.headers), fallback=120.0),)
    used = reply.headers.get("x-mbx-used-weight-1m", "")
    weight = int(used) if used.isascii() and used.isdigit() else 0
    near = []
    if weight >= WEIGHT_A_MINUTE * _HUSH_FROM:
        near.append(Pause(scope="ip", seconds=15.0, hush=True))
    if weight >= WEIGHT_A_MINUTE * _HOLD_FROM:
        near.append(Pause(scope="ip", seconds=10.0, hold=True))
    return near


def _banned_until(said: Refusal | None) -> datetime | None:
    """The time in ``IP(..) banned until 1763900000000``."""
    named = _BANNED_UNTIL.search(said.text) if said else None
    return datetime.fromtimestamp(int(named[1]) / 1000, UTC) if named else None


def _to_demo(instance: Any) -> None:
    """Binance's demo trading hosts (demo-fapi, demo-dapi)."""
    instance.enable_demo_trading(enable=True)


def dialect(*, inverse_only: bool) -> Dialect:
    """Binance for the session; an account that is only watched on COIN-M asks that host's clock."""
    return Dialect(
        exchange="binance",
        reads=frozenset(
            {
                "/fapi/v1/time",
                "/fapi/v1/exchangeInfo",
                "/fapi/v1/symbolConfig",
                "/fapi/v1/accountConfig",
                "/fapi/v1/leverageBracket",
                "/fapi/v3/positionRisk",
                "/fapi/v3/balance",
                "/fapi/v1/openAlgoOrders",
                "/fapi/v1/openOrders",
                "/fapi/v1/positionMargin/history",
                "/fapi/v1/userTrades",
                "/fapi/v1/allOrders",
                "/fapi/v1/forceOrders",
                "/fapi/v1/income",
                "/fapi/v1/premiumIndex",
                "/dapi/v1/time",
                "/dapi/v1/exchangeInfo",
                "/dapi/v1/positionRisk",
                "/dapi/v1/balance",
                "/dapi/v1/openOrders",
                "/dapi/v1/positionMargin/history",
                "/dapi/v1/userTrades",
                "/dapi/v1/allOrders",
                "/dapi/v1/forceOrders",
                "/dapi/v1/income",
                "/dapi/v1/premiumIndex",
                "/dapi/v2/leverageBracket",
                "/sapi/v1/account/apiRestrictions",
            }
        ),
        time_call="dapiPublicGetTime" if inverse_only else "fapiPublicGetTime",
        server_time=lambda payload: int(payload["serverTime"]),
        refusal=refusal,
        codes=_CODES,
        pauses=pauses,
        demo=_to_demo,
        options={"recvWindow": 5000},
        writes=frozenset({"/fapi/v1/positionMargin", "/dapi/v1/positionMargin"}),
        refused_writes=_REFUSED_WRITES,
    )
