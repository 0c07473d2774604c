"""Faults that change what a reply says, or put another reply in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from monitor.practice.call import Call, Reply
from monitor.practice.faults import Fault, FaultKind, is_position_list
from monitor.practice.wire import binance_door, bybit_door, okx_door, rows_bybit

PAGE = b"<!DOCTYPE html><html><head><title>Attention Required!</title></head><body>Please try again later.</body></html>"
_LISTS = ("list", "data")
_RECORDS = ("/positionMargin/history", "/account/bills")
_TIMES = {"updateTime", "updatedTime", "uTime"}
_MARKED = {
    *("markPrice", "markPx", "idxPx", "last", "notional", "notionalValue", "notionalUsd"),
    *("unRealizedProfit", "unrealizedProfit", "unrealisedPnl", "upl", "uplLastPx", "uplRatio", "isolatedMargin"),
    *("maintMargin", "initialMargin", "positionInitialMargin", "positionMM", "positionMMByMp", "mmr", "mgnRatio"),
}
"""Everything in a position row that follows from the mark price."""

_MARGINED = {
    *("isolatedWallet", "positionIM", "positionIMByMp", "margin", "liquidationPrice", "liqPrice", "liqPx"),
    *("updateTime", "updatedTime", "uTime", "seq"),
}
"""Everything in a position row that a change of its margin moves by itself."""

Held = dict[tuple[str, str, str], Any]


def refusal(fault: Fault, call: Call) -> Reply:
    """The reply of a kind that refuses, in the form of the exchange that is called."""
    wait = str(int(fault.amount)) if fault.amount is not None else "2"
    match fault.kind:
        case FaultKind.KEY_EXPIRED:
            return _expired(call)
        case FaultKind.READ_ONLY:
            return _no_right(call)
        case FaultKind.TOO_MANY if call.exchange == "bybit":
            return bybit_door.too_many(call)
        case FaultKind.TOO_MANY if call.exchange == "okx":
            return okx_door.too_many()
        case FaultKind.TOO_MANY:
            return binance_door.too_many(call.remote, wait)
        case FaultKind.BANNED:
            return binance_door.ban(call.remote, call.at + int(wait) * 1000, wait)
        case FaultKind.FORBIDDEN if call.exchange == "bybit":
            return Reply(body=b"access too frequent", status=403, content_type="text/plain")
        case FaultKind.UNAVAILABLE if call.exchange == "binance":
            message = "Unknown error, please check your request or try again later."
            return Reply(body={"code": -1000, "msg": message}, status=503)
        case FaultKind.REQUEST_TIMEOUT if call.exchange == "binance":
            message = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
            return binance_door.failure(-1007, message, 408)
        case _:
            return Reply(body=PAGE, status=int(fault.kind), content_type="text/html")


def _expired(call: Call) -> Reply:
    if call.exchange == "bybit":
        return Reply(body=rows_bybit.envelope({}, call.at, code=33004, message="Your api key has expired."))
    if call.exchange == "okx":
        return Reply(body={"msg": "Invalid OK-ACCESS-KEY", "code": "50111"}, status=401)
    return binance_door.failure(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _no_right(call: Call) -> Reply:
    if call.exchange == "bybit":
        message = "Permission denied, please check your API key permissions."
        return Reply(body=rows_bybit.envelope({}, call.at, code=10005, message=message))
    if call.exchange == "okx":
        return Reply(body={"msg": "This API key doesn't have permission to use this function", "code": "50120"}, status=401)
    return binance_door.failure(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def changed(fault: Fault, call: Call, reply: Reply, held: Held) -> Reply:
    """``reply`` as the fault shows it; ``held`` is the fault's own memory of what it holds still."""
    whole = {
        FaultKind.HTML: Reply(body=PAGE, content_type="text/html"),
        FaultKind.EMPTY: Reply(body=b""),
        FaultKind.NULL: Reply(body=None),
        FaultKind.EMPTY_OBJECT: Reply(body={}),
    }
    if fault.kind in whole:
        return whole[fault.kind]
    sent = reply.encoded()
    if fault.kind is FaultKind.CUT_JSON:
        return _with(reply, sent[: len(sent) // 2])
    return reply if isinstance(reply.body, bytes) else _with(reply, _rewritten(fault, call, json.loads(sent), held))


def _rewritten(fault: Fault, call: Call, body: Any, held: Held) -> Any:
    """The parsed body with some of its content changed."""
    match fault.kind:
        case FaultKind.NO_LIST:
            return _without_list(body)
        case FaultKind.EMPTY_POSITIONS:
            return _emptied(body) if is_position_list(call.path) else body
        case FaultKind.DISAPPEAR:
            return _without_position(body, fault.contract)
        case FaultKind.NAN:
            return _each(body, "", lambda _, name, value: "NaN" if name in _MARKED else value)
        case FaultKind.FROZEN_TIME:
            return _each(body, "", _holding(_TIMES, call.path, held))
        case FaultKind.FROZEN_MARK:
            return _each(body, "", _holding(_MARKED, call.path, held))
        case FaultKind.FROZEN_MARGIN:
            return _each(body, "", _holding(_MARGINED, call.path, held)) if is_position_list(call.path) else body
        case FaultKind.HISTORY_LAG:
            newest = call.at - int((5 if fault.amount is None else fault.amount) * 1000)
            return _until(body, newest) if call.path.endswith(_RECORDS) else body
        case FaultKind.READ_ONLY:
            told = {"enableFutures": False, "readOnly": 1, "perm": "read_only"}
            return _each(body, "", lambda _, name, value: told.get(name, value))
        case _:
            return body


def _until(body: Any, newest: int) -> Any:
    """The list in ``body`` without the rows after ``newest`` (milliseconds)."""
    if isinstance(body, list):
        return [row for row in body if int(row["time"]) <= newest]
    return body | {"data": [row for row in body["data"] if int(row["ts"]) <= newest]} if "data" in body else body


def _with(reply: Reply, body: Any) -> Reply:
    return Reply(body=body, status=reply.status, headers=reply.headers, content_type=reply.content_type)


def _without_list(body: Any) -> Any:
    """The right envelope, its list left out."""
    if isinstance(body, list):
        return {"code": 200, "msg": "success"}
    if isinstance(body, dict) and isinstance(body.get("result"), dict):
        return body | {"result": {name: value for name, value in body["result"].items() if name not in _LISTS}}
    return {name: value for name, value in body.items() if name not in _LISTS} if isinstance(body, dict) else body


def _emptied(body: Any) -> Any:
    """The right envelope, its list without rows."""
    if isinstance(body, list):
        return []
    if isinstance(body, dict) and isinstance(body.get("result"), dict):
        return body | {"result": body["result"] | {"list": [], "nextPageCursor": ""}}
    return body | {"data": []} if isinstance(body, dict) else body


def _without_position(body: Any, contract: str | None) -> Any:
    """The right envelope, its list without the open position of ``contract`` (None: without its first open one)."""
    if isinstance(body, dict) and isinstance(body.get("result"), dict):
        return body | {"result": body["result"] | {"list": _without_row(body["result"].get("list", []), contract)}}
    if isinstance(body, dict):
        return body | {"data": _without_row(body.get("data", []), contract)}
    return _without_row(body, contract)


def _without_row(rows: list[dict[str, Any]], contract: str | None) -> list[dict[str, Any]]:
    named = next((row for row in rows if contract is None and _is_open(row)), None)
    gone = contract if named is None else named.get("symbol", named.get("instId"))
    return [row for row in rows if row.get("symbol", row.get("instId")) != gone]


def _is_open(row: dict[str, Any]) -> bool:
    return any(str(row.get(name, "0")).strip("-0.") for name in ("positionAmt", "size", "pos"))


def _each(body: Any, row: str, change: Callable[[str, str, Any], Any]) -> Any:
    """``body`` with every plain value replaced by ``change(row, name, value)``; a row is known by its contract and side."""
    if isinstance(body, list):
        return [_each(item, row, change) for item in body]
    if not isinstance(body, dict):
        return body
    parts = [str(body.get(name, "")) for name in ("symbol", "instId", "positionSide", "posSide", "positionIdx")]
    here = "/".join(parts) if any(parts) else row
    return {
        name: _each(value, here, change) if isinstance(value, dict | list) else change(here, name, value)
        for name, value in body.items()
    }


def _holding(names: set[str], path: str, held: Held) -> Callable[[str, str, Any], Any]:
    """Gives back the first value seen of each of ``names`` in each row of ``path``."""
    return lambda row, name, value: held.setdefault((path, row, name), value) if name in names else value
