"""Which fills belong to a case: those that lead from one size to the other, and none where the list cannot be whole."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.lives.case import Case
from monitor.lives.event import EventKind
from monitor.lives.records import Fill, FillCause
from monitor.lives.stretch import EARLY, LATE, stretch
from monitor.margin.assessment import assess
from tests.builders import at, key, position

D = Decimal
FORCED = (FillCause.REDUCTION, FillCause.LIQUIDATION, FillCause.DELEVERAGED)


def fill(seconds: float, contracts: int, cause: FillCause = FillCause.TRADE) -> Fill:
    """Below 0: it closes."""
    return Fill(at=at(seconds), cause=cause, contracts=D(abs(contracts)), closes=contracts < 0, id=f"{seconds}/{contracts}")


def case(before: int, after: int, since: float, until: float, *, ended: bool | None = None) -> Case:
    held = assess(position(contracts=D(before)))
    return Case(
        key=key(),
        epoch=1,
        family="usdm",
        assessment=held,
        first_seen=at(0),
        since=at(since),
        until=at(until),
        contracts=D(after),
        ended=after == 0 if ended is None else ended,
        due=at(until),
    )


@dataclass(frozen=True)
class Life:
    """Fills in order, at least ``GAP`` seconds apart: then no choice is left near a reading."""

    fills: tuple[Fill, ...]

    def size(self, seconds: float) -> int:
        return int(sum(-one.contracts if one.closes else one.contracts for one in self.fills if one.at <= at(seconds)))


def seconds(one: Fill) -> float:
    return (one.at - at(0)).total_seconds()


GAP = int((EARLY + LATE).total_seconds()) + 2


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """One life that opens, grows and shrinks, and perhaps another one after it."""
    fills: list[Fill] = []
    moment = 0
    for _ in range(draw(st.integers(1, 2))):
        moment += GAP
        size = draw(st.integers(2, 9))
        fills.append(fill(moment, size))
        for change in draw(st.lists(st.integers(-3, 3).filter(bool), max_size=5)):
            if size + change < 1:
                continue
            moment += GAP
            cause = FillCause.TRADE if change > 0 else draw(st.sampled_from((FillCause.TRADE, FillCause.REDUCTION)))
            fills.append(fill(moment, change, cause))
            size += change
        moment += GAP
        fills.append(fill(moment, -size, draw(st.sampled_from((FillCause.TRADE, *FORCED)))))
    return Life(tuple(fills))


@settings(max_examples=400, deadline=None)
@given(lives(), st.data())
def test_life_is_explained_as_it_was_wherever_it_is_read(life, data):
    last = len(life.fills)
    # readings lie between fills, farther from them than the clocks can differ
    first = data.draw(st.integers(1, last - 1), label="fills that the first reading shows")
    then = data.draw(st.integers(first + 1, last), label="fills that the second reading shows")
    since, until = ((life.fills[count - 1].at - at(0)).total_seconds() + 2.5 for count in (first, then))
    before, after = life.size(since), life.size(until)
    between = life.fills[first:then]
    sizes = [life.size((one.at - at(0)).total_seconds()) for one in between]
    if not before:
        return
    ended = 0 in sizes
    if not ended and after == before:
        return
    true = between[: sizes.index(0) + 1] if ended else between
    question = case(before, 0 if ended else after, since, until, ended=ended)
    assert stretch(question, life.fills, reborn=ended and after > 0) == true
    if not (ended and after > 0):  # with another life after it, what is missing may look like a part of that
        missing = data.draw(st.sampled_from(true))
        assert stretch(question, [one for one in life.fills if one is not missing]) is None


@settings(max_examples=400, deadline=None)
@given(lives(), st.data())
def test_life_began_with_its_first_fill_wherever_it_is_first_read(life, data):
    last = len(life.fills)
    none = data.draw(st.sampled_from([n for n in range(last) if n == 0 or not life.size(seconds(life.fills[n - 1]) + 2.5)]))
    # what was read before: nothing, or another life
    first = data.draw(st.integers(0, none), label="fills that the reading before shows")
    then = data.draw(st.integers(none + 1, last), label="fills that the reading shows")
    since = seconds(life.fills[first - 1]) + 2.5 if first else 0
    until = seconds(life.fills[then - 1]) + 2.5
    sizes = [life.size(seconds(one)) for one in life.fills[none:then]]
    if 0 in sizes:
        return
    prior = D(life.size(since))
    question = replace(case(sizes[-1], sizes[-1], since, until), birth=EventKind.OPENED, prior=prior)
    assert stretch(question, life.fills) == life.fills[none:then]
    missing = data.draw(st.sampled_from(life.fills[first:then]))
    assert stretch(question, [one for one in life.fills if one is not missing]) is None


def test_an_older_close_of_the_same_size_is_not_the_end_while_the_record_of_the_end_is_late():
    question = case(5, 0, since=10, until=30)
    before = [fill(8.5, -5), fill(9.5, 5)]
    assert stretch(question, before) is None
    end = fill(15, -5, FillCause.LIQUIDATION)
    assert stretch(question, [*before, end]) == (end,)


def test_what_came_after_the_second_reading_is_another_question():
    trade = fill(5, -3)
    assert stretch(case(10, 7, since=0, until=10), [trade, fill(12, 2), fill(13, -2, FillCause.REDUCTION)]) == (trade,)


def test_fill_that_one_reading_may_show_already_or_not_yet_is_placed_by_the_sizes():
    early, late = fill(9, -3), fill(10.5, -2)
    end = fill(15, -5, FillCause.LIQUIDATION)
    assert stretch(case(5, 0, since=10, until=30), [early, late, end]) == (end,)
    assert stretch(case(7, 0, since=10, until=30), [early, late, end]) == (late, end)
    assert stretch(case(10, 0, since=10, until=30), [early, late, end]) == (early, late, end)


def test_nothing_is_told_where_two_stories_fit_equally():
    # one of the two fills of 3 was in the first reading, and nobody can say which; their causes differ
    forced, traded = fill(9.5, -3, FillCause.REDUCTION), fill(10.5, -3)
    question = case(6, 3, since=10, until=20)
    assert stretch(question, [forced, traded]) == (traded,)
    shown = case(6, 3, since=10, until=11)
    assert stretch(shown, [forced, fill(11.5, -3)]) is None


def test_order_within_a_millisecond_does_not_matter_to_the_end():
    step, rest = fill(15, -2, FillCause.REDUCTION), fill(15, -3, FillCause.LIQUIDATION)
    for some in ([step, rest], [rest, step]):
        assert stretch(case(5, 0, since=10, until=30), some) == tuple(some)


def test_position_that_was_opened_anew_is_another_life():
    end, anew = fill(15, -5), fill(20, 4)
    assert stretch(case(5, 0, since=10, until=30), [end, anew]) is None
    assert stretch(case(5, 0, since=10, until=30), [end, anew], reborn=True) == (end,)
    assert stretch(case(5, 0, since=10, until=30), [end], reborn=True) is None


def test_more_cannot_be_closed_than_there_was():
    assert stretch(case(5, 0, since=10, until=30), [fill(12, -8), fill(13, 3)]) is None


def test_times_between_which_a_reading_may_differ_are_named():
    assert timedelta(0) < LATE <= EARLY
