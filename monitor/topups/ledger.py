"""The journal of margin changes: an intent's states, the only moves between them, and what counts as spent.

    PLANNED -> SUBMITTING (committed and synced before the socket is written) -> CONFIRMED -> VERIFIED
    PLANNED -> ABANDONED                 a guard failed, or the daemon was restarted before it was sent
    SUBMITTING -> REJECTED               a definite refusal, or certainly not sent: allow-lists, nothing else
    SUBMITTING -> UNKNOWN                anything else, a crash included
    UNKNOWN -> RECONCILED_APPLIED, RECONCILED_NOT_APPLIED, DISPUTED     by evidence, once the request can no longer be accepted
    CONFIRMED -> DISPUTED                three readings do not show it

An intent whose outcome is not known counts as spent, so that even a wrong belief can never pass a cap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from monitor.margin.position import PositionKey


class IntentState(StrEnum):
    """Where an intent is in its life."""

    PLANNED = "PLANNED"
    SUBMITTING = "SUBMITTING"
    CONFIRMED = "CONFIRMED"
    VERIFIED = "VERIFIED"
    REJECTED = "REJECTED"
    ABANDONED = "ABANDONED"
    UNKNOWN = "UNKNOWN"
    RECONCILED_APPLIED = "RECONCILED_APPLIED"
    RECONCILED_NOT_APPLIED = "RECONCILED_NOT_APPLIED"
    DISPUTED = "DISPUTED"


class IntentEvent(StrEnum):
    """What can happen to an intent."""

    DROPPED = "dropped"
    """A guard failed, or the daemon began anew, before anything was committed to be sent."""
    SUBMITTED = "submitted"
    """Committed; the request may leave from here on."""
    ACCEPTED = "accepted"
    """A valid reply: the exchange's own success code and the amount echoed."""
    REFUSED = "refused"
    """A refusal of the allow-list, or certainly not sent."""
    UNCLEAR = "unclear"
    """Anything else: no reply, half a reply, an error of ours, a crash."""
    SEEN = "seen"
    """A reading shows the margin changed by the amount."""
    NOT_SEEN = "not_seen"
    """Three readings after the reply do not show it."""
    FOUND = "found"
    """Evidence that it was applied."""
    NOT_FOUND = "not_found"
    """Two good readings of the evidence, after it can no longer be accepted, without a trace of it."""
    CONTRADICTED = "contradicted"
    """The pieces of evidence disagree."""


MOVES: dict[tuple[IntentState, IntentEvent], IntentState] = {
    (IntentState.PLANNED, IntentEvent.DROPPED): IntentState.ABANDONED,
    (IntentState.PLANNED, IntentEvent.SUBMITTED): IntentState.SUBMITTING,
    (IntentState.SUBMITTING, IntentEvent.ACCEPTED): IntentState.CONFIRMED,
    (IntentState.SUBMITTING, IntentEvent.REFUSED): IntentState.REJECTED,
    (IntentState.SUBMITTING, IntentEvent.UNCLEAR): IntentState.UNKNOWN,
    (IntentState.CONFIRMED, IntentEvent.SEEN): IntentState.VERIFIED,
    (IntentState.CONFIRMED, IntentEvent.NOT_SEEN): IntentState.DISPUTED,
    (IntentState.UNKNOWN, IntentEvent.FOUND): IntentState.RECONCILED_APPLIED,
    (IntentState.UNKNOWN, IntentEvent.NOT_FOUND): IntentState.RECONCILED_NOT_APPLIED,
    (IntentState.UNKNOWN, IntentEvent.CONTRADICTED): IntentState.DISPUTED,
}
"""Every move there is; anything else is a bug and raises."""

OPEN = frozenset({IntentState.PLANNED, IntentState.SUBMITTING, IntentState.CONFIRMED, IntentState.UNKNOWN})
"""The states of an intent that is not settled; one position has at most one of them."""
SPENT = frozenset(
    {
        IntentState.SUBMITTING,
        IntentState.UNKNOWN,
        IntentState.CONFIRMED,
        IntentState.VERIFIED,
        IntentState.RECONCILED_APPLIED,
        IntentState.DISPUTED,
    }
)
"""The states in which the amount counts against the caps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How a position stood at one moment: amounts in settle currency, shares 0 to 1, None as in `margin.assessment.Figures`.

    ``free``: the balance that could become margin, where it was known. ``changed``: the exchange's own mark of its last change.
    """

    at: datetime
    contracts: Decimal
    mark_price: Decimal
    isolated_margin: Decimal
    equity: Decimal
    margin_usage: Decimal | None = None
    cushion: Decimal | None = None
    liquidation_price: Decimal | None = None
    free: Decimal | None = None
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One change of one position's margin, from the plan to its end.

    ``amount``: settle currency, exactly as it is sent; below 0 takes margin out (only a person's own). ``policy``: the policy's
    name, empty for a person's own. ``epoch``: the position's life. ``lease``: the epoch of the daemon's lock that planned it.
    ``valid_until``: after this the exchange can no longer accept the request. ``before``: as read when it was planned;
    ``after``: as the first reading that shows it. ``why``: the trigger in words. ``detail``: how it ended, in words, with the
    exchange's ``code`` where it gave one. ``looks``: how many good looks at the evidence (or readings) did not show it so far.
    """

    id: str
    key: PositionKey
    family: str
    instrument_id: str
    hedged: bool
    currency: str
    amount: Decimal
    epoch: int
    lease: int
    state: IntentState
    planned_at: datetime
    before: Stand
    policy: str = ""
    why: str = ""
    submitted_at: datetime | None = None
    valid_until: datetime | None = None
    settled_at: datetime | None = None
    after: Stand | None = None
    code: str = ""
    detail: str = ""
    looks: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is not settled."""
        return self.state in OPEN

    @property
    def is_spent(self) -> bool:
        """Whether its amount counts against the caps."""
        return self.state in SPENT


def moved(intent: Intent, event: IntentEvent, now: datetime, *, detail: str = "", code: str = "") -> Intent:
    """The intent after ``event``; raises ValueError for a move that is not in the table."""
    state = MOVES.get((intent.state, event))
    if state is None:
        raise ValueError(f"an intent that is {intent.state.value} cannot be {event.value}")
    return replace(
        intent,
        state=state,
        settled_at=None if state in OPEN else now,
        detail=detail or intent.detail,
        code=code or intent.code,
        looks=0,
    )
