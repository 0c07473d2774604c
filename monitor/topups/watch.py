"""Watch: a margin that is another one than at the reading before, whoever changed it.

Two readings show the sum of what happened between them, and not who did it. The cause is the likeliest, as far as that is
known: a change of ours that fits, a fill where the size or the entry moved, another leverage setting, the exchange's own
automatic margin where that is on, funding where the time and the size of it fit (Binance and OKX take it from the isolated
margin, Bybit where the wallet is empty; all three settle it on the full hour: facts of each exchange, read 2026-11-22), and else
somebody's hand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from monitor.margin.assessment import Assessment
from monitor.topups.changes import ChangeCause, MarginChange
from monitor.topups.ledger import Intent
from monitor.topups.stand import stand_of

UNSEEN = timedelta(minutes=2)
"""After a longer time between two readings nobody knows what happened."""
LATE = timedelta(seconds=90)
"""Funding is booked up to that long after the full hour."""
MOST_FUNDING = Decimal("0.04")
"""No exchange takes more of the notional at once."""
YOU = "you"


def seen_change(
    before: Assessment,
    after: Assessment,
    *,
    since: datetime,
    at: datetime,
    epoch: int,
    free: Decimal | None = None,
    intents: Iterable[Intent] = (),
) -> MarginChange | None:
    """What changed the margin between two readings of one life, ``since`` and ``at``; None where nothing did.

    ``intents``: ours on this position that may have been applied since then.
    """
    amount = after.position.isolated_margin - before.position.isolated_margin
    if not amount:
        return None
    position = after.position
    ours = next((one for one in intents if _fits(one, amount)), None)
    if ours is not None:
        cause = ChangeCause.TOP_UP if ours.policy else ChangeCause.BY_HAND
    else:
        cause = _cause(before, after, amount, since=since, at=at)
    return MarginChange(
        key=position.key,
        epoch=epoch,
        at=at,
        since=since,
        amount=amount,
        currency=position.instrument.settle_currency,
        cause=cause,
        before=stand_of(before, at=since),
        after=stand_of(after, at=at, free=free),
        actor="" if ours is None else ours.policy or YOU,
        intent="" if ours is None else ours.id,
    )


def _fits(intent: Intent, amount: Decimal) -> bool:
    """Whether a change of this amount can be the intent's, with some funding beside it."""
    return 2 * abs(amount - intent.amount) <= abs(intent.amount)


def _cause(before: Assessment, after: Assessment, amount: Decimal, *, since: datetime, at: datetime) -> ChangeCause:
    was, now = before.position, after.position
    if (was.contracts, was.entry_price) != (now.contracts, now.entry_price):
        return ChangeCause.FILL
    if was.leverage is not None and now.leverage is not None and was.leverage != now.leverage:
        return ChangeCause.LEVERAGE
    if now.exchange_adds_margin and amount > 0:
        return ChangeCause.EXCHANGE
    if _hour_passed(since, at) and abs(amount) <= MOST_FUNDING * after.ours.notional:
        return ChangeCause.FUNDING
    return cause_elsewhere(since, at)


def cause_elsewhere(since: datetime, at: datetime) -> ChangeCause:
    """Of a change that none of the other causes explains: somebody's hand, where the time between the readings is short."""
    return ChangeCause.ELSEWHERE if at - since <= UNSEEN else ChangeCause.UNKNOWN


def _hour_passed(since: datetime, at: datetime) -> bool:
    """Whether a full hour lies between the readings, or so shortly before that its funding may be booked only now."""
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole >= since - LATE
