from dataclasses import replace
from decimal import Decimal

from monitor.alerts.model import NotifyReason
from monitor.decide import decide
from monitor.digest import digest
from monitor.margin.position import Side
from monitor.margin.reading import Unguarded
from monitor.memory import ChannelMemory, Memory
from monitor.requests import acknowledge
from monitor.topups.ledger import IntentState
from monitor.topups.state import Circuit, TopUpMemory
from tests.builders import COINM, at, failure, key, policy, position, snapshot
from tests.topups.planning import TOP_UPS, intent
from tests.topups.planning import policy as guard_policy


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


def test_what_automatic_margin_did_and_what_holds_it_back_is_told():
    who = key()
    books = TopUpMemory(
        intents={
            one.id: one
            for one in (
                intent(1, amount="10.5"),
                intent(2, amount="20", state=IntentState.UNKNOWN, ago=60),
                intent(3, amount="40", ago=90_000),
                intent(4, amount="80", policy=""),
                intent(5, amount="160", state=IntentState.REJECTED),
            )
        },
        stopped_at=at(0),
        paused={"btc_guard": at(0), "gone": at(0)},
        circuits={who: Circuit(key=who, opened_at=at(0), reason="two unknown in a row")},
    )
    rules = replace(policy(), top_ups=replace(TOP_UPS, policies=(guard_policy(),)))
    (message,) = digest(Memory(top_ups=books), rules, at(0), [])
    told = message.body.splitlines()
    assert told[1:-1] == [
        "Every channel works.",
        "Automatic margin: 30.5 USDT in 24 hours.",
        "Automatic margin: the outcome of 1 is NOT known.",
        "Automatic margin is STOPPED: nothing is added until `margincall topups start`.",
        "Policy btc_guard is paused.",
        "BTC/USDT long on main: automatic margin is OFF, two unknown in a row.",
    ]
    (calm,) = digest(Memory(), rules, at(0), [])
    assert "Automatic margin: nothing in 24 hours." in calm.body
    assert "Automatic margin" not in digest(Memory(), policy(), at(0), [])[0].body


def test_a_channel_that_broke_is_named_in_the_digest_of_the_others():
    memory = decide(ChannelMemory(name="chat", broken_since=at(0), error="no such chat"), Memory(), policy(), at(0)).memory
    assert "Channel chat is BROKEN: no such chat" in digest(memory, policy(), at(1), ["phone"])[0].body


def test_verdict_of_the_daily_check_is_told_where_there_is_one():
    (with_it,) = digest(Memory(), policy(), at(0), [], verdict="Daily check: all well.")
    assert "Daily check: all well." in with_it.body.splitlines()
    (without,) = digest(Memory(), policy(), at(0), [])
    assert "check" not in without.body
