"""Single sentences of a message about a position: what a rule saw, whether a stop rests, where the exchange disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from monitor.alerts.model import Alert
from monitor.alerts.rounding import (
    line_share,
    liquidation_price,
    money_down,
    money_up,
    share_down,
    share_up,
    stop_price,
)
from monitor.margin.assessment import Assessment
from monitor.margin.position import Position, Side
from monitor.margin.quantities import plain

TITLES = {
    "exchange_auto_add": ("- the exchange adds margin itself", "- auto-margin is on"),
    "exchange_disagrees": ("- the exchange's figures differ", "- figures differ"),
    "top_up_inert": ("- automatic margin could not act", "- no automatic margin", "- no top-ups"),
}
"""What a title says where it is not about how near the end is, the fullest form first."""
TENTH = Decimal("0.1")


def said_in_title(rule: str, nearness: Sequence[str]) -> list[str]:
    """What the title says behind the position's name, the fullest form first."""
    if rule in TITLES:
        return list(TITLES[rule])
    if rule == "tier_change":
        return [*(f"new tiers, {near}" for near in nearness), *nearness]
    return list(nearness)


def rule_name(alert: Alert) -> str:
    """The rule as words."""
    return alert.rule.replace("_", " ")


def rule_line(alert: Alert) -> str:
    """What the rule of this alert saw and its line; empty where other sentences of the message say it."""
    value, name = alert.value, rule_name(alert).capitalize()
    match alert.rule:
        case "exchange_disagrees":
            return ""
        case "exchange_auto_add":
            return (
                "The exchange adds margin to it by itself, so that a loss can take the whole free balance. Switch that off on "
                "the exchange's own page if you do not want it."
            )
        case "top_up_inert":
            return f"{alert.reason}."
        case "tier_change":
            by = ": liquidation may move nearer" if value is None else f" by {share_up(value)} of the price"
            return f"{_sentence(alert.reason)}{by}."
        case _ if value is None:
            return ""
        case "thin_buffer":
            line = "" if alert.line is None else f" (wanted: {plain(alert.line)} times)"
            return f"Equity is {value.quantize(TENTH, rounding=ROUND_FLOOR)} times what the exchange wants{line}."
    rounded = share_up if alert.rule == "margin_usage" else share_down
    line = "" if alert.line is None else f" ({alert.level.label} line {line_share(alert.line)})"
    return f"{name} {rounded(value)}{line}."


def stop_line(assessment: Assessment) -> str:
    """Whether a resting stop would close the position before liquidation; empty where that is not known or comes too late."""
    position, judged = assessment.position, assessment.judged
    if position.stops is None or judged.headroom <= 0 or judged.liquidation_price is None:
        return ""
    if not position.stops:
        return "No stop rests before liquidation."
    long = position.key.side is Side.LONG
    nearest = max(position.stops) if long else min(position.stops)
    end = judged.liquidation_price
    before = nearest > end if long else nearest < end
    price = stop_price(nearest, position)
    return f"A stop rests at {price}, before liquidation." if before else f"The stop at {price} comes only AFTER liquidation."


def disagreement(assessment: Assessment, coin: str) -> str:
    """Both figures, where the exchange's own and ours differ."""
    says, ours, position = assessment.position.says, assessment.ours, assessment.position
    parts = []
    if says.requirement:
        parts.append(f"it wants {money_up(says.requirement, coin)}, we compute {money_up(ours.requirement, coin)}")
    if says.liquidation_price:
        own = "none" if ours.liquidation_price is None else liquidation_price(ours.liquidation_price, position)
        parts.append(f"its liquidation price is {liquidation_price(says.liquidation_price, position)}, ours {own}")
    return f"The exchange's own figures differ from ours: {'; '.join(parts)}. The worse counts."


def rescue_line(position: Position, *, amount: Decimal, goal: str, then: Decimal | None, free: Decimal | None) -> str:
    """What brings the position back: the margin to add, the liquidation price that this makes, and what is free."""
    coin = position.instrument.settle_currency
    after = "" if then is None else f" (liquidation then {liquidation_price(then, position)})"
    add = f"Add {money_up(amount, coin)} to be back at {goal}{after}"
    if free is None:
        return f"{add}, or reduce the position. Free balance not known."
    short = " (NOT enough)" if free < amount else ""
    return f"{add}, or reduce the position; {money_down(free, coin)} free{short}."


def shared_line(position: Position, *, others: int, in_all: Decimal, free: Decimal | None) -> str:
    """Who else would be helped from the same free balance; empty for nobody."""
    if free is None or not others:
        return ""
    who = "1 other position needs" if others == 1 else f"{others} other positions need"
    short = ", NOT enough" if free < in_all else ""
    return f"{who} that free balance too: {money_up(in_all, position.instrument.settle_currency)} in all{short}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
