"""The switches that a person throws while the daemon runs: one policy paused, everything stopped. Both outlive a restart."""

from __future__ import annotations

from datetime import datetime
from difflib import get_close_matches

from monitor.alerts.model import position_subject
from monitor.errors import TopUpRefused
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.change import Change, changed
from monitor.topups.state import TopUpChanges


def pause(memory: Memory, policy: Policy, name: str, now: datetime) -> Change:
    """The policy adds nothing until it is resumed. Raises TopUpRefused for a name that no policy has."""
    _require(policy, name)
    if name in memory.top_ups.paused:
        return changed(memory, TopUpChanges(), now)
    return changed(memory, TopUpChanges(paused={name: now}), now)


def resume(memory: Memory, policy: Policy, name: str, now: datetime) -> Change:
    """The policy may act again, also where its circuit breaker had opened. Raises TopUpRefused for a name that no policy has."""
    _require(policy, name)
    closed = []
    for key in memory.top_ups.circuits:
        found = policy.top_ups.policy_for(position_subject(key))
        if found is not None and found.name == name:
            closed.append(key)
    ended = (name,) if name in memory.top_ups.paused else ()
    return changed(memory, TopUpChanges(ended_pauses=ended, ended_circuits=tuple(closed)), now)


def stop(memory: Memory, now: datetime) -> Change:
    """The kill switch: nothing at all is sent, a person's own change neither, until `start`."""
    return changed(memory, TopUpChanges(stopped=True), now)


def start(memory: Memory, now: datetime) -> Change:
    """The kill switch is released."""
    return changed(memory, TopUpChanges(stopped=False), now)


def _require(policy: Policy, name: str) -> None:
    names = [one.name for one in policy.top_ups.policies]
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise TopUpRefused(f"no policy is called {name}" + (f"; did you mean {near[0]}?" if near else ""))
