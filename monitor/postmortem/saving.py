"""Saving: the words of what would have saved a position: how much margin, by when, or closing it at the first alert."""

from __future__ import annotations

from datetime import datetime, tzinfo
from decimal import Decimal

from monitor.alerts.rounding import line_share, money_down, money_up
from monitor.lives.event import EventKind
from monitor.margin.quantities import ZERO
from monitor.postmortem.composed import PostMortem
from monitor.postmortem.rescue import Known, Rescue, Worst
from monitor.rules.cushion import Cushion
from monitor.topups.wording import price

HARDLY = Decimal("0.05")
"""Of what 1 % of the mark takes: less than that is no distance."""
RANKED = (
    "Auto-deleveraging is no liquidation: the exchange closes positions by a ranking of its own, against others that it had to "
    "liquidate. How much margin would have spared this one, no record tells."
)
_KNOWN = {
    Known.READ: "of those that were read",
    Known.TRIGGER: "by the exchange's record",
    Known.LIQUIDATION: "as last read; the exchange's record names no mark",
}


def stamp(moment: datetime, told: PostMortem, zone: tzinfo) -> str:
    """A time of day, with its date where the whole of it spans more than one."""
    incident = told.record.incident
    one_day = incident.since.astimezone(zone).date() == incident.until.astimezone(zone).date()
    return f"{moment.astimezone(zone):{'%H:%M:%S' if one_day else '%d %b %H:%M:%S'}}"


def saving_lines(told: PostMortem, zone: tzinfo) -> list[str]:
    """One sentence after the other."""
    if told.worst is None or not told.rescues:
        return ["Nothing can be said: no reading of it is kept."]
    if all(one.kind is EventKind.DELEVERAGED for one in told.blows) and told.blows:
        return [RANKED]
    if not told.blows:
        return _near_miss(told, told.worst, told.rescues[0], zone)
    amounts = {(one.survive, one.calm, one.later_survive, one.later_calm) for one in told.rescues}
    chosen = told.rescues[-len(amounts) :]
    lines = _ending(told, told.worst, chosen, zone)
    if told.later is not None:
        at = stamp(told.later.at, told, zone)
        lines.append(f"Afterwards the mark went on to {price(told.later.mark_price)} (at {at}, read on another position).")
        lines += [f"{_when(told, one, chosen, zone)}, {_held(told, one, one.later_survive, one.later_calm)}." for one in chosen]
    free = [one.before for one in told.record.intents if one.before.free is not None]
    if free:
        coin = told.record.intents[0].currency
        lines.append(f"At {stamp(free[0].at, told, zone)}, {money_down(free[0].free or ZERO, coin)} was free to be added.")
    if told.returned is not None:
        lines.append(_closing(told, told.rescues[0], told.returned, zone))
    return lines


def _ending(told: PostMortem, worst: Worst, chosen: tuple[Rescue, ...], zone: tzinfo) -> list[str]:
    """Through the mark that ended it; where that is just its liquidation price, how much more for more room."""
    last = chosen[-1]
    coin = last.moment.assessment.position.instrument.settle_currency
    further, mark = last.further, price(worst.mark_price)
    known_mark = worst.known is not Known.READ
    if known_mark and last.survive is not None and further is not None and last.survive < further * HARDLY:
        room = f"about {money_up(further, coin)} of margin for each 1 % more room"
        return [
            f"It was taken at its liquidation price, {mark} ({_KNOWN[worst.known]}).",
            f"Put in by {stamp(last.moment.at, told, zone)}: {room}; {_amount(last.calm, coin)} for {_calm(told)} at that mark.",
        ]
    first = "The mark that ended it was" if known_mark else "The worst mark was"
    lines = [f"{first} {mark} ({_KNOWN[worst.known]})."]
    lines += [f"{_when(told, one, chosen, zone)}, {_held(told, one, one.survive, one.calm)}." for one in chosen]
    if told.later is None and further is not None:
        lines.append(f"For each 1 % further that it would have had to hold: about {money_up(further, coin)} more.")
    return lines


def _when(told: PostMortem, one: Rescue, chosen: tuple[Rescue, ...], zone: tzinfo) -> str:
    """Where it is the same at every moment, by when; else as it stood then."""
    moment = stamp(one.moment.at, told, zone)
    return f"Put in by {moment}" if len(chosen) == 1 else f"As it stood at {moment}"


def _held(told: PostMortem, one: Rescue, survive: Decimal | None, calm: Decimal | None) -> str:
    coin = one.moment.assessment.position.instrument.settle_currency
    return f"{_amount(survive, coin)} more margin would have held it there, {_amount(calm, coin)} with {_calm(told)} left"


def _near_miss(told: PostMortem, worst: Worst, first: Rescue, zone: tzinfo) -> list[str]:
    """What would have kept it out of the emergency, and whether what was added held it."""
    coin = first.moment.assessment.position.instrument.settle_currency
    moment = stamp(first.moment.at, told, zone)
    calm = f"{_amount(first.calm, coin)} more margin would have left {_calm(told)} at the worst mark, {price(worst.mark_price)}"
    lines = [f"As it stood at {moment}, {calm}."]
    if first.survive:
        lines.append(f"It held only by what changed after that: {money_up(first.survive, coin)} was missing to survive there.")
    return lines


def _calm(told: PostMortem) -> str:
    return f"a {'cushion' if told.line.kind == Cushion.KIND else 'usage'} of {line_share(told.line.value)}"


def _closing(told: PostMortem, first: Rescue, returned: Decimal, zone: tzinfo) -> str:
    position, judged = first.moment.assessment.position, first.moment.assessment.judged
    coin = position.instrument.settle_currency
    left, put_in = money_down(max(judged.equity, ZERO), coin), money_down(position.isolated_margin, coin)
    came = "nothing" if returned == 0 else money_down(returned, coin)
    at = f"{stamp(first.moment.at, told, zone)} (mark {price(position.mark_price)})"
    return f"Closed at {at}, about {left} of {put_in} would have come back, before fees and slippage; in the end {came} did."


def _amount(amount: Decimal | None, coin: str) -> str:
    if amount is None:
        return "no amount of"
    return "no" if amount == 0 else money_up(amount, coin)
