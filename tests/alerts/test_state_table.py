"""Every cell of the table in ``lifecycle``: each state that an alert can be in, met by each verdict."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.alerts.lifecycle import NO_VERDICT, RepeatStep, Step, advance
from monitor.alerts.model import Alert, AlertState, NotifyReason, Subject, SubjectKind
from monitor.rules.base import CLEAR, Judgement, Level, Verdict
from monitor.rules.cushion import Cushion
from tests.builders import NOW, at

SUBJECT = Subject(SubjectKind.POSITION, "binance", "main", "BTC/USDT:USDT", "long")
AT_ONCE = Cushion(clear_hold=timedelta(0))
SLOW = Cushion(hold=timedelta(seconds=5), clear_hold=timedelta(seconds=10))
LADDER = (RepeatStep(every=timedelta(minutes=5)),)
ACK_LAPSES = timedelta(hours=1)
HELD, FIRING, CLEARING = AlertState.HELD, AlertState.FIRING, AlertState.CLEARING
CRITICAL = Level.CRITICAL


def told(state: AlertState, *, ago: float, **changes) -> Alert:
    """A critical that has been in ``state`` and was last told ``ago`` seconds before now."""
    then = at(-ago)
    begun = Alert(
        code="K7Q2", rule="cushion", subject=SUBJECT, state=state, level=CRITICAL, peak=CRITICAL, since=then, state_since=then,
        level_since=then, told=CRITICAL, told_at=then, first_told_at=then,
    )  # fmt: skip
    return replace(begun, **changes)


UNTOLD = {"told": None, "told_at": None, "first_told_at": None}
STATES = {
    "none": None,
    "held, new": told(HELD, ago=4, **UNTOLD),
    "held, long enough": told(HELD, ago=5, **UNTOLD),
    "firing": told(FIRING, ago=299),
    "firing, repeat due": told(FIRING, ago=300),
    "firing, first owed": told(FIRING, ago=30, owed=NotifyReason.FIRST, **UNTOLD),
    "firing, repeat owed": told(FIRING, ago=30, owed=NotifyReason.REPEAT),
    "firing, acknowledged": told(FIRING, ago=3599, acked_at=at(-3599)),
    "firing, acknowledgement lapsed": told(FIRING, ago=3600, acked_at=at(-3600)),
    "firing, born": told(FIRING, ago=3600, born=True),
    "clearing, new": told(CLEARING, ago=9),
    "clearing, long enough": told(CLEARING, ago=10),
    "clearing, acknowledged": told(CLEARING, ago=9, acked_at=at(-9)),
}


def breach(level: Level, steps: int = 0) -> Judgement:
    return Judgement(Verdict.BREACH, level, steps=steps)


VERDICTS = {
    "worse": breach(Level.EMERGENCY),
    "same": breach(CRITICAL),
    "deeper": breach(CRITICAL, steps=1),
    "milder": breach(Level.WARNING),
    "dead band": Judgement(Verdict.DEAD_BAND, CRITICAL),
    "clear": CLEAR,
    "unknown": NO_VERDICT,
}

# Columns as in VERDICTS. Each cell: the state afterwards and what is told; "-" for none, "over" for an alert that has ended.
TABLE = """
none                           | held        | held        | held        | held        | -           | -             | -
held, new                      | held        | held        | held        | held        | -           | -             | held
held, long enough              | firing F    | firing F    | firing F    | firing F    | -           | -             | firing F
firing                         | firing W    | firing      | firing      | firing      | firing      | clearing      | firing
firing, repeat due             | firing W    | firing R    | firing R    | firing R    | firing R    | clearing      | firing R
firing, first owed             | firing W    | firing F    | firing F    | firing F    | firing F    | clearing      | firing F
firing, repeat owed            | firing W    | firing R    | firing R    | firing R    | firing R    | clearing      | firing R
firing, acknowledged           | firing W    | firing      | firing      | firing      | firing      | clearing      | firing
firing, acknowledgement lapsed | firing W    | firing R    | firing R    | firing R    | firing R    | clearing      | firing R
firing, born                   | firing W    | firing      | firing W    | firing      | firing      | clearing      | firing
clearing, new                  | firing W    | firing      | firing      | firing      | firing      | clearing      | clearing
clearing, long enough          | firing W    | firing      | firing      | firing      | firing      | over RESOLVED | clearing
clearing, acknowledged         | firing W    | firing      | firing      | firing      | firing      | clearing      | clearing
"""
LETTERS = {NotifyReason.FIRST: "F", NotifyReason.WORSENED: "W", NotifyReason.REPEAT: "R", NotifyReason.RESOLVED: "RESOLVED"}


def cells() -> list[tuple[str, str, str]]:
    found = []
    for line in TABLE.strip().splitlines():
        state, *row = (part.strip() for part in line.split("|"))
        found += [(state, verdict, cell) for verdict, cell in zip(VERDICTS, row, strict=True)]
    return found


def shown(step: Step) -> str:
    """A step as the table writes it."""
    gone = "over" if step.ended is not None else "-"
    state = gone if step.alert is None else step.alert.state.value
    return f"{state} {LETTERS[step.why]}" if step.why is not None else state


def advanced(state: str, verdict: str, rule: Cushion = SLOW) -> Step:
    return advance(STATES[state], VERDICTS[verdict], rule=rule, subject=SUBJECT, now=NOW, repeats=LADDER, ack_lapses=ACK_LAPSES)


def test_table_has_a_row_for_every_state_that_is_named():
    assert {state for state, _, _ in cells()} == set(STATES)
    assert {alert.state for alert in STATES.values() if alert is not None} == set(AlertState)


@pytest.mark.parametrize(("state", "verdict", "cell"), cells())
def test_alert_does_what_its_cell_says_when_both_holds_are_set(state, verdict, cell):
    assert shown(advanced(state, verdict)) == cell


@pytest.mark.parametrize(
    ("state", "verdict", "cell"),
    [
        *(("none", verdict, "firing F") for verdict in ("worse", "same", "deeper", "milder")),
        *((state, "clear", "over RESOLVED") for state in STATES if state.startswith("firing") and "first" not in state),
        ("firing, first owed", "clear", "over"),
    ],
)
def test_alert_is_told_and_over_at_once_when_there_are_no_holds(state, verdict, cell):
    assert shown(advanced(state, verdict, AT_ONCE)) == cell


@pytest.mark.parametrize("state", [state for state, alert in STATES.items() if alert is not None and alert.acked_at is not None])
def test_acknowledgement_is_gone_once_it_worsened_or_came_back(state):
    worse = advanced(state, "worse").alert
    assert worse is not None
    assert worse.acked_at is None
    back = advanced(state, "dead band").alert
    assert back is not None
    assert (back.acked_at is None) is (state != "firing, acknowledged")


def test_unknown_ends_nothing_in_any_state():
    for state, alert in STATES.items():
        step = advanced(state, "unknown")
        assert (step.alert is None) is (alert is None), state
        assert step.ended is None, state


def test_born_alert_stays_so_when_only_its_repeat_was_owed():
    """After a time without a daemon it is said once more, and not every few minutes from then on."""
    born = replace(told(FIRING, ago=3600, born=True), owed=NotifyReason.REPEAT)
    step = advance(born, VERDICTS["same"], rule=SLOW, subject=SUBJECT, now=NOW, repeats=LADDER)
    assert step.why is NotifyReason.REPEAT
    assert step.alert is not None
    assert (step.alert.born, step.alert.owed) == (True, None)
    later = advance(step.alert, VERDICTS["same"], rule=SLOW, subject=SUBJECT, now=at(7200), repeats=LADDER)
    assert later.why is None
