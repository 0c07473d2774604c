"""Resting stops: what is claimed, and when nothing is."""

from dataclasses import replace
from decimal import Decimal

import pytest

from monitor.errors import BadReply
from monitor.exchanges.stops import RestingOrder, by_symbol, closing_side, order_rows, stops_of
from monitor.margin.position import Side
from tests.builders import position

D = Decimal
LONG = position("95")  # 10 contracts, mark 95
SHORT = position("105", side=Side.SHORT)


def order(price: str | None, size: str | None = None, closes: Side = Side.LONG, *, stops: bool = True) -> RestingOrder:
    return RestingOrder(
        closes=closes, price=None if price is None else D(price), size=None if size is None else D(size), stops=stops
    )


@pytest.mark.parametrize(
    ("orders", "stops"),
    [
        ([], ()),
        ([order("92")], (D(92),)),
        ([order("92", "10")], (D(92),)),
        ([order("92"), order("93")], (D(93),)),  # the first that the price reaches
        ([order("94", "4"), order("92", "6")], (D(92),)),  # 4 + 6 = all 10
        ([order("94", "4")], None),  # a part only: neither a stop nor none
        ([order("94", "4"), order("91")], (D(91),)),
        ([order(None)], None),  # a trailing stop rests somewhere
        ([order(None), order("92")], (D(92),)),
        ([order("96")], None),  # passed already: it may be on its way
        ([order("110", stops=False)], ()),  # takes profit
        ([order("92", closes=Side.SHORT)], ()),  # another leg's
    ],
)
def test_stops_are_claimed_only_where_they_close_all_of_a_long(orders, stops):
    assert stops_of(LONG, orders) == stops


def test_stops_of_a_short_lie_above_the_mark():
    assert stops_of(SHORT, [order("110", closes=Side.SHORT), order("108", closes=Side.SHORT)]) == (D(108),)
    assert stops_of(SHORT, [order("100", closes=Side.SHORT, stops=False)]) == ()


@pytest.mark.parametrize(
    ("side", "named", "reduces", "answer"),
    [
        ("sell", "long", False, (Side.LONG, True)),
        ("sell", "short", False, (None, True)),  # opens a short
        ("buy", "short", False, (Side.SHORT, True)),
        ("sell", "", True, (Side.LONG, True)),
        ("buy", "", False, (Side.SHORT, False)),  # one-way: it may close, or open
    ],
)
def test_closing_side_tells_what_an_order_closes(side, named, reduces, answer):
    assert closing_side(side, named, reduces=reduces) == answer


def test_every_symbol_that_was_asked_for_has_its_orders():
    one = order("92")
    assert by_symbol([("A", one), ("B", one)], {"A", "C"}) == {"A": (one,), "C": ()}


@pytest.mark.parametrize("payload", [{}, None, [1]])
def test_a_reply_without_a_list_of_orders_is_refused(payload):
    with pytest.raises(BadReply):
        order_rows(payload, "openOrders")


def test_a_position_without_orders_is_as_it_was():
    assert replace(LONG, stops=stops_of(LONG, ())).stops == ()
