"""What a person reads. The usual position: 10 coins from 100 with 100 behind it, liquidated at 900 / 9.9 = 90.909."""

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from monitor.alerts.model import NotifyReason
from monitor.lives.event import EventKind
from monitor.margin.position import ExchangeSays
from monitor.postmortem.composed import composed, moments
from monitor.postmortem.record import IncidentKind
from monitor.postmortem.words import after_timeline, before_timeline, headline
from monitor.rules.base import Level
from monitor.topups.ledger import IntentState
from tests.builders import at
from tests.postmortem.scenes import D, event, incident, intent, moment, past, point, record, ruling, sending, stand, taken

LAST = (moment(10, "96"), moment(58, "91"))
CLOSED = "Closed at 03:00:10 (mark 96), about 60.00 USDT of 100.00 USDT would have come back, before fees and slippage"
NEAR_MISS = incident(IncidentKind.NEAR_MISS, end=300)


def section(head, what=None, assessed=LAST):
    told = composed(what or record(), assessed)
    sections = {one.head: list(one.lines) for one in (*before_timeline(told, UTC), *after_timeline(told, UTC))}
    return sections.get(head)


def test_the_headline_names_the_position_and_what_it_was():
    assert headline(incident()) == "BTC/USDT long on main (Binance) was liquidated"
    assert headline(NEAR_MISS).endswith("was past its emergency line and came back")


def test_what_happened_tells_each_blow_and_what_they_cost_together():
    partly = replace(taken(50, profit=D(-20), fees=D("-0.5"), insurance=D(-1)), kind=EventKind.PARTLY_LIQUIDATED, ended=False)
    lines = section("What happened", record(events=(partly, taken())))
    assert lines[0] == "At 22 Nov 03:00:50 UTC: PARTLY LIQUIDATED, -21.50 USDT."
    # -20 - 0.5 - 1, and -99 - 1
    assert lines[-1] == "All together -121.50 USDT."
    assert "Realised -99 USDT, fees -1 USDT." in lines


def test_what_is_not_recorded_yet_has_no_cost():
    gone = event(EventKind.GONE, 60, since=at(58), ended=True)
    what = record(what=incident(IncidentKind.GONE), events=(gone,))
    assert section("What happened", what) == ["Within 2 s before 22 Nov 03:01:00 UTC: is gone: closed or liquidated."]
    assert "What it cost: the exchange's records do not tell it yet." in section("What is not known", what)
    assert composed(what, LAST).cost is None
    assert section("What would have saved it", what)[0] == "The worst mark was 91 (of those that were read)."


def test_a_near_miss_tells_how_near_it_was():
    points = (point(10, "96"), point(100, "92", Level.EMERGENCY), point(200, "97"))
    # at 92: headroom 20 - 9.2 of 90, usage 9.2 / 20, (92 - 90.909) / 92
    assert section("What happened", record(what=NEAR_MISS, events=(), points=points)) == [
        "In an emergency from 03:01:40 on, out of it at 03:05:00.",
        "Nearest to the end at 03:01:40: mark 92, cushion 12 %, usage 46 %, liquidation 1.1 % away.",
    ]
    bare = (point(10, margin_usage=None, cushion=None, liquidation_price=None),)
    assert section("What happened", record(what=NEAR_MISS, events=(), points=bare)) == [
        "Out of it at 03:05:00.",
        "Nearest to the end at 03:00:10: mark 100, cushion -, usage over 100 %.",
    ]
    assert section("What happened", record(what=NEAR_MISS, events=(), points=())) == []


def test_one_that_was_closed_past_its_line_tells_how_near_it_was():
    closed = incident(IncidentKind.CLOSED, end=59)
    what = record(what=closed, events=(event(EventKind.CLOSED, 59, ended=True),))
    assert headline(closed).endswith("was closed past its emergency line")
    assert section("What happened", what)[0] == "In an emergency from 03:00:40 on, gone at 03:00:59."
    assert section("What it would have taken", what)[0].startswith("As it stood at 03:00:10, ")


def test_times_have_their_date_when_it_spans_more_than_one():
    long = replace(incident(), since=at(-86_400))
    assert (
        section("Who was told", record(what=long))[0] == "The first alert reached phone at 22 Nov 03:00:10, 50 s before the end."
    )


def test_who_was_told_and_how_long_before():
    assert section("Who was told") == [
        "The first alert reached phone at 03:00:10, 50 s before the end.",
        "The first emergency reached phone 20 s before the end.",
        "Nobody acknowledged it before the end.",
    ]


def test_who_was_told_when_the_first_was_an_emergency_that_somebody_took_and_a_channel_lost_one():
    what = record(
        sendings=(sending(40, Level.EMERGENCY), sending(41, state="dead", channel="chat")), rulings=(ruling(50, "acknowledged"),)
    )
    assert section("Who was told", what) == [
        "The first alert reached phone at 03:00:40, 20 s before the end.",
        "Acknowledged at 03:00:50.",
        "1 alert did not reach chat in time: see below.",
    ]


def test_who_was_told_when_no_emergency_or_nothing_came_out():
    assert section("Who was told", record(sendings=(sending(10),)))[1] == "No emergency reached any channel before the end."
    lost = tuple(sending(10 + n, state="dead", channel=channel) for n, channel in enumerate(("phone", "chat", "phone")))
    assert section("Who was told", record(sendings=lost)) == [
        "No alert reached any channel before the end.",
        "3 alerts did not reach chat, phone in time: see below.",
    ]


def test_what_margincall_added_and_what_held_it_back():
    head = "Margin added by margincall"
    assert section(head) == ["None, and no policy told that it was held back."]
    refused = sending(
        10, id="K7Q2-top_up-CAP_DAY-17", why=NotifyReason.EVENT, body="guard is triggered by X, but adds nothing: cap day."
    )
    what = record(intents=(intent(20), intent(21), intent(22, state=IntentState.UNKNOWN, after=None)), sendings=(refused,))
    assert section(head, what) == [
        "40 USDT was added, 2 times.",
        "A policy was held back once: see below.",
        "1 change did not come through or is not known: see below.",
    ]
    failed = tuple(intent(n, state=IntentState.REJECTED, after=None) for n in (20, 21))
    again = record(
        intents=(intent(19), *failed),
        sendings=(refused, replace(refused, message=replace(refused.message, id="L-t-DISABLED-18"))),
    )
    assert section(head, again) == [
        "20 USDT was added, once.",
        "A policy was held back 2 times: see below.",
        "2 changes did not come through or is not known: see below.",
    ]


def test_saving_from_the_liquidation_price_tells_what_more_room_takes():
    # 1 % below 90.909 is 90: 9 USDT and a hair are missing there, rounded up to a cent. At 90.909: requirement = equity = 9.0909;
    # X >= 0.25 (90 + X): 30
    assert section("What would have saved it") == [
        "It was taken at its liquidation price, 90.9091 (as last read; the exchange's record names no mark).",
        "Put in by 03:00:58: about 9.01 USDT of margin for each 1 % more room; 30.00 USDT for a cushion of 25 % at that mark.",
        f"{CLOSED}; in the end nothing did.",
    ]


def test_saving_through_a_mark_far_beyond_and_the_day_after():
    what = record(events=(taken(trigger_price=D(90), returned=D(3), observed=None),), afterwards=(at(500), D(80)))
    assert section("What would have saved it", what) == [
        "The mark that ended it was 90 (by the exchange's record).",
        "Put in by 03:00:58, 9.01 USDT more margin would have held it there, 42.00 USDT with a cushion of 25 % left.",
        "Afterwards the mark went on to 80 (at 03:08:20, read on another position).",
        "Put in by 03:00:58, 108.01 USDT more margin would have held it there, 174.00 USDT with a cushion of 25 % left.",
        f"{CLOSED}; in the end 3.00 USDT did.",
    ]


def test_saving_tells_each_moment_when_the_position_changed_between_them_and_what_was_free():
    changed = (moment(10, "96", isolated_margin=D(90)), moment(58, "91"))
    what = record(events=(taken(trigger_price=D(90)),), intents=(intent(20, before=stand(20, free=D(500))),))
    lines = section("What would have saved it", what, changed)
    assert lines[1:4] == [
        "As it stood at 03:00:10, 19.01 USDT more margin would have held it there, 52.00 USDT with a cushion of 25 % left.",
        "As it stood at 03:00:58, 9.01 USDT more margin would have held it there, 42.00 USDT with a cushion of 25 % left.",
        # at 89.1: 17.91 are missing
        "For each 1 % further that it would have had to hold: about 8.91 USDT more.",
    ]
    assert lines[4] == "At 03:00:20, 500.00 USDT was free to be added."
    unknown = section("What is not known", what, changed)
    assert unknown == [
        "How far the mark went on after the end: nothing in that contract was read.",
        "What held a policy back for moments only (its cooldown, a change under way): it is not kept.",
    ]


def test_a_near_miss_tells_what_would_have_kept_it_out_of_the_emergency():
    points = (point(10, "96"), point(100, "92", Level.EMERGENCY), point(200, "97"))
    what = record(what=NEAR_MISS, events=(), points=points, alerts=(past(10, 300, rule="margin_usage", line=D("0.4")),))
    head = "What it would have taken"
    # 9.2 of 23
    assert section(head, what, [moment(10, "96")]) == [
        "As it stood at 03:00:10, 3.00 USDT more margin would have left a usage of 40 % at the worst mark, 92."
    ]
    # with 80 behind it, equity is 0 at 92
    assert section(head, what, [moment(10, "96", isolated_margin=D(80))])[1] == (
        "It held only by what changed after that: 9.21 USDT was missing to survive there."
    )
    assert section(head, replace(what, points=(point(10, "99"),)), [moment(10, "99")])[0].startswith(
        "As it stood at 03:00:10, no more margin"
    )


def test_auto_deleveraging_is_not_a_matter_of_margin():
    by_rank = record(what=incident(IncidentKind.DELEVERAGED), events=(event(EventKind.DELEVERAGED, 60),))
    (line,) = section("What would have saved it", by_rank)
    assert line.startswith("Auto-deleveraging is no liquidation")


def test_nothing_is_said_without_a_reading():
    bare = record(points=())
    assert section("What would have saved it", bare, ()) == ["Nothing can be said: no reading of it is kept."]
    assert section("What is not known", bare, ())[0] == "How it went: no reading of that time is kept."
    assert section("What would have saved it", record(), ()) == ["Nothing can be said: no reading of it is kept."]


def test_a_stretch_without_readings_and_inferred_figures_are_said():
    blind = record(points=(point(0), point(20, "96")))
    inferred = moment(10, "96", tiers=None, says=ExchangeSays(requirement=D(10)))
    lines = section("What is not known", blind, [inferred])
    assert lines[0] == "The last 40 s before the end: no reading is kept of them."
    assert lines[-1].startswith("The exact requirement: ")


def test_amounts_that_nobody_can_tell_are_not_invented():
    told = composed(record(events=(taken(trigger_price=D(90)),)), LAST)
    lost = replace(told, rescues=tuple(replace(one, survive=None, further=None) for one in told.rescues))
    lines = [line for one in after_timeline(lost, UTC) for line in one.lines]
    assert lines[1].startswith("Put in by 03:00:58, no amount of more margin would have held it there")
    assert not any(line.startswith("For each 1 %") for line in lines)


def test_only_what_is_never_kept_is_left_unknown_where_all_else_is_there():
    told = composed(record(what=NEAR_MISS, events=(), intents=(intent(20, before=stand(20, free=D(1))),)), LAST)
    (only,) = after_timeline(told, UTC)[1].lines
    assert only.startswith("What held a policy back for moments only")


@pytest.mark.parametrize(
    ("what", "times"),
    [
        (record(), [10, 58]),
        (record(sendings=()), [10, 58]),
        (record(sendings=(sending(45),)), [40, 58]),
        (record(points=(point(58, "91"),)), [58]),
        (record(points=()), []),
        (record(points=(point(70, "91"),)), []),
        (record(what=NEAR_MISS, points=(point(10, "96"), point(100, "92"), point(200, "97")), events=()), [10, 100]),
    ],
    ids=["first message", "first alert", "between two readings", "one reading", "none", "too late", "near miss"],
)
def test_the_moments_that_matter_are_the_first_alert_and_the_last_reading(what, times):
    assert list(moments(what)) == [at(0) + timedelta(seconds=second) for second in times]
