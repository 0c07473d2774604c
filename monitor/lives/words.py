"""The words of what happened to a position: first what, then when and why, then what it cost and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from monitor.alerts.rounding import digits, money_down, span
from monitor.alerts.wording import exchange_name, fit, short_symbol
from monitor.lives.ending import Part
from monitor.lives.event import Breakdown, EventKind, LifeEvent
from monitor.lives.unit import unit_of
from monitor.margin.position import Position, Side
from monitor.margin.quantities import ZERO, plain

_HEADS = {
    EventKind.FOUND: "found open",
    EventKind.OPENED: "opened",
    EventKind.FLIPPED: "opened, turned round",
    EventKind.GREW: "is larger",
    EventKind.SHRANK: "is smaller",
    EventKind.LEVERAGE_CHANGED: "has another leverage",
    EventKind.MARGIN_ADDED: "margin was added",
    EventKind.MARGIN_REDUCED: "margin was taken out",
    EventKind.NOT_ISOLATED: "is not isolated any more",
    EventKind.TIERS_CHANGED: "has other maintenance tiers",
    EventKind.PARTLY_LIQUIDATED: "was PARTLY LIQUIDATED",
    EventKind.LIQUIDATED: "was LIQUIDATED",
    EventKind.DELEVERAGED: "was auto-deleveraged",
    EventKind.CLOSED: "closed",
    EventKind.DELIVERED: "was delivered (it expired)",
    EventKind.SETTLED: "was closed by the exchange",
    EventKind.GONE: "is gone: closed or liquidated",
}
CAUSES = {
    "top_up": "by automatic margin",
    "by_hand": "by you, with margincall",
    "elsewhere": "elsewhere",
    "fill": "by a fill",
    "funding": "by funding",
    "exchange": "by the exchange's own automatic margin",
    "leverage": "by another leverage",
    "unknown": "by an unknown hand",
}
_SIZE = {EventKind.GREW, EventKind.SHRANK, EventKind.PARTLY_LIQUIDATED, EventKind.DELEVERAGED}
SHOWN = 8
_AGREES = Decimal("0.000001")
"""A difference below this share of what came back, or of a cent, is rounding."""


def title(event: LifeEvent) -> str:
    """The one line that must do."""
    name = f"{short_symbol(event.key.symbol)} {event.key.side.value}"
    head = _head(event)
    if event.kind in {EventKind.LIQUIDATED, EventKind.PARTLY_LIQUIDATED}:
        first = head.removeprefix("was ")
        return fit(*(f"{first}: {name}{cost}" for cost in (_cost(event), "")))
    if event.amount is not None:
        moved = f"{name}: {_signed(event.amount, event.currency)} margin"
        return fit(f"{moved} {_by(event)}", f"{moved} by the exchange" if event.cause == "exchange" else moved, f"{name}: {head}")
    if event.kind in {EventKind.GREW, EventKind.SHRANK, EventKind.LEVERAGE_CHANGED} and event.before and event.after:
        times = "x" if event.kind is EventKind.LEVERAGE_CHANGED else ""
        change = f"{plain(event.before)}{times} -> {plain(event.after)}{times}"
        return fit(f"{name} {head}: {change}", f"{name} {head}")
    return fit(f"{name} {head}{_cost(event)}", f"{name} {head}")


def opening(position: Position) -> str:
    """How a position that was opened was first seen."""
    leverage = "" if position.leverage is None else f", {plain(position.leverage)}x"
    coin = position.instrument.settle_currency
    size = f"{digits(position.contracts)} {unit_of(position.instrument)} at {digits(position.entry_price)}"
    return f"Size {size}{leverage}, margin {digits(position.isolated_margin)} {coin}."


def enlarged(position: Position, part: Part) -> str:
    """At what price a position became larger, and what that cost."""
    coin = position.instrument.settle_currency
    price = "a price that is not recorded" if part.price is None else digits(_shown(part.price, position.entry_price))
    fee = f", fees {_signed(part.fee, coin)}" if part.fee else ""
    did = "bought" if position.key.side is Side.LONG else "sold"
    return f"{digits(part.opened)} {unit_of(position.instrument)} {did} at {price}{fee}."


def _head(event: LifeEvent) -> str:
    if event.kind is EventKind.DELEVERAGED and not event.ended:
        return "was partly auto-deleveraged"
    return _HEADS[event.kind]


def body(event: LifeEvent, zone: tzinfo) -> str:
    """All that is known of it, one fact a line."""
    key = event.key
    what = _head(event)
    if event.kind in {EventKind.MARGIN_ADDED, EventKind.MARGIN_REDUCED} and event.amount is not None:
        what = f"{_signed(event.amount, event.currency)} margin, {_by(event)}"
    lines = [f"{key.symbol} {key.side.value} on {key.account} ({exchange_name(key.exchange)}): {what}, {when(event, zone)}."]
    if event.kind in _SIZE and event.before is not None and event.after is not None:
        lines.append(f"Size {digits(event.before)} -> {digits(event.after)} {event.unit}.")
    elif event.kind is EventKind.LEVERAGE_CHANGED and event.before is not None and event.after is not None:
        lines.append(f"Leverage {plain(event.before)}x -> {plain(event.after)}x.")
    elif event.kind in {EventKind.MARGIN_ADDED, EventKind.MARGIN_REDUCED} and event.before is not None:
        lines.append(f"Isolated margin {digits(event.before)} -> {digits(event.after or ZERO)} {event.currency}.")
    if event.detail:
        lines.append(event.detail)
    if event.breakdown is not None:
        lines.extend(breakdown_lines(event.breakdown, event))
    if event.kind is EventKind.GONE:
        lines.append("No record of the exchange tells why yet: margincall goes on asking. If you did not close it, look now.")
    return "\n".join(lines)


def one_line(event: LifeEvent, zone: tzinfo) -> str:
    """The event in one line, for a list of several."""
    return f"{when(event, zone)}: {title(event)} ({event.key.account})"


def when(event: LifeEvent, zone: tzinfo) -> str:
    """``at 08:13:22 UTC`` by the exchange's record, else between which readings."""
    at = f"{event.at.astimezone(zone):%d %b %H:%M:%S %Z}"
    if event.since is None:
        return f"at {at}"
    if event.at - event.since <= timedelta(seconds=1):
        return f"seen at {at}"
    return f"within {span(event.at - event.since)} before {at}"


def changes_title(events: Sequence[LifeEvent]) -> str:
    """The one line about several changes of one position: how many, and the last one."""
    name = f"{short_symbol(events[-1].key.symbol)} {events[-1].key.side.value}"
    sized = [event for event in events if event.kind in _SIZE and event.after is not None]
    now = f", now {plain(sized[-1].after)} {sized[-1].unit}" if sized and sized[-1].after is not None else ""
    return fit(f"{name}: {len(events)} more changes{now}", f"{name}: {len(events)} more changes")


def changes_body(events: Sequence[LifeEvent], zone: tzinfo) -> str:
    """Several changes of one position, the newest last; the oldest are counted where they are too many."""
    key = events[-1].key
    lines = [f"{key.symbol} {key.side.value} on {key.account} ({exchange_name(key.exchange)}) changed {len(events)} more times:"]
    if len(events) > SHOWN:
        lines.append(f"{len(events) - SHOWN} changes that `margincall events` shows, and then:")
    lines += [f"{when(event, zone)}: {title(event)}" for event in events[-SHOWN:]]
    return "\n".join(lines)


def breakdown_lines(told: Breakdown, event: LifeEvent) -> list[str]:
    """What it cost and what came back."""
    coin = event.currency
    lines = [_price_line(told, event.unit)]
    sums = [("realised", told.profit), ("fees", told.fees), ("insurance fund", told.insurance)]
    known = [f"{name} {_signed(amount, coin)}" for name, amount in sums if amount or (amount is not None and name == "realised")]
    if known:
        known[0] = known[0][0].upper() + known[0][1:]
        lines.append(f"{', '.join(known)}.")
    if told.margin is not None:
        lines.append(f"Margin behind it: {digits(told.margin)} {coin}{_added(told, coin)}.")
    if told.funding:
        span_of_it = "over its life" if told.whole_life else "since it was first seen"
        lines.append(f"Funding {span_of_it}: {_signed(told.funding, coin)}.")
    if told.returned is not None:
        lines.append(_returned_line(told, coin))
    if told.missing:
        lines.append(f"Not known: {'; '.join(told.missing)}.")
    return lines


def _price_line(told: Breakdown, unit: str) -> str:
    exit_price = "a price that is not recorded" if told.exit_price is None else digits(_shown(told.exit_price, told.entry_price))
    trigger = "" if told.trigger_price is None else f", set off at mark {digits(told.trigger_price)}"
    return f"{digits(told.contracts)} {unit} closed at {exit_price} (entry {digits(told.entry_price)}){trigger}."


def _shown(price: Decimal, like: Decimal) -> Decimal:
    """An average price to two digits more than the entry has: it has no end of its own."""
    exponent = like.normalize().as_tuple().exponent
    step = Decimal(1).scaleb(min(int(exponent), 0) - 2)
    return price if price == price.quantize(step) else price.quantize(step).normalize()


def _added(told: Breakdown, coin: str) -> str:
    if not told.added_times:
        return ""
    times = "once" if told.added_times == 1 else f"{told.added_times} times"
    return f", of it {digits(told.added)} {coin} added by margincall ({times})"


def _returned_line(told: Breakdown, coin: str) -> str:
    returned = told.returned or ZERO
    came = f"Came back to your balance: {digits(returned)} {coin}"
    if told.observed is None:
        return f"{came}, by the records; the balance could not be compared."
    difference = told.observed - returned
    if abs(difference) <= max(abs(returned), Decimal("0.01")) * _AGREES:
        return f"{came}, by the records and by the balance."
    return (
        f"{came} by the records, but the balance says {digits(told.observed)} {coin}: {_signed(difference, coin)} is not "
        "explained (other trades or transfers meanwhile?)."
    )


def agrees(told: Breakdown) -> bool:
    """Whether the balance shows what the records say, as far as both are known."""
    if told.returned is None or told.observed is None:
        return True
    return abs(told.observed - told.returned) <= max(abs(told.returned), Decimal("0.01")) * _AGREES


def _cost(event: LifeEvent) -> str:
    """What it brought or cost, for a title: the profit after all that was taken."""
    net = _net(event)
    return "" if net is None else f", {'+' if net > 0 else ''}{money_down(net, event.currency)}"


def _net(event: LifeEvent) -> Decimal | None:
    """The profit after all that was taken; None where no record says."""
    told = event.breakdown
    return None if told is None or told.profit is None else told.profit + (told.fees or ZERO) + (told.insurance or ZERO)


def _by(event: LifeEvent) -> str:
    if event.actor and event.cause == "top_up":
        return f"by {event.actor}"
    return CAUSES.get(event.cause, "by an unknown hand")


def _signed(amount: Decimal, coin: str) -> str:
    return f"{'+' if amount > 0 else ''}{digits(amount) if amount >= 0 else f'-{digits(-amount)}'} {coin}"


def meanwhile(
    events: Sequence[LifeEvent], away: tuple[datetime, datetime] | None, unexplained: Sequence[str], zone: tzinfo
) -> tuple[str, str]:
    """Title and body of what happened while nothing watched, or, without ``away``, of what an earlier run had not told yet.

    ``unexplained``: what is gone for no known reason.
    """
    number = len(events) + len(unexplained)
    head, first_line = _of_before() if away is None else _of_absence(away, zone)
    if forced := _forced(events):
        first = _forced_title(forced, head)
    else:
        first = fit(f"{head}: {number} event{'' if number == 1 else 's'}" if number else f"{head}: nothing to tell")
    lines = [first_line]
    lines += [one_line(event, zone) for event in sorted(events, key=lambda event: event.at)]
    lines += [f"{name} is gone; why is not known yet. If you did not close it, look now." for name in unexplained]
    if not number:
        lines.append("Nothing that you are told of happened to the positions that were open then.")
        lines.append("One that was opened and was gone again before the end of it would not be seen.")
    return first, "\n".join(lines)


def _of_absence(away: tuple[datetime, datetime], zone: tzinfo) -> tuple[str, str]:
    off = span(away[1] - away[0])
    since = f"{away[0].astimezone(zone):%d %b %H:%M:%S %Z}"
    told = f"margincall did not watch from {since} on, for {off}. What the exchange's records and its positions tell:"
    return f"While margincall was off ({off})", told


def _of_before() -> tuple[str, str]:
    return "Before the restart", "margincall was restarted before it had told this:"


def _forced(events: Sequence[LifeEvent]) -> list[LifeEvent]:
    """What the exchange closed, each position once: what is gone altogether first, then the dearest."""
    kinds = {EventKind.LIQUIDATED, EventKind.PARTLY_LIQUIDATED, EventKind.DELEVERAGED}
    lost: dict[tuple[object, ...], tuple[Decimal, LifeEvent]] = {}
    for event in events:
        if event.kind in kinds:
            so_far, _ = lost.get((event.key, event.epoch), (ZERO, event))
            lost[event.key, event.epoch] = so_far + (_net(event) or ZERO), event
    return [event for _, event in sorted(lost.values(), key=lambda one: (not one[1].ended, one[0]))]


def _forced_title(forced: Sequence[LifeEvent], head: str) -> str:
    """The one line about them: the only one with its cost, of several the first by name."""
    first = forced[0]
    if len(forced) == 1:
        return fit(f"{head}: {title(first)}", f"Meanwhile: {title(first)}")
    count, name = f"{len(forced)} positions FORCE-CLOSED", f"{short_symbol(first.key.symbol)} {first.key.side.value}"
    return fit(f"{head}: {count}, worst {name}", f"Meanwhile {count}, worst {name}", f"Meanwhile {count}")
