from decimal import Decimal

import pytest

from monitor.alerts.model import NotifyReason
from monitor.decide import decide
from monitor.drill import drill
from monitor.errors import NoSuchAlert
from monitor.margin.position import ExchangeSays
from monitor.memory import Memory
from monitor.rules.cushion import Cushion
from tests.builders import NOW, at, policy, position, snapshot


def memory(*positions) -> Memory:
    return decide(snapshot(*positions), Memory(), policy(), NOW).memory


def test_a_drill_tells_what_the_alert_would_be_and_changes_nothing():
    before = memory(position("100"))
    (message,) = drill(before, policy(), "BTC/USDT:USDT", Decimal("0.08"), at(5))
    assert message.why is NotifyReason.DRILL
    assert message.title.startswith("DRILL EMERGENCY: BTC/USDT long cushion 7.9 %")
    assert message.body.startswith("This is a DRILL: nothing has happened.\n")
    assert len(message.title) <= 60
    assert before.alerts == {}


def test_a_drill_of_a_mild_cushion_is_an_info_that_no_rule_would_raise():
    (message,) = drill(memory(position("100")), policy(Cushion()), "BTC/USDT:USDT", Decimal("0.9"), at(5))
    assert "INFO: BTC/USDT long" in message.title


def test_a_drill_does_not_mix_todays_figures_of_the_exchange_with_tomorrows_price():
    told = memory(position("100", says=ExchangeSays(requirement=Decimal(80), liquidation_price=Decimal("90.909"))))
    (message,) = drill(told, policy(), "BTC/USDT:USDT", Decimal("0.5"), at(5))
    assert "differ" not in message.body


def test_a_drill_names_what_is_guarded_when_the_symbol_is_not():
    with pytest.raises(NoSuchAlert, match=r"no position of ETH/USDT:USDT is guarded; there are: BTC/USDT:USDT"):
        drill(memory(position("100")), policy(), "ETH/USDT:USDT", Decimal("0.08"), at(5))
    with pytest.raises(NoSuchAlert, match=r"there are: none"):
        drill(Memory(), policy(), "ETH/USDT:USDT", Decimal("0.08"), at(5))


@pytest.mark.parametrize(
    ("changes", "symbol", "cushion"),
    [
        ({}, "BTC/USDT:USDT", "1.5"),  # better than it ever was
        ({"isolated_margin": Decimal(1001)}, "BTC/USDT:USDT", "0.08"),  # fully covered: no price liquidates it
    ],
)
def test_a_drill_is_refused_when_no_position_can_get_there(changes, symbol, cushion):
    with pytest.raises(NoSuchAlert, match=r"can have a cushion"):
        drill(memory(position("100", **changes)), policy(), symbol, Decimal(cushion), at(5))
