"""What `check` says of automatic margin: each key that may change margins, and what each policy would cost today."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime

from monitor import app
from monitor.alerts.model import position_subject
from monitor.alerts.rounding import money_up, share_down
from monitor.app.top_ups import build_writers
from monitor.cli.live import pacer_of, read_memory
from monitor.clock import SystemClock
from monitor.config import Loaded
from monitor.exchanges.key_lines import end_line
from monitor.margin.reading import KeyFacts
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.ports import CheckLine
from monitor.spend.obstacles import situation_of
from monitor.topups.fitness import unfit
from monitor.topups.policy import Mode, TopUpPolicy
from monitor.topups.preview import cost_at_trigger, drop_to_trigger
from monitor.topups.refusal import RefusalReason
from monitor.topups.wording import place


async def top_up_lines(loaded: Loaded) -> list[CheckLine]:
    """A line for each key, then one for each open position with a policy; none where nothing is configured."""
    policy = app.build_policy(loaded, since=SystemClock().now())
    lines = await _key_lines(loaded)
    if not policy.top_ups.policies:
        return lines
    memory = await read_memory(loaded)
    return [*lines, *_cost_lines(policy, memory, SystemClock().now())]


async def _key_lines(loaded: Loaded) -> list[CheckLine]:
    clock = SystemClock()
    writers = build_writers(loaded, clock, pacer_of(loaded, clock))
    try:
        facts = await asyncio.gather(*(one.fetch_key() for one in writers.values()))
    finally:
        await asyncio.gather(*(one.close() for one in writers.values()))
    accounts, now = loaded.settings.accounts, clock.now()
    return [
        line
        for name, one in zip(writers, facts, strict=True)
        for line in top_up_key_lines(name, one, now, demo=accounts[name].demo_trading)
    ]


def top_up_key_lines(account: str, facts: KeyFacts | None, now: datetime, *, demo: bool) -> Iterator[CheckLine]:
    """Whether the top-up key of an account may be used, and for how long."""
    yield _fitness_line(account, facts, demo=demo)
    if facts is not None and facts.expires_at is not None:
        yield end_line(account, facts.expires_at, now, whose="its top-up key")


def _fitness_line(account: str, facts: KeyFacts | None, *, demo: bool) -> CheckLine:
    why = unfit(facts, demo=demo)
    if why:
        return CheckLine(status="fail", topic=account, text=why, advice="nothing is added in this account; the watch goes on")
    if facts is None:
        return CheckLine(status="warn", topic=account, text="the rights of its top-up key cannot be read (demo trading)")
    text = f"its top-up key may {', '.join(facts.rights)}"
    if facts.ip_bound is False:
        return CheckLine(
            status="warn", topic=account, text=f"{text}, from any IP address", advice="bind it to this machine's IP address"
        )
    return CheckLine(status="ok", topic=account, text=text)


def _cost_lines(policy: Policy, memory: Memory, now: datetime) -> Iterator[CheckLine]:
    for key, seen in memory.positions.items():
        found = policy.top_ups.policy_for(position_subject(key))
        if found is not None and found.mode is not Mode.OFF:
            yield _cost_line(seen, memory, found, policy, now)


def _cost_line(seen: PositionMemory, memory: Memory, found: TopUpPolicy, policy: Policy, now: datetime) -> CheckLine:
    situation, coin = situation_of(seen, memory), seen.assessment.position.instrument.settle_currency
    once = cost_at_trigger(situation, found, policy.top_ups, now)
    topic, away = f"{found.name}, {place(seen.key)}", share_down(drop_to_trigger(situation, found))
    if once.adds:
        text = f"one action at the trigger ({away} away) costs {money_up(once.spent, coin)} at today's size"
        return CheckLine(status="ok", topic=topic, text=text)
    refusal = once.refusal
    if refusal is None:
        return CheckLine(status="warn", topic=topic, text="the trigger is not reached before liquidation: it would never act")
    bound = "its bound is passed before the trigger: " if refusal.reason is RefusalReason.PRICE_BOUND else ""
    text = f"at the trigger ({away} away) it would not act: {bound}{refusal.reason.value} {refusal.detail}".rstrip()
    return CheckLine(status="warn", topic=topic, text=text)
