"""Replay: recorded replies over the real wire.

A *description* says what the accounts hold; whatever it leaves out gets a plausible answer in the exchange's own envelope.
As JSON (``python -m monitor.practice --replay FILE.json``), every part optional::

    {"binance": {"positions": [...],            rows of positionRisk (v2, v3 or dapi) as recorded
                 "symbols": [...],              rows of exchangeInfo (else made for the symbols of the positions)
                 "brackets": [...],             rows of leverageBracket (else made from "tiers")
                 "tiers": {"BTCUSDT": {"rate": "0.004", "deduction": "0"}},
                 "contract_sizes": {"BTCUSD_PERP": "100"}, "ticks": {"BTCUSDT": "0.1"},
                 "balances": {"USDT": "1000"},  free per currency
                 "hedge": false, "multi_assets": false,
                 "replies": {"GET /fapi/v1/time": {...}}},         whole bodies, over everything above
     "bybit":   {"positions", "instruments", "risk_limits", "tiers", "ticks", "balances", "replies" as above,
                 "margin_mode": "ISOLATED_MARGIN", "taker_fee": "0.00055"},
     "okx":     {"positions", "instruments", "position_tiers", "tiers" (rate), "contract_sizes", "ticks", "balances", "replies",
                 "taker_fee": "0.0005", "position_mode": "net_mode"}}

Field for field the rows are sent as given; only fields that a row of an older form lacks are filled in (a positionRisk v2
row gets notional and isolatedWallet, and so on). A position row may carry ``category`` (Bybit) to say where it belongs.
Keys in ``replies`` are ``METHOD path``; in Python a value may also be a function of the query.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from monitor.practice.call import NO_SUCH_PATH, Call, Reply
from monitor.practice.replay import binance, bybit, okx

Body = Any
Answer = Callable[[Call], Body]
Description = Mapping[str, Mapping[str, Any]]


class Replay:
    """A Source of canned replies: ``(method, path)`` to a body or to a function of the query."""

    def __init__(self, description: Description | None = None) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}
        self._canned: dict[tuple[str, str], Body | Callable[[dict[str, str]], Body]] = {}
        self.describe(description or {})

    def describe(self, description: Description) -> None:
        """Replace everything by what ``description`` says; can be done while serving."""
        self._canned = {}
        self._answers = (
            binance.answers(description.get("binance", {}))
            | bybit.answers(description.get("bybit", {}))
            | okx.answers(description.get("okx", {}))
        )
        for part in description.values():
            for name, body in part.get("replies", {}).items():
                method, _, path = name.partition(" ")
                self.set(method, path, body)

    def set(self, method: str, path: str, body: Body | Callable[[dict[str, str]], Body]) -> None:
        """From now on answer this call with ``body`` (a JSON value, bytes, a Reply, or a function of the query giving one)."""
        self._canned[method, path] = body

    def unset(self, method: str, path: str) -> None:
        """Back to what the description says for this call."""
        self._canned.pop((method, path), None)

    def answer(self, call: Call) -> Reply:
        """The canned reply, else the described one, else 404."""
        place = (call.method, call.path)
        if place in self._canned:
            canned = self._canned[place]
            body = canned(call.params) if callable(canned) else canned
        elif place in self._answers:
            body = self._answers[place](call)
        else:
            return NO_SUCH_PATH
        return body if isinstance(body, Reply) else Reply(body=body)


def describe_recorded(rows: list[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A description from recorded rows ``{exchange, product, payload, params: {mmr, cum, contractSize, ctVal, taker, tick}}``.

    Several rows of one symbol and exchange overwrite each other's terms; give rows that can stand together.
    """
    description: dict[str, dict[str, Any]] = {}
    for row in rows:
        part = description.setdefault(row["exchange"], {"positions": [], "tiers": {}, "contract_sizes": {}, "ticks": {}})
        payload, params = row["payload"], row.get("params", {})
        name = payload.get("instId") or payload["symbol"]
        part["positions"].append(payload)
        part["tiers"][name] = {"rate": str(params.get("mmr", "0.005")), "deduction": str(params.get("cum", "0"))}
        size = params.get("contractSize", params.get("ctVal"))
        if size is not None:
            part["contract_sizes"][name] = str(size)
        if "tick" in params:
            part["ticks"][name] = str(params["tick"])
        if "taker" in params:
            part["taker_fee"] = str(params["taker"])
    return description
