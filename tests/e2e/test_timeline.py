"""The timeline language finds what it is there to find; no daemon runs here."""

import time

import pytest

from tests.e2e.expectations import between
from tests.e2e.pace import Pace, crowd
from tests.e2e.stage import Arrival, Stage
from tests.e2e.timeline import Timeline


def test_a_timeline_names_what_is_missing_what_is_early_and_what_nobody_expected(tmp_path):
    with Stage(tmp_path) as stage:

        def comes(title: str) -> None:
            stage._heard(Arrival(at=time.monotonic(), channel="phone", title=title, body="on main"))

        line = Timeline(stage, opening=())
        line.do(0.1, "one comes", lambda: comes("one"))
        line.do(0.2, "two comes", lambda: comes("two"))
        line.do(0.3, "three comes", lambda: comes("three"))
        line.expect("phone", ("one", "on main"), between(0.05, 0.1))
        line.expect("phone", "two", between(0.4, 0.5), about="second")
        line.expect("phone", "four", between(0.1, 0.3), about="fourth")
        line.always(lambda: "it is late" if stage.arrivals else "", between(0, 0.6), about="look")
        problems = line.play()
    assert [(problem.about, problem.text.split("; ")[-1][:12]) for problem in problems if problem.arrival is None] == [
        ("fourth", "nothing like"),
        ("second", "it came at 0"),
        ("look", problems[-1].text[:12]),
    ]
    assert problems[-1].text.endswith("it is late")
    assert [problem.arrival.title for problem in problems if problem.arrival is not None] == ["two", "three"]


def test_a_timeline_fails_with_the_whole_story(tmp_path):
    with Stage(tmp_path) as stage:
        line = Timeline(stage, opening=())
        line.do(
            0.1, "something happens", lambda: stage._heard(Arrival(at=time.monotonic(), channel="phone", title="boo", body=""))
        )
        with pytest.raises(AssertionError, match=r"(?s)nobody expected.*something happens.*phone <- boo"):
            line.run()


def test_the_clock_of_a_timeline_stands_still_when_told(tmp_path):
    with Stage(tmp_path) as stage:
        line = Timeline(stage, opening=())
        line._zero, line._still = 100.0, [(101.0, 104.0)]
        assert [line.seconds(at) for at in (100.5, 102.0, 104.0, 105.0)] == [0.5, 1.0, 1.0, 2.0]


def test_the_clock_of_a_timeline_runs_slower_while_the_machine_is_crowded():
    crowds = iter([0.5, 2.0, 99.0, 0.0])
    pace = Pace(lambda: next(crowds))
    for now in (100.0, 101.0, 102.0, 103.0):
        pace.look(now)
    # 1 s at full speed, 1 s at half, 1 s at a fifth: slower than that it never runs
    assert [pace.seconds(at) for at in (99.0, 100.0, 100.5, 101.0, 101.5, 102.0, 103.0)] == pytest.approx(
        [-1.0, 0.0, 0.5, 1.0, 1.25, 1.5, 1.7]
    )
    pace.floor = 2.0
    assert pace.seconds(104.0) == pytest.approx(2.2)


def test_the_clock_of_a_timeline_never_goes_back():
    crowds = iter([5.0, 1.0])
    pace = Pace(lambda: next(crowds))
    pace.look(100.0)
    assert pace.seconds(101.0) == pytest.approx(0.2)  # looked at as crowded, not guessed as idle
    pace.look(102.0)
    assert pace.seconds(101.0) == pytest.approx(0.2)
    assert pace.seconds(102.0) == pytest.approx(1.2)


def test_the_crowd_of_this_machine_is_a_number():
    assert crowd() >= 0
