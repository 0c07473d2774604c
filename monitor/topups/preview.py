"""Preview: how far the whole remaining budget reaches, and what a policy would do, and cost, on the way to a price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.margin.assessment import assess
from monitor.margin.position import ExchangeSays, Side
from monitor.margin.quantities import ONE, ZERO
from monitor.margin.whatif import liquidation_after, with_added_margin
from monitor.topups.amount import reached, rounded_down
from monitor.topups.caps import DAY, actions_left, room
from monitor.topups.guards import held_back
from monitor.topups.ledger import Intent, IntentState, Stand
from monitor.topups.plan import Approved, grain_of, plan
from monitor.topups.policy import Mode, TopUpPolicy, TopUps
from monitor.topups.refusal import Refusal
from monitor.topups.situation import Situation
from monitor.topups.stand import stand_of
from monitor.topups.state import TopUpMemory

STEPS = 100
"""Into so many steps a fall of the price is cut; a policy is asked after each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStand:
    """What is left when everything that may be added has been: ``budget`` in settle currency, the liquidation price then.

    ``held``: why nothing of it will be added as things are; the budget is 0 then, whatever the caps would leave.
    """

    budget: Decimal
    liquidation_price: Decimal | None
    held: Refusal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a policy would do on the way to a price. ``adds``: mark price and amount of each; ``refusal``: why it stopped adding.

    ``before``: as it stands now; ``after``: at the end of the way; ``survives``: it is not liquidated on it.
    """

    adds: tuple[tuple[Decimal, Decimal], ...]
    spent: Decimal
    before: Stand
    after: Stand
    survives: bool
    refusal: Refusal | None = None


def last_stand(
    situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime
) -> LastStand | None:
    """The last stand of a position with a policy; None where the policy is off."""
    if policy.mode is Mode.OFF:
        return None
    held = held_back(situation, policy, top_ups, memory, now)
    if held is not None:
        return LastStand(budget=ZERO, liquidation_price=situation.assessment.judged.liquidation_price, held=held)
    caps = replace(policy, caps=replace(policy.caps, per_action=policy.caps.per_position, actions_per_day=None))
    left = min(
        room(situation, caps, top_ups, memory, now).amount,
        max((situation.free or ZERO) - policy.keep_free.get(situation.currency, ZERO), ZERO),
    )
    actions = actions_left(policy, memory, now)
    if actions is not None:
        left = min(left, policy.caps.per_action.get(situation.currency, ZERO) * actions)
    budget = rounded_down(left, grain_of(top_ups, situation))
    return LastStand(budget=budget, liquidation_price=liquidation_after(situation.assessment, budget))


def forecast(
    situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime, *, drop: Decimal
) -> Forecast:
    """What the policy would do if the mark fell by ``drop`` (a share; of a short: rose) in an hour, as if it were in force.

    Nothing else moves, each add succeeds at once, and whatever holds the policy back now is left out.
    """
    ready = replace(policy, mode=Mode.AUTO, skip_rehearsal=True)
    books = replace(memory, stopped_at=None, paused={}, circuits={})
    able = replace(top_ups, able=top_ups.able | {situation.key.account}, acts=True, unfit={})
    before = stand_of(situation.assessment, now, situation.free)
    adds: list[tuple[Decimal, Decimal]] = []
    last: Refusal | None = None
    start, at, survives = situation.assessment.position.mark_price, now, True
    way = -drop if situation.key.side is Side.LONG else drop
    for step in range(STEPS + 1):
        at = now + timedelta(hours=1) * step / STEPS
        situation = _moved(situation, start * (ONE + way * step / STEPS), at)
        if situation.assessment.judged.headroom <= 0:
            survives = False
            break
        planned = plan(situation, ready, able, books, at)
        if isinstance(planned, Approved):
            added = _done(situation, planned, at, step)
            books = replace(books, intents={**books.intents, added.id: added})
            adds.append((situation.assessment.position.mark_price, planned.amount))
            situation = _topped_up(situation, planned.amount)
            last = None
        elif planned is not None:
            last = planned
    spent = sum((amount for _, amount in adds), ZERO)
    return Forecast(
        adds=tuple(adds),
        spent=spent,
        before=before,
        after=stand_of(situation.assessment, at, situation.free),
        survives=survives,
        refusal=last,
    )


def cost_at_trigger(situation: Situation, policy: TopUpPolicy, top_ups: TopUps, now: datetime) -> Forecast:
    """What one action from trigger to target costs at today's size: a fall to just past the trigger, with no spending before."""
    drop = drop_to_trigger(situation, policy)
    once = replace(policy, cooldown=DAY)
    return forecast(situation, once, top_ups, TopUpMemory(), now, drop=drop)


def drop_to_trigger(situation: Situation, policy: TopUpPolicy) -> Decimal:
    """By what share the mark must go against the position until the trigger is reached, to 0.01 %; at most 1."""
    low, high = 0, 10_000
    way = -1 if situation.key.side is Side.LONG else 1
    start = situation.assessment.position.mark_price
    while low < high:
        middle = (low + high) // 2
        moved = _moved(situation, start * (ONE + Decimal(way * middle) / 10_000), situation.read_at) if middle < 10_000 else None
        if moved is None or reached(policy.trigger, moved.assessment.judged):
            high = middle
        else:
            low = middle + 1
    return Decimal(high) / 10_000


def at_trigger(situation: Situation, policy: TopUpPolicy, at: datetime) -> Situation | None:
    """The situation as of ``at`` once the mark is at the trigger; None where no fall (of a short: no doubling) gets there."""
    drop = drop_to_trigger(situation, policy)
    if drop >= ONE:
        return None
    way = -drop if situation.key.side is Side.LONG else drop
    return _moved(situation, situation.assessment.position.mark_price * (ONE + way), at)


def _moved(situation: Situation, mark: Decimal, at: datetime) -> Situation:
    position = replace(situation.assessment.position, mark_price=mark, says=ExchangeSays())
    return replace(situation, assessment=assess(position), read_at=at)


def _topped_up(situation: Situation, amount: Decimal) -> Situation:
    position = with_added_margin(situation.assessment.position, amount)
    free = None if situation.free is None else situation.free - amount
    return replace(situation, assessment=assess(position), free=free)


def _done(situation: Situation, planned: Approved, at: datetime, number: int) -> Intent:
    """The add as the journal would remember it."""
    position = situation.assessment.position
    return Intent(
        id=str(number),
        key=situation.key,
        family=situation.family,
        instrument_id=position.instrument.instrument_id,
        hedged=position.hedged,
        currency=situation.currency,
        amount=planned.amount,
        epoch=situation.epoch,
        lease=0,
        state=IntentState.VERIFIED,
        planned_at=at,
        submitted_at=at,
        before=stand_of(situation.assessment, at),
        policy=planned.policy.name,
    )
