"""Bybit's door: signatures, time, limits, and its codes for refusals.

V5 guide, rate limit and error pages, read 2026-11-22. Every refusal but the address limit is HTTP 200 with a retCode.
"""

from __future__ import annotations

import hashlib
import hmac

from monitor.practice.call import Call, Reply
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.limits import FixedWindow, RollingWindow
from monitor.practice.wire.bybit import ROUTES
from monitor.practice.wire.route import Route, Wire
from monitor.practice.wire.rows_bybit import envelope

ADDRESS_WINDOW_MS, ADDRESS_MOST = 5_000, 600
ADDRESS_BAN_MS = 600_000

_CODES = {
    Reason.NO_CONTRACT: (10001, "params error: symbol invalid"),
    Reason.NO_POSITION: (110033, "can't set margin without an open position"),
    Reason.NOT_ISOLATED: (110015, "the position is in cross_margin"),
    Reason.NOTHING_CHANGES: (110027, "the margin is not modified"),
    Reason.TOO_PRECISE: (10001, "params error: margin accepts at most 4 decimals"),
    Reason.NOT_ENOUGH_FREE: (110014, "the available balance is not sufficient to add additional margin"),
    Reason.TOO_MUCH_OUT: (110078, "the reduction exceeds the maximum removable margin"),
    Reason.LIQUIDATING: (140003, "the position is being liquidated"),
}


class BybitWire(Wire):
    """One unified account a key; limits are counted by key and call in a rolling second, and by address."""

    exchange = "bybit"
    routes = ROUTES

    def __init__(self) -> None:
        self._calls = RollingWindow(1000)
        self._addresses = FixedWindow(ADDRESS_WINDOW_MS)
        self._banned: dict[str, int] = {}

    def verify(self, call: Call, account: Account | None, *, writes: bool) -> Reply | None:
        """10003 key, 33004 expired key, 10002 time, 10004 signature, 10005 rights."""
        if account is None:
            return self._failure(call, 10003, "API key is invalid.")
        if account.key_expired:
            return self._failure(call, 33004, "Your api key has expired.")
        stamp, window = call.headers.get("x-bapi-timestamp", ""), call.headers.get("x-bapi-recv-window", "5000")
        fresh = stamp.isdigit() and window.isdigit() and call.at - int(window) <= int(stamp) < call.at + 1000
        if not fresh:
            told = f"req_timestamp[{stamp}],server_timestamp[{call.at}],recv_window[{window}]"
            return self._failure(call, 10002, f"invalid request, please check your server timestamp or recv_window param. {told}")
        origin = f"{stamp}{account.api_key}{window}{call.body if call.method == 'POST' else call.raw_query}"
        signature = hmac.new(account.secret.encode(), origin.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, call.headers.get("x-bapi-sign", "")):
            return self._failure(call, 10004, f"error sign! origin_string[{origin}]")
        if writes and not account.may_trade:
            return self._failure(call, 10005, "Permission denied, please check your API key permissions.")
        return None

    def refuse(self, refused: Refused, at: int) -> Reply:
        """HTTP 200 with its retCode."""
        code, message = _CODES.get(refused.reason, (10001, f"params error: {refused.reason}"))
        return Reply(body=envelope({}, at, code=code, message=message))

    def limit(self, call: Call, route: Route, account: Account | None) -> tuple[Reply | None, dict[str, str]]:
        """10006 for a key that asks too often, 403 and ten minutes of it for an address that does."""
        if self._addresses.spend(call.remote, 1, call.at) > ADDRESS_MOST:
            self._banned[call.remote] = call.at + ADDRESS_BAN_MS
        if call.at < self._banned.get(call.remote, 0):
            return Reply(body=b"access too frequent", status=403, content_type="text/plain"), {}
        if account is None:
            return None, {}
        left = self._calls.take(f"{account.name} {call.path}", route.cost, call.at)
        headers = {
            "X-Bapi-Limit": str(route.cost),
            "X-Bapi-Limit-Status": str(left or 0),
            "X-Bapi-Limit-Reset-Timestamp": str(call.at if left else call.at + 1000),
        }
        return (too_many(call) if left is None else None), headers

    def _failure(self, call: Call, code: int, message: str) -> Reply:
        return Reply(body=envelope({}, call.at, code=code, message=message))


def too_many(call: Call) -> Reply:
    """The 10006."""
    return Reply(body=envelope({}, call.at, code=10006, message="Too many visits. Exceeded the API Rate Limit."))
