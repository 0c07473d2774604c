"""Reconcile: what an exchange's evidence says of a margin change whose outcome nobody knows, and what a reading shows of one.

Money fails closed. "Applied" costs at most a place in the caps, "not applied" may cost the amount again: so a trace is enough
for the one, while the other needs the record and the margin to agree that there is none, twice, after the request can no longer
be accepted. Where they disagree, a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import Intent

EARLIER = timedelta(seconds=1)
"""A row may seem to be that much older than the submission that made it: the exchange's clock is known to a round trip."""
EXACT = Decimal("0.001")
"""A margin that moved by the amount, to this share of it, moved because of it; one that moved by less than this did not move."""
HALF = Decimal("0.5")


class Finding(StrEnum):
    """What one look says."""

    APPLIED = "applied"
    ABSENT = "absent"
    CONTRADICTORY = "contradictory"


class Sight(StrEnum):
    """What one reading shows of a confirmed change."""

    SHOWN = "shown"
    NOT_YET = "not_yet"
    FELL = "fell"
    OTHERWISE = "otherwise"
    """Its size changed meanwhile, and the margin with it: this says nothing of the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one look says, and on what ground."""

    finding: Finding
    detail: str


def judge(intent: Intent, evidence: Evidence) -> Verdict:
    """What ``evidence`` says of an intent that was submitted."""
    share = _share_moved(intent, evidence)
    if evidence.rows is None:
        return _by_margin(share)
    mine = [row for row in evidence.rows if _is_trace(intent, row)]
    if len(mine) > 1:
        return Verdict(finding=Finding.CONTRADICTORY, detail=f"the exchange's record shows the amount {len(mine)} times")
    if mine:
        if intent.hedged and not mine[0].side and share is not None and abs(share) <= EXACT:
            return Verdict(
                finding=Finding.CONTRADICTORY,
                detail="the exchange's record shows the amount, but this side's margin did not move",
            )
        return Verdict(finding=Finding.APPLIED, detail="the exchange's record shows it")
    if share is not None and HALF <= share <= 1 + HALF:
        return Verdict(finding=Finding.CONTRADICTORY, detail="the margin moved by about the amount, but no record shows it")
    return Verdict(finding=Finding.ABSENT, detail="neither the exchange's record nor the margin shows it")


def sight(intent: Intent, margin: Decimal, contracts: Decimal) -> Sight:
    """What a reading of the position shows of a change that the exchange confirmed."""
    if contracts != intent.before.contracts:
        return Sight.OTHERWISE
    share = (margin - intent.before.isolated_margin) / intent.amount
    if share >= HALF:
        return Sight.SHOWN
    return Sight.FELL if share <= -HALF else Sight.NOT_YET


def _by_margin(share: Decimal | None) -> Verdict:
    """Without a record the margin alone tells, and only exactly: funding or a fill may have moved it too."""
    if share is None:
        return Verdict(finding=Finding.CONTRADICTORY, detail="the position has changed, and the exchange keeps no record")
    if abs(share - 1) <= EXACT:
        return Verdict(finding=Finding.APPLIED, detail="the margin moved by the amount")
    if abs(share) <= EXACT:
        return Verdict(finding=Finding.ABSENT, detail="the margin did not move")
    return Verdict(finding=Finding.CONTRADICTORY, detail="the margin moved by another amount, and the exchange keeps no record")


def _share_moved(intent: Intent, evidence: Evidence) -> Decimal | None:
    """By how much of the amount the margin moved; None where the position is another one by now."""
    if evidence.isolated_margin is None or evidence.contracts != intent.before.contracts:
        return None
    return (evidence.isolated_margin - intent.before.isolated_margin) / intent.amount


def _is_trace(intent: Intent, row: MarginRow) -> bool:
    """Whether a row of the record can be this intent's own."""
    since = (intent.submitted_at or intent.planned_at) - EARLIER
    return row.by_hand and row.amount == intent.amount and row.side in {"", intent.key.side.value} and row.at >= since
