"""The arithmetic of the end, on stories made by hand."""

from dataclasses import replace

import pytest

from monitor.alerts.model import NotifyReason
from monitor.demo.outcome import (
    Alerts,
    Fate,
    Outcome,
    Size,
    TopUps,
    count_alerts,
    count_top_ups,
    disagreements,
    first_warnings,
    message_problems,
    unjournaled,
    untold,
)
from monitor.demo.phone import Ring
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from tests.demo.stories import D, arrived, holding, ring, sent
from tests.topups.planning import intent

LONG = holding()
SHORT = holding(2, side="short")
TOPPED = TopUps(count=2, amounts={"USDT": D("4000.5")}, unknown=1)


def test_alerts_are_all_delivered_when_each_arrived_once():
    told = [sent(1, "guarding 6 positions"), sent(2, "WARNING: x", about=LONG)]
    assert count_alerts(told, [arrived(one, 5) for one in told]) == Alerts(raised=2, delivered=2, lost=0, duplicated=0)


def test_a_message_that_never_arrived_is_lost():
    told = [sent(1, "WARNING: x", about=LONG), sent(2, "CRITICAL: x", about=LONG)]
    alerts = count_alerts(told, [arrived(told[0], 5)])
    assert (alerts.raised, alerts.delivered, alerts.lost, alerts.duplicated) == (2, 1, 1, 0)
    assert message_problems(alerts) == ["1 of 2 messages never reached the phone"]


def test_a_message_that_arrived_twice_is_a_duplicate_and_covers_for_no_other():
    told = [sent(1, "WARNING: x", about=LONG), sent(2, "WARNING: x", about=LONG)]
    alerts = count_alerts(told, [arrived(told[0], 5), arrived(told[0], 6)])
    assert (alerts.delivered, alerts.lost, alerts.duplicated) == (1, 1, 1)
    assert len(message_problems(alerts)) == 2


def test_two_raised_messages_with_the_same_words_need_two_arrivals():
    one = sent(1, "WARNING: x", about=LONG)
    alerts = count_alerts([one, one], [arrived(one, 5)])
    assert (alerts.raised, alerts.delivered, alerts.lost) == (2, 1, 1)


def test_an_arrival_that_nobody_raised_is_strange():
    alerts = count_alerts([], [ring("WARNING: x", 5)])
    assert alerts.strange == 1
    assert message_problems(alerts) == ["1 messages reached the phone that are not in the daemon's books"]


def test_the_first_warning_is_the_first_alert_of_that_position_and_no_all_clear():
    told = [
        sent(1, "guarding 6 positions"),
        sent(2, "WARNING: x", about=LONG),
        sent(3, "EMERGENCY: x", about=LONG),
        sent(4, "BTC is gone", about=SHORT, why=NotifyReason.RESOLVED),
    ]
    rings = [arrived(one, second) for one, second in zip(told, (0, 100, 160, 170), strict=True)]
    assert first_warnings(told, rings) == {LONG.key: D(100)}


@pytest.mark.parametrize(
    ("liquidated", "warned", "lead"),
    [(2069, 1500, 569), (2069, None, None), (None, 1500, None), (None, None, None), (60, 60, 0)],
)
def test_the_lead_is_from_the_first_warning_to_the_liquidation(liquidated, warned, lead):
    fate = _fate(liquidated, warned)
    assert fate.lead == (None if lead is None else D(lead))
    document = fate.document()
    assert document["outcome"] == ("survived" if liquidated is None else "liquidated")
    assert (document["liquidated_seconds"], document["first_warning_seconds"], document["lead_seconds"]) == (
        liquidated,
        warned,
        lead,
    )


def test_the_document_has_every_promised_field():
    alerts = Alerts(raised=3, delivered=3, lost=0, duplicated=0)
    outcome = Outcome(
        scenario="crash", seconds=5400, took=91.5, fates=[_fate(2069, 1500)], alerts=alerts, problems=[], top_ups=TOPPED
    )
    assert outcome.document() == {
        "scenario": "crash",
        "seconds": 5400,
        "positions": [
            {
                "account": "alpha",
                "exchange": "binance",
                "symbol": "BTC/USDT:USDT",
                "side": "long",
                "outcome": "liquidated",
                "first_warning_seconds": 1500,
                "liquidated_seconds": 2069,
                "lead_seconds": 569,
                "topped_up": "0",
            }
        ],
        "alerts": {"raised": 3, "delivered": 3, "lost": 0, "duplicated": 0},
        "top_ups": {"count": 2, "amount_by_currency": {"USDT": "4000.5"}, "unknown": 1},
    }


def test_added_margin_counts_as_the_journal_believes_it():
    states = (
        IntentState.VERIFIED,
        IntentState.RECONCILED_APPLIED,
        IntentState.REJECTED,
        IntentState.UNKNOWN,
        IntentState.DISPUTED,
    )
    journal = [intent(number, amount="1000.25", state=state) for number, state in enumerate(states)]
    assert count_top_ups(journal) == TopUps(count=2, amounts={"USDT": D("2000.5")}, unknown=2)


def test_the_ledger_and_the_journal_must_agree_on_added_margin():
    fates = [replace(_fate(None, 1500), topped_up=D(3000)), replace(_fate(None, 1500), topped_up=D("1000.5")), _fate(2069, 1500)]
    assert unjournaled(fates, TOPPED) == []
    assert unjournaled(fates, TopUps()) == [
        "the exchange's ledger says 4000.5 USDT of margin was added, the daemon's journal nothing"
    ]


def test_books_that_agree_have_nothing_to_say():
    book = {LONG.key: Size(contracts=D("0.5"), margin=D("3872.7"))}
    assert disagreements(book, {LONG.key: Size(contracts=D("0.50"), margin=D("3872.70"))}) == []


def test_every_difference_of_the_books_is_named():
    exchange = {LONG.key: Size(contracts=D(5), margin=D(10)), SHORT.key: Size(contracts=D(1), margin=D(1))}
    daemon = {LONG.key: Size(contracts=D(4), margin=D(9)), ("beta", "ETH/USDT:USDT", "long"): Size(contracts=D(1), margin=D(1))}
    assert disagreements(exchange, daemon) == [
        "BTC/USDT:USDT short on alpha is open on the exchange and not in the daemon's books",
        "ETH/USDT:USDT long on beta is in the daemon's books and not open on the exchange",
        "BTC/USDT:USDT long on alpha: 5 contracts on the exchange, 4 in the books",
        "BTC/USDT:USDT long on alpha: margin 10 on the exchange, 9 in the books",
    ]


def test_an_urgent_position_needs_an_emergency_of_its_own():
    warned = [sent(1, "CRITICAL: x", about=LONG), sent(2, "EMERGENCY: x", about=SHORT)]
    assert untold([LONG.key, SHORT.key], warned) == [
        "BTC/USDT:USDT long on alpha was past the emergency line and no emergency was told"
    ]


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("WARNING: BTC/USDT long cushion 58 %", Level.WARNING),
        ("Still EMERGENCY: BTC/USDT long", Level.EMERGENCY),
        ("BLIND: cannot read gamma", Level.CRITICAL),
        ("All clear: BTC/USDT long", Level.INFO),
        ("guarding 6 positions on 3 accounts", Level.INFO),
    ],
)
def test_a_ring_is_as_urgent_as_its_title_says(title, level):
    assert Ring(title=title, text="", second=D(0)).level is level


def _fate(liquidated, warned):
    return Fate(
        holding=LONG,
        liquidated=None if liquidated is None else D(liquidated),
        first_warning=None if warned is None else D(warned),
        cost=D("-3902"),
    )
