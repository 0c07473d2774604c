"""A person's own margin change: what it would do, and the intent that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitor.errors import TopUpRefused
from monitor.margin.position import PositionKey
from monitor.memory import Memory
from monitor.policy import Policy
from monitor.spend.change import Change
from monitor.topups.ledger import Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a change would do. ``amount``: settle currency (``currency``), exactly as it would be sent, below 0 takes margin out.

    ``warnings``: sentences for the person who decides; it may be ordered all the same.
    """

    key: PositionKey
    epoch: int
    amount: Decimal
    currency: str
    before: Stand
    after: Stand
    warnings: tuple[str, ...] = ()


def propose(memory: Memory, policy: Policy, key: PositionKey, amount: Decimal, now: datetime) -> Proposal:
    """What adding ``amount`` (below 0: taking it out) would do. Raises TopUpRefused where it cannot, or must not, be done."""
    raise TopUpRefused("not yet")


def order(memory: Memory, policy: Policy, proposal: Proposal, now: datetime) -> Change:
    """The proposal as a PLANNED intent of no policy. Everything is asked again; raises TopUpRefused."""
    raise TopUpRefused("not yet")
