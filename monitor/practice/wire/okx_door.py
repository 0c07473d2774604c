"""OKX's door: signatures, time, limits, and its codes for refusals.

V5 overview, rate limits and error code sections, read 2026-11-22. Requests are refused at the door with HTTP 401, by the business
with HTTP 200 and a code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from monitor.practice.call import Call, Reply
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.refusal import Reason, Refused
from monitor.practice.limits import RollingWindow
from monitor.practice.wire.okx import ROUTES
from monitor.practice.wire.route import Route, Wire
from monitor.practice.wire.rows_okx import envelope

LIFE_MS = 30_000
"""How old a signed request may be."""

_CODES = {
    Reason.NO_CONTRACT: ("51001", "Instrument ID does not exist."),
    Reason.NO_POSITION: ("59300", "Margin call failed. Position does not exist."),
    Reason.NOT_ISOLATED: ("51043", "This isolated position doesn't exist."),
    Reason.WRONG_SIDE: ("51000", "Parameter posSide error"),
    Reason.NOT_POSITIVE: ("51000", "Parameter amt error"),
    Reason.NOTHING_CHANGES: ("51000", "Parameter amt error"),
    Reason.TOO_PRECISE: ("51000", "Parameter amt error"),
    Reason.NOT_ENOUGH_FREE: ("59303", "Insufficient available margin, add margin or reduce the borrowing amount"),
    Reason.TOO_MUCH_OUT: ("59301", "Margin adjustment failed for exceeding the max limit."),
    Reason.LIQUIDATING: ("50020", "This position is frozen by forced liquidation."),
}


class OkxWire(Wire):
    """Limits are counted by account (private) or address (public) and call, in rolling windows of two seconds."""

    exchange = "okx"
    routes = ROUTES

    def __init__(self) -> None:
        self._calls = RollingWindow(2000)

    def verify(self, call: Call, account: Account | None, *, writes: bool) -> Reply | None:
        """50111 key, 50102 time, 50112 no time, 50113 signature, 50105 passphrase, 50120 rights."""
        if account is None or account.key_expired:
            return _at_the_door("50111", "Invalid OK-ACCESS-KEY")
        stamp = call.headers.get("ok-access-timestamp", "")
        sent = _milliseconds(stamp)
        if sent is None:
            return _at_the_door("50112", "Invalid OK-ACCESS-TIMESTAMP")
        if abs(call.at - sent) > LIFE_MS:
            return _at_the_door("50102", "Timestamp request expired")
        target = call.path + (f"?{call.raw_query}" if call.raw_query else "")
        digest = hmac.new(account.secret.encode(), f"{stamp}{call.method}{target}{call.body}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(base64.b64encode(digest).decode(), call.headers.get("ok-access-sign", "")):
            return _at_the_door("50113", "Invalid Sign")
        if not hmac.compare_digest(account.passphrase, call.headers.get("ok-access-passphrase", "")):
            return _at_the_door("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
        if writes and not account.may_trade:
            return _at_the_door("50120", "This API key doesn't have permission to use this function")
        return None

    def refuse(self, refused: Refused, at: int) -> Reply:
        """HTTP 200 with its code."""
        del at
        code, message = _CODES.get(refused.reason, ("51000", str(refused.reason)))
        return Reply(body=envelope([], code=code, message=message))

    def limit(self, call: Call, route: Route, account: Account | None) -> tuple[Reply | None, dict[str, str]]:
        """50011 with HTTP 429; OKX tells nothing in headers."""
        caller = account.name if account and route.signed else call.remote
        left = self._calls.take(f"{caller} {call.path}", route.cost, call.at)
        return (too_many() if left is None else None), {}


def too_many() -> Reply:
    """The 50011."""
    return Reply(body=envelope([], code="50011", message="Too Many Requests"), status=429)


def _at_the_door(code: str, message: str) -> Reply:
    return Reply(body={"msg": message, "code": code}, status=401)


def _milliseconds(stamp: str) -> int | None:
    """ISO 8601 with Z, as the header has it; None for anything else."""
    try:
        return round(datetime.fromisoformat(stamp).timestamp() * 1000) if stamp.endswith("Z") else None
    except ValueError:
        return None
