import pytest

from monitor.alerts.matching import EVERYTHING, Matcher
from monitor.alerts.model import Subject, SubjectKind

BTC = Subject(SubjectKind.POSITION, "binance", "main", "BTC/USDT:USDT", "long")


@pytest.mark.parametrize(
    ("matcher", "matches"),
    [
        (EVERYTHING, True),
        (Matcher(symbol=("BTC/USDT:USDT",)), True),
        (Matcher(symbol=("DOGE/*", "BTC/*")), True),
        (Matcher(symbol=("BTC/*",), side=("short",)), False),
        (Matcher(account=("other",)), False),
        (Matcher(exchange=("bin*",), account=("main",)), True),
        (Matcher(rule=("cushion",)), True),
        (Matcher(rule=("margin_usage",)), False),
        (Matcher(code=("K7Q2",)), True),
        (Matcher(code=("XXXX",)), False),
    ],
)
def test_a_matcher_fits_when_every_named_field_fits_one_of_its_patterns(matcher, matches):
    assert matcher.matches(BTC, "cushion", "K7Q2") is matches


def test_a_matcher_says_what_it_speaks_of():
    assert EVERYTHING.describe() == "everything"
    assert Matcher(account=("main",), symbol=("A/*", "B/*")).describe() == "account main, symbol A/* or B/*"
