from __future__ import annotations

import pytest

from monitor.errors import BadReading
from monitor.margin.tiers import TierBasis, TierTable
from tests.margin.positions import a_table, d

TWO = a_table(("0", "500", "0.01", "0"), ("501", "900", "0.02", "0"))


@pytest.mark.parametrize(
    ("size", "index"),
    [("0.1", 0), ("500", 0), ("500.5", 1), ("501", 1), ("900", 1), ("5000", 1)],
)
def test_index_at_gives_the_first_tier_that_reaches_when_asked_for_a_size(size, index):
    assert TWO.index_at(d(size)) == index


def test_index_at_gives_the_lowest_tier_when_the_size_is_below_its_floor():
    assert a_table(("5000", None, "0.015", "50")).index_at(d("3")) == 0


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("0", None, "1.5", "0")], "not between 0 and 1"),
        ([("0", None, "-0.1", "0")], "not between 0 and 1"),
        ([("10", "10", "0.1", "0")], "before its start"),
        ([("0", None, "0.1", "0"), ("10", None, "0.2", "0")], "overlaps"),
        ([("0", "10", "0.1", "0"), ("9", None, "0.2", "0")], "overlaps"),
    ],
)
def test_table_is_refused_when_it_cannot_be_true(rows, why):
    with pytest.raises(BadReading, match=why):
        a_table(*rows)


def test_table_is_refused_when_it_is_empty():
    with pytest.raises(BadReading, match="empty"):
        TierTable(basis=TierBasis.NOTIONAL, tiers=())
