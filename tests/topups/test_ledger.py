"""The journal's table: every move that there is, and none that is not."""

import itertools

import pytest

from monitor.topups.ledger import MOVES, OPEN, SPENT, IntentEvent, IntentState, moved
from tests.builders import NOW
from tests.topups.planning import intent


@pytest.mark.parametrize(("state", "event"), list(itertools.product(IntentState, IntentEvent)))
def test_each_cell_of_the_table_leads_where_it_says_or_nowhere(state, event):
    before = intent(state=state, settled_at=None, looks=2)
    to = MOVES.get((state, event))
    if to is None:
        with pytest.raises(ValueError, match=f"{state.value} cannot be {event.value}"):
            moved(before, event, NOW)
        return
    after = moved(before, event, NOW, detail="why", code="-4051")
    assert (after.state, after.detail, after.code, after.looks) == (to, "why", "-4051", 0)
    assert after.settled_at == (None if to in OPEN else NOW)


def test_what_may_have_been_sent_is_spent_until_the_contrary_is_certain():
    never_sent = {IntentState.PLANNED, IntentState.ABANDONED}
    certainly_not = {IntentState.REJECTED, IntentState.RECONCILED_NOT_APPLIED}
    assert set(IntentState) - SPENT == never_sent | certainly_not
