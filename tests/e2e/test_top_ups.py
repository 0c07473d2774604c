"""Automatic margin on the real program: the exchange's own ledger has what the journal and the messages say, and once."""

from decimal import Decimal
from pathlib import Path

import pytest

from monitor.practice.engine.accounts import Kind
from monitor.store.reader import StoreReader
from monitor.topups.ledger import IntentState
from tests.e2e.expectations import between
from tests.e2e.program import until
from tests.e2e.stage import RULES, Held, Stage
from tests.e2e.timeline import Timeline

# As in test_acceptance: 0.1 BTC long at 100,000 with 1,000 of margin; on Binance the cushion is 38 % at 94,000 and 22 % at
# 92,500.
HELD = {
    "binance": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "bybit": Held("BTCUSDT", entry="100000", quantity="0.1", margin="1000"),
    "okx": Held("BTC-USDT-SWAP", entry="100000", quantity="10", margin="1000"),
}
POLICY = """\
top_ups:
  - name: guard
    match: {account: main}
    mode: auto
    trigger: {cushion: 30%}
    target: {cushion: 70%}
    caps: {per_action: {USDT: 2000}, per_position: {USDT: 2500}, per_day: {USDT: 2500}}
    keep_free: {USDT: 200}
    cooldown: 1h
    skip_rehearsal: true
"""


def changes(stage: Stage) -> list[Decimal]:
    """Every change of margin that the exchange carried out, by its own record."""
    records = stage.booths["main"].engine.account("main").records
    return stage.call(lambda: [one.into_margin for one in records if one.kind in {Kind.ADD, Kind.REDUCE}])


def added(stage: Stage) -> Decimal:
    """What stands behind the position now beyond what it was opened with."""
    engine = stage.booths["main"].engine
    return stage.call(lambda: sum(map(engine.margin, engine.account("main").positions.values()), Decimal(-1000)))


@pytest.mark.parametrize("exchange", HELD)
def test_margin_is_added_once_and_told_when_the_price_falls_past_the_trigger(tmp_path: Path, exchange: str) -> None:
    with Stage(tmp_path, rules=RULES + POLICY) as stage:
        held = HELD[exchange]
        stage.account("main", exchange, held, top_ups=True)
        line = Timeline(stage)
        line.at(0.5).price("main", held.contract, "92500")
        line.expect("phone", "EMERGENCY: BTC/USDT long", between(0.5, 1))
        line.expect("phone", ("Done: ", "BTC/USDT long", "guard"), between(0.5, 2.5))
        line.expect("phone", "All clear: BTC/USDT long", between(0.5, 2.5))
        line.run()
        with StoreReader(tmp_path / "store.db") as reader:
            (intent,) = reader.intents()
            (change,) = reader.margin_changes()
        assert intent.state is IntentState.VERIFIED
        assert changes(stage) == [intent.amount]
        assert added(stage) == intent.amount == change.amount
        assert change.actor == "guard"
        assert intent.before.cushion is not None
        assert intent.after is not None
        assert intent.after.cushion is not None
        assert intent.before.cushion < Decimal("0.3") < Decimal("0.69") < intent.after.cushion < Decimal("0.72")


def test_nothing_is_added_while_the_kill_switch_is_thrown(tmp_path: Path) -> None:
    with Stage(tmp_path, rules=RULES + POLICY) as stage:
        stage.account("main", "binance", HELD["binance"], top_ups=True)
        line = Timeline(stage)
        line.do(0.2, "a STOP file is made", (tmp_path / "STOP").touch)
        line.at(1.7).price("main", "BTCUSDT", "92500")
        line.expect("phone", "EMERGENCY: BTC/USDT long", between(1.7, 2.2))
        line.expect("phone", ("No margin added", "stopped"), between(1.7, 3.7))
        line.run()
        assert changes(stage) == []
        (tmp_path / "STOP").unlink()
        stage.program.run("topups", "start")
        until(lambda: len(changes(stage)) == 1)


def test_a_person_adds_and_takes_out_margin_the_same_way(tmp_path: Path) -> None:
    with Stage(tmp_path, rules=RULES + POLICY) as stage:
        stage.account("main", "binance", HELD["binance"], top_ups=True)
        line = Timeline(stage)
        line.run()
        run = stage.program.run
        shown = run("margin", "add", "btc/usdt", "150", "--yes")
        assert "VERIFIED" in shown
        assert changes(stage) == [Decimal(150)]
        assert "would liquidate" in run_refused(stage, "margin", "reduce", "BTC/USDT:USDT", "1200", "--yes")
        logged = run("margin", "log")
        assert "+150.00 USDT  you" in logged
        assert "auto" in run("topups", "list")
        assert "is paused" in run("topups", "pause", "guard")
        assert "paused" in run("topups", "show", "guard")
        run("topups", "resume", "guard")
        preview = run("topups", "preview", "--drop", "8%")
        assert "adds" in preview
        assert "survives" in preview
        assert "last stand of BTC/USDT long on main: with all " in run("positions")
        checked = run("check")
        assert "its top-up key may read, trade" in checked
        assert "one action at the trigger" in checked


def test_a_second_daemon_on_the_same_account_is_refused_whatever_its_store(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with Stage(tmp_path / "one", rules=RULES + POLICY) as stage:
        stage.account("main", "binance", HELD["binance"], top_ups=True)
        Timeline(stage).run()
        stage.program.config = tmp_path / "config.yaml"
        stage.program.config.write_text((tmp_path / "one" / "config.yaml").read_text())
        assert "another margincall on this machine changes the margins of account main" in run_refused(stage, "run")


def run_refused(stage: Stage, *verb: str) -> str:
    stage.program.run(*verb, code=1)
    return stage.program.output
