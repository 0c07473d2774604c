"""Where a request meets its faults: what is executed and when, what is said, how it is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

from aiohttp import web

from monitor.practice.call import Call, Reply, Source
from monitor.practice.faults import NEVER, REFUSALS, Fault, FaultKind, Faults, Placed
from monitor.practice.faults.bodies import changed, refusal
from monitor.practice.faults.delivery import WIRE_KINDS, deliver, plain

TWICE = Decimal(2)
_STATUSES = frozenset(
    {
        FaultKind.REQUEST_TIMEOUT,
        FaultKind.INTERNAL,
        FaultKind.BAD_GATEWAY,
        FaultKind.UNAVAILABLE,
        FaultKind.GATEWAY_TIMEOUT,
    }
)


class FaultDesk:
    """Answers each request through the faults that it meets."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    async def answer(self, request: web.Request, call: Call, source: Source) -> web.StreamResponse:
        """The response of one request; most meet no fault and are answered at once."""
        met = self.faults.matching(call, _owner(source, call))
        for placed in met:
            if placed.fault.kind is FaultKind.CLOCK_OFF:
                call = replace(call, at=call.at + int(placed.fault.amount or 0))
            if placed.fault.kind is FaultKind.TIERS and not placed.held:
                placed.held[call.path, "", "tiers"] = _change_tiers(source, call, placed.fault)
        reply = self._reply(call, source, met)
        broken = next((placed for placed in met if placed.fault.kind in WIRE_KINDS), None)
        return plain(reply) if broken is None else await deliver(self.faults, broken, request, reply)

    def _reply(self, call: Call, source: Source, met: list[Placed]) -> Reply:
        """What is said: a refusal, or the source's own answer as the other faults change it."""
        reply = self._executed(call, source, [placed.fault for placed in met])
        for placed in met:
            fault = placed.fault
            if fault.kind in REFUSALS | _STATUSES or (fault.kind is FaultKind.READ_ONLY and call.method == "POST"):
                return refusal(fault, call)
            if fault.kind not in WIRE_KINDS:
                reply = changed(fault, call, reply, placed.held)
        return reply

    def _executed(self, call: Call, source: Source, met: list[Fault]) -> Reply:
        """Let the source answer now; a write that takes effect later or never is kept from it."""
        effect = _effect(call, met)
        if effect == 0:
            return source.answer(call)
        if effect > 0:
            asyncio.get_running_loop().call_later(float(effect), source.answer, call)
        return Reply(body={})


def _effect(call: Call, met: list[Fault]) -> Decimal:
    """Seconds until the call takes effect; negative: never. Reads always do at once."""
    if call.method == "GET":
        return Decimal(0)
    effects = [
        NEVER if fault.kind is FaultKind.READ_ONLY and fault.executes is None else fault.effect
        for fault in met
        if fault.kind is not FaultKind.CLOCK_OFF
    ]
    return NEVER if any(effect < 0 for effect in effects) else max(effects, default=Decimal(0))


def _change_tiers(source: Source, call: Call, fault: Fault) -> bool:
    """Let the exchange that is called ask more margin; whether there is an engine behind it that can."""
    engine = getattr(source, "exchange", None)
    if engine is None:
        return False
    for exchange, contract in tuple(engine.contracts):
        if exchange == call.exchange and fault.contract in {None, contract}:
            engine.change_tiers(exchange, contract, TWICE if fault.amount is None else fault.amount)
    return True


def _owner(source: Source, call: Call) -> str:
    """The name of the account behind the key, where the source knows accounts."""
    finder = getattr(source, "account_of", None)
    account = finder(call) if finder else None
    return account.name if account else ""
