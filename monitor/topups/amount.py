"""Amount: how much reaches a line, rounded to what the exchange accepts, and whether it helps at all."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from monitor.margin.assessment import Assessment, Figures, assess
from monitor.margin.quantities import ZERO
from monitor.margin.whatif import margin_for_cushion, margin_for_distance, margin_for_usage, with_added_margin
from monitor.topups.policy import Grain, Line, Measure, TopUpPolicy

_MARGIN_FOR = {
    Measure.CUSHION: margin_for_cushion,
    Measure.MARGIN_USAGE: margin_for_usage,
    Measure.LIQUIDATION_DISTANCE: margin_for_distance,
}
USEFUL = Decimal("0.001")
"""A part of what is needed must move the liquidation price by at least this share of the mark: less buys no time."""
TAIL = Decimal("0.001")
"""An amount may carry a tail of at most this share of it, by which its row in the exchange's record is known."""


def reached(line: Line, figures: Figures) -> bool:
    """Whether the position stands at the line or beyond it, on the side of danger."""
    if line.measure is Measure.CUSHION:
        return figures.cushion is not None and figures.cushion <= line.value
    if line.measure is Measure.MARGIN_USAGE:
        return figures.margin_usage is None or figures.margin_usage >= line.value
    near = figures.liquidation_distance is not None and figures.liquidation_distance <= line.value
    return figures.headroom <= 0 or near


def needed(assessment: Assessment, policy: TopUpPolicy) -> Decimal | None:
    """What brings the position to the policy's target, or its step; None where no amount does, or no step names the currency."""
    position = assessment.position
    if policy.target is None:
        return policy.step.get(position.instrument.settle_currency)
    return _MARGIN_FOR[policy.target.measure](position, policy.target.value)


def rounded_up(amount: Decimal, grain: Grain) -> Decimal:
    """The least amount that the exchange accepts and that is no less than ``amount``."""
    return max(grain.least, _stepped(amount, grain.step, ROUND_CEILING))


def rounded_down(amount: Decimal, grain: Grain) -> Decimal:
    """The largest amount that the exchange accepts and that is no more than ``amount``; 0 where there is none."""
    down = _stepped(max(amount, ZERO), grain.step, ROUND_FLOOR)
    return down if down >= grain.least else ZERO


def with_tail(amount: Decimal, most: Decimal, grain: Grain, number: int) -> Decimal:
    """``amount`` with a tail by which it can be told from others: ``number`` steps, at most a thousandth, within ``most``."""
    room = int(min(amount * TAIL, most - amount) / grain.step)
    return amount + grain.step * (number % (room + 1)) if room > 0 else amount


def after(assessment: Assessment, amount: Decimal) -> Figures:
    """The judged figures once ``amount`` was added."""
    return assess(with_added_margin(assessment.position, amount)).judged


def helps(assessment: Assessment, policy: TopUpPolicy, amount: Decimal, *, in_part: bool) -> bool:
    """Whether ``amount`` lifts the position past the trigger; of a part, whether it buys distance worth having."""
    then = after(assessment, amount)
    if then.headroom <= 0:
        return False
    if not reached(policy.trigger, then):
        return True
    before = assessment.judged.liquidation_distance
    moved = then.liquidation_distance is None or before is None or then.liquidation_distance - before >= USEFUL
    return (in_part or policy.target is None) and moved


def _stepped(amount: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (amount / step).quantize(Decimal(1), rounding=rounding) * step
