"""Who changed a margin, as far as two readings tell."""

from datetime import timedelta
from decimal import Decimal

import pytest

from monitor.margin.assessment import assess
from monitor.topups.changes import ChangeCause
from monitor.topups.watch import seen_change
from tests.builders import NOW, position
from tests.topups.planning import intent

D = Decimal
C = ChangeCause
CALM = NOW + timedelta(minutes=30)


def change(margin="110", *, at=CALM, gap=2.0, intents=(), before=None, **held):
    return seen_change(
        assess(position("93", **(before or {}))),
        assess(position("93", isolated_margin=D(margin), **held)),
        since=at - timedelta(seconds=gap),
        at=at,
        epoch=3,
        free=D(7),
        intents=intents,
    )


def test_nothing_is_noted_when_the_margin_is_the_same():
    assert change("100") is None


def test_a_change_is_noted_with_its_time_and_the_stands_around_it():
    noted = change()
    assert (noted.amount, noted.currency, noted.epoch, noted.cause, noted.actor, noted.intent) == (
        D(10),
        "USDT",
        3,
        C.ELSEWHERE,
        "",
        "",
    )
    assert (noted.since, noted.at, noted.before.at, noted.after.at) == (CALM - timedelta(seconds=2), CALM, noted.since, noted.at)
    assert (noted.before.isolated_margin, noted.after.isolated_margin, noted.after.free) == (D(100), D(110), D(7))


def test_our_own_is_known_by_its_amount_with_some_funding_beside_it():
    for margin in ("110", "105", "115"):
        noted = change(margin, intents=(intent(7),))
        assert (noted.cause, noted.actor, noted.intent) == (C.TOP_UP, "btc_guard", "i7")
    assert change("104.9", intents=(intent(),)).cause is C.ELSEWHERE
    noted = change("90", intents=(intent(amount="-10", policy=""),))
    assert (noted.cause, noted.actor) == (C.BY_HAND, "you")


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({"contracts": D(11)}, C.FILL),
        ({"entry_price": D(99)}, C.FILL),
        ({"exchange_adds_margin": True}, C.EXCHANGE),
        ({"exchange_adds_margin": True, "margin": "90"}, C.ELSEWHERE),
        # a full hour lies between, or up to 90 s before: 4 % of 930 is 37.2
        ({"margin": "99", "at": NOW + timedelta(seconds=1)}, C.FUNDING),
        ({"margin": "99", "at": NOW + timedelta(seconds=92)}, C.FUNDING),
        ({"margin": "99", "at": NOW + timedelta(seconds=93)}, C.ELSEWHERE),
        ({"margin": "62.8", "at": NOW}, C.FUNDING),
        ({"margin": "62.7", "at": NOW}, C.ELSEWHERE),
        ({"gap": 120}, C.ELSEWHERE),
        ({"gap": 121}, C.UNKNOWN),
    ],
)
def test_the_likeliest_cause_is_named(told, cause):
    assert change(**told).cause is cause
