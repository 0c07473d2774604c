"""What evidence and readings say of a change: a trace is enough for applied; not applied needs record and margin to agree."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.topups.evidence import Evidence, MarginRow
from monitor.topups.ledger import IntentState
from monitor.topups.reconcile import Finding, Sight, judge, sight
from tests.builders import NOW
from tests.topups.planning import intent

D = Decimal
F = Finding


def row(amount="10", after=1.0, **changes):
    return MarginRow(at=NOW + timedelta(seconds=after), amount=D(amount), **changes)


def look(*rows, margin="100", contracts="10", record=True):
    return Evidence(
        at=NOW + timedelta(seconds=20),
        rows=rows if record else None,
        isolated_margin=None if margin is None else D(margin),
        contracts=None if margin is None else D(contracts),
    )


def unknown(**changes):
    return intent(ago=0, state=IntentState.UNKNOWN, **changes)


def finding(evidence, **changes):
    return judge(unknown(**changes), evidence).finding


def test_a_row_of_the_amount_since_then_is_a_trace_whatever_else_moved_the_margin():
    for margin in ("110", "108", "100", None):
        assert finding(look(row(), margin=margin)) is F.APPLIED
    assert finding(look(row(after=-1))) is F.APPLIED
    assert finding(look(row(side="long"))) is F.APPLIED
    assert finding(look(row("-5"), margin="95"), amount="-5") is F.APPLIED


@pytest.mark.parametrize("other", [row("10.01"), row(after=-1.1), row(side="short"), row(by_hand=False), row("-10")])
def test_another_row_is_no_trace(other):
    assert finding(look(other)) is F.ABSENT


def test_an_intent_that_was_never_stamped_counts_from_its_plan():
    assert finding(look(row()), submitted_at=None) is F.APPLIED


def test_two_traces_or_one_that_this_side_does_not_show_are_for_a_person():
    assert finding(look(row(), row(after=2))) is F.CONTRADICTORY
    assert finding(look(row()), hedged=True) is F.CONTRADICTORY
    assert finding(look(row(), margin="110"), hedged=True) is F.APPLIED
    assert finding(look(row(side="long")), hedged=True) is F.APPLIED
    assert finding(look(row(), margin=None), hedged=True) is F.APPLIED


@pytest.mark.parametrize(("margin", "says"), [("100", F.ABSENT), ("99", F.ABSENT), ("104.9", F.ABSENT), ("105", F.CONTRADICTORY),
                                              ("115", F.CONTRADICTORY), ("115.1", F.ABSENT), (None, F.ABSENT)])  # fmt: skip
def test_without_a_row_a_margin_that_moved_by_about_the_amount_contradicts(margin, says):
    assert finding(look(margin=margin)) is says


def test_without_a_row_the_margin_says_nothing_when_the_size_changed():
    assert finding(look(margin="110", contracts="11")) is F.ABSENT


@pytest.mark.parametrize(
    ("margin", "says"),
    [
        ("110", F.APPLIED),
        ("110.01", F.APPLIED),
        ("110.02", F.CONTRADICTORY),
        ("100", F.ABSENT),
        ("99.99", F.ABSENT),
        ("99.98", F.CONTRADICTORY),
        (None, F.CONTRADICTORY),
    ],
)
def test_without_a_record_only_an_exact_margin_tells(margin, says):
    # a thousandth of 10 is 0.01
    assert finding(look(margin=margin, record=False)) is says


def test_without_a_record_a_position_of_another_size_tells_nothing():
    assert finding(look(margin="110", contracts="11", record=False)) is F.CONTRADICTORY


@pytest.mark.parametrize(
    ("amount", "margin", "contracts", "shows"),
    [
        ("10", "110", "10", Sight.SHOWN),
        ("10", "105", "10", Sight.SHOWN),
        ("10", "104.9", "10", Sight.NOT_YET),
        ("10", "95.1", "10", Sight.NOT_YET),
        ("10", "95", "10", Sight.FELL),
        ("10", "110", "9", Sight.OTHERWISE),
        ("-10", "90", "10", Sight.SHOWN),
        ("-10", "110", "10", Sight.FELL),
    ],
)
def test_a_reading_shows_a_change_when_at_least_half_of_it_is_there(amount, margin, contracts, shows):
    assert sight(intent(amount=amount), D(margin), D(contracts)) is shows
