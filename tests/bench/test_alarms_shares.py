"""False shares and lead times against sequences made by hand."""

import pytest

from bench.alarms.replay import Notice, Spoken, Watched
from bench.alarms.shares import HORIZON, messages_a_day, overlap, quantile, tally
from monitor.alerts.model import NotifyReason
from monitor.rules.base import Level

HOUR = 3600
FIRST, WORSENED, REPEAT, RESOLVED = (
    NotifyReason.FIRST,
    NotifyReason.WORSENED,
    NotifyReason.REPEAT,
    NotifyReason.RESOLVED,
)


def said(second, level=Level.WARNING, why=FIRST, rule="cushion"):
    return Spoken(second, (Notice(rule, level, why),))


def watched(*spoken, liquidated=None, until=48 * HOUR, known=60 * HOUR, opened=0):
    return Watched(
        leverage=10,
        opened=opened,
        until=until if liquidated is None else min(until, liquidated),
        known=known,
        liquidated=liquidated,
        spoken=spoken,
    )


def test_an_alert_is_true_when_liquidation_follows_within_twelve_hours():
    # Told at 1 h, 2 h and 20 h; liquidated at 14 h 1 s after the second: 1 h and 2 h are 13 h 1 s and 12 h 1 s before it.
    end = 14 * HOUR + 1
    found = tally([watched(said(HOUR), said(2 * HOUR), said(3 * HOUR), liquidated=end)], "cushion", Level.WARNING)
    assert (found.alerts, found.false, found.undecided) == (3, 2, 0)
    assert found.leads == [11 * HOUR + 1]
    assert found.false_at_most == found.false_at_least == pytest.approx(2 / 3)


def test_an_alert_exactly_twelve_hours_before_the_end_is_true():
    found = tally([watched(said(HOUR), liquidated=HOUR + HORIZON)], "cushion", Level.WARNING)
    assert (found.false, found.leads) == (0, [HORIZON])


def test_an_alert_is_undecided_when_the_prices_end_too_soon():
    # Known to 20 h: an alert at 8 h has seen its 12 h, one at 9 h has not.
    found = tally([watched(said(8 * HOUR), said(9 * HOUR), until=20 * HOUR, known=20 * HOUR)], "cushion", Level.WARNING)
    assert (found.alerts, found.false, found.undecided) == (2, 1, 1)
    assert (found.false_at_least, found.false_at_most) == (0.5, 1.0)


def test_a_liquidation_after_the_watch_still_makes_an_alert_true():
    found = tally([watched(said(47 * HOUR), liquidated=50 * HOUR)], "cushion", Level.WARNING)
    assert found.leads == [3 * HOUR]
    # The watch was over by then, so it is not among the liquidations that should have been told of.
    assert found.liquidations == 0


def test_repeats_all_clears_other_levels_and_other_rules_are_no_alerts_of_this_one():
    one = watched(
        said(HOUR, why=REPEAT),
        said(2 * HOUR, why=RESOLVED),
        said(3 * HOUR, Level.CRITICAL, WORSENED),
        said(4 * HOUR, Level.WARNING, rule="margin_usage"),
    )
    assert tally([one], "cushion", Level.WARNING).alerts == 0
    assert tally([one], "cushion", Level.CRITICAL).alerts == 1
    assert tally([one], "margin_usage", Level.WARNING).alerts == 1


def test_a_liquidation_is_unwarned_unless_this_level_or_a_worse_one_was_told():
    silent = watched(liquidated=HOUR)
    warned = watched(said(60), liquidated=HOUR)
    jumped = watched(said(60, Level.EMERGENCY), liquidated=HOUR)
    found = tally([silent, warned, jumped], "cushion", Level.CRITICAL)
    assert (found.liquidations, found.unwarned) == (3, 2)
    assert tally([silent, warned, jumped], "cushion", Level.WARNING).unwarned == 1


def test_a_day_counts_alerts_and_messages_by_the_time_watched():
    # Watched 12 h and 36 h: two days. Three alerts, five messages.
    short = watched(said(HOUR), said(2 * HOUR, why=REPEAT), until=12 * HOUR)
    long = watched(said(HOUR), said(2 * HOUR, why=RESOLVED), said(3 * HOUR), until=36 * HOUR)
    assert tally([short, long], "cushion", Level.WARNING).a_day == 1.5
    assert messages_a_day([short, long]) == 2.5


def test_hours_choose_alerts_and_time():
    hours = ((HOUR, 2 * HOUR), (4 * HOUR, 5 * HOUR))
    assert overlap(HOUR + 1800, 4 * HOUR + 900, hours) == 1800 + 900
    one = watched(said(HOUR), said(2 * HOUR), said(4 * HOUR), until=10 * HOUR)
    found = tally([one], "cushion", Level.WARNING, hours)
    # An hour begins with its first second and ends before its last: 1 h and 4 h count, 2 h does not.
    assert (found.alerts, found.seconds) == (2, 2 * HOUR)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.05, 1), (0.5, 10), (0.95, 19), (1, 20)])
def test_a_quantile_is_the_nearest_rank(share, value):
    # Of 1 to 20: 5 % is the 1st, 50 % the 10th, 95 % the 19th.
    assert quantile(list(range(20, 0, -1)), share) == value


def test_there_is_no_quantile_nor_share_of_nothing():
    assert quantile([], 0.5) is None
    assert tally([], "cushion", Level.WARNING).false_at_most is None
    assert messages_a_day([]) == 0
