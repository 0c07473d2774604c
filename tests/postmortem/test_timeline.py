"""What happened, was told, done and held back, in order."""

from typing import Any

from monitor.alerts.model import NotifyReason, family_subject
from monitor.lives.event import EventKind
from monitor.postmortem.record import IncidentKind
from monitor.postmortem.timeline import timeline
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from tests.builders import USDM, at
from tests.postmortem.scenes import D, event, incident, intent, point, record, ruling, sending, some, stand, taken


def texts(**changes):
    return [entry.text for entry in timeline(record(**changes))]


def alone(**changes):
    """The texts of a record without anything else in it."""
    return texts(**{"points": (), "events": (), "alerts": (), "sendings": (), **changes})


def test_all_of_it_is_in_order_with_the_figures_read_last_before():
    entries = timeline(record())
    assert [(entry.kind, entry.text) for entry in entries] == [
        ("reading", "before the first alert"),
        ("told", "WARNING: cushion 40 % (phone)"),
        ("told", "EMERGENCY: cushion 40 % (phone)"),
        ("reading", "the last reading before the end"),
        ("blow", "LIQUIDATED, -100.00 USDT"),
    ]
    assert [entry.point and str(entry.point.mark_price) for entry in entries] == ["100", "96", "92.5", "91", None]


def test_what_was_told_after_the_end_has_no_figures_and_says_that_it_was_told():
    gone = sending(61, title="BTC/USDT long is gone: closed or liquidated", why=NotifyReason.GONE)
    news = sending(63, title="LIQUIDATED: BTC/USDT long, -100 USDT", why=NotifyReason.EVENT, id="C4P8-liquidated-liquidated-17")
    *_, first, second = timeline(record(sendings=(gone, news)))
    assert (first.text, first.point) == ("told: is gone: closed or liquidated (phone)", None)
    assert second.text == "told: LIQUIDATED, -100 USDT (phone)"


def test_a_near_miss_shows_the_reading_nearest_to_the_end():
    miss = incident(IncidentKind.NEAR_MISS, end=300)
    points = (point(10, "96"), point(100, "92"), point(200, "97"))
    entries = timeline(record(what=miss, points=points, events=(), sendings=(sending(320),)))
    assert [(entry.text, entry.at) for entry in entries[:2]] == [
        ("before the first alert", at(10)),
        ("nearest to the end", at(100)),
    ]
    # it is still open afterwards
    assert some(entries[2].point).mark_price == D(97)


def test_readings_without_a_cushion_are_judged_by_their_usage():
    miss = incident(IncidentKind.NEAR_MISS, end=300)
    usages = (D("0.5"), None, D("0.9"))
    points = [point(n, margin_usage=usage, cushion=None) for n, usage in enumerate(usages)]
    assert record(what=miss, points=tuple(points)).nearest is points[1]
    assert record(what=miss, points=(points[0], points[2])).nearest is points[2]


def test_readings_that_all_came_after_the_first_blow_are_not_before_it():
    assert texts(points=(point(70, "91"),), sendings=()) == ["LIQUIDATED, -100.00 USDT", "before the first alert"]


def test_the_worst_reading_of_a_long_silence_is_shown():
    marks = {0: "100", 10: "96", 20: "94", 30: "95", 40: "92.5", 45: "92", 48: "93", 58: "91"}
    entries = timeline(record(points=tuple(point(second, mark) for second, mark in marks.items())))
    # of 58 s, 10 to 40 and 40 to 58 are more than a sixth; nothing lies between 0 and 10
    assert [(entry.at, some(entry.point).mark_price) for entry in entries if entry.text == "the worst in between"] == [
        (at(20), D(94)),
        (at(45), D(92)),
    ]


def test_a_single_reading_is_shown_once():
    assert alone(points=(point(10),)) == ["before the first alert"]


def test_a_position_that_margincall_found_open_begins_there():
    assert alone(points=(point(10),), events=(event(EventKind.FOUND, 10),)) == ["margincall saw it first"]


def test_each_channel_tells_what_became_of_a_message():
    same: dict[str, Any] = {"id": "m1", "title": "WARNING: liquidation near"}
    became = (
        sending(10, after=4, **same),
        sending(10, state="dead", channel="chat", detail="404", **same),
        sending(10, state="superseded", channel="mail", detail="another's name", **same),
    )
    assert alone(sendings=became) == ["WARNING: liquidation near (phone after 4 s; chat: dead, 404; mail: superseded)"]


def test_an_alert_does_not_repeat_the_cushion_that_stands_beside_it():
    assert alone(sendings=(sending(10, title="WARNING: BTC/USDT long cushion 59 %, liq 3.8 % away"),)) == [
        "WARNING: liq 3.8 % away (phone)"
    ]


def test_what_was_told_of_the_account_and_of_automatic_margin_is_there():
    off = sending(10, why=NotifyReason.EVENT, id="K7Q2-top_up-circuit-17", title="Automatic margin is OFF for BTC/USDT long")
    blind = sending(11, subject=family_subject(USDM), title="CRITICAL: main cannot be read")
    assert alone(sendings=(off, blind)) == ["told: Automatic margin is OFF (phone)", "CRITICAL: main cannot be read (phone)"]


def test_repeats_that_follow_one_another_are_one_line():
    repeats = [sending(10 + 60 * n, why=NotifyReason.REPEAT) for n in range(4)]
    first = "WARNING: cushion 40 % (phone)"
    assert alone(sendings=tuple(repeats)) == [f"{first}, and 3 more in 3 min"]
    assert alone(sendings=tuple(repeats[:1])) == [first]


def test_a_refusal_tells_its_reason_with_its_numbers():
    body = "guard is triggered by BTC/USDT long on main, but adds nothing: cap position (needs 85 USDT, 12 left).\n#K7Q2"
    named: dict[str, Any] = {"why": NotifyReason.EVENT, "title": "No margin added to BTC/USDT long: cap position"}
    refused = sending(10, id="K7Q2-top_up-CAP_POSITION-17", body=body, **named)
    (entry,) = timeline(record(points=(), events=(), sendings=(refused,)))
    assert (entry.kind, entry.text) == ("refused", "guard adds nothing: cap position (needs 85 USDT, 12 left) (phone)")
    rehearsed = sending(
        10, id="K7Q2-top_up-DRY_RUN-17", why=NotifyReason.EVENT, title="Dry run: guard would act on BTC/USDT long"
    )
    assert alone(sendings=(rehearsed,)) == ["Dry run: guard would act (phone)"]


def test_added_margin_is_told_once_from_the_journal():
    done = sending(21, why=NotifyReason.EVENT, id="K7Q2-top_up-VERIFIED-17", title="Done: add 20 USDT")
    seen = event(EventKind.MARGIN_ADDED, 21, amount=D(20), cause="top_up")
    assert alone(sendings=(done,), events=(seen,), intents=(intent(20),)) == [
        "guard adds 20 USDT: VERIFIED, cushion 40 % to 60 %"
    ]


def test_a_change_that_did_not_come_through_tells_why():
    unsent = intent(20, state=IntentState.ABANDONED, submitted_at=None, after=None, detail="price bound", policy="", amount=D(-5))
    bare = intent(21, state=IntentState.REJECTED, after=stand(22), detail="")
    assert alone(intents=(unsent, bare)) == ["you takes out 5 USDT: ABANDONED, price bound", "guard adds 20 USDT: REJECTED"]


def test_why_nothing_was_heard_is_told_once_for_each_level():
    rulings = (
        ruling(10, "first"),
        ruling(11, "silenced"),
        ruling(12, "dead_band"),
        ruling(13, "silenced"),
        ruling(14, "silenced", level=Level.CRITICAL),
        ruling(15, "acknowledged"),
    )
    assert alone(rulings=rulings) == [
        "warning #K7Q2: not told: silenced",
        "critical #K7Q2: not told: silenced",
        'warning #K7Q2: acknowledged: somebody said "I have it"',
    ]


def test_events_say_within_which_time_they_happened():
    grew = event(EventKind.GREW, 20, since=at(12), before=D(10), after=D(12))
    assert alone(events=(grew,)) == ["is larger: 10 -> 12 (within 8 s before)"]


def test_margin_that_a_blow_took_is_part_of_the_blow():
    by_fill = {"amount": D(-50), "cause": "fill"}
    partly = event(EventKind.PARTLY_LIQUIDATED, 50)
    near, far = event(EventKind.MARGIN_REDUCED, 51, **by_fill), event(EventKind.MARGIN_REDUCED, 20, **by_fill)
    assert alone(events=(far, partly, near)) == ["-50 USDT margin by a fill", "PARTLY LIQUIDATED"]
    assert len(alone(events=(far, taken()))) == 2
