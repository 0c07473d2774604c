"""The words of a message about a position: who, how near, the numbers, what to do; the title alone must do on a lock screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.alerts.model import Notice, NotifyReason
from monitor.alerts.remarks import disagreement, rescue_line, rule_line, rule_name, said_in_title, shared_line, stop_line
from monitor.alerts.rounding import (
    digits,
    liquidation_price,
    mark_price,
    money_down,
    money_up,
    share_down,
    share_up,
    span,
)
from monitor.margin.assessment import Assessment
from monitor.margin.position import Contract, Position, PositionStatus
from monitor.margin.quantities import ZERO, plain
from monitor.rules.base import Level

TITLE_WIDTH = 60
EXCHANGE_NAMES = {"binance": "Binance", "bybit": "Bybit", "okx": "OKX"}

WHY_AGAIN = {NotifyReason.REPEAT: "Still ", NotifyReason.ESCALATED: "UNANSWERED "}
"""How the title of a message begins that tells something again."""
OLD = timedelta(minutes=1)
"""From this age on a title says how old its figures are."""

DEGRADED = {
    "no_tiers": "the maintenance tiers could not be read, so a worst-case rate stands in",
    "tiers_rebuilt": "the exchange left out the deductions of its tiers, so they were worked out from its rates",
    "tiers_uneven": "the exchange's maintenance tiers contradict each other; they are used as sent",
    "deductions_rebuilt": "the deductions of the maintenance tiers were missing or wrong, so they were worked out from the rates",
    "no_instrument": "the list of contracts could not be read, so this one's details come from its name",
    "instrument_guessed": "the list of contracts could not be read, so this one's details come from its name",
    "contract_size_inferred": "the contract size could not be read, so it was worked out from the value of the position",
    "no_leverage": "the leverage setting is not known, so the cushion is measured against today's margin",
    "leverage_inferred": "the leverage setting could not be read, so it was worked out from the initial margin",
    "entry_inferred": "the exchange sent no entry price, so it was worked out from the profit",
    "fee_inferred": "your fee rate is not known, so it was worked out from the exchange's own requirement",
    "fee_assumed": "your fee rate could not be read, so the regular one stands in",
    "risk_limit_changes": "the exchange is about to change the risk limit of this position: its requirement may rise",
}
"""What each mark of a position means to its owner."""
DOING = {
    PositionStatus.LIQUIDATING: "The exchange is liquidating it NOW.",
    PositionStatus.DELEVERAGING: "The exchange is reducing it NOW (auto-deleveraging).",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescue:
    """What would bring a position back: ``amount`` of margin to reach ``goal`` of the rule's figure; ``then``: the liquidation
    price after that, None where there is none or it cannot be told; ``free`` now, if known. ``others``: so many other positions
    past a line would be helped from the same balance, and ``in_all`` they and this one need.
    """

    amount: Decimal
    goal: str
    free: Decimal | None
    then: Decimal | None = None
    others: int = 0
    in_all: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionStory:
    """Everything that a message about a position may need. ``gone``: it is no longer in the exchange's list. ``mode``: what its
    margin mode became, empty while isolated. ``standing``: the worst level that a rule still sees on it now. ``last_stand``: what
    the owner's policy could still do for it, in words; empty where it has none.
    """

    assessment: Assessment
    read_at: datetime
    rescue: Rescue | None
    gone: bool = False
    mode: str = ""
    standing: Level | None = None
    last_stand: str = ""


OVER = {NotifyReason.RESOLVED, NotifyReason.GONE}


def short_symbol(symbol: str) -> str:
    """What fits a title: ``BTC/USDT:USDT`` as ``BTC/USDT``, with its expiry where it has one; ``BTC/USD:BTC`` as it is."""
    pair, _, settle = symbol.partition(":")
    coin, dash, expiry = settle.partition("-")
    return f"{pair}{dash}{expiry}" if coin == pair.partition("/")[2] else symbol


def exchange_name(exchange: str) -> str:
    """The exchange's name as people write it."""
    return EXCHANGE_NAMES.get(exchange, exchange)


def position_title(lead: Notice, story: PositionStory) -> str:
    """The one line that must do; where it would be too long, what matters least is left out."""
    alert, position = lead.alert, story.assessment.position
    name = f"{short_symbol(position.key.symbol)} {position.key.side.value}"
    level = alert.level
    again = WHY_AGAIN.get(lead.why, "")
    if story.gone:
        return fit(f"{name} is gone: closed or liquidated")
    if lead.why is NotifyReason.RESOLVED:
        if story.standing is None:
            clear = "Guarded again" if alert.rule == "not_guarded" else "All clear"
            return fit(*(f"{clear}: {name} {near}" for near in _nearness(story)), f"{clear}: {name}")
        level, again = story.standing, WHY_AGAIN[NotifyReason.REPEAT]
    heads = dict.fromkeys((f"{again}{level.label.upper()}: {name}", f"{level.label.upper()}: {name}"))
    if story.mode:
        return fit(*(f"{head} is NOT guarded{mode}" for head in heads for mode in (f" ({story.mode})", "")))
    nearness = said_in_title(alert.rule, _nearness(story))
    age = lead.at - story.read_at
    old = f", {_coarse(age)} old" if age >= OLD else ""
    return fit(*(f"{head} {near}{end}" for end in dict.fromkeys((old, "")) for head in heads for near in nearness))


def position_body(notices: list[Notice], story: PositionStory, now: datetime, zone: tzinfo) -> str:
    """The message itself, the most urgent first; plain text, one fact a line."""
    position, judged = story.assessment.position, story.assessment.judged
    lead = notices[0]
    key = position.key
    coin = position.instrument.settle_currency
    lines = [
        f"{key.symbol} {key.side.value} on {key.account} ({exchange_name(key.exchange)}){_why_now(lead, now, gone=story.gone)}"
    ]
    if position.status in DOING and not story.gone:
        lines.append(DOING[position.status])
    if lead.why is NotifyReason.RESOLVED and story.standing is not None and not story.gone:
        lines.append(f"It is NOT all clear: the position is still {story.standing.label}.")
    if story.gone:
        lines.append("It is no longer in the exchange's list (two readings agree): closed or liquidated.")
        lines.append("If you did not close it, look now. margincall asks the exchange's records why. The last figures were:")
    if story.mode:
        lines.append(f"Its margin mode is now {story.mode}: margincall does not guard it any more.")
        lines.append("Its liquidation hangs on the whole wallet. The last isolated figures were:")
    lines.append(_liquidation_line(story))
    if not story.gone and not story.mode:
        lines.append(stop_line(story.assessment))
    lines.extend(rule_line(one.alert) for one in notices if one.why not in OVER)
    usage = "over 100 %" if judged.margin_usage is None else share_up(judged.margin_usage)
    equity, wanted = money_down(judged.equity, coin), money_up(judged.requirement, coin)
    told = any(
        one.alert.rule == "margin_usage" and one.alert.value is not None and one.why is not NotifyReason.RESOLVED
        for one in notices
    )
    lines.append(f"Equity {equity}, exchange wants {wanted}{'' if told else f' (margin usage {usage})'}.")
    if story.rescue is not None and lead.why is not NotifyReason.RESOLVED and not story.gone:
        rescue = story.rescue
        lines.append(rescue_line(position, amount=rescue.amount, goal=rescue.goal, then=rescue.then, free=rescue.free))
        lines.append(shared_line(position, others=rescue.others, in_all=rescue.in_all, free=rescue.free))
    if lead.why is not NotifyReason.RESOLVED and not story.gone:
        lines.append(story.last_stand)
    lines.extend(_doubts(story.assessment, coin))
    lines.append(_size_line(position))
    age = span(now - story.read_at)
    lines.append(f"Read {age} ago, at {story.read_at.astimezone(zone):%H:%M:%S %Z}.")
    lines.append(" ".join(dict.fromkeys(f"#{notice.alert.code}" for notice in notices)))
    return "\n".join(line for line in lines if line)


def _coarse(age: timedelta) -> str:
    """A span in its largest unit alone."""
    return " ".join(span(age).split(" ")[:2])


def fit(*titles: str) -> str:
    """The first of these titles that every service shows whole, else the last one cut."""
    for title in titles:
        if len(title) <= TITLE_WIDTH:
            return title
    return titles[-1][: TITLE_WIDTH - 1] + "…"


def _nearness(story: PositionStory) -> list[str]:
    """How near the end is, the fullest form first."""
    judged = story.assessment.judged
    if story.assessment.position.status is PositionStatus.LIQUIDATING:
        return ["is being liquidated"]
    if judged.headroom <= 0:
        return ["is at liquidation"]
    cushion = "" if judged.cushion is None else f"cushion {share_down(judged.cushion)}"
    if judged.liquidation_distance is None:
        return [cushion or "has no liquidation price"]
    away = f"liq {share_down(judged.liquidation_distance)} away"
    return [f"{cushion}, {away}", away] if cushion else [away]


def _why_now(lead: Notice, now: datetime, *, gone: bool) -> str:
    alert = lead.alert
    lasted = span(now - alert.since)
    match lead.why:
        case NotifyReason.FIRST | NotifyReason.DRILL | NotifyReason.GONE:
            return ""
        case NotifyReason.ESCALATED:
            return f": {alert.level.label} for {lasted}, and nobody acknowledged it"
        case NotifyReason.WORSENED:
            return f": worse, now {alert.level.label} ({lasted} after the first alert)"
        case NotifyReason.REPEAT:
            return f": still {alert.level.label}, for {lasted}"
        case _ if gone:
            return f": gone {lasted} after the first alert ({alert.peak.label} at its worst)"
        case _:
            return f": the {rule_name(alert)} alert ({alert.peak.label} at its worst) is over after {lasted}"


def _liquidation_line(story: PositionStory) -> str:
    position, judged = story.assessment.position, story.assessment.judged
    mark = mark_price(position)
    if judged.headroom <= 0:
        return f"Mark {mark}: at or past liquidation."
    if judged.liquidation_price is None or judged.liquidation_distance is None:
        return f"Mark {mark}; no price liquidates it."
    price = liquidation_price(judged.liquidation_price, position)
    return f"Liquidation at {price}, mark {mark}: {share_down(judged.liquidation_distance)} away."


def _doubts(assessment: Assessment, coin: str) -> list[str]:
    lines = []
    if assessment.diverges:
        lines.append(disagreement(assessment, coin))
    lines.extend(f"Note: {note}." for note in doubts_in_words(assessment.degraded))
    return lines


def doubts_in_words(marks: Iterable[str]) -> list[str]:
    """What the marks of a position mean to its owner, each once."""
    return list(dict.fromkeys(DEGRADED.get(mark, mark.replace("_", " ")) for mark in marks))


def _size_line(position: Position) -> str:
    instrument, size = position.instrument, position.contracts
    base, _, quote = instrument.symbol.partition(":")[0].partition("/")
    counts = base if instrument.contract is Contract.LINEAR else quote
    if instrument.contract_size == 1:
        amount = f"{digits(size)} {counts}"
    else:
        amount = f"{digits(size)} contracts of {digits(instrument.contract_size)} {counts}"
    leverage = "" if position.leverage is None else f", {plain(position.leverage)}x"
    return f"Size {amount}, entry {digits(position.entry_price)}{leverage}."
