"""Top-up inert: a warning while the policy could not act, and no word where it was not asked."""

import pytest

from monitor.rules.base import CLEAR, Judgement, Level, LifeSeen, Verdict
from monitor.rules.top_up_inert import TopUpInert
from tests.builders import assessment

WHY = "btc_guard could not act on BTC/USDT long: needs 85 USDT, 12 free"


@pytest.mark.parametrize("held", [None, Level.WARNING])
def test_top_up_inert_judges_by_what_was_found(held):
    def judged(inert):
        return TopUpInert().judge(LifeSeen(assessment=assessment(), inert=inert), held)

    assert judged(WHY) == Judgement(Verdict.BREACH, Level.WARNING, reason=WHY)
    assert judged("") is CLEAR
    assert judged(None).verdict is Verdict.UNKNOWN


def test_top_up_inert_is_in_force_by_default_and_brings_no_nearer_polls():
    assert (TopUpInert.DEFAULT, TopUpInert.MAKES_NEAR, TopUpInert.REPEATS) == (True, False, False)
