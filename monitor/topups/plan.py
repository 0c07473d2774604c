"""Plan: what a policy does about one position now: nothing, an approved top-up, or a refusal with its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.alerts.rounding import digits, line_share
from monitor.margin.quantities import ZERO
from monitor.topups import amount as amounts
from monitor.topups.caps import Room, room
from monitor.topups.guards import refusal, refused
from monitor.topups.ledger import Intent
from monitor.topups.policy import Grain, Line, Mode, TopUpPolicy, TopUps
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.rehearsal import rehearsing
from monitor.topups.situation import Situation
from monitor.topups.state import TopUpMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A top-up that may be planned. ``amount``: settle currency, as it is to be sent; ``partial``: less than what is needed."""

    policy: TopUpPolicy
    amount: Decimal
    why: str
    partial: bool = False


Sized = Approved | Refusal


def plan(
    situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime, *, number: int = 0
) -> Approved | Refusal | None:
    """None: the trigger is not reached, or the policy is off. ``number``: of the intent, for the amount's tail.

    A policy that only rehearses is refused with DRY_RUN, and the detail says what it would have done.
    """
    if policy.mode is Mode.OFF or not amounts.reached(policy.trigger, situation.assessment.judged):
        return None
    objection = refused(situation, policy, top_ups, memory, now)
    if objection is not None:
        return objection
    bound = room(situation, policy, top_ups, memory, now)
    sized = _sized(situation, policy, top_ups, bound=bound, now=now, number=number)
    if isinstance(sized, Approved) and (policy.mode is Mode.DRY_RUN or rehearsing(policy, memory, now)):
        would = f"would add {digits(sized.amount)} {situation.currency}"
        return refusal(situation, policy, RefusalReason.DRY_RUN, now, would)
    return sized


def recheck(  # noqa: PLR0917 - the same five as `plan`, and the intent
    intent: Intent, situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime
) -> Refusal | None:
    """Everything again, right before the send: the guards, then whether this very amount may still be sent and still helps."""
    objection = refused(situation, policy, top_ups, memory, now, intent=intent)
    if objection is not None:
        return objection
    if policy.mode is Mode.DRY_RUN or rehearsing(policy, memory, now):
        return refusal(situation, policy, RefusalReason.DRY_RUN, now)
    bound = room(situation, policy, top_ups, memory, now)
    if intent.amount > bound.amount:
        return refusal(situation, policy, bound.reason, now, bound.detail)
    short = _short(situation, policy, intent.amount, now)
    if short is not None:
        return short
    if not amounts.reached(policy.trigger, situation.assessment.judged):
        return refusal(situation, policy, RefusalReason.POSITION_CHANGED, now, "the trigger is not reached any more")
    if not amounts.helps(situation.assessment, policy, intent.amount, in_part=policy.partial):
        return refusal(situation, policy, RefusalReason.CANNOT_HELP, now, "it would not lift the position past the trigger")
    return None


def _sized(situation: Situation, policy: TopUpPolicy, top_ups: TopUps, *, bound: Room, now: datetime, number: int) -> Sized:
    """How much, within the caps (``bound``), the reserve and the balance."""
    coin, grain = situation.currency, grain_of(top_ups, situation)
    wanted = amounts.needed(situation.assessment, policy)
    if wanted is None or wanted <= 0:
        return refusal(situation, policy, RefusalReason.CANNOT_HELP, now, "no amount reaches the target")
    need = amounts.rounded_up(wanted, grain)
    usable = (situation.free or ZERO) - policy.keep_free.get(coin, ZERO)
    most = min(bound.amount, usable)
    if need <= most:
        amount = amounts.with_tail(need, most, grain, number)
    elif policy.partial and most > 0:
        amount = amounts.rounded_down(most, grain)
        if not amount:
            detail = f"{digits(most)} {coin} is less than the exchange accepts"
            return refusal(situation, policy, RefusalReason.BELOW_MINIMUM, now, detail)
    else:
        short = _short(situation, policy, need, now)
        if short is not None and usable <= bound.amount:
            return short
        return refusal(situation, policy, bound.reason, now, f"needs {digits(need)} {coin}; {bound.detail}")
    partial = amount < need
    if not amounts.helps(situation.assessment, policy, amount, in_part=partial):
        what = f"{digits(amount)} {coin} would not lift it past the trigger"
        return refusal(situation, policy, RefusalReason.CANNOT_HELP, now, what)
    return Approved(policy=policy, amount=amount, why=trigger_in_words(policy.trigger), partial=partial)


def _short(situation: Situation, policy: TopUpPolicy, amount: Decimal, now: datetime) -> Refusal | None:
    """The balance cannot give ``amount``, or not without the reserve."""
    coin, free = situation.currency, situation.free
    if free is None:
        return refusal(situation, policy, RefusalReason.INSUFFICIENT_BALANCE, now, "the free balance is not known")
    kept = policy.keep_free.get(coin, ZERO)
    if amount > free:
        detail = f"needs {digits(amount)} {coin}, {digits(free)} free"
        return refusal(situation, policy, RefusalReason.INSUFFICIENT_BALANCE, now, detail)
    if amount > free - kept:
        detail = f"needs {digits(amount)} {coin}, {digits(free)} free, of which {digits(kept)} are kept"
        return refusal(situation, policy, RefusalReason.RESERVE, now, detail)
    return None


def grain_of(top_ups: TopUps, situation: Situation) -> Grain:
    """What amounts the exchange accepts for this position."""
    grains = top_ups.grains[situation.key.exchange]
    return grains.get(situation.currency) or grains[""]


def trigger_in_words(line: Line) -> str:
    """``cushion 30 %``."""
    return f"{line.measure.value.replace('_', ' ')} {line_share(line.value)}"
