"""Bybit V5 positions, pure: rows of ``/v5/position/list`` and the account's margin mode in, our own values out.

Sources: bybit-exchange/docs v5/position/position.mdx and v5/account/account-info.mdx; help centre "The New Margin Calculation"
(2025-09-18). Read 2026-11-22. The traps, each with its reason, are in NOTES.md beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitor.errors import BadQuantity, BadReading, MargincallError
from monitor.exchanges.bybit.terms import UNREADABLE, Terms
from monitor.exchanges.figures import amount, price
from monitor.exchanges.stops import RestingOrder, stops_of
from monitor.exchanges.unread import UnreadRows
from monitor.margin.position import ExchangeSays, Position, PositionStatus, Side
from monitor.margin.quantities import dec_or_none
from monitor.margin.reading import Unguarded

INVERSE = "inverse"

_SIDES = {"Buy": Side.LONG, "Sell": Side.SHORT}
_STATUSES = {"Liq": PositionStatus.LIQUIDATING, "Adl": PositionStatus.DELEVERAGING}
_SAYS_NOTHING = ExchangeSays()
_ABSENT = (None, "", 0, "0")
_ON = (1, "1", True, "true")
_CLASSIC = 1
_UNIFIED_1 = (3, 4)


class MarginMode(StrEnum):
    """How the whole account margins its positions, as ``/v5/account/info`` says it."""

    ISOLATED = "ISOLATED_MARGIN"
    CROSS = "REGULAR_MARGIN"
    PORTFOLIO = "PORTFOLIO_MARGIN"


_MODE_WORDS = {MarginMode.CROSS: "cross", MarginMode.PORTFOLIO: "portfolio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """``/v5/account/info``: the margin mode and the account's generation (1 classic, 3 and 4 UTA1.0, 5 and 6 UTA2.0)."""

    margin_mode: MarginMode | None
    unified_status: int

    def mode_of(self, family: str) -> MarginMode | None:
        """The mode of every position in ``family``; None where each row's own ``tradeMode`` counts."""
        if self.unified_status == _CLASSIC or (family == INVERSE and self.unified_status in _UNIFIED_1):
            return None
        return self.margin_mode


def parse_account_info(result: Mapping[str, Any]) -> AccountInfo:
    """The account's margin mode from the ``result`` of ``/v5/account/info``; BadReading for a mode that is not known here."""
    try:
        status = int(result.get("unifiedMarginStatus") or 0)
    except (TypeError, ValueError) as error:
        raise BadReading("Bybit's account type cannot be read") from error
    try:
        mode = MarginMode(result.get("marginMode") or "")
    except ValueError as error:
        if status == _CLASSIC:
            return AccountInfo(margin_mode=None, unified_status=status)
        raise BadReading(f"Bybit's margin mode is not known here: {str(result.get('marginMode'))[:40]!r}") from error
    return AccountInfo(margin_mode=mode, unified_status=status)


def merge_pages(pages: Iterable[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """All rows of several pages, each position once.

    A position that changes while the pages are read can be on two of them: the row with the later change wins. BadReading when
    two rows of one position claim the same moment and differ in what only a change can move.
    """
    rows: dict[tuple[Any, str], Mapping[str, Any]] = {}
    for page in pages:
        for row in page:
            if not isinstance(row, dict):
                raise BadReading("a position in Bybit's reply is not an object")
            key = (row.get("symbol"), str(row.get("positionIdx") or 0))
            other = rows.get(key)
            rows[key] = row if other is None else _newer(other, row)
    return list(rows.values())


def parse_positions(
    rows: Iterable[Mapping[str, Any]],
    *,
    family: str,
    mode: MarginMode | None,
    terms_of: Callable[[str], Terms],
    now_ms: int,
) -> tuple[tuple[Position, ...], tuple[Unguarded, ...]]:
    """The isolated positions and the others among ``rows``; flat rows are left out.

    ``mode`` is the account's (None: each row's ``tradeMode``). A row that cannot be read is an unguarded position; raises
    BadReading naming the symbol of the first one where no position can be read.
    """
    positions: list[Position] = []
    unguarded: list[Unguarded] = []
    unread = UnreadRows()
    for row in rows:
        try:
            size = amount(row["size"])
            if not size:
                continue
            side = _SIDES[row["side"]]
            row_mode = mode if mode is not None else _row_mode(row)
            if row_mode is MarginMode.ISOLATED:
                terms = terms_of(row["symbol"])
                positions.append(_position(row, family=family, terms=terms, side=side, size=size, now_ms=now_ms))
            else:
                unguarded.append(_unguarded(row["symbol"], side, _MODE_WORDS[row_mode], terms_of))
        except UNREADABLE as error:
            shown = error.message if isinstance(error, MargincallError) else f"{type(error).__name__} {error}"
            refused = BadReading(f"Bybit's position on {row.get('symbol')} cannot be read: {shown}")
            refused.__cause__ = error
            unread.add(refused, name=row.get("symbol"), why=shown)
    return tuple(positions), (*unguarded, *unread.told(positions))


def _unguarded(name: str, side: Side, mode: str, terms_of: Callable[[str], Terms]) -> Unguarded:
    """A position of which only the name is needed: Bybit's own, where no other can be told."""
    try:
        symbol = terms_of(name).instrument.symbol
    except UNREADABLE:
        symbol = name
    return Unguarded(symbol=symbol, side=side, mode=mode, instrument_id=name)


def _position(row: Mapping[str, Any], *, family: str, terms: Terms, side: Side, size: Decimal, now_ms: int) -> Position:
    # avgPrice over REST is entryPrice on the stream; the ByMp names are the same figures since 2025-11.
    entry = price(row.get("avgPrice") or row["entryPrice"])
    mark = price(row["markPrice"])
    margin = amount(row.get("positionIM") or row["positionIMByMp"])
    if size < 0:
        raise BadReading("a size below 0")
    leverage = dec_or_none(row.get("leverage"))
    notes = terms.degraded
    if _limit_will_change(row, now_ms):
        notes = (*notes, "risk_limit_changes")
    position = Position(
        key=terms.long_key if side is Side.LONG else terms.short_key,
        family=family,
        instrument=terms.instrument,
        hedged=row.get("positionIdx") not in _ABSENT,
        contracts=size,
        entry_price=entry,
        mark_price=mark,
        isolated_margin=margin,
        leverage=leverage or None,
        taker_fee_rate=terms.taker_fee_rate,
        tiers=terms.tiers,
        says=_says(row, margin, terms),
        opened=_opened(row),
        changed=changed_mark(row),
        status=_STATUSES.get(row.get("positionStatus", ""), PositionStatus.NORMAL),
        exchange_adds_margin=row.get("autoAddMargin") in _ON,
        degraded=notes,
    )
    return _with_own_stop(position, row) if row.get("stopLoss") else position


def changed_mark(row: Mapping[str, Any]) -> str:
    """Bybit's mark of a position's last change: a change of settings moves the sequence too."""
    return f"{row.get('updatedTime', '')}|{row.get('seq', '')}"


def _with_own_stop(position: Position, row: Mapping[str, Any]) -> Position:
    """The position with the stop loss for all of it that its own row names, if it does; others may rest all the same."""
    try:
        trigger = dec_or_none(row["stopLoss"])
    except BadQuantity:
        return position
    if not trigger or row.get("tpslMode") not in {None, "", "Full"}:
        return position
    return replace(position, stops=stops_of(position, [RestingOrder(closes=position.key.side, price=trigger)]) or None)


def _opened(row: Mapping[str, Any]) -> str:
    # Not createdTime: that is the first position EVER on the symbol, and says nothing of this one's life.
    opened = row.get("openTime")
    return "" if opened in _ABSENT else str(opened)


def _says(row: Mapping[str, Any], margin: Decimal, terms: Terms) -> ExchangeSays:
    requirement = dec_or_none(row.get("positionMM") or row.get("positionMMByMp")) or None
    liquidation = dec_or_none(row.get("liqPrice")) or None
    if liquidation is not None and (liquidation < 0 or (terms.highest_price is not None and liquidation >= terms.highest_price)):
        liquidation = None  # older replies print the highest price that can be quoted where they mean "none"
    if requirement is None:
        return _SAYS_NOTHING if liquidation is None else ExchangeSays(liquidation_price=liquidation)
    usage = None
    if row.get("unrealisedPnl") not in {None, ""}:
        equity = margin + amount(row["unrealisedPnl"])
        usage = requirement / equity if equity > 0 and requirement > 0 else None
    return ExchangeSays(liquidation_price=liquidation, requirement=requirement, margin_usage=usage)


def _row_mode(row: Mapping[str, Any]) -> MarginMode:
    return MarginMode.ISOLATED if int(row["tradeMode"]) == 1 else MarginMode.CROSS


def _limit_will_change(row: Mapping[str, Any], now_ms: int) -> bool:
    if row.get("isReduceOnly") not in _ON:
        return False
    # The documentation's REST example misspells the field.
    when = row.get("mmrSysUpdatedTime") or row.get("mmrSysUpdateTime")
    return bool(when) and int(str(when)) > now_ms


def _newer(first: Mapping[str, Any], second: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        before, after = _moment(first), _moment(second)
    except UNREADABLE as error:
        raise BadReading(f"Bybit's position on {first.get('symbol')} came twice without its times") from error
    if before == after and any(first.get(name) != second.get(name) for name in ("side", "size", "avgPrice")):
        raise BadReading(f"Bybit's position on {first.get('symbol')} came twice, with different contents")
    return first if before > after else second


def _moment(row: Mapping[str, Any]) -> tuple[int, int]:
    return int(row.get("updatedTime") or 0), int(row.get("seq") or 0)
