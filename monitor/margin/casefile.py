"""Cases for `margincall calc`: positions written down as JSON, and figures written back; no account, no network.

A case is one JSON object; numbers are strings or JSON numbers and stay exact. Everything that is wrong is found at once, one
line per problem: ``[index] field: what is wrong``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from monitor.margin.assessment import Assessment
from monitor.margin.casefields import ANY, FEE, NOT_NEGATIVE, POSITIVE, SHARE, Fields, JsonObject
from monitor.margin.position import Contract, Instrument, Position, PositionKey, Side
from monitor.margin.quantities import ONE, plain, plain_or_none
from monitor.margin.tiers import MaintenanceTier, TierBasis, TierTable

_EXCHANGES = ("binance", "bybit", "okx")
_REQUIRED = (
    "exchange",
    "contract",
    "side",
    "contracts",
    "contract_size",
    "entry_price",
    "mark_price",
    "isolated_margin",
    "tiers",
)
_KNOWN = (*_REQUIRED, "leverage", "taker_fee_rate", "price_tick", "tier_basis")
_TIER_FIELDS = ("floor", "cap", "rate", "deduction")
# What an exchange's formula uses beyond the tiers.
_REQUIRED_BY = {"bybit": ("leverage", "taker_fee_rate"), "okx": ("taker_fee_rate", "price_tick")}


def parse_cases(text: str) -> tuple[list[Position | None], list[str]]:
    """The positions of a JSON array of cases, None where a case is bad, and every problem found, one line each."""
    try:
        cases = json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=JsonObject)
    except json.JSONDecodeError as error:
        return [], [f"input: not JSON: {error.msg} at line {error.lineno} column {error.colno}"]
    except RecursionError:
        return [], ["input: nested too deeply"]
    if not isinstance(cases, list):
        return [], ["input: must be a JSON array of cases"]
    positions: list[Position | None] = []
    lines: list[str] = []
    for index, case in enumerate(cases):
        problems: list[str] = []
        if isinstance(case, JsonObject):
            positions.append(_parse_case(Fields(case, f"[{index}] ", problems), f"[{index}] ", problems))
        else:
            positions.append(None)
            problems.append(f"[{index}] case: must be a JSON object")
        lines += problems
    return positions, lines


def render_figures(assessment: Assessment) -> dict[str, str | int | None]:
    """The judged figures as JSON values: decimals as plain strings without exponent, the tier a number, None = none."""
    figures = assessment.judged
    return {
        "notional": plain(figures.notional),
        "unrealized_pnl": plain(figures.unrealized_pnl),
        "equity": plain(figures.equity),
        "requirement": plain(figures.requirement),
        "maintenance_rate": plain(figures.maintenance_rate),
        "margin_ratio": plain(figures.margin_ratio),
        "margin_usage": plain_or_none(figures.margin_usage),
        "buffer": plain_or_none(figures.buffer),
        "headroom": plain(figures.headroom),
        "cushion": plain_or_none(figures.cushion),
        "liquidation_price": plain_or_none(figures.liquidation_price),
        "liquidation_distance": plain_or_none(figures.liquidation_distance),
        "effective_leverage": plain_or_none(figures.effective_leverage),
        "tier": figures.tier,
    }


def _parse_case(fields: Fields, path: str, problems: list[str]) -> Position | None:
    """The position of one case; None when ``problems`` got a line."""
    fields.check_names(_KNOWN, _REQUIRED)
    exchange = fields.choice("exchange", _EXCHANGES)
    fields.require(_REQUIRED_BY.get(exchange, ()), f"is missing: the formula of {exchange} uses it")
    contract = fields.choice("contract", tuple(Contract))
    side = fields.choice("side", tuple(Side))
    contracts = fields.number("contracts", POSITIVE)
    contract_size = fields.number("contract_size", POSITIVE)
    entry_price = fields.number("entry_price", POSITIVE)
    mark_price = fields.number("mark_price", POSITIVE)
    isolated_margin = fields.number("isolated_margin", ANY)
    leverage = fields.number_or_none("leverage", POSITIVE)
    taker_fee_rate = fields.number_or_none("taker_fee_rate", FEE)
    price_tick = fields.number_or_none("price_tick", POSITIVE)
    basis = fields.choice("tier_basis", tuple(TierBasis)) or _default_basis(exchange, contract)
    rows = fields.given("tiers")
    tiers = _parse_tiers(fields, rows, basis, path, problems) if rows is not None else ()
    if problems:
        return None
    return Position(
        key=PositionKey(exchange=exchange, account="", symbol="", side=Side(side)),
        family="",
        instrument=Instrument(
            symbol="",
            instrument_id="",
            contract=Contract(contract),
            contract_size=contract_size,
            settle_currency="",
            price_tick=price_tick,
        ),
        hedged=False,
        contracts=contracts,
        entry_price=entry_price,
        mark_price=mark_price,
        isolated_margin=isolated_margin,
        leverage=leverage,
        taker_fee_rate=taker_fee_rate,
        tiers=TierTable(basis=TierBasis(basis), tiers=tiers),
    )


def _default_basis(exchange: str, contract: str) -> TierBasis:
    """What the exchange's own tables count: OKX contracts; Binance and Bybit notional, or base coin where they are inverse."""
    if exchange == "okx":
        return TierBasis.CONTRACTS
    return TierBasis.BASE if contract == Contract.INVERSE else TierBasis.NOTIONAL


def _parse_tiers(fields: Fields, rows: Any, basis: str, path: str, problems: list[str]) -> tuple[MaintenanceTier, ...]:
    """The ladder of tiers, each looked at by itself and then beside its neighbour."""
    if not isinstance(rows, list) or not rows:
        fields.add("tiers", "must be an array of at least one tier")
        return ()
    before = len(problems)
    tiers: list[MaintenanceTier] = []
    for number, row in enumerate(rows):
        where = f"tiers[{number}]"
        if isinstance(row, JsonObject):
            tiers.append(_parse_tier(Fields(row, f"{path}{where}.", problems), has_cap="cap" in row))
        else:
            fields.add(where, "must be a JSON object")
    if len(problems) == before:
        _check_ladder(fields, tiers, basis)
    return tuple(tiers)


def _parse_tier(fields: Fields, *, has_cap: bool) -> MaintenanceTier:
    """One tier; ``has_cap``: the cap is given, if only as null."""
    fields.check_names(_TIER_FIELDS, ("floor", "rate", "deduction"))
    if not has_cap:
        fields.add("cap", "is missing (null: no end)")
    floor = fields.number("floor", NOT_NEGATIVE)
    cap = fields.number_or_none("cap", POSITIVE)
    if cap is not None and cap <= floor:
        fields.add("cap", "must be above the floor")
    return MaintenanceTier(
        floor=floor, cap=cap, rate=fields.number("rate", SHARE), deduction=fields.number("deduction", NOT_NEGATIVE)
    )


def _check_ladder(fields: Fields, tiers: Sequence[MaintenanceTier], basis: str) -> None:
    """Each tier must begin where the one below ends; OKX's tables of contracts go on one contract later (500, then 501)."""
    step = ONE if basis == TierBasis.CONTRACTS else 0
    for number, (below, tier) in enumerate(pairwise(tiers), start=1):
        if below.cap is None:
            fields.add(f"tiers[{number - 1}].cap", "can be null only in the last tier")
        elif tier.floor < below.cap:
            fields.add(f"tiers[{number}].floor", "lies below the cap of the tier before it: out of order or overlapping")
        elif tier.floor > below.cap + step:
            fields.add(f"tiers[{number}].floor", "leaves a gap above the cap of the tier before it")
