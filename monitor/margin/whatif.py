"""What if margin were added: how much of it brings a figure back to a line.

Added margin X raises headroom by X at every price, on Bybit by a little more or less, since the close-fee reserve moves with
it (see ``fees``). Every answer is the solution of a linear inequality in X, rounded up to 8 decimals and tried out by
assessing the position again. Where the exchange's own figures were worse than ours, the difference in requirement is kept, so
an answer is never too small for what the rules judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_CEILING, Context, Decimal

from monitor.margin.assessment import Assessment, Figures, assess
from monitor.margin.position import ExchangeSays, Position, Side
from monitor.margin.quantities import ONE, ZERO
from monitor.margin.requirement import Terms, terms_of

_STEP = Decimal("0.00000001")
_ROOMY = Context(prec=200)


def with_added_margin(position: Position, amount: Decimal) -> Position:
    """The position as if ``amount`` (settle currency, may be negative) had been added to its margin.

    The exchange's own figures are cleared, since they speak of the old margin. Where tiers or fees had to be inferred, the
    requirement stays as the source of that inference.
    """
    says = ExchangeSays()
    if position.tiers is None or terms_of(position).fees.note:
        says = ExchangeSays(requirement=assess(position).ours.requirement)
    return replace(position, isolated_margin=position.isolated_margin + amount, says=says)


def liquidation_after(now: Assessment, amount: Decimal) -> Decimal | None:
    """The liquidation price once ``amount`` (settle currency) was added; None where no price liquidates, or nobody can tell.

    Where the exchange's own price was nearer than ours, it is taken to stay as much nearer.
    """
    ours, judged = now.ours.liquidation_price, now.judged.liquidation_price
    after = assess(with_added_margin(now.position, amount)).judged.liquidation_price
    if after is None or ours is None or judged is None:
        return None
    return after + (judged - ours)


def margin_for_cushion(position: Position, cushion: Decimal) -> Decimal | None:
    """Extra margin (settle currency) that brings the judged cushion to ``cushion`` (> 0), or leaves no price that liquidates.

    0: it is there already. None: no amount brings it there, or the position has no cushion.
    """
    now = assess(position)
    judged = now.judged
    if judged.cushion is None:
        return None
    if judged.cushion >= cushion:
        return ZERO

    def reached(after: Figures) -> bool:
        return after.cushion is None or after.cushion >= cushion

    terms = terms_of(position)
    cover = _full_cover(terms, _raised_by(now))
    if cover is not None and assess(with_added_margin(position, _tried(position, cover, _covered))).judged.cushion is not None:
        cover = None
    share = _share_of_cushion(position, terms, judged, cushion)
    answers = [amount for amount in (cover, share) if amount is not None]
    return _tried(position, min(answers), reached) if answers else None


def margin_for_usage(position: Position, usage: Decimal) -> Decimal | None:
    """Extra margin (settle currency) that brings the judged margin usage down to ``usage`` (0 to 1); 0 and None as above."""
    judged = assess(position).judged
    if judged.margin_usage is not None and judged.margin_usage <= usage:
        return ZERO
    gain = usage - terms_of(position).fees.slope
    if usage <= 0 or gain <= 0:
        return None
    # (requirement + slope X) / (equity + X) <= usage, and equity + X > 0
    amount = max((judged.requirement - usage * judged.equity) / gain, -judged.equity)

    def reached(after: Figures) -> bool:
        return after.margin_usage is not None and after.margin_usage <= usage

    return _tried(position, amount, reached)


def margin_for_ratio(position: Position, ratio: Decimal) -> Decimal | None:
    """Extra margin (settle currency) that brings the margin ratio (equity / notional) to ``ratio``; 0: it is there already.

    The notional does not move with the margin, so nor does the line: ratio x notional - equity.
    """

    def reached(after: Figures) -> bool:
        return after.margin_ratio >= ratio

    now = assess(position).judged
    return ZERO if reached(now) else _tried(position, ratio * now.notional - now.equity, reached)


def margin_for_buffer(position: Position, buffer: Decimal) -> Decimal | None:
    """Extra margin (settle currency) that brings the judged equity to ``buffer`` times the requirement; 0 and None as above.

    The tier stays, since it goes by the size at the mark; what moves with the margin is Bybit's reserve for the closing fee.
    """

    def reached(after: Figures) -> bool:
        return after.equity >= buffer * after.requirement

    now = assess(position).judged
    if reached(now):
        return ZERO
    gain = ONE - buffer * terms_of(position).fees.slope
    # equity + X >= buffer x (requirement + slope X)
    return _tried(position, (buffer * now.requirement - now.equity) / gain, reached) if gain > 0 else None


def margin_for_distance(position: Position, distance: Decimal) -> Decimal | None:
    """Extra margin (settle currency) that moves the judged liquidation price to ``distance`` (a share of the mark) from the mark.

    0 and None as above; None also for a position that no price liquidates.
    """
    now = assess(position)

    def reached(after: Figures) -> bool:
        return after.headroom > 0 and (after.liquidation_distance is None or after.liquidation_distance >= distance)

    if reached(now.judged):
        return None if now.judged.liquidation_price is None else ZERO
    terms = terms_of(position)
    raised = _raised_by(now)
    share = ONE - distance if position.key.side is Side.LONG else ONE + distance
    price = position.mark_price * share - terms.shift
    if price > 0:
        amount: Decimal | None = (raised - _lowest_headroom(terms, terms.exposure.value_at(price))) / _gain(terms)
    else:
        amount = _full_cover(terms, raised)
    return None if amount is None else _tried(position, amount, reached)


def _gain(terms: Terms) -> Decimal:
    """Headroom won per unit of added margin."""
    return ONE - terms.fees.slope


def _raised_by(now: Assessment) -> Decimal:
    """How much more the rules hold against the position than our own requirement."""
    return now.judged.requirement - now.ours.requirement


def _share_of_cushion(position: Position, terms: Terms, judged: Figures, cushion: Decimal) -> Decimal | None:
    """The least X with headroom(X) >= cushion x measure(X), the measure being the largest of three lines in X."""
    slope = terms.fees.slope
    gain = _gain(terms)
    # what was committed: today's margin, which X adds to, or the entry value over the leverage setting, which X leaves alone
    at_entry = terms.requirement_in(terms.tier_at(terms.exposure.entry_value), terms.exposure.entry_value)
    lines = [(terms.exposure.margin - at_entry, gain), (judged.requirement, slope)]
    if position.leverage:
        lines.append((terms.exposure.entry_value / position.leverage - at_entry, -slope))
    least = ZERO
    most = Decimal("Infinity")
    for start, rise in lines:
        missing = cushion * start - judged.headroom
        per_unit = gain - cushion * rise
        if per_unit > 0:
            least = max(least, missing / per_unit)
        elif missing > 0:
            return None
        elif per_unit < 0:
            most = min(most, missing / per_unit)
    return least if least <= most else None


def _full_cover(terms: Terms, raised: Decimal) -> Decimal | None:
    """The margin that leaves no price at which the position is liquidated; None where the value at risk has no end."""
    if not terms.exposure.rising:
        return None
    tier = terms.table.tiers[terms.tier_index if terms.fixed_size is not None else 0]
    return (raised - terms.headroom_in(tier, ZERO)) / _gain(terms)


def _lowest_headroom(terms: Terms, value: Decimal) -> Decimal:
    """The least headroom on the way from the mark to ``value``: at one of the ends, or at a border between tiers."""
    low, high = min(value, terms.exposure.value), max(value, terms.exposure.value)
    if terms.fixed_size is not None:
        tier = terms.table.tiers[terms.tier_index]
        return min(terms.headroom_in(tier, low), terms.headroom_in(tier, high))
    tiers = terms.table.tiers
    least: list[Decimal] = []
    for index in range(terms.table.index_at(low), terms.table.index_at(high) + 1):
        tier = tiers[index]
        below = tiers[index - 1].cap if index else None
        start = low if below is None else max(low, below)
        end = high if tier.cap is None or index + 1 == len(tiers) else min(high, tier.cap)
        least += (terms.headroom_in(tier, start), terms.headroom_in(tier, end))
    return min(least)


def _covered(after: Figures) -> bool:
    """Whether no price liquidates it: then it has no cushion."""
    return after.cushion is None


def _tried(position: Position, amount: Decimal, reached: Callable[[Figures], bool]) -> Decimal:
    """``amount`` rounded up to 8 decimals, and one step more where the 28th digit of the arithmetic fell short."""
    rounded = max(amount, ZERO).quantize(_STEP, rounding=ROUND_CEILING, context=_ROOMY)
    after = assess(with_added_margin(position, rounded)).judged
    return rounded if reached(after) else rounded + _STEP
