"""The words of a message about a position: who, how near, the numbers, what to do; the title alone must do on a lock screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from monitor.alerts.model import Alert, Notice, NotifyReason
from monitor.alerts.rounding import (
    line_share,
    liquidation_price,
    mark_price,
    money_down,
    money_up,
    share_down,
    share_up,
    span,
)
from monitor.margin.assessment import Assessment
from monitor.margin.position import Position
from monitor.margin.quantities import plain

TITLE_WIDTH = 60
EXCHANGE_NAMES = {"binance": "Binance", "bybit": "Bybit", "okx": "OKX"}

DEGRADED = {
    "no_tiers": "the maintenance tiers could not be read: worst-case figures",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What would bring a position back: ``amount`` of margin to reach ``line`` of the rule's figure; ``free`` now, if known."""

    amount: Decimal
    goal: str
    free: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionStory:
    """Everything that a message about a position may need. ``gone``: it is no longer in the exchange's list."""

    assessment: Assessment
    read_at: datetime
    rescue: Rescue | None
    gone: bool = False
    mode: str = ""


def short_symbol(symbol: str) -> str:
    """``BTC/USDT:USDT`` as ``BTC/USDT``, ``BTC/USD:BTC`` as it is but for an expiry: what fits a title."""
    pair, _, settle = symbol.partition(":")
    return pair if settle.startswith(pair.partition("/")[2]) else symbol


def exchange_name(exchange: str) -> str:
    """The exchange's name as people write it."""
    return EXCHANGE_NAMES.get(exchange, exchange)


def position_title(lead: Notice, story: PositionStory) -> str:
    """The one line that must do."""
    alert, position = lead.alert, story.assessment.position
    name = f"{short_symbol(position.key.symbol)} {position.key.side.value}"
    if lead.why is NotifyReason.RESOLVED:
        return fit(f"{name} is gone: closed or liquidated" if story.gone else f"All clear: {name} {_nearness(story)}")
    still = "Still " if lead.why is NotifyReason.REPEAT else ""
    head = f"{still}{alert.level.label.upper()}"
    if alert.rule == "not_guarded":
        return fit(f"{head}: {name} is NOT guarded ({story.mode})")
    return fit(f"{head}: {name} {_nearness(story)}")


def position_body(notices: list[Notice], story: PositionStory, now: datetime, zone: tzinfo) -> str:
    """The message itself, the most urgent first; plain text, one fact a line."""
    position, judged = story.assessment.position, story.assessment.judged
    lead = notices[0]
    key = position.key
    coin = position.instrument.settle_currency
    lines = [f"{key.symbol} {key.side.value} on {key.account} ({exchange_name(key.exchange)}){_why_now(lead, now)}"]
    if story.gone:
        lines.append("It is no longer in the exchange's list (two readings agree): closed or liquidated.")
        lines.append("If you did not close it, look now. The last figures were:")
    if story.mode:
        lines.append(f"Its margin mode is now {story.mode}: margincall does not guard it any more.")
        lines.append("Its liquidation hangs on the whole wallet. The last isolated figures were:")
    lines.append(_liquidation_line(story))
    lines.extend(_rule_line(one.alert) for one in notices if one.alert.value is not None and one.why is not NotifyReason.RESOLVED)
    usage = "over 100 %" if judged.margin_usage is None else share_up(judged.margin_usage)
    equity, wanted = money_down(judged.equity, coin), money_up(judged.requirement, coin)
    told = any(one.alert.rule == "margin_usage" and one.why is not NotifyReason.RESOLVED for one in notices)
    lines.append(f"Equity {equity}, exchange wants {wanted}{'' if told else f' (margin usage {usage})'}.")
    if story.rescue is not None and lead.why is not NotifyReason.RESOLVED and not story.gone:
        lines.append(_rescue_line(story.rescue, coin))
    lines.extend(_doubts(story.assessment, coin))
    lines.append(_size_line(position))
    age = span(now - story.read_at)
    lines.append(f"Read {age} ago, at {story.read_at.astimezone(zone):%H:%M:%S %Z}.")
    lines.append(" ".join(dict.fromkeys(f"#{notice.alert.code}" for notice in notices)))
    return "\n".join(lines)


def fit(title: str) -> str:
    """The title, cut to what every service shows."""
    return title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 1] + "…"


def _nearness(story: PositionStory) -> str:
    judged = story.assessment.judged
    if judged.headroom <= 0:
        return "is at liquidation"
    parts = []
    if judged.cushion is not None:
        parts.append(f"cushion {share_down(judged.cushion)}")
    if judged.liquidation_distance is not None:
        parts.append(f"liq {share_down(judged.liquidation_distance)} away")
    return ", ".join(parts) or "has no liquidation price"


def _why_now(lead: Notice, now: datetime) -> str:
    alert = lead.alert
    lasted = span(now - alert.since)
    match lead.why:
        case NotifyReason.FIRST | NotifyReason.DRILL:
            return ""
        case NotifyReason.ESCALATED:
            return f": {alert.level.label} for {lasted}, and nobody acknowledged it"
        case NotifyReason.WORSENED:
            return f": worse, now {alert.level.label} ({lasted} after the first alert)"
        case NotifyReason.REPEAT:
            return f": still {alert.level.label}, for {lasted}"
        case _:
            return f": the {alert.peak.label} alert is over after {lasted}"


def _liquidation_line(story: PositionStory) -> str:
    position, judged = story.assessment.position, story.assessment.judged
    mark = mark_price(position)
    if judged.headroom <= 0:
        return f"Mark {mark}: at or past liquidation."
    if judged.liquidation_price is None or judged.liquidation_distance is None:
        return f"Mark {mark}; no price liquidates it."
    price = liquidation_price(judged.liquidation_price, position)
    return f"Liquidation at {price}, mark {mark}: {share_down(judged.liquidation_distance)} away."


def _rule_line(alert: Alert) -> str:
    name = alert.rule.replace("_", " ").capitalize()
    rounded = share_up if alert.rule == "margin_usage" else share_down
    value = rounded(alert.value) if alert.value is not None else "unbounded"
    line = "" if alert.line is None else f" ({alert.level.label} line {line_share(alert.line)})"
    return f"{name} {value}{line}."


def _rescue_line(rescue: Rescue, coin: str) -> str:
    add = f"Add {money_up(rescue.amount, coin)} to be back at {rescue.goal}"
    if rescue.free is None:
        return f"{add}, or reduce the position. Free balance not known."
    short = " (NOT enough)" if rescue.free < rescue.amount else ""
    return f"{add}, or reduce the position; {money_down(rescue.free, coin)} free{short}."


def _doubts(assessment: Assessment, coin: str) -> list[str]:
    lines = []
    if assessment.diverges:
        ours, judged = money_up(assessment.ours.requirement, coin), money_up(assessment.judged.requirement, coin)
        lines.append(f"The exchange's own figures differ from ours ({ours} by us, {judged} used): the worse is shown.")
    lines.extend(f"Note: {DEGRADED.get(mark, mark.replace('_', ' '))}." for mark in assessment.degraded)
    return lines


def _size_line(position: Position) -> str:
    leverage = "" if position.leverage is None else f", {plain(position.leverage)}x"
    entry = plain(position.entry_price)
    return f"Size {plain(position.contracts)} contracts of {plain(position.instrument.contract_size)}, entry {entry}{leverage}."
