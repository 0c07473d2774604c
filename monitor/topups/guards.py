"""Guards: whether a policy may act on a position at all. Each has a name, and all are asked again right before the send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

from monitor.margin.exposure import exposure_of
from monitor.margin.position import PositionStatus, Side
from monitor.margin.quantities import ZERO
from monitor.topups.caps import spent_in_epoch
from monitor.topups.ledger import Intent
from monitor.topups.policy import Mode, TopUpPolicy, TopUps
from monitor.topups.refusal import Refusal, RefusalReason
from monitor.topups.rehearsal import rehearsing
from monitor.topups.situation import Situation
from monitor.topups.state import TopUpMemory

FRESH = timedelta(seconds=3)
"""A reading may be that old when money is moved on it."""
ASTRAY = Decimal("0.05")
"""A mark price farther than this from the index is no ground to move money on."""

Objection = tuple[RefusalReason, str]


def refused(
    situation: Situation,
    policy: TopUpPolicy,
    top_ups: TopUps,
    memory: TopUpMemory,
    now: datetime,
    *,
    intent: Intent | None = None,
) -> Refusal | None:
    """The first guard that objects, before any amount is looked at. ``intent``: the one that is about to be sent, where it is."""
    objections = chain(
        _switched_off(situation, policy, top_ups, memory, intent),
        _wrong_kind(situation),
        _doubtful(situation, now, intent),
        _too_soon(situation, policy, memory, now, intent),
        _too_deep(situation, policy, memory),
    )
    first = next(objections, None)
    return None if first is None else refusal(situation, policy, first[0], now, first[1])


def held_back(situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, now: datetime) -> Refusal | None:
    """Why the policy adds nothing here whatever the price does, until a person changes something or it has rehearsed."""
    first = next(chain(_switched_off(situation, policy, top_ups, memory, None), _wrong_kind(situation)), None)
    if first is not None:
        return refusal(situation, policy, first[0], now, first[1])
    if policy.mode is Mode.DRY_RUN or rehearsing(policy, memory, now):
        return refusal(situation, policy, RefusalReason.DRY_RUN, now, "it only rehearses")
    return None


def refusal(situation: Situation, policy: TopUpPolicy, reason: RefusalReason, now: datetime, detail: str = "") -> Refusal:
    """A refusal of this policy for this position."""
    return Refusal(policy=policy.name, key=situation.key, reason=reason, since=now, detail=detail)


def _switched_off(
    situation: Situation, policy: TopUpPolicy, top_ups: TopUps, memory: TopUpMemory, intent: Intent | None
) -> Iterator[Objection]:
    if policy.mode is Mode.OFF:
        yield RefusalReason.DISABLED, "its mode is off"
    if not top_ups.acts:
        yield RefusalReason.DISABLED, "a single run adds nothing, only `margincall run` without --once does"
    if situation.key.account not in top_ups.able and policy.mode is Mode.AUTO:
        yield RefusalReason.DISABLED, f"the account {situation.key.account} has no top_up_credentials"
    if situation.key.account in top_ups.unfit and policy.mode is Mode.AUTO:
        yield RefusalReason.DISABLED, top_ups.unfit[situation.key.account]
    if memory.stopped_at is not None:
        yield RefusalReason.STOPPED, "the kill switch is thrown"
    if policy.name in memory.paused:
        yield RefusalReason.STOPPED, "the policy is paused"
    if intent is not None and intent.lease != memory.lease:
        yield RefusalReason.OTHER_INSTANCE, "another run of the daemon planned it"
    circuit = memory.circuits.get(situation.key)
    if circuit is not None:
        yield RefusalReason.CIRCUIT_OPEN, circuit.reason


def _wrong_kind(situation: Situation) -> Iterator[Objection]:
    position = situation.assessment.position
    if situation.mode:
        yield RefusalReason.NOT_ISOLATED, f"its margin mode is {situation.mode}"
    if position.status is not PositionStatus.NORMAL:
        yield RefusalReason.LIQUIDATING, f"the exchange is {position.status.value} it"
    if position.exchange_adds_margin:
        yield RefusalReason.EXCHANGE_AUTO_ADD, "the exchange's own automatic margin is on: two would add"


def _doubtful(situation: Situation, now: datetime, intent: Intent | None) -> Iterator[Objection]:
    position = situation.assessment.position
    age = now - situation.read_at
    if situation.failing or situation.absences or age > FRESH or age < -FRESH:
        yield RefusalReason.STALE_DATA, f"it was last read {age.total_seconds():.0f} s ago"
    if situation.assessment.degraded:
        yield RefusalReason.SUSPICIOUS_DATA, f"its figures are inferred ({', '.join(situation.assessment.degraded)})"
    index = situation.index_price
    if index is not None and abs(position.mark_price - index) > index * ASTRAY:
        yield RefusalReason.SUSPICIOUS_DATA, f"the mark {position.mark_price} lies far from the index {index}"
    if situation.assessment.diverges:
        yield RefusalReason.DIVERGENT_DATA, "our figures and the exchange's differ"
    if intent is not None and (intent.epoch, intent.before.contracts) != (situation.epoch, position.contracts):
        yield RefusalReason.POSITION_CHANGED, "it is not the position any more that this was planned for"


def _too_soon(
    situation: Situation, policy: TopUpPolicy, memory: TopUpMemory, now: datetime, intent: Intent | None
) -> Iterator[Objection]:
    own = intent.id if intent is not None else ""
    here = [one for one in memory.intents.values() if one.key == situation.key and one.id != own]
    if any(one.is_open for one in here):
        yield RefusalReason.IN_FLIGHT, "another change of its margin is not settled"
    last = max((one.submitted_at for one in here if one.is_spent and one.submitted_at is not None), default=None)
    if last is not None and now - last < policy.cooldown:
        yield RefusalReason.COOLDOWN, f"the last one was {(now - last).total_seconds():.0f} s ago"


def _too_deep(situation: Situation, policy: TopUpPolicy, memory: TopUpMemory) -> Iterator[Objection]:
    """No good money after bad."""
    position, bound = situation.assessment.position, policy.not_beyond
    mark, long = position.mark_price, position.key.side is Side.LONG
    if bound.price is not None and (mark < bound.price if long else mark > bound.price):
        yield RefusalReason.PRICE_BOUND, f"the mark {mark} is beyond {bound.price}"
    if bound.loss is None:
        return
    lost = -situation.assessment.judged.unrealized_pnl
    put_in = put_into(situation, memory)
    if put_in <= 0 or lost > bound.loss * put_in:
        yield RefusalReason.PRICE_BOUND, f"the loss of {lost} {situation.currency} has passed the bound"


def put_into(situation: Situation, memory: TopUpMemory) -> Decimal:
    """All margin ever put into this life: what stands behind it now, or what it was opened with and what was added, if more."""
    position = situation.assessment.position
    added = spent_in_epoch(memory, situation.key, situation.epoch, situation.currency)
    opened = exposure_of(position).entry_value / position.leverage if position.leverage else ZERO
    return max(position.isolated_margin, opened + added)
