"""How much margin would have held the position. The usual one is liquidated at 900 / 9.9 = 90.909."""

from dataclasses import replace

import pytest

from monitor.margin.position import Contract, Instrument, Side
from monitor.postmortem.record import IncidentKind
from monitor.postmortem.rescue import Known, Line, Worst, emergency_line, later_worst, rescue, worst_of
from monitor.rules.base import Level
from tests.builders import NOW, at, key
from tests.postmortem.scenes import D, incident, life, moment, past, point, record, some, taken

CALM = Line(kind="cushion", value=D("0.25"))
STEP = D("0.00000001")


def test_the_least_margin_keeps_equity_above_the_requirement_at_the_worst_mark():
    found = rescue(moment(10, "96"), Worst(at=NOW, mark_price=D(90)), Worst(at=NOW, mark_price=D(80)), CALM)
    # at 90: equity 0, requirement 9; at 80: equity -100, requirement 8
    assert D(9) <= some(found.survive) <= D(9) + STEP
    assert D(108) <= some(found.later_survive) <= D(108) + STEP
    # headroom X - 9 must be a quarter of 90 + X: 0.75 X = 31.5; at 80: 0.75 X = 130.5
    assert D(42) <= some(found.calm) <= D(42) + STEP
    assert D(174) <= some(found.later_calm) <= D(174) + STEP
    # at 89.1: equity -9, requirement 8.91
    assert abs(some(found.further) - D("8.91")) <= STEP


def test_a_position_that_held_lacked_nothing():
    found = rescue(moment(10, "96"), Worst(at=NOW, mark_price=D(99)), None, CALM)
    assert (found.survive, found.calm, found.later_survive, found.later_calm) == (0, 0, None, None)


def test_a_usage_line_is_kept_too():
    found = rescue(moment(10), Worst(at=NOW, mark_price=D(90)), None, Line(kind="margin_usage", value=D("0.5")))
    # requirement 9 of 18
    assert D(18) <= some(found.calm) <= D(18) + STEP


def test_a_short_is_held_on_the_other_side():
    found = rescue(moment(10, key=key(side=Side.SHORT)), Worst(at=NOW, mark_price=D(110)), None, CALM)
    # equity 0, requirement 11; at 111.1: equity -11, requirement 11.11
    assert D(11) <= some(found.survive) <= D(11) + STEP
    assert abs(some(found.further) - D("11.11")) <= STEP


def test_a_position_that_no_price_liquidates_lacks_nothing():
    # an inverse short of 1,000 USD with 20 coins behind it at 100: its loss is at most the 10 coins that it is worth
    inverse = Instrument(
        symbol="BTC/USD:BTC",
        instrument_id="X",
        contract=Contract.INVERSE,
        contract_size=D(1),
        settle_currency="BTC",
        price_tick=D(1),
    )
    covered = moment(
        10, key=key("BTC/USD:BTC", Side.SHORT), instrument=inverse, contracts=D(1000), isolated_margin=D(20), leverage=D(1)
    )
    found = rescue(covered, Worst(at=NOW, mark_price=D(200)), None, CALM)
    assert (found.survive, found.calm) == (0, 0)


def test_the_emergency_line_is_the_alerts_own_the_cushion_first():
    usage = past(1, rule="margin_usage", line=D("0.9"))
    assert emergency_line([usage, past(1, line=D("0.3"))]) == Line(kind="cushion", value=D("0.3"))
    assert emergency_line([usage]) == Line(kind="margin_usage", value=D("0.9"))


@pytest.mark.parametrize(
    "alerts", [[], [past(1, level=Level.WARNING, line=D("0.6"))], [past(1, line=None)], [past(1, rule="tier_change", line=D(3))]]
)
def test_the_emergency_line_is_the_products_own_when_no_alert_holds_it(alerts):
    assert emergency_line(alerts) == CALM


def test_the_worst_mark_is_the_trigger_that_the_exchange_names():
    worst = some(worst_of(record(events=(taken(trigger_price=D("90.5")), taken(trigger_price=None)))))
    assert (worst.mark_price, worst.known, worst.at) == (D("90.5"), Known.TRIGGER, at(60))


def test_the_worst_mark_is_the_last_liquidation_price_when_no_trigger_is_named():
    worst = some(worst_of(record()))
    assert (round(worst.mark_price, 3), worst.known) == (D("90.909"), Known.LIQUIDATION)


@pytest.mark.parametrize(
    "changes",
    [
        {"what": incident(IncidentKind.GONE)},
        {"points": (point(58, "91", liquidation_price=None),)},
    ],
)
def test_the_worst_mark_is_one_that_was_read_when_nothing_else_is_known(changes):
    worst = some(worst_of(record(**changes)))
    assert (worst.mark_price, worst.known) == (D(91), Known.READ)


def test_a_mark_read_after_the_end_is_not_the_worst_up_to_it():
    gone = incident(IncidentKind.GONE)
    assert some(worst_of(record(what=gone, points=(point(58, "91"), point(70, "80"))))).mark_price == D(91)
    assert worst_of(record(points=())) is None


def test_the_day_after_counts_only_where_it_was_worse():
    here = record(afterwards=(at(100), D(80)))
    assert some(later_worst(here, Worst(at=NOW, mark_price=D(90)))).mark_price == D(80)
    assert later_worst(here, Worst(at=NOW, mark_price=D(70))) is None
    assert later_worst(record(), Worst(at=NOW, mark_price=D(90))) is None
    short = incident(life=life(key=key(side=Side.SHORT)))
    assert some(later_worst(replace(here, incident=short), Worst(at=NOW, mark_price=D(70)))).mark_price == D(80)
