"""The words of events, as somebody reads them on a lock screen: whole, short, and never a figure that nobody knows."""

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from monitor.lives.event import LEVELS, Breakdown, EventKind, LifeEvent
from monitor.lives.words import agrees, body, changes_body, changes_title, meanwhile, one_line, title, when
from tests.builders import NOW, at, key

D = Decimal
LONG_NAME = "1000000BABYDOGE/USDT:USDT-271231"
TOLD = Breakdown(
    contracts=D("123456.789"),
    entry_price=D("0.00012345"),
    margin=D("1234567.89"),
    exit_price=D("0.000111111111111111"),
    profit=D("-1234567.891234"),
    fees=D("-12.5"),
    insurance=D("-3"),
    funding=D("0.25"),
    returned=D("0"),
    observed=D("0"),
    missing=("fees: some were paid in BNB",),
)


def event(kind: EventKind = EventKind.CLOSED, **changes) -> LifeEvent:
    return LifeEvent(
        **{"key": key(), "epoch": 1, "kind": kind, "at": at(60), "seen_at": at(61), "currency": "USDT", "unit": "BTC", **changes}
    )


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("full", [False, True], ids=["bare", "full"])
def test_title_fits_and_nothing_unknown_is_named(kind, full):
    facts = {"before": D("123456789.123"), "after": D("987654321.5"), "breakdown": TOLD, "cause": "exchange"} if full else {}
    if full and kind in {EventKind.MARGIN_ADDED, EventKind.MARGIN_REDUCED}:
        facts["amount"] = D("-123456.12345678")
    for name in ("BTC/USDT:USDT", LONG_NAME):
        one = event(kind, **{**facts, "key": key(name)})
        assert 0 < len(title(one)) <= 60
        text = "\n".join((title(one), body(one, UTC), one_line(one, UTC)))
        assert "None" not in text
        assert name in text


def test_every_kind_has_a_level_of_its_own():
    assert set(LEVELS) == set(EventKind)


@pytest.mark.parametrize(
    ("since", "shown"),
    [
        (None, "at 22 Nov 03:01:00 UTC"),
        (at(59.5), "seen at 22 Nov 03:01:00 UTC"),
        (at(50), "within 10 s before 22 Nov 03:01:00 UTC"),
    ],
)
def test_time_tells_how_exactly_it_is_known(since, shown):
    assert when(event(since=since), UTC) == shown


@pytest.mark.parametrize(
    ("cause", "actor", "shown"),
    [
        ("top_up", "guard", "BTC/USDT long: +5 USDT margin by guard"),
        ("top_up", "", "BTC/USDT long: +5 USDT margin by automatic margin"),
        ("by_hand", "you", "BTC/USDT long: +5 USDT margin by you, with margincall"),
        ("exchange", "", "BTC/USDT long: +5 USDT margin by the exchange"),
        ("funding", "", "BTC/USDT long: +5 USDT margin by funding"),
        ("odd", "", "BTC/USDT long: +5 USDT margin by an unknown hand"),
    ],
)
def test_whoever_moved_a_margin_is_named(cause, actor, shown):
    assert title(event(EventKind.MARGIN_ADDED, amount=D(5), cause=cause, actor=actor)) == shown


def test_loss_of_a_partial_ending_is_what_is_known_of_it():
    known = Breakdown(contracts=D(1), entry_price=D(100), margin=D(50))
    nothing = event(EventKind.PARTLY_LIQUIDATED, breakdown=known)
    assert title(nothing) == "PARTLY LIQUIDATED: BTC/USDT long"
    assert "Realised" not in body(nothing, UTC)
    gain = event(EventKind.CLOSED, breakdown=replace(known, profit=D(7)))
    assert title(gain) == "BTC/USDT long closed, +7.00 USDT"


def test_funding_says_since_when_it_is_counted():
    for whole, shown in ((True, "Funding over its life: +0.25 USDT."), (False, "Funding since it was first seen: +0.25 USDT.")):
        assert shown in body(event(breakdown=replace(TOLD, whole_life=whole)), UTC)


def test_margin_that_nobody_knows_is_not_named():
    assert "Margin behind it" not in body(event(breakdown=replace(TOLD, margin=None)), UTC)


def test_added_margin_is_counted_in_words():
    for times, shown in ((1, "(once)"), (3, "(3 times)")):
        told = Breakdown(contracts=D(1), entry_price=D(1), margin=D(9), added=D(4), added_times=times)
        assert f"of it 4 USDT added by margincall {shown}." in body(event(breakdown=told), UTC)


@pytest.mark.parametrize(
    ("returned", "observed", "same"),
    [
        (None, D(1), True),
        (D(1), None, True),
        (D(100), D("100.0000999"), True),
        (D(100), D("100.0002"), False),
        (D(0), D("0.1"), False),
    ],
)
def test_balance_agrees_but_for_rounding(returned, observed, same):
    told = Breakdown(contracts=D(1), entry_price=D(1), margin=D(1), returned=returned, observed=observed)
    assert agrees(told) is same


def test_changes_of_one_position_are_counted_and_the_newest_named():
    some = [event(EventKind.GREW, before=D(n), after=D(n + 1)) for n in range(10)]
    assert changes_title(some) == "BTC/USDT long: 10 more changes, now 10 BTC"
    assert "2 changes that `margincall events` shows, and then:" in changes_body(some, UTC)
    assert "and then" not in changes_body(some[:8], UTC)


def test_meanwhile_names_the_worst_or_counts():
    away = (NOW - timedelta(days=3), NOW)
    first, text = meanwhile([event(EventKind.DELEVERAGED, ended=True)], away, [], UTC)
    assert first == "Meanwhile: BTC/USDT long was auto-deleveraged"
    others = [
        event(EventKind.LIQUIDATED, key=key("ETH/USDT:USDT"), ended=True, breakdown=replace(TOLD, profit=D(-5))),
        event(EventKind.PARTLY_LIQUIDATED, key=key("ATOM/USDT:USDT"), breakdown=replace(TOLD, profit=D(-900))),
        event(EventKind.LIQUIDATED, key=key("ATOM/USDT:USDT"), ended=True, breakdown=replace(TOLD, profit=D(-7))),
        event(EventKind.DELEVERAGED),
    ]
    first, _ = meanwhile(others, away, [], UTC)
    assert first == "Meanwhile 3 positions FORCE-CLOSED, worst ATOM/USDT long"
    first, text = meanwhile([event(), event()], away, ["X"], UTC)
    assert first == "While margincall was off (3 days): 3 events"
    assert text.endswith("X is gone; why is not known yet. If you did not close it, look now.")
