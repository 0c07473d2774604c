"""Binance's door: signatures, time, request weight, and its codes for refusals.

Signed endpoint security, error codes and limits pages, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import hmac

from monitor.practice.call import Call, Reply
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.limits import FixedWindow
from monitor.practice.wire.binance import ROUTES
from monitor.practice.wire.route import Route, Wire

MINUTE_MS = 60_000
WEIGHT_A_MINUTE = 2400
PATIENCE = 2
"""Requests over this many times the limit in one minute end in a ban."""
BAN_MS = 120_000

_CODES = {
    Reason.NO_CONTRACT: (-1121, "Invalid symbol."),
    Reason.NO_POSITION: (-4054, "Cannot add position margin: position is 0."),
    Reason.NOT_ISOLATED: (-4049, "Add margin only support for isolated position."),
    Reason.WRONG_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reason.NOT_POSITIVE: (-4055, "Amount must be positive."),
    Reason.NOTHING_CHANGES: (-4055, "Amount must be positive."),
    Reason.TOO_PRECISE: (-1111, "Precision is over the maximum defined for this asset."),
    Reason.NOT_ENOUGH_FREE: (-4050, "Cross balance insufficient."),
    Reason.TOO_MUCH_OUT: (-4051, "Isolated balance insufficient."),
    Reason.LIQUIDATING: (-2023, "User in liquidation mode now."),
}


def failure(code: int, message: str, status: int = 400, **headers: str) -> Reply:
    """Binance's error body."""
    return Reply(body={"code": code, "msg": message}, status=status, headers=headers)


class BinanceWire(Wire):
    """USD-M, COIN-M and the one sapi call of a guard; weight is counted by address over both futures sites."""

    exchange = "binance"
    routes = ROUTES

    def __init__(self) -> None:
        self._weight = FixedWindow(MINUTE_MS)
        self._banned: dict[str, int] = {}

    def verify(self, call: Call, account: Account | None, *, writes: bool) -> Reply | None:
        """-2015 key, -1102 no signature, -1022 wrong signature, -1021 time."""
        if account is None or account.key_expired or (writes and not account.may_trade):
            return failure(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        params = call.params
        for name in ("signature", "timestamp"):
            if not params.get(name):
                return failure(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        if not hmac.compare_digest(_signature(call, account.secret), params["signature"]):
            return failure(-1022, "Signature for this request is not valid.")
        stamp, window = int(params["timestamp"]), int(params.get("recvWindow", "5000"))
        if stamp >= call.at + 1000:
            return failure(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if call.at - stamp > window:
            return failure(-1021, "Timestamp for this request is outside of the recvWindow.")
        return None

    def refuse(self, refused: Refused, at: int) -> Reply:
        """HTTP 400 with its code."""
        del at
        return failure(*_CODES.get(refused.reason, (-4000, str(refused.reason))))

    def limit(self, call: Call, route: Route, account: Account | None) -> tuple[Reply | None, dict[str, str]]:
        """429 over 2400 a minute, 418 with a ban for who goes on."""
        del account
        banned_until = self._banned.get(call.remote, 0)
        if call.at < banned_until:
            return self._ban(call, banned_until), {}
        if call.path.startswith("/sapi/"):
            return None, {"X-SAPI-USED-IP-WEIGHT-1M": str(route.cost)}
        used = self._weight.spend(call.remote, route.cost, call.at)
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if used > WEIGHT_A_MINUTE * PATIENCE:
            self._banned[call.remote] = call.at + BAN_MS
            return self._ban(call, call.at + BAN_MS), headers
        if used > WEIGHT_A_MINUTE:
            wait = str(self._weight.left_ms(call.at) // 1000 + 1)
            return too_many(call.remote, wait), headers
        return None, headers

    def _ban(self, call: Call, until: int) -> Reply:
        return ban(call.remote, until, str((until - call.at) // 1000 + 1))


def too_many(remote: str, wait: str) -> Reply:
    """The 429."""
    message = f"Too many requests; current limit of IP({remote}) is {WEIGHT_A_MINUTE} requests per minute."
    return Reply(body={"code": -1003, "msg": message}, status=429, headers={"Retry-After": wait})


def ban(remote: str, until: int, wait: str) -> Reply:
    """The 418, with the end of the ban in milliseconds in its text."""
    message = (
        f"Way too many requests; IP({remote}) banned until {until}. Please use the websocket for live updates to avoid bans."
    )
    return Reply(body={"code": -1003, "msg": message}, status=418, headers={"Retry-After": wait})


def _signature(call: Call, secret: str) -> str:
    """HMAC SHA256 over the query string followed by the body, each as sent, without the signature itself."""
    parts = (part.split("&") for part in (call.raw_query, call.body))
    unsigned = "".join("&".join(pair for pair in pairs if pair and not pair.startswith("signature=")) for pairs in parts)
    return hmac.new(secret.encode(), unsigned.encode(), hashlib.sha256).hexdigest()
