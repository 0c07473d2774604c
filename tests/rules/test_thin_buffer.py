from decimal import Decimal

import pytest

from monitor.rules.base import CLEAR, Level, Verdict
from monitor.rules.thin_buffer import ThinBuffer
from tests.builders import assessment

W, C, E = Level.WARNING, Level.CRITICAL, Level.EMERGENCY
D = Decimal
RULE = ThinBuffer(at_open=D(3), warning=D(2), critical=D("1.5"), emergency=D("1.2"))


@pytest.mark.parametrize(
    ("buffer", "held", "verdict", "level"),
    [
        ("2.00", None, Verdict.CLEAR, None),  # below, not at
        ("1.99", None, Verdict.BREACH, W),
        ("1.49", None, Verdict.BREACH, C),
        ("1.19", None, Verdict.BREACH, E),
        ("-0.5", None, Verdict.BREACH, E),
        # the dead band is 10 % of the line: 1.5 -> 1.65
        ("1.64", C, Verdict.DEAD_BAND, C),
        ("1.66", C, Verdict.BREACH, W),
        ("2.1", W, Verdict.DEAD_BAND, W),
        # a warning is held until the buffer is what it should have been when opened: 3 -> 3.3
        ("3.2", W, Verdict.DEAD_BAND, W),
        ("3.4", W, Verdict.CLEAR, None),
        ("2.5", None, Verdict.CLEAR, None),
    ],
)
def test_thin_buffer_breaches_when_below_a_line(buffer, held, verdict, level):
    judgement = RULE.judge(assessment(buffer=buffer), held)
    assert (judgement.verdict, judgement.level) == (verdict, level)


def test_thin_buffer_is_told_when_opened_below_its_line_and_only_then():
    first = RULE.judge_first(assessment(buffer="2.4"))
    assert (first.verdict, first.level, first.value, first.line, first.steps) == (Verdict.BREACH, W, D("2.4"), D(3), 0)
    assert RULE.judge(assessment(buffer="2.4"), None) is CLEAR
    # below the warning line it is that line's, one step worse than having been opened thin
    assert (RULE.judge_first(assessment(buffer="1.9")).line, RULE.judge_first(assessment(buffer="1.9")).steps) == (D(2), 1)
    assert RULE.judge_first(assessment(buffer="3")) is CLEAR


def test_thin_buffer_is_clear_when_nothing_is_required():
    assert RULE.judge_first(assessment(buffer=None)) is CLEAR
    assert RULE.judge(assessment(buffer=None), W) is CLEAR


def test_thin_buffer_judges_only_the_lines_that_are_given():
    only_open, only_critical = ThinBuffer(at_open=D(3)), ThinBuffer(critical=D(2))
    assert only_open.judge(assessment(buffer="0.5"), None) is CLEAR
    assert only_open.judge(assessment(buffer="2"), W).verdict is Verdict.DEAD_BAND
    assert only_critical.judge_first(assessment(buffer="2.5")) is CLEAR
    assert only_critical.judge(assessment(buffer="2.5"), W) is CLEAR


@pytest.mark.parametrize(
    "lines",
    [{}, {"warning": D(1)}, {"warning": D(2), "critical": D(3)}, {"at_open": D(2), "warning": D(3)}],
)
def test_thin_buffer_refuses_lines_that_make_no_sense(lines):
    with pytest.raises(ValueError, match="line"):
        ThinBuffer(**lines)
