"""When alerts came out at a channel, and how long before the end."""

from datetime import timedelta

from monitor.alerts.model import NotifyReason, family_subject
from monitor.postmortem.reach import reach
from monitor.postmortem.record import IncidentKind
from monitor.rules.base import Level
from tests.builders import USDM, at
from tests.postmortem.scenes import incident, point, record, ruling, sending, some


def test_the_first_alert_and_emergency_that_a_channel_took_before_the_end():
    slow, urgent = sending(10, after=5), sending(40, Level.EMERGENCY, after=2)
    found = reach(record(sendings=(urgent, slow)))
    assert (some(found.first).sending, some(found.first).before) == (slow, timedelta(seconds=45))
    assert (some(found.emergency).sending, some(found.emergency).before) == (urgent, timedelta(seconds=18))
    assert found.lost == ()


def test_what_came_out_too_late_or_not_at_all_reached_nobody():
    late, dead = sending(50, Level.EMERGENCY, after=11), sending(51, state="dead", channel="chat")
    found = reach(record(sendings=(late, dead)))
    assert (found.first, found.emergency) == (None, None)
    assert found.lost == (late, dead)


def test_news_that_is_no_alert_and_alerts_after_the_end_do_not_count():
    found = reach(record(sendings=(sending(20, why=NotifyReason.EVENT), sending(61))))
    assert (found.first, found.lost) == (None, ())


def test_an_alert_about_the_account_is_no_alert_of_the_position():
    blind = sending(20, subject=family_subject(USDM))
    assert reach(record(sendings=(blind,))).first is None


def test_a_near_miss_counts_up_to_the_reading_nearest_to_the_end():
    miss = incident(IncidentKind.NEAR_MISS, end=300)
    found = reach(record(what=miss, points=(point(10, "96"), point(100, "92"), point(200, "97"))))
    assert some(found.first).before == timedelta(seconds=90)
    assert some(reach(record(what=miss, points=())).first).before == timedelta(seconds=290)


def test_the_first_acknowledgement_before_the_end_counts():
    said = (ruling(5, "born"), ruling(30, "acknowledged"), ruling(35, "acknowledged"), ruling(70, "acknowledged"))
    assert reach(record(rulings=said)).acknowledged == at(30)
    assert reach(record(rulings=said[-1:])).acknowledged is None
