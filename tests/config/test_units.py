from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from monitor.config import Poll
from monitor.config.exchanges import exchanges
from monitor.config.units import parse_duration, parse_multiple, parse_name, parse_path, parse_ratio_line, parse_share
from monitor.rules.base import RatioLine


@pytest.mark.parametrize(("text", "share"), [("60%", "0.6"), ("0.25 %", "0.0025"), ("100%", "1"), ("0%", "0")])
def test_share_is_exact_when_it_has_its_percent(text, share):
    assert parse_share(text) == Decimal(share)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("60", "a share needs its %: write 60%"),
        ("0.6", "a share needs its %: write 60%"),
        ("101%", "a share lies between 0% and 100%"),
        ("-5%", "must be a share such as 60%"),
        ("NaN%", "must be a share such as 60%"),
        ("", "must be a share such as 60%"),
        (True, "must be a share such as 60%"),
        (None, "must be a share such as 60%"),
        (["60%"], "must be a share such as 60%"),
    ],
)
def test_share_is_refused_when_it_is_not_one(value, message):
    with pytest.raises(PydanticCustomError) as caught:
        parse_share(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("30s", timedelta(seconds=30)),
        ("1.5s", timedelta(seconds=1, milliseconds=500)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta(0)),
    ],
)
def test_duration_is_read_when_it_has_its_unit(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("30", "a duration needs its unit: write 30s for seconds (or ms, m, h, d)"),
        ("30 sec", "must be a duration such as 30s or 5m"),
        ("-1s", "must be a duration such as 30s or 5m"),
        ("999999999d", "longer than ten years"),
        (False, "must be a duration such as 30s or 5m"),
    ],
)
def test_duration_is_refused_when_it_is_not_one(value, message):
    with pytest.raises(PydanticCustomError) as caught:
        parse_duration(value)
    assert str(caught.value) == message


def test_ratio_line_is_a_share_or_a_multiple_when_written_so():
    assert parse_ratio_line("5%") == RatioLine(Decimal("0.05"), multiple=False)
    assert parse_ratio_line("1.3x") == RatioLine(Decimal("1.3"), multiple=True)
    with pytest.raises(PydanticCustomError, match=r"write 2% \(of the notional\) or 2x"):
        parse_ratio_line("2")


@pytest.mark.parametrize("name", ["Main", "1st", "a-b", "", "a b", "ä", "a\n", None, 5])
def test_name_is_refused_when_it_is_not_lower_case_letters_digits_and_underscores(name):
    with pytest.raises(PydanticCustomError):
        parse_name(name)


def test_units_take_their_own_values_when_settings_are_built_in_code():
    account = exchanges()["okx"](
        exchange="okx", credentials="main", poll=Poll(calm=timedelta(seconds=4), near=timedelta(seconds=3))
    )
    assert account.poll.near == timedelta(seconds=3)
    assert parse_share(Decimal("0.5")) == Decimal("0.5")
    assert parse_path(Path("a")) == Path("a")
    assert parse_ratio_line(RatioLine(Decimal(2), multiple=True)).multiple
    with pytest.raises(PydanticCustomError, match="must be a share such as 5%, or a multiple"):
        parse_ratio_line("twice")


def test_settings_cannot_be_changed_once_loaded():
    with pytest.raises(ValidationError, match="frozen"):
        Poll().calm = timedelta(seconds=1)  # type: ignore[misc]


def test_multiple_is_so_many_times_and_needs_its_x():
    assert parse_multiple("1.5x") == Decimal("1.5")
    assert parse_multiple(Decimal(2)) == 2
    for value, message in (("2", "write 2x for so many times"), ("two", "must be a multiple such as 2x")):
        with pytest.raises(PydanticCustomError) as caught:
            parse_multiple(value)
        assert str(caught.value) == message
