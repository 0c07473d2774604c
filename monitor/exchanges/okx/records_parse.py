"""OKX's bills and positions-history into our words. Pure.

Sources (docs-v5: Get bills details, its types and subtypes; Get positions history; read 2026-11-23). A bill's ``balChg`` is what
it did to the balance, ``posBalChg`` what to the margin of the position: their sum is what the owner has more or less. ``pnl`` is
without the fee; ``fee`` below 0 is paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.exchanges import figures
from monitor.exchanges.legs import on_side
from monitor.exchanges.records import Asked, Gathered, Row, ended_by_exchange
from monitor.lives.records import Fill, FillCause, Flow, FlowKind, Totals
from monitor.margin.position import Side
from monitor.margin.quantities import ZERO, dec_or_none

_FUNDING_TYPE = "8"
_TAKEN = "161"
_MARGIN = {"160": FlowKind.MARGIN_ADDED, "161": FlowKind.MARGIN_TAKEN, "162": FlowKind.AUTO_ADDED}
STEPS = {
    **dict.fromkeys(("1", "127", "102", "106", "204", "270", "324"), (True, "")),
    **dict.fromkeys(("2", "128", "103", "107", "205", "271", "325"), (False, "")),
    **dict.fromkeys(("3", "206", "272", "326"), (True, "long")),
    **dict.fromkeys(("4", "207", "273", "327"), (False, "short")),
    **dict.fromkeys(("5", "208", "274", "328", "100", "104", "112", "125"), (False, "long")),
    **dict.fromkeys(("6", "209", "275", "329", "101", "105", "113", "126"), (True, "short")),
}
"""By subType: whether it buys, and the side it is of where that is said."""
_CAUSES = {
    **dict.fromkeys(("100", "101", "102", "103"), FillCause.REDUCTION),
    **dict.fromkeys(("104", "105", "106", "107"), FillCause.LIQUIDATION),
    **dict.fromkeys(("125", "126", "127", "128"), FillCause.DELEVERAGED),
}
_ENDS = {"112", "113"}
_SAME_MOMENT = timedelta(seconds=2)
"""A bill and its row of positions-history may be that far apart."""
_OF_FUND = {"108", "110", "111", "117"}
_LIQUIDATED = {FillCause.REDUCTION, FillCause.LIQUIDATION}
_TRIGGERED = {
    "3": FillCause.LIQUIDATION,
    "4": FillCause.REDUCTION,
    "5": FillCause.DELEVERAGED,
    "6": FillCause.DELEVERAGED,
}
"""By positions-history's type, of which only the latest is shown: whose trigger its ``triggerPx`` is."""
_FINAL = {"2", "3", "6"}
"""Types of a position that is closed altogether; of the auto-deleveragings 5 leaves a rest and 6 does not."""


def parse_fills(rows: Iterable[Row], asked: Asked) -> list[Fill]:
    """The fills of the position among an instrument's bills, oldest first."""
    side = asked.position.key.side
    fills: list[Fill] = []
    for row in _ordered(rows):
        if row["subType"] not in STEPS:
            continue
        buys, of_side = STEPS[row["subType"]]
        if of_side in {"", side.value}:
            fills.append(_fill(row, asked, closes=buys is not (side is Side.LONG)))
    return fills if asked.position.hedged else on_side(fills, asked.position, asked.sized)


def _fill(row: Row, asked: Asked, *, closes: bool) -> Fill:
    kind = row["subType"]
    cause = ended_by_exchange(asked.position) if kind in _ENDS else _CAUSES.get(kind, FillCause.TRADE)
    return Fill(
        at=asked.ours(row["ts"]),
        cause=cause,
        contracts=abs(figures.amount(row["sz"])),
        closes=closes,
        price=dec_or_none(row.get("px")) or None,
        profit=dec_or_none(row.get("pnl")),
        fee=dec_or_none(row.get("fee")),
        insurance=_insurance(row) if cause in _LIQUIDATED else None,
        margin_change=dec_or_none(row.get("posBalChg")),
        id=str(row["billId"]),
        order=str(row.get("ordId") or ""),
    )


def _insurance(row: Row) -> Decimal | None:
    """What the insurance fund took of a liquidation: what the owner has less that is neither loss nor fee."""
    parts = [dec_or_none(row.get(name)) for name in ("balChg", "posBalChg", "pnl", "fee")]
    balance, margin, profit, fee = parts
    if balance is None or margin is None or profit is None or fee is None:
        return None
    return balance + margin - profit - fee


def add_flows(rows: Iterable[Row], asked: Asked, found: Gathered, *, whole: bool) -> None:
    """Margin put in and taken out, and what the insurance fund had of its own; ``whole``: it is known whose each bill is."""
    for row in _ordered(rows):
        kind = row["subType"]
        if kind in _MARGIN:
            amount = abs(figures.amount(row.get("posBalChg") or row["sz"]))
            amount = -amount if kind == _TAKEN else amount
            found.flows.append(_flow(row, asked, _MARGIN[kind], amount, after=dec_or_none(row.get("posBal"))))
        elif kind in _OF_FUND:
            found.flows.append(_flow(row, asked, FlowKind.INSURANCE, _own_change(row)))
        elif row["type"] != _FUNDING_TYPE and kind not in STEPS:
            found.lack(f"a bill of type {row['type']} and subtype {kind} is not known here")
    if whole:
        found.kept |= {FlowKind.MARGIN_ADDED, FlowKind.MARGIN_TAKEN, FlowKind.AUTO_ADDED, FlowKind.INSURANCE}


def add_funding(rows: Iterable[Row], asked: Asked, found: Gathered, *, whole: bool) -> None:
    """The funding of the position over its life; ``whole``: its record was asked back that far."""
    for row in _ordered(rows):
        if row["type"] == _FUNDING_TYPE and int(row["ts"]) >= asked.born:
            amount = dec_or_none(row.get("pnl")) or _own_change(row)
            found.flows.append(_flow(row, asked, FlowKind.FUNDING, amount, after=dec_or_none(row.get("posBal"))))
    if whole:
        found.kept.add(FlowKind.FUNDING)
    elif found.totals is None or found.totals.funding is None:
        found.lack("funding: OKX's bills do not tell all of it")


def add_totals(rows: Iterable[Row], asked: Asked, found: Gathered) -> None:
    """OKX's own sums of this life of the position, and the mark price that set its last forced fill off."""
    position = asked.position
    mine = [
        row
        for row in rows
        if row["direction"] == position.key.side.value and (row["cTime"] == position.opened or not position.opened)
    ]
    if not mine:
        if any(fill.closes for fill in found.fills):
            found.lack("the sums over its life: OKX has none yet (positions-history)", again=True)
        return
    row = max(mine, key=lambda row: int(row["uTime"]))
    newest = _last_closing(found.fills, asked)
    if newest is not None and asked.ours(row["uTime"]) < newest - _SAME_MOMENT:
        found.lack("the sums over its life: OKX has none yet of its newest fill (positions-history)", again=True)
        return
    found.totals = Totals(
        profit=dec_or_none(row.get("pnl")),
        fees=dec_or_none(row.get("fee")),
        funding=dec_or_none(row.get("fundingFee")),
        insurance=dec_or_none(row.get("liqPenalty")),
        entry_price=dec_or_none(row.get("openAvgPx")),
        exit_price=dec_or_none(row.get("closeAvgPx")),
        final=str(row["type"]) in _FINAL,
    )
    _hold_against(found, found.totals)
    trigger, cause = dec_or_none(row.get("triggerPx")), _TRIGGERED.get(str(row["type"]))
    last = next((index for index in reversed(range(len(found.fills))) if found.fills[index].cause is cause), None)
    if trigger and last is not None:
        found.fills[last] = replace(found.fills[last], trigger_price=trigger)


def _last_closing(fills: Iterable[Fill], asked: Asked) -> datetime | None:
    """When the life that was read was last made smaller; what is closed after its end is of another one."""
    size, last = asked.position.contracts, None
    for fill in fills:
        last = fill.at if fill.closes else last
        size += fill.step if fill.at > asked.sized else ZERO
        if size <= 0:
            break
    return last


def _hold_against(found: Gathered, totals: Totals) -> None:
    """What bills make of the fund's part must fit in its sum over the life (liqPenalty); else only that sum is told."""
    forced = [index for index, fill in enumerate(found.fills) if fill.cause in _LIQUIDATED]
    if not forced or totals.insurance is None:
        return
    parts = [part for index in forced if (part := found.fills[index].insurance) is not None]
    whole = len(parts) == len(forced)
    # Some of the sum may be of a liquidation before the time that is asked about.
    if whole and min(totals.insurance, ZERO) <= sum(parts, ZERO) <= max(totals.insurance, ZERO):
        return
    found.lack("insurance: it is the sum over the whole life, which OKX does not tell by its bills")
    for index in forced:
        last = index == forced[-1]
        found.fills[index] = replace(found.fills[index], insurance=totals.insurance if last else None)


def _flow(row: Row, asked: Asked, kind: FlowKind, amount: Decimal, *, after: Decimal | None = None) -> Flow:
    return Flow(at=asked.ours(row["ts"]), kind=kind, amount=amount, margin_after=after, id=str(row["billId"]))


def _own_change(row: Row) -> Decimal:
    """What the owner has more by a bill."""
    return figures.amount(row.get("balChg") or 0) + figures.amount(row.get("posBalChg") or 0)


def _ordered(rows: Iterable[Row]) -> list[Row]:
    """Each bill once, the oldest first."""
    return sorted({str(row["billId"]): row for row in rows}.values(), key=lambda row: (int(row["ts"]), int(row["billId"])))
