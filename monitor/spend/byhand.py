"""A person's own margin change: what it would do, what speaks against it, and the intent that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.alerts.model import position_subject
from monitor.alerts.rounding import money_down, money_up
from monitor.errors import TopUpRefused
from monitor.margin.assessment import Assessment, assess
from monitor.margin.position import PositionKey, PositionStatus
from monitor.margin.whatif import with_added_margin
from monitor.memory import Memory, PositionMemory
from monitor.policy import Policy
from monitor.spend.book import Book
from monitor.spend.breaker import last_sent
from monitor.spend.change import Change
from monitor.spend.intents import planned
from monitor.spend.standing import family_of, free_for
from monitor.topups.guards import FRESH
from monitor.topups.ledger import Intent, Stand
from monitor.topups.policy import Grain
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.stand import stand_of

APART = timedelta(seconds=10)
"""A person's own changes of one position are at least so far apart, so that the exchange's record tells one from the other."""
OLDEST = timedelta(seconds=30)
"""What is proposed by an older reading than that is no proposal."""


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
    seen = memory.positions.get(key)
    if seen is None:
        raise TopUpRefused("no such position is open and isolated")
    refusal = against(seen, amount, memory, policy, now, oldest=OLDEST)
    open_one = next((one for one in memory.top_ups.intents.values() if one.key == key and one.is_open), None)
    if open_one is not None:
        refusal = _refusal(key, RefusalReason.IN_FLIGHT, now, f"another change is {open_one.state.value}")
    last = last_sent(key, memory.top_ups.intents.values())
    if refusal is None and last is not None and now - (last.submitted_at or last.planned_at) < APART:
        refusal = _refusal(key, RefusalReason.COOLDOWN, now, "another change was sent a moment ago: try again in 10 s")
    if refusal is not None:
        raise TopUpRefused(refusal.detail)
    after = assess(with_added_margin(seen.assessment.position, amount))
    free = free_for(memory, seen)
    return Proposal(
        key=key,
        epoch=seen.epoch,
        amount=amount,
        currency=seen.assessment.position.instrument.settle_currency,
        before=stand_of(seen.assessment, at=seen.last_seen, free=free),
        after=stand_of(after, at=seen.last_seen, free=None if free is None else free - amount),
        warnings=tuple(_warnings(seen.assessment, after, amount, policy)),
    )


def order(memory: Memory, policy: Policy, proposal: Proposal, now: datetime) -> Change:
    """The proposal as a PLANNED intent of no policy. Everything is asked again; raises TopUpRefused."""
    again = propose(memory, policy, proposal.key, proposal.amount, now)
    if (again.epoch, again.before.contracts) != (proposal.epoch, proposal.before.contracts):
        raise TopUpRefused("the position has changed since: look at it again")
    book = Book(memory=memory, policy=policy, now=now)
    intent = planned(memory, memory.positions[proposal.key], proposal.amount, now, why="you asked for it")
    book.enter(intent)
    return book.done(intent)


def still_against(intent: Intent, seen: PositionMemory, memory: Memory, policy: Policy, now: datetime) -> Refusal | None:
    """What speaks against sending a person's own planned change right now."""
    if intent.lease != memory.top_ups.lease:
        return _refusal(intent.key, RefusalReason.OTHER_INSTANCE, now, "it was planned by another run of margincall")
    if seen.epoch != intent.epoch or seen.assessment.position.contracts != intent.before.contracts:
        return _refusal(intent.key, RefusalReason.POSITION_CHANGED, now, "the position has changed since it was ordered")
    return against(seen, intent.amount, memory, policy, now, oldest=FRESH)


def against(
    seen: PositionMemory, amount: Decimal, memory: Memory, policy: Policy, now: datetime, *, oldest: timedelta
) -> Refusal | None:
    """What speaks against a person's own change, the reading being ``oldest`` at most."""
    position, key = seen.assessment.position, seen.key
    coin = position.instrument.settle_currency
    grain = _grain(policy, key.exchange, coin)
    family, free = family_of(memory, seen), free_for(memory, seen)
    failing = family is None or bool(family.failing)
    checks: list[tuple[bool, RefusalReason, str]] = [
        (key.account not in policy.top_ups.able, RefusalReason.DISABLED, f"account {key.account} has no top_up_credentials"),
        (key.account in policy.top_ups.unfit, RefusalReason.DISABLED, policy.top_ups.unfit.get(key.account, "")),
        (memory.top_ups.stopped_at is not None, RefusalReason.STOPPED, "it is stopped: `margincall topups start` releases it"),
        (bool(seen.mode), RefusalReason.NOT_ISOLATED, f"the position is {seen.mode}, not isolated"),
        (
            position.status is not PositionStatus.NORMAL,
            RefusalReason.LIQUIDATING,
            f"the exchange is {position.status.value} the position",
        ),
        (
            failing or bool(seen.absences) or now - seen.last_seen > oldest,
            RefusalReason.STALE_DATA,
            "the position could not be read just now",
        ),
        (
            abs(amount) < grain.least or amount % grain.step != 0 or amount == 0,
            RefusalReason.BELOW_MINIMUM,
            f"{key.exchange} takes multiples of {grain.step} {coin}, {grain.least} at least",
        ),
        (
            free is not None and amount > free,
            RefusalReason.INSUFFICIENT_BALANCE,
            f"needs {money_up(amount, coin)}, {money_down(free or amount, coin)} free",
        ),
        (
            amount < 0 and _would_end(seen.assessment, amount),
            RefusalReason.CANNOT_HELP,
            "taking that out would liquidate the position",
        ),
    ]
    for speaks, reason, detail in checks:
        if speaks:
            return _refusal(key, reason, now, detail)
    return None


def _would_end(now: Assessment, amount: Decimal) -> bool:
    """Whether nothing would be left above what the exchange wants, by the worse of our figures and its own."""
    raised = now.judged.requirement - now.ours.requirement
    return assess(with_added_margin(now.position, amount)).judged.headroom - raised <= 0


def _warnings(before: Assessment, after: Assessment, amount: Decimal, policy: Policy) -> list[str]:
    """What a person should know before saying yes."""
    said = []
    subject = position_subject(before.position.key)
    for rule in policy.of_positions(subject):
        was, then = rule.judge(before, None).level, rule.judge(after, None).level
        if then is not None and then > (was or 0):
            said.append(f"this crosses a line: {rule.KIND.replace('_', ' ')} would be {then.label}")
    if before.position.exchange_adds_margin:
        said.append("the exchange's own automatic margin is on for this position: it may change the margin too")
    if before.diverges:
        said.append("our figures and the exchange's own differ for this position")
    if amount < 0 and policy.top_ups.policy_for(subject) is not None:
        said.append("a top-up policy is in charge of this position, and may add margin again")
    return said


def _grain(policy: Policy, exchange: str, coin: str) -> Grain:
    grains = policy.top_ups.grains.get(exchange, {})
    return grains.get(coin) or grains.get("") or Grain(step=Decimal("0.00000001"), least=Decimal("0.00000001"))


def _refusal(key: PositionKey, reason: RefusalReason, now: datetime, detail: str) -> Refusal:
    return Refusal(policy="", key=key, reason=reason, since=now, detail=detail)
