"""What the policies would do: read now, with what the journal has spent already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitor import app
from monitor.alerts.model import position_subject
from monitor.alerts.rounding import money_down, money_up, share_down
from monitor.cli.live import read_memory
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.spend.obstacles import situation_of
from monitor.store.reader import StoreReader
from monitor.topups.policy import TopUpPolicy
from monitor.topups.preview import cost_at_trigger, drop_to_trigger, forecast, last_stand
from monitor.topups.wording import place, price


async def forecast_lines(loaded: Loaded, drop: Decimal) -> list[str]:
    """For each position with a policy, what would happen; raises StoreMissing where no daemon ever ran."""
    now = SystemClock().now()
    with StoreReader(loaded.store) as reader:
        stored = reader.memory()
    live = await read_memory(loaded)
    policy = app.build_policy(loaded, since=now)
    lines = []
    for key, seen in live.positions.items():
        found = policy.top_ups.policy_for(position_subject(key))
        if found is None:
            lines.append(f"{place(key)} on {key.account}: no policy")
            continue
        lines += _lines(_in_its_life(seen, stored), replace(live, top_ups=stored.top_ups), found, policy, drop, now)
    return lines or ["No open isolated position."]


def _in_its_life(seen: PositionMemory, stored: Memory) -> PositionMemory:
    """The position with the count of its life that the caps are kept by."""
    known = stored.positions.get(seen.key)
    return seen if known is None else replace(seen, epoch=known.epoch)


def _lines(
    seen: PositionMemory, memory: Memory, found: TopUpPolicy, policy: Policy, drop: Decimal, now: datetime
) -> Iterator[str]:
    situation, coin = situation_of(seen, memory), seen.assessment.position.instrument.settle_currency
    made = forecast(situation, found, policy.top_ups, memory.top_ups, now, drop=drop)
    yield f"{place(seen.key)} on {seen.key.account}, policy {found.name} ({found.mode.value}):"
    once = cost_at_trigger(situation, found, policy.top_ups, now)
    away = share_down(drop_to_trigger(situation, found))
    yield f"  the trigger is {away} away; one action from there would cost {money_up(once.spent, coin)} at today's size"
    if not once.adds and once.refusal is not None:
        yield f"  at the trigger it would add NOTHING: {once.refusal.reason.value}, {once.refusal.detail}"
    for mark, amount in made.adds:
        yield f"  at {price(mark)}: adds {money_up(amount, coin)}"
    end = "survives" if made.survives else "is LIQUIDATED on the way"
    stops = f"; then {made.refusal.reason.value}: {made.refusal.detail}" if made.refusal is not None else ""
    yield f"  {share_down(drop)} against it: {money_up(made.spent, coin)} in all, and it {end}{stops}"
    stand = last_stand(situation, found, policy.top_ups, memory.top_ups, now)
    if stand is not None:
        at = "none" if stand.liquidation_price is None else price(stand.liquidation_price)
        if stand.held is not None:
            yield f"  as things are it adds NOTHING ({stand.held.reason.value}: {stand.held.detail}): liquidation at {at}"
        else:
            yield f"  last stand: with all {money_down(stand.budget, coin)} that are left, liquidation at {at}"
