"""The journal, gone through whole: a crash at each step, late, lost, duplicated and refused replies, a record that lags.

Each mutation takes one of the three rules away that make it safe, and the model must notice.
"""

from datetime import timedelta

import pytest

from monitor.spend import journal
from monitor.topups.ledger import IntentEvent, IntentState
from tests.topups.journal_model import Rules, Tally, explore

OKX = timedelta(seconds=30)
LAGGING = (timedelta(seconds=9),)
REPLIES_LOST = (2, 6)
"""Applied at once or never, and no reply: what looks the same to us."""


def is_faulty(tally: Tally) -> bool:
    return any(tally.faults)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(),
        Rules(keeps_record=False),
        Rules(window=OKX, lags=LAGGING),
        Rules(crashes=2, endings=REPLIES_LOST, lags=LAGGING),
    ],
    ids=["with a record", "without a record", "a long window", "two crashes"],
)
def test_no_margin_is_added_twice_past_its_cap_believed_wrongly_or_left_open_whatever_fails_when(rules):
    tally = explore(rules)
    assert tally.faults == (0, 0, 0, 0), tally
    assert tally.disputed == 0, tally
    assert tally.runs > 100
    ends = {IntentState.VERIFIED, IntentState.ABANDONED, IntentState.RECONCILED_APPLIED, IntentState.RECONCILED_NOT_APPLIED}
    assert tally.states >= ends


def test_the_model_fails_when_nothing_waits_for_a_late_request(monkeypatch):
    monkeypatch.setattr(journal, "_can_conclude", lambda intent, at: True)
    tally = explore(Rules(), until=is_faulty)
    assert tally.wrong_beliefs > 0


def test_the_model_fails_when_the_request_leaves_before_it_is_committed():
    tally = explore(Rules(commits_before_sending=False), until=lambda tally: tally.doubled > 0)
    assert tally.doubled > 0
    assert tally.over_cap > 0


def test_the_model_fails_when_a_timeout_counts_as_a_refusal():
    tally = explore(Rules(timeout_is=IntentEvent.REFUSED), until=is_faulty)
    assert tally.wrong_beliefs > 0
