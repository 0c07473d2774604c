"""OKX's records of an account: bills and closed positions.

A liquidation leaves bills of type 5 (100 to 103 partial, 104 to 107 full) and a positions-history row of type 4 or 3 with the
mark at which it was triggered; an auto-deleveraging bills of type 9 (125, 126 closing a long, a short; 127, 128 buying, selling)
and a row of type 5 or, of all of it, 6; a delivery bills of type 3 (112 of a long, 113 of a short; no order) and an ordinary row
of type 2. A change of leverage moves margin like a change by hand, with the same bills (UNVERIFIED). "Bills details" and
"Positions history", read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.practice.call import text
from monitor.practice.engine.accounts import Kind, Record, Slot
from monitor.practice.wire.route import Request, between
from monitor.practice.wire.rows_okx import envelope, split_instrument

_TYPES = {Kind.DEPOSIT: "1", Kind.OPEN: "2", Kind.CLOSE: "2", Kind.ADD: "6", Kind.REDUCE: "6", Kind.FUNDING: "8"}
_TYPES |= {Kind.CUT: "5", Kind.TAKEOVER: "5", Kind.DELEVERAGE: "9", Kind.DELIVERY: "3", Kind.LEVERAGE: "6"}
_ENDINGS = {Kind.CLOSE: ("1", "2"), Kind.CUT: ("4", "4"), Kind.DELEVERAGE: ("5", "6")}
_ENDINGS |= {Kind.DELIVERY: ("2", "2"), Kind.TAKEOVER: ("3", "3")}
"""The type of a positions-history row by its latest way out: with a rest, and without one."""
_FORCED = {Kind.CUT: 100, Kind.TAKEOVER: 104, Kind.DELEVERAGE: 125}
_TRIGGERED = frozenset(_FORCED)


def _subtype(record: Record) -> str:
    """The bill's subType."""
    hedged = record.slot is not Slot.NET
    match record.kind:
        case Kind.DEPOSIT:
            return "11" if record.amount > 0 else "12"
        case Kind.ADD | Kind.REDUCE | Kind.LEVERAGE:
            return "160" if record.into_margin > 0 else "161"
        case Kind.FUNDING:
            return "173" if record.amount < 0 else "174"
        case Kind.DELIVERY:
            return "112" if record.long else "113"
        case Kind.CUT | Kind.TAKEOVER | Kind.DELEVERAGE:
            first = _FORCED[record.kind]
            if hedged:
                return str(first if record.long else first + 1)
            return str(first + 2 if record.buys else first + 3)
        case _:
            if hedged:
                opening = record.kind is Kind.OPEN
                return {(True, True): "3", (True, False): "4", (False, True): "5", (False, False): "6"}[opening, record.long]
            return "1" if record.buys else "2"


def bills(request: Request) -> Any:
    """account/bills: newest first; ``balChg`` changes the free balance, ``posBalChg`` the margin of the position."""
    ccy, kind, subtype, instrument = (request.get(name) for name in ("ccy", "type", "subType", "instId"))
    older, newer = request.get("after"), request.get("before")
    rows = []
    for record in reversed(request.account.records):
        inst_id = record.contract.id if record.contract else ""
        row = {
            "bal": text(record.free),
            "balChg": text(record.free_change),
            "billId": str(record.id),
            "ccy": record.currency,
            "clOrdId": "",
            "execType": "T" if record.quantity else "",
            "fee": text(record.fee),
            "from": "",
            "instId": inst_id,
            "instType": split_instrument(inst_id)[3] if inst_id else "",
            "interest": "0",
            "mgnMode": record.mode.value if inst_id else "",
            "notes": "",
            "ordId": str(record.fill) if record.quantity and record.kind is not Kind.DELIVERY else "",
            "pnl": text(record.profit + (record.amount if record.kind is Kind.FUNDING else 0)),
            "posBal": text(record.margin),
            "posBalChg": text(record.into_margin),
            "px": text(record.price),
            "subType": _subtype(record),
            "sz": text(record.quantity or abs(record.into_margin or record.amount)),
            "tag": "",
            "to": "",
            "tradeId": str(record.fill) if record.quantity else "",
            "ts": str(record.at),
            "type": _TYPES[record.kind],
        }
        asked = ((ccy, row["ccy"]), (kind, row["type"]), (subtype, row["subType"]), (instrument, inst_id))
        fits = all(want in {"", have} for want, have in asked) and between(request, record.at, start="begin", end="end")
        if fits and (not older or record.id < int(older)) and (not newer or record.id > int(newer)):
            rows.append(row)
    return envelope(rows[: int(request.get("limit", "100"))])


def closed_positions(request: Request) -> Any:
    """account/positions-history: one row a position that was closed, wholly or in part, as of its latest change."""
    latest: dict[int, dict[str, Any]] = {}
    sums: dict[int, dict[str, Decimal]] = {}
    for record in request.account.records:
        if record.contract is None:
            continue
        total = sums.setdefault(
            record.position_id, dict.fromkeys(("pnl", "fee", "fundingFee", "liqPenalty", "closed", "worth", "most"), Decimal(0))
        )
        total["most"] = max(total["most"], record.left)
        total["pnl"] += record.profit
        total["fee"] += record.fee
        total["liqPenalty"] += record.penalty
        total["fundingFee"] += record.amount
        if record.closes:
            total["closed"] += record.quantity
            total["worth"] += record.quantity * record.price
            latest[record.position_id] = _closed_row(record, total)
    wanted, kind = request.get("instId"), request.get("type")
    rows = [row for row in latest.values() if wanted in {"", row["instId"]} and kind in {"", row["type"]}]
    rows.sort(key=lambda row: int(row["uTime"]), reverse=True)
    older, newer = request.get("after"), request.get("before")
    rows = [
        row for row in rows if (not older or int(row["uTime"]) < int(older)) and (not newer or int(row["uTime"]) > int(newer))
    ]
    return envelope(rows[: int(request.get("limit", "100"))])


def _closed_row(record: Record, total: dict[str, Decimal]) -> dict[str, Any]:
    """The row as of ``record``; ``total`` are the sums since opening."""
    inst_id = record.contract.id if record.contract else ""
    pnl, fee, funding, penalty = (total[name] for name in ("pnl", "fee", "fundingFee", "liqPenalty"))
    return {
        "cTime": str(record.opened),
        "ccy": record.currency,
        "closeAvgPx": text(total["worth"] / total["closed"]),
        "closeTotalPos": text(total["closed"]),
        "direction": "long" if record.long else "short",
        "fee": text(fee),
        "fundingFee": text(funding),
        "instId": inst_id,
        "instType": split_instrument(inst_id)[3],
        "lever": text(record.leverage),
        "liqPenalty": text(penalty),
        "mgnMode": record.mode.value,
        "openAvgPx": text(record.entry),
        "openMaxPos": text(total["most"]),
        "pnl": text(pnl),
        "pnlRatio": "",
        "posId": str(record.position_id),
        "posSide": record.slot.value,
        "realizedPnl": text(pnl + fee + funding + penalty),
        "triggerPx": text(record.mark) if record.kind in _TRIGGERED else "",
        "type": _ENDINGS[record.kind][0 if record.left else 1],
        "uTime": str(record.at),
        "uly": "-".join(inst_id.split("-")[:2]),
    }


HISTORY: dict[str, tuple[Callable[[Request], Any], int]] = {
    "bills": (bills, 10),
    "bills-archive": (bills, 5),
    "positions-history": (closed_positions, 10),
}
"""Path below api/v5/account, and how often a key may call it in two seconds."""
