"""Paths, bars and walks."""

from array import array
from itertools import pairwise
from math import log, sqrt
from statistics import fmean, pvariance

import pytest

from bench.alarms.prices import BLOCK, Bar, Path, from_bars, rolling_mean, walk_of
from bench.alarms.walks import STEP, YEAR, walk


def test_a_path_finds_the_first_mark_outside_a_range_across_blocks():
    marks = array("d", [1.0] * (3 * BLOCK))
    marks[2 * BLOCK + 5] = 0.5
    path = Path("p", 2, marks)
    assert path.leaves(0, 0.9, 1.1) == 2 * (2 * BLOCK + 5)
    assert path.leaves(2 * (2 * BLOCK + 5), 0.9, 1.1) == 2 * (2 * BLOCK + 5)
    # A second between two marks: the next mark counts.
    assert path.leaves(2 * (2 * BLOCK + 5) - 1, 0.9, 1.1) == 2 * (2 * BLOCK + 5)
    assert path.leaves(2 * (2 * BLOCK + 6), 0.9, 1.1) is None
    # The lower end belongs to the range, the upper one does not.
    assert path.leaves(0, 1.0, 1.1) == 2 * (2 * BLOCK + 5)
    assert path.leaves(0, 0.5, 1.0) == 0


def test_a_rolling_mean_takes_what_there_is_at_the_start():
    assert rolling_mean([1, 2, 3, 4], 2) == [1, 1.5, 2.5, 3.5]


def test_a_bar_goes_to_its_far_end_last_and_a_missing_bar_keeps_the_last_price():
    up, down = Bar(0, 10, 13, 9, 12), Bar(120, 12, 14, 7, 8)
    assert walk_of(up) == (10, 9, 13, 12)
    assert walk_of(down) == (12, 14, 7, 8)
    assert list(from_bars([up, down], 60, step=15)) == [10, 9, 13, 12, 12, 12, 12, 12, 12, 14, 7, 8]
    assert list(from_bars([up, down], 60, step=15, closes_only=True)) == [10, 10, 10, 12, *[12] * 7, 8]


def test_a_walk_is_the_same_for_a_seed_and_another_for_another():
    assert walk("a", seed="1", annual=1, hours=1).marks == walk("a", seed="1", annual=1, hours=1).marks
    assert walk("a", seed="1", annual=1, hours=1).marks != walk("a", seed="2", annual=1, hours=1).marks


def test_walks_have_the_volatility_asked_for_and_fat_tails():
    hours = []
    for seed in range(6):
        marks = walk("a", seed=f"{seed}", annual=0.8, hours=48).marks
        an_hour = marks[:: 3600 // STEP]
        hours += [log(after / before) for before, after in pairwise(an_hour)]
    variance = pvariance(hours)
    assert sqrt(variance * YEAR / 3600) == pytest.approx(0.8, rel=0.25)
    mean = fmean(hours)
    kurtosis = fmean((value - mean) ** 4 for value in hours) / variance**2
    # A normal distribution has 3.
    assert kurtosis > 4.5
