"""Channels that refuse, hang, drip, flap or are down, on the real program: no other waits for them, and nothing is lost."""

import pytest

from tests.e2e.expectations import between
from tests.e2e.stage import RULES, Held, Stage
from tests.e2e.timeline import Timeline
from tests.receiver import ACCEPT, Drip, Hang, Status

pytestmark = pytest.mark.timeout(180)

HANGING = tuple(f"hanging{number}" for number in range(1, 13))
# As in test_acceptance: at 95,000 the warning line is past, at 92,000 the emergency line, at 98,000 all is well.
BTC = Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000")
STORY = ((0.5, "95000", "WARNING"), (5.0, "92000", "EMERGENCY"), (10.0, "98000", "All clear"))


def test_a_healthy_channel_is_on_time_and_a_flapping_one_misses_nothing_while_twelve_hang_and_one_drips(tmp_path):
    """How long the healthy one waits to the millisecond is measured by ``make bench``: at most 100 ms."""
    with Stage(tmp_path, channels=("phone", "flapping", "dripping", *HANGING)) as stage:
        stage.account("main", "binance", BTC)
        line = Timeline(stage)
        line.at(0).channel("dripping", Drip())
        for name in HANGING:
            line.at(0).channel(name, Hang())
        # every first try fails, and the next one a second later does not
        line.do(0, "flapping", lambda: stage.phones["flapping"].then(*[Status(500), ACCEPT] * len(STORY)))
        for seconds, mark, words in STORY:
            line.at(seconds).price("main", "BTCUSDT", mark)
            line.expect("phone", f"{words}: BTC/USDT long", between(seconds, seconds + 0.5))
            line.expect("flapping", f"{words}: BTC/USDT long", between(seconds, seconds + 2.5))
        line.run()


def test_one_summary_follows_and_nothing_else_is_repeated_when_a_channel_was_down_while_much_happened(tmp_path):
    """An hour of repeats in some seconds: eight positions fall, repeat each second, and four of them rise again."""
    coins = {"BTCUSDT": ("100000", "0.1"), "ETHUSDT": ("4000", "2.5"), "ATOMUSDT": ("4", "2500"), "DOGEUSDT": ("0.25", "40000")}
    everyone = "channels: [phone, mail]"
    levels = f"warning: {{{everyone}}}, critical: {{{everyone}}}, emergency: {{{everyone}, repeat: [1s for 5s, never]}}"
    with Stage(tmp_path, channels=("phone", "mail"), rules=RULES, levels=levels) as stage:
        for account in ("bad", "good"):
            held = [Held(name, entry=entry, quantity=quantity, margin="1000") for name, (entry, quantity) in coins.items()]
            stage.account(account, "binance", *held)

        def all_move(account: str, percent: int) -> None:
            for name, (entry, _) in coins.items():
                stage.price(account, name, f"{float(entry) * percent / 100:.6f}")

        def titles(channel: str, account: str) -> list[str]:
            return [one.title for one in stage.arrivals if one.channel == channel and f"on {account} (" in one.body]

        stage.start()
        assert stage.wait_for(lambda: sum("guarding" in one.title for one in stage.arrivals) == 2, 60)
        stage.phones["mail"].usually = Status(503)
        all_move("bad", 92)
        all_move("good", 92)
        assert stage.wait_for(lambda: len(titles("phone", "bad")) >= 8 and len(titles("phone", "good")) >= 8, 60)
        all_move("good", 98)
        assert stage.wait_for(lambda: sum("All clear" in title for title in titles("phone", "good")) == 4, 60)
        # each emergency is at most 5 s old when it repeats for the last time
        stage.wait_for(lambda: False, 6)
        stage.phones["mail"].usually = ACCEPT
        first = len(stage.arrivals)
        assert stage.wait_for(lambda: any("mail could not take" in one.title for one in stage.arrivals[first:]), 60)
        assert stage.wait_for(lambda: sum("EMERGENCY" in title for title in titles("mail", "bad")) == 4, 60)
        stage.wait_for(lambda: False, 2)
        came = [one for one in stage.arrivals[first:] if one.channel == "mail"]
    (summary,) = [one for one in came if "mail could not take" in one.title]
    alone = [one for one in came if one is not summary]
    # one of the good ones may have been the message that found the channel open
    assert 4 <= len(alone) <= 5, [one.title for one in alone]
    assert len({one.body.split(" on ")[0] + one.title for one in alone}) == len(alone)
    assert summary.body.count("All clear") >= 3
