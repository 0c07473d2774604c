from decimal import Decimal

from monitor.alerts.model import NotifyReason
from monitor.decide import decide
from monitor.digest import digest
from monitor.margin.position import Side
from monitor.margin.reading import Unguarded
from monitor.memory import Memory
from monitor.requests import acknowledge
from tests.builders import COINM, at, failure, policy, position, snapshot


def test_a_calm_day_is_told_as_calm():
    memory = decide(snapshot(position("100"), when=at(0)), Memory(), policy(), at(0)).memory
    (message,) = digest(memory, policy(), at(5), ["chat"])
    assert (message.why, message.channels) == (NotifyReason.DIGEST, ("chat",))
    assert message.title == "Daily: 1 position, all calm"
    assert "BTC/USDT long on main: cushion 100 %, liquidation 9.0 % away" in message.body


def test_a_bad_day_names_what_is_open_blind_and_not_guarded():
    cross = (Unguarded(symbol="ETH/USDT:USDT", side=Side.SHORT, mode="cross"),)
    rich = position("100", symbol="SOL/USDT:USDT", isolated_margin=Decimal(1001))
    memory = decide(snapshot(position("93"), rich, unguarded=cross), Memory(), policy(), at(0)).memory
    memory = decide(failure(at(5), family=COINM), memory, policy(), at(5)).memory
    memory = acknowledge(memory, (), at(6)).memory
    (message,) = digest(memory, policy(), at(60), [])
    assert message.title == "Daily: 2 positions, 1 open, 1 blind"
    for words in (
        "NOT guarded: 1 cross",
        "Cannot read main coinm: no reply within 5 s",
        "Open: emergency cushion BTC/USDT long, for 60 s, acknowledged",
        "SOL/USDT long on main: no liquidation price",
    ):
        assert words in message.body
    assert message.body.index("BTC/USDT long on main") < message.body.index("SOL/USDT long on main")


def test_many_positions_are_cut_to_the_worst():
    many = [position("100", symbol=f"C{number}/USDT:USDT", isolated_margin=Decimal(100 + number)) for number in range(14)]
    memory = decide(snapshot(*many), Memory(), policy(), at(0)).memory
    (message,) = digest(memory, policy(), at(1), [])
    assert "and 4 more, calmer" in message.body
