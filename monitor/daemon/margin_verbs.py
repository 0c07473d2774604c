"""What the control socket answers about margins: the switches of automatic margin, and a person's own changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from monitor.alerts.model import position_subject
from monitor.daemon.control import Verb
from monitor.daemon.guard import Guard
from monitor.errors import TopUpRefused
from monitor.margin.position import PositionKey
from monitor.margin.quantities import dec, plain, plain_or_none
from monitor.memory import Memory
from monitor.ports import Clock
from monitor.spend import Proposal, order, pause, propose, resume, start, stop
from monitor.spend.obstacles import situation_of
from monitor.topups.ledger import Stand
from monitor.topups.preview import LastStand, last_stand


def margin_verbs_of(guard: Guard, clock: Clock, stop_file: Path, poke: Callable[[], None]) -> dict[str, Verb]:
    """Every verb by its name. ``poke``: something was ordered, to be sent now."""

    async def last_stands(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"positions": [_last_stand_document(*one) for one in _last_stands(guard, clock.now())]}

    return {**_switches(guard, stop_file), **_changes(guard, clock, poke), "topups.last_stands": last_stands}


def _last_stands(guard: Guard, now: datetime) -> Iterator[tuple[PositionKey, LastStand, str]]:
    """For each position with a policy that is not off, what the whole remaining budget could still do, and its currency."""
    memory, top_ups = guard.memory, guard.policy.top_ups
    for key, seen in memory.positions.items():
        policy = top_ups.policy_for(position_subject(key))
        if policy is None or seen.mode:
            continue
        stand = last_stand(situation_of(seen, memory), policy, top_ups, memory.top_ups, now)
        if stand is not None:
            yield key, stand, seen.assessment.position.instrument.settle_currency


def _last_stand_document(key: PositionKey, stand: LastStand, currency: str) -> dict[str, Any]:
    return {
        "account": key.account,
        "symbol": key.symbol,
        "side": key.side.value,
        "budget": plain(stand.budget),
        "currency": currency,
        "liquidation_price": plain_or_none(stand.liquidation_price),
        "held": "" if stand.held is None else f"{stand.held.reason.value}: {stand.held.detail}",
    }


def _switches(guard: Guard, stop_file: Path) -> dict[str, Verb]:
    async def halt(_: Mapping[str, Any]) -> dict[str, Any]:
        await guard.spend(lambda memory, _, now: stop(memory, now))
        return {}

    async def go(_: Mapping[str, Any]) -> dict[str, Any]:
        _refuse_beside(stop_file)
        await guard.spend(lambda memory, _, now: start(memory, now))
        return {}

    async def hold(call: Mapping[str, Any]) -> dict[str, Any]:
        await guard.spend(lambda memory, policy, now: pause(memory, policy, str(call["name"]), now))
        return {}

    async def go_on(call: Mapping[str, Any]) -> dict[str, Any]:
        await guard.spend(lambda memory, policy, now: resume(memory, policy, str(call["name"]), now))
        return {}

    return {"topups.stop": halt, "topups.start": go, "topups.pause": hold, "topups.resume": go_on}


def _refuse_beside(stop_file: Path) -> None:
    if stop_file.is_symlink() or stop_file.exists():
        raise TopUpRefused(f"there is a file {stop_file}: take it away first")


def _changes(guard: Guard, clock: Clock, poke: Callable[[], None]) -> dict[str, Verb]:
    def proposed(call: Mapping[str, Any]) -> Proposal:
        memory = guard.memory
        key = find(memory, str(call["symbol"]), str(call.get("account") or ""), str(call.get("side") or ""))
        return propose(memory, guard.policy, key, dec(str(call["amount"])), clock.now())

    async def consider(call: Mapping[str, Any]) -> dict[str, Any]:
        return proposal_document(proposed(call))

    async def change(call: Mapping[str, Any]) -> dict[str, Any]:
        proposal = proposed(call)
        if (proposal.epoch, proposal.before.contracts) != (int(call["epoch"]), dec(str(call["contracts"]))):
            raise TopUpRefused("the position has changed since: look at it again")
        done = await guard.spend(lambda memory, policy, now: order(memory, policy, proposal, now))
        poke()
        return {"intent": "" if done.intent is None else done.intent.id}

    async def tell(call: Mapping[str, Any]) -> dict[str, Any]:
        intent = guard.memory.top_ups.intents.get(str(call["intent"]))
        if intent is None:
            raise TopUpRefused("no such change is in the journal")
        after = None if intent.after is None else stand_document(intent.after)
        return {"state": intent.state.value, "open": intent.is_open, "detail": intent.detail, "after": after}

    return {"margin.propose": consider, "margin.order": change, "margin.intent": tell}


def find(memory: Memory, symbol: str, account: str, side: str) -> PositionKey:
    """The one open position that is meant; ``symbol`` whole, or without its settle currency. Raises TopUpRefused."""
    wanted = symbol.upper()
    found = [
        key
        for key in memory.positions
        if wanted in {key.symbol.upper(), key.symbol.partition(":")[0].upper()}
        and (not account or key.account == account)
        and (not side or key.side.value == side)
    ]
    if not found:
        raise TopUpRefused(f"no open isolated position is {' '.join(part for part in (account, symbol, side) if part)}")
    if len(found) > 1:
        several = ", ".join(f"{key.account} {key.symbol} {key.side.value}" for key in found)
        raise TopUpRefused(f"several positions are meant: {several}", hint="Say which with --account and --side.")
    return found[0]


def proposal_document(proposal: Proposal) -> dict[str, Any]:
    """The proposal for people and programs; numbers as text."""
    return {
        "account": proposal.key.account,
        "symbol": proposal.key.symbol,
        "side": proposal.key.side.value,
        "amount": plain(proposal.amount),
        "currency": proposal.currency,
        "epoch": proposal.epoch,
        "contracts": plain(proposal.before.contracts),
        "before": stand_document(proposal.before),
        "after": stand_document(proposal.after),
        "warnings": list(proposal.warnings),
    }


def stand_document(stand: Stand) -> dict[str, Any]:
    """How a position stands, as text."""
    figures: dict[str, Decimal | None] = {
        "mark_price": stand.mark_price,
        "isolated_margin": stand.isolated_margin,
        "equity": stand.equity,
        "margin_usage": stand.margin_usage,
        "cushion": stand.cushion,
        "liquidation_price": stand.liquidation_price,
        "free": stand.free,
    }
    return {name: plain_or_none(value) for name, value in figures.items()}
