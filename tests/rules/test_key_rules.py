from datetime import timedelta

import pytest

from monitor.margin.reading import KeyFacts
from monitor.rules.base import CLEAR, KeySeen, Level, Verdict
from monitor.rules.key_expiring import KeyExpiring
from monitor.rules.key_reduced import KeyReduced
from monitor.rules.key_rights import KeyRights
from tests.builders import NOW


def key(*rights: str, ip_bound: bool | None = True, days: float | None = None, **changes) -> KeySeen:
    end = None if days is None else NOW + timedelta(days=days)
    facts = KeyFacts(exchange="bybit", account="main", rights=rights or ("read",), ip_bound=ip_bound, expires_at=end)
    return KeySeen(facts=facts, now=NOW, **changes)


@pytest.mark.parametrize(
    ("days", "level"),
    [
        (None, None),
        (14.1, None),
        (14, Level.INFO),
        (7.1, Level.INFO),
        (7, Level.WARNING),
        (1.1, Level.WARNING),
        (1, Level.CRITICAL),
        (-1, Level.CRITICAL),
    ],
)
def test_key_expiring_gets_worse_as_the_end_comes_nearer(days, level):
    judgement = KeyExpiring().judge(key(days=days), None)
    assert judgement.level is level
    if level is not None:
        assert judgement.verdict is Verdict.BREACH
        assert "expires at 20" in judgement.reason


@pytest.mark.parametrize("days", [{"info": 7}, {"warning": 1}, {"critical": 7}])
def test_key_expiring_refuses_lines_out_of_order(days):
    with pytest.raises(ValueError, match="order"):
        KeyExpiring(**{name: timedelta(days=value) for name, value in days.items()})


@pytest.mark.parametrize(
    ("rights", "bound", "level"),
    [
        (("read",), True, None),
        (("read",), None, None),  # not known is no reason to speak
        (("read",), False, Level.INFO),
        (("read", "withdraw"), True, Level.WARNING),
        (("read", "trade", "transfer"), True, None),
    ],
)
def test_key_rights_names_a_key_that_can_do_harm(rights, bound, level):
    judgement = KeyRights().judge(key(*rights, ip_bound=bound), None)
    assert judgement.level is level


def test_key_rights_names_everything_at_once():
    assert KeyRights().judge(key("withdraw", ip_bound=False), None).reason == (
        "the key may withdraw; the key is bound to no IP address"
    )


@pytest.mark.parametrize(
    ("lost", "hours", "level"),
    [
        (("trade",), 0, Level.WARNING),
        (("trade",), 23.9, Level.WARNING),
        (("trade",), 24, None),
        (("withdraw",), 0, None),  # what `key_rights` asked for
        ((), None, None),
        (("trade",), None, None),
    ],
)
def test_key_reduced_tells_of_lost_rights_for_a_day(lost, hours, level):
    seen = key(lost=lost, lost_age=None if hours is None else timedelta(hours=hours))
    judgement = KeyReduced().judge(seen, None)
    assert judgement.level is level
    if level is None:
        assert judgement is CLEAR
    else:
        assert judgement.reason == "the key may no longer trade"
