"""What the program promises, played on the real program against exchanges that move and fail; all timelines at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from monitor.practice import FaultKind
from tests.e2e.expectations import between
from tests.e2e.stage import Held, Stage
from tests.e2e.timeline import Timeline
from tests.receiver import Hang, Status

# Binance, 0.1 BTC long at 100,000 with 1,000 of margin, tier 0.4 %: headroom at entry 960. The cushion at a mark m is
# (1000 - 0.1 * (100000 - m) - 0.0004 * m) / 960: 98,000: 79 %; 95,000: 48 %; 94,000: 38 %; 92,000: 17 %.
# The exchange takes it over at 9000 / 0.0996 = 90,361.4.
BTC = Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000")
# OKX: the same size and margin, with the fee of 0.05 % in the requirement: about 16 % at 92,000.
OKX_BTC = Held("BTC-USDT-SWAP", entry="100000", quantity="10", margin="1000")
pytestmark = pytest.mark.timeout(180)  # a test may wait for those before it

Script = Callable[[Stage], Timeline]
TIMELINES: dict[Script, tuple[str, ...]] = {}
"""Each timeline with its channels."""


def timeline(*channels: str) -> Callable[[Script], Script]:
    def enter(script: Script) -> Script:
        TIMELINES[script] = channels
        return script

    return enter


@timeline("phone")
def an_alert_is_told_first_then_worse_then_over(stage):
    stage.account("main", "binance", BTC)
    line = Timeline(stage)
    line.at(0.5).price("main", "BTCUSDT", "95000")
    line.expect("phone", ("WARNING: BTC/USDT long cushion 48 %", "on main (Binance)"), between(0.5, 1))
    line.at(3).price("main", "BTCUSDT", "92000")
    line.expect("phone", ("EMERGENCY: BTC/USDT long cushion 17 %", "worse, now emergency"), between(3, 3.5))
    line.at(5.5).price("main", "BTCUSDT", "98000")
    line.expect("phone", ("All clear: BTC/USDT long cushion 79 %", "is over after"), between(5.5, 6))
    return line


@timeline("phone", "mail", "pager")
def a_channel_that_fails_delays_no_other_and_gets_its_message_later(stage):
    stage.account("main", "binance", BTC)
    line = Timeline(stage)
    line.at(0).channel("mail", Status(500)).channel("pager", Hang())
    line.at(0.5).price("main", "BTCUSDT", "92000")
    line.expect("phone", "EMERGENCY: BTC/USDT long", between(0.5, 1))
    line.at(2).channel("mail")
    # tried at about 0.7, 1.7 and 3.7 s: 1 and 2 s between them, 20 % more or less
    line.expect("mail", "EMERGENCY: BTC/USDT long", between(2, 4.5))
    return line


@timeline("phone")
def a_cold_start_past_a_line_tells_it_once(stage):
    stage.account("main", "binance", BTC, marks={"BTCUSDT": "92000"})
    line = Timeline(stage, opening=())
    line.at(0).start()
    line.expect("phone", "EMERGENCY: BTC/USDT long cushion 17 %", between(0, 0))
    line.expect("phone", ("guarding 1 position on 1 account", "Worst: BTC/USDT long on main: cushion 17 %"), between(0, 0))
    return line


@timeline("phone")
def an_alert_goes_on_where_it_was_after_kill_9(stage):
    stage.account("main", "binance", BTC)
    line = Timeline(stage)
    line.at(0.5).price("main", "BTCUSDT", "95000")
    line.expect("phone", "WARNING: BTC/USDT long", between(0.5, 1))
    line.at(3).kill().start()
    line.expect("phone", "guarding 1 position on 1 account", between(3, 3))
    line.at(4).price("main", "BTCUSDT", "92000")
    line.expect("phone", ("EMERGENCY: BTC/USDT long", "worse, now emergency"), between(4, 4.5))
    return line


@timeline("phone")
def an_exchange_that_hangs_delays_no_other(stage):
    stage.account("ill", "binance", BTC)
    stage.account("well", "okx", OKX_BTC)
    line = Timeline(stage)
    line.at(0.5).fault("ill", FaultKind.HANG)
    line.expect("phone", ("BLIND: cannot read ill (Binance USD-M)", "no answer yet"), between(0.5, 3.8))
    line.at(1).price("well", "BTC-USDT-SWAP", "92000")
    line.expect("phone", ("EMERGENCY: BTC/USDT long", "on well (OKX)"), between(1, 1.5))
    line.at(6).lift("ill")
    line.expect("phone", "Reading again: ill (Binance USD-M)", between(6, 6.5))
    return line


@timeline("phone")
def start_and_stop_are_told(stage):
    stage.account("main", "binance", BTC)
    line = Timeline(stage)
    line.at(0.5).stop()
    line.expect("phone", ("margincall stopped: your guard is off", "1 open position is not watched any more"), between(0.5, 0.5))
    return line


@pytest.fixture(scope="module")
def playing(tmp_path_factory) -> Iterator[dict[Script, "Future[None]"]]:
    def play(script: Script, folder: Path) -> None:
        with Stage(folder, channels=TIMELINES[script]) as stage:
            script(stage).run()

    folders = {script: tmp_path_factory.mktemp(script.__name__) for script in TIMELINES}
    with ThreadPoolExecutor(len(TIMELINES)) as pool:
        yield {script: pool.submit(play, script, folder) for script, folder in folders.items()}


@pytest.mark.parametrize("script", TIMELINES, ids=lambda script: script.__name__)
def test_the_program_does_as_promised_when_played(playing, script):
    playing[script].result()
